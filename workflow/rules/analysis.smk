"""From rollouts to gait cycles, numbers and figures."""

from myoassist.config.analysis import table_files


rule analyze:
    input:
        rollouts=rules.evaluate.output.rollouts,
        reference=fitted_reference,
        norm=NORM,
    output:
        metrics=f"{EVALUATION}/metrics.json",
        cycles=f"{EVALUATION}/cycles.parquet",
        spatiotemporal=f"{EVALUATION}/spatiotemporal.csv",
        tables=expand(f"{EVALUATION}/{{name}}", name=table_files(), allow_missing=True),
    log:
        f"{LOGS}/analyze/{{run}}/{{steps}}/{{scenario}}.log",
    benchmark:
        f"{BENCHMARKS}/analyze/{{run}}/{{steps}}/{{scenario}}.tsv"
    group:
        "evaluation"
    params:
        settings=settings(lambda wildcards: experiment(wildcards).analysis),
        content=content(lambda wildcards: NORM),
        code=code("analyze"),
        unless_made=unless_made("analyze"),
        tables=lambda wildcards, output: os.path.dirname(output.metrics),
    message:
        "analyze {wildcards.run} at {wildcards.steps} steps: {wildcards.scenario}"
    shell:
        "myoassist analyze --settings {params.settings:q} --rollouts {input.rollouts:q}"
        " --reference {input.reference:q} --norm {input.norm:q} --metrics {output.metrics:q}"
        " --cycles {output.cycles:q} --spatiotemporal {output.spatiotemporal:q} --tables {params.tables:q}"
        " {params.unless_made} 2> {log:q}"


rule contact_sheet:
    input:
        unpack(scenario_model),
        rollouts=rules.evaluate.output.rollouts,
        cycles=rules.analyze.output.cycles,
    output:
        sheet=f"{EVALUATION}/contact_sheet.png",
    log:
        f"{LOGS}/contact_sheet/{{run}}/{{steps}}/{{scenario}}.log",
    benchmark:
        f"{BENCHMARKS}/contact_sheet/{{run}}/{{steps}}/{{scenario}}.tsv"
    group:
        "evaluation"
    params:
        settings=settings(
            lambda wildcards: experiment(wildcards).evaluation.contact_sheet
        ),
        code=code("contact_sheet"),
        unless_made=unless_made("contact_sheet"),
    message:
        "show a gait cycle of {wildcards.run} at {wildcards.steps} steps: {wildcards.scenario}"
    shell:
        "myoassist contact-sheet --settings {params.settings:q} --model {input.model:q}"
        " --manifest {input.manifest:q} --rollouts {input.rollouts:q}"
        " --cycles {input.cycles:q} --sheet {output.sheet:q}"
        " {params.unless_made} 2> {log:q}"


for number, (names, members) in enumerate(choices_of_figures(), start=1):

    rule:
        name:
            "run_figures" if number == 1 else f"run_figures_{number}"
        input:
            metrics=rules.analyze.output.metrics,
            cycles=rules.analyze.output.cycles,
            spatiotemporal=rules.analyze.output.spatiotemporal,
            rollouts=rules.evaluate.output.rollouts,
            reference=fitted_reference,
            norm=NORM,
        output:
            expand(f"{EVALUATION}/figures/{{name}}", name=names, allow_missing=True),
        log:
            f"{LOGS}/run_figures/{{run}}/{{steps}}/{{scenario}}.log",
        benchmark:
            f"{BENCHMARKS}/run_figures/{{run}}/{{steps}}/{{scenario}}.tsv"
        wildcard_constraints:
            run="|".join(members),
        group:
            "evaluation"
        params:
            settings=settings(lambda wildcards: experiment(wildcards).figures),
            content=content(lambda wildcards: NORM),
            code=code("figures"),
            unless_made=unless_made("figures"),
            folder=lambda wildcards, output: os.path.dirname(output[0]),
        message:
            "draw {wildcards.run} at {wildcards.steps} steps: {wildcards.scenario}"
        shell:
            "myoassist figures --settings {params.settings:q} --rollouts {input.rollouts:q}"
            " --cycles {input.cycles:q} --metrics {input.metrics:q}"
            " --spatiotemporal {input.spatiotemporal:q} --reference {input.reference:q}"
            " --norm {input.norm:q} --output-dir {params.folder:q}"
            " {params.unless_made} 2> {log:q}"


rule matrix_tables:
    input:
        studied_files,
    output:
        STUDY_FILES,
    log:
        f"{LOGS}/matrix_tables.log",
    benchmark:
        f"{BENCHMARKS}/matrix_tables.tsv"
    params:
        settings=settings(lambda wildcards: study()),
        code=code("matrix_tables"),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    message:
        "compare the runs"
    shell:
        "myoassist matrix tables --settings {params.settings:q} --output-dir {params.folder:q} 2> {log:q}"


rule matrix_figures:
    input:
        compared_files,
        study=[path for path in STUDY_FILES if path.endswith(".parquet")],
    output:
        MATRIX_FIGURES,
    log:
        f"{LOGS}/matrix_figures.log",
    benchmark:
        f"{BENCHMARKS}/matrix_figures.tsv"
    params:
        settings=settings(lambda wildcards: matrix_figures()),
        code=code("figures"),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    message:
        "draw the figures across runs"
    shell:
        "myoassist matrix figures --settings {params.settings:q} --output-dir {params.folder:q} 2> {log:q}"
