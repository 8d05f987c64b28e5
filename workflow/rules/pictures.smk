"""Pictures of the reference, as it was made and as it was fitted to a body. They change nothing below them."""


rule preprocess_figure:
    input:
        reference=rules.preprocess.output.reference,
    output:
        figure=f"{RESULTS}/reference/{{source}}/qc.png",
    log:
        f"{LOGS}/preprocess_figure/{{source}}.log",
    benchmark:
        f"{BENCHMARKS}/preprocess_figure/{{source}}.tsv"
    params:
        code=code("preprocess_figure"),
    message:
        "draw reference {wildcards.source}"
    shell:
        "myoassist preprocess-figure --reference {input.reference:q}"
        " --figure {output.figure:q} 2> {log:q}"


rule retarget_figure:
    input:
        reference=rules.retarget.output.reference,
        manifest=lambda wildcards: f"{RESULTS}/models/{BY_FIT[wildcards.fit].model_key}/manifest.json",
    output:
        figure=f"{RESULTS}/retargeted/{{fit}}/qc.png",
    log:
        f"{LOGS}/retarget_figure/{{fit}}.log",
    benchmark:
        f"{BENCHMARKS}/retarget_figure/{{fit}}.tsv"
    params:
        code=code("retarget_figure"),
    message:
        "draw reference {wildcards.fit} as fitted to the body"
    shell:
        "myoassist retarget-figure --reference {input.reference:q}"
        " --manifest {input.manifest:q} --figure {output.figure:q} 2> {log:q}"
