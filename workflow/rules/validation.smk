"""Is an environment fit to be trained on? Training checks the same and refuses; this shows the report early."""


rule validate:
    input:
        unpack(body),
    output:
        checks=f"{RUN}/validation.json",
        figure=f"{RUN}/validation.png",
    log:
        f"{LOGS}/validate/{{run}}.log",
    benchmark:
        f"{BENCHMARKS}/validate/{{run}}.tsv"
    priority: 100
    resources:
        mem_mb=2000,
    params:
        settings=settings(lambda wildcards: experiment(wildcards).validation_stage()),
        code=code("validate"),
    message:
        "check the environment of {wildcards.run}"
    shell:
        "myoassist validate --settings {params.settings:q} --model {input.model:q}"
        " --manifest {input.manifest:q} --reference {input.reference:q}"
        " --output {output.checks:q} --figure {output.figure:q} 2> {log:q}"
