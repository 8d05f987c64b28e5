"""Body, device and ground as one compiled model."""


rule build:
    output:
        model=f"{RESULTS}/models/{{model}}/model.mjb",
        manifest=f"{RESULTS}/models/{{model}}/manifest.json",
    log:
        f"{LOGS}/build/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/build/{{model}}.tsv"
    params:
        settings=settings(lambda wildcards: BY_MODEL[wildcards.model].model),
        code=code("build"),
    message:
        "compile model {wildcards.model}"
    shell:
        "myoassist build --settings {params.settings:q}"
        " --model {output.model:q} --manifest {output.manifest:q} 2> {log:q}"
