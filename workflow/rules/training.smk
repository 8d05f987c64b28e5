"""Training as a chain of segments: each starts from the checkpoint of the one before."""


def segment(wildcards):
    """Return the settings of the segment that ends at a number of steps."""
    segments = RUNS[wildcards.run].segments
    if int(wildcards.steps) not in segments:
        ends = ", ".join(map(str, segments))
        raise WorkflowError(f"run {wildcards.run} has no checkpoint at {wildcards.steps} steps, only at {ends}")
    return segments[int(wildcards.steps)]


def previous_checkpoint(wildcards):
    """Return the checkpoint that a segment starts from, or nothing for the first."""
    start = segment(wildcards).start_steps
    return checkpoint(RUNS[wildcards.run], start) if start else []


rule train:
    input:
        unpack(body),
        previous=previous_checkpoint,
    output:
        checkpoint=f"{RUN}/trained_models/model_{{steps}}.zip",
        log=f"{RUN}/trained_models/train_log_{{steps}}.json",
    log:
        f"{LOGS}/train/{{run}}/{{steps}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{run}}/{{steps}}.tsv"
    params:
        settings=settings(segment),
        code=code("train"),
        previous=lambda wildcards, input: (
            f"--previous {shlex.quote(input.previous)}" if input.previous else ""
        ),
    threads: 2
    resources:
        mem_mb=2000,
    shell:
        "myoassist train --settings {params.settings:q} --model {input.model:q}"
        " --manifest {input.manifest:q} --reference {input.reference:q} {params.previous}"
        " --output {output.checkpoint:q} --log {output.log:q} 2> {log:q}"
