"""From recorded motion to the reference that a body can follow."""


rule preprocess:
    input:
        source=lambda wildcards: BY_REFERENCE[wildcards.source].reference.source,
    output:
        reference=f"{RESULTS}/reference/{{source}}/reference.h5",
    log:
        f"{LOGS}/preprocess/{{source}}.log",
    benchmark:
        f"{BENCHMARKS}/preprocess/{{source}}.tsv"
    params:
        settings=settings(lambda wildcards: BY_REFERENCE[wildcards.source].reference),
        content=content(
            lambda wildcards: BY_REFERENCE[wildcards.source].reference.source
        ),
        code=code("preprocess"),
    message:
        "make reference {wildcards.source} from {input.source}"
    shell:
        "myoassist preprocess --settings {params.settings:q} --source {input.source:q}"
        " --output {output.reference:q} 2> {log:q}"


rule retarget:
    input:
        reference=lambda wildcards: f"{RESULTS}/reference/{BY_FIT[wildcards.fit].reference_key}/reference.h5",
        model=lambda wildcards: f"{RESULTS}/models/{BY_FIT[wildcards.fit].model_key}/model.mjb",
        manifest=lambda wildcards: f"{RESULTS}/models/{BY_FIT[wildcards.fit].model_key}/manifest.json",
    output:
        reference=f"{RESULTS}/retargeted/{{fit}}/reference.h5",
    log:
        f"{LOGS}/retarget/{{fit}}.log",
    benchmark:
        f"{BENCHMARKS}/retarget/{{fit}}.tsv"
    params:
        settings=settings(lambda wildcards: BY_FIT[wildcards.fit].retarget),
        code=code("retarget"),
    message:
        "fit reference {wildcards.fit} to the body"
    shell:
        "myoassist retarget --settings {params.settings:q} --reference {input.reference:q}"
        " --model {input.model:q} --manifest {input.manifest:q}"
        " --output {output.reference:q} 2> {log:q}"
