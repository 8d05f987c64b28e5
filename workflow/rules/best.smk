"""The best of a run's checkpoints. Which one that is may change with every segment that is added."""


rule best:
    # The checkpoints are no inputs: each is made together with its log, and old ones may have been thinned out.
    input:
        logs=lambda wildcards: [
            train_log(RUNS[wildcards.run], steps)
            for steps in RUNS[wildcards.run].segments
        ],
    output:
        checkpoint=f"{RUN}/trained_models/model_best.zip",
        choice=f"{RUN}/trained_models/best.json",
    log:
        f"{LOGS}/best/{{run}}.log",
    benchmark:
        f"{BENCHMARKS}/best/{{run}}.tsv"
    params:
        settings=settings(lambda wildcards: experiment(wildcards).evaluation.best),
        code=code("best"),
    message:
        "choose the best checkpoint of {wildcards.run}"
    shell:
        "myoassist best --settings {params.settings:q} --logs {input.logs:q}"
        " --checkpoint {output.checkpoint:q} --choice {output.choice:q} 2> {log:q}"
