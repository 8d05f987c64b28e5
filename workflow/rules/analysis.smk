"""From rollouts to gait cycles, numbers and figures."""

from myoassist.config.figures import RunFiles, matrix_figure_names, run_figure_names
from myoassist.config.matrix import MatrixFigures


rule analyze:
    input:
        rollouts=rules.evaluate.output.rollouts,
        reference=fitted_reference,
        norm=NORM,
    output:
        metrics=f"{EVALUATION}/metrics.json",
        cycles=f"{EVALUATION}/cycles.parquet",
        spatiotemporal=f"{EVALUATION}/spatiotemporal.csv",
    log:
        f"{LOGS}/analyze/{{run}}/{{steps}}/{{scenario}}.log",
    benchmark:
        f"{BENCHMARKS}/analyze/{{run}}/{{steps}}/{{scenario}}.tsv"
    params:
        settings=settings(lambda wildcards: experiment(wildcards).analysis),
        code=code("analyze"),
    shell:
        "myoassist analyze --settings {params.settings:q} --rollouts {input.rollouts:q}"
        " --reference {input.reference:q} --norm {input.norm:q} --metrics {output.metrics:q}"
        " --cycles {output.cycles:q} --spatiotemporal {output.spatiotemporal:q} 2> {log:q}"


def run_figures(run, steps, scenario):
    """Return the files that are drawn of one evaluation."""
    folder = EVALUATION.format(run=run.id, steps=steps, scenario=scenario)
    return [f"{folder}/figures/{name}" for name in run_figure_names(run.experiment.figures)]


def choices_of_figures():
    """Group the runs by the figures that are drawn of them: a rule's outputs cannot depend on its wildcards."""
    groups = {}
    for run in RUNS.values():
        groups.setdefault(run_figure_names(run.experiment.figures), []).append(run.id)
    return list(groups.items())


for number, (names, members) in enumerate(choices_of_figures(), start=1):

    rule:
        name:
            "run_figures" if number == 1 else f"run_figures_{number}"
        input:
            **{key: str(path) for key, path in rules.analyze.output.items()},
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
        params:
            settings=settings(lambda wildcards: experiment(wildcards).figures),
            code=code("figures"),
            folder=lambda wildcards, output: str(Path(output[0]).parent),
        shell:
            "myoassist figures --settings {params.settings:q} --rollouts {input.rollouts:q}"
            " --cycles {input.cycles:q} --metrics {input.metrics:q}"
            " --spatiotemporal {input.spatiotemporal:q} --reference {input.reference:q}"
            " --norm {input.norm:q} --output-dir {params.folder:q} 2> {log:q}"


def matrix_figures():
    """Return what the figures across runs depend on; their style is that of the first run."""
    first = next(iter(RUNS.values()))
    runs = [
        RunFiles(
            run=run.id,
            experiment=run.name,
            seed=run.seed,
            train_logs=[train_log(run, steps) for steps in run.segments],
            metrics={
                scenario: EVALUATION.format(run=run.id, steps=run.checkpoints[-1], scenario=scenario)
                + "/metrics.json"
                for scenario in run.scenarios
            },
        )
        for run in RUNS.values()
    ]
    return MatrixFigures(figures=first.experiment.figures, runs=runs)


MATRIX_FIGURES = [f"{RESULTS}/figures/{name}" for name in matrix_figure_names(matrix_figures().figures)]


rule figures:
    input:
        [path for files in matrix_figures().runs for path in map(str, files.train_logs)],
        [path for files in matrix_figures().runs for path in map(str, files.metrics.values())],
        runs=[
            path
            for run in RUNS.values()
            for steps, scenario in evaluations(run)
            for path in run_figures(run, steps, scenario)
        ],
    output:
        MATRIX_FIGURES,
    log:
        f"{LOGS}/figures.log",
    benchmark:
        f"{BENCHMARKS}/figures.tsv"
    params:
        settings=settings(lambda wildcards: matrix_figures()),
        code=code("figures"),
        folder=f"{RESULTS}/figures",
    shell:
        "myoassist matrix figures --settings {params.settings:q} --output-dir {params.folder:q} 2> {log:q}"
