"""Training as a chain of segments: each starts from the checkpoint of the one before."""


rule train:
    input:
        unpack(segment_inputs),
    output:
        checkpoint=f"{RUN}/trained_models/model_{{steps}}.zip",
        log=f"{RUN}/trained_models/train_log_{{steps}}.json",
    log:
        f"{LOGS}/train/{{run}}/{{steps}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{run}}/{{steps}}.tsv"
    wildcard_constraints:
        steps=r"[0-9]+",
    # How many there are changes no byte and makes nothing stale.
    threads: lambda wildcards: experiment(wildcards).training.env_threads or 2
    resources:
        mem_mb=memory,
        runtime=training_minutes,
    params:
        settings=settings(segment),
        content=content(warm_start),
        code=code("train"),
        start=lambda wildcards, input: (
            f"--previous {shlex.quote(input.previous)}"
            if input.previous
            else (
                f"--warm-start {shlex.quote(input.warm_start)}"
                if input.warm_start
                else ""
            )
        ),
    message:
        "train {wildcards.run} to {wildcards.steps} steps"
    shell:
        "myoassist train --settings {params.settings:q} --model {input.model:q}"
        " --manifest {input.manifest:q} --reference {input.reference:q} {params.start}"
        " --output {output.checkpoint:q} --log {output.log:q}"
        " --threads {threads} 2> {log:q}"
