"""Policies that were trained before: their checkpoint and log take the place of a training."""


rule pretrained:
    input:
        checkpoint=lambda wildcards: kept(wildcards).checkpoint,
        log=lambda wildcards: kept(wildcards).train_log,
    output:
        checkpoint=f"{RUN}/trained_models/model_{{steps}}.zip",
        log=f"{RUN}/trained_models/train_log_{{steps}}.json",
    log:
        f"{LOGS}/pretrained/{{run}}/{{steps}}.log",
    benchmark:
        f"{BENCHMARKS}/pretrained/{{run}}/{{steps}}.tsv"
    wildcard_constraints:
        run="|".join(run.id for run in RUNS.values() if run.kept) or "(?!)",
        steps=r"[0-9]+",
    params:
        content=content(
            lambda wildcards: [kept(wildcards).checkpoint, kept(wildcards).train_log]
        ),
        code=code("pretrained"),
    message:
        "take {wildcards.run} from {input.checkpoint}"
    shell:
        "myoassist pretrained --checkpoint {input.checkpoint:q} --log {input.log:q}"
        " --output {output.checkpoint:q} --output-log {output.log:q} 2> {log:q}"


ruleorder: pretrained > train
