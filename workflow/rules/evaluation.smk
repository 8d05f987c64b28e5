"""One checkpoint in one scenario: rollouts, and a film of them."""


rule evaluate:
    input:
        unpack(scenario_body),
        checkpoint=f"{RUN}/trained_models/model_{{steps}}.zip",
    output:
        rollouts=f"{EVALUATION}/rollouts.h5",
    log:
        f"{LOGS}/evaluate/{{run}}/{{steps}}/{{scenario}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate/{{run}}/{{steps}}/{{scenario}}.tsv"
    group:
        "evaluation"
    threads: 2
    resources:
        mem_mb=memory,
        runtime=evaluation_minutes,
    params:
        settings=settings(evaluation_stage),
        code=code("evaluate"),
        unless_made=unless_made("evaluate"),
    message:
        "evaluate {wildcards.run} at {wildcards.steps} steps: {wildcards.scenario}"
    shell:
        "myoassist evaluate --settings {params.settings:q} --model {input.model:q}"
        " --manifest {input.manifest:q} --reference {input.reference:q}"
        " --checkpoint {input.checkpoint:q} --rollouts {output.rollouts:q}"
        " --threads {threads} {params.unless_made} 2> {log:q}"


rule replay:
    input:
        unpack(scenario_model),
        rollouts=rules.evaluate.output.rollouts,
    output:
        video=f"{EVALUATION}/replay.mp4",
    log:
        f"{LOGS}/replay/{{run}}/{{steps}}/{{scenario}}.log",
    benchmark:
        f"{BENCHMARKS}/replay/{{run}}/{{steps}}/{{scenario}}.tsv"
    group:
        "evaluation"
    params:
        settings=settings(
            lambda wildcards: experiment(wildcards).scenario_video(wildcards.scenario)
        ),
        code=code("replay"),
        unless_made=unless_made("replay"),
    message:
        "film {wildcards.run} at {wildcards.steps} steps: {wildcards.scenario}"
    shell:
        "myoassist replay --settings {params.settings:q} --model {input.model:q}"
        " --manifest {input.manifest:q} --rollouts {input.rollouts:q}"
        " --video {output.video:q} {params.unless_made} 2> {log:q}"
