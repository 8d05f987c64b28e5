"""One self-contained page about the matrix."""

from myoassist.config.figures import CAPTIONS
from myoassist.config.report import ReportEvaluation, ReportFigure, ReportRun, ReportSettings


def local(path):
    """Express a path relative to the results folder of the matrix."""
    return str(path).removeprefix(f"{RESULTS}/")


def pictures(paths):
    """Describe the png files among some paths."""
    return [ReportFigure(name=Path(path).stem, path=local(path)) for path in paths if path.endswith(".png")]


def report_evaluation(run, steps, scenario):
    """Describe the files of one evaluation."""
    folder = local(EVALUATION.format(run=run.id, steps=steps, scenario=scenario))
    return ReportEvaluation(
        steps=steps,
        scenario=scenario,
        rollouts=f"{folder}/rollouts.h5",
        metrics=f"{folder}/metrics.json",
        spatiotemporal=f"{folder}/spatiotemporal.csv",
        video=f"{folder}/replay.mp4",
        figures=pictures(run_figures(run, steps, scenario)),
    )


def jobs_of(run):
    """Yield a label and the common path of log and benchmark for each job behind a run."""
    here = run.experiment
    yield "build", f"build/{here.model_key}"
    yield "preprocess", f"preprocess/{here.reference_key}"
    yield "retarget", f"retarget/{here.retarget_key}"
    yield "validate", f"validate/{run.id}"
    for steps in run.segments:
        yield f"train to {steps}", f"train/{run.id}/{steps}"
    for steps, scenario in evaluations(run):
        for stage in ("evaluate", "replay", "analyze", "run_figures"):
            label = "figures" if stage == "run_figures" else stage
            yield f"{label} {scenario} at {steps}", f"{stage}/{run.id}/{steps}/{scenario}"


def report_run(run):
    """Describe the files of one run."""
    here = run.experiment
    return ReportRun(
        id=run.id,
        experiment=run.name,
        seed=run.seed,
        description=here.description,
        differences=PLAN.differences(run),
        configuration=here.plain(),
        model_manifest=f"models/{here.model_key}/manifest.json",
        validation=f"runs/{run.id}/validation.json",
        train_logs=[local(train_log(run, steps)) for steps in run.segments],
        evaluations=[report_evaluation(run, steps, scenario) for steps, scenario in evaluations(run)],
        figures=[
            ReportFigure(name="preprocess_qc", path=f"reference/{here.reference_key}/qc.png"),
            ReportFigure(name="retarget_qc", path=f"retargeted/{here.retarget_key}/qc.png"),
            ReportFigure(name="validation", path=f"runs/{run.id}/validation.png"),
        ],
        benchmarks={label: local(f"{BENCHMARKS}/{path}.tsv") for label, path in jobs_of(run)},
        logs={label: local(f"{LOGS}/{path}.log") for label, path in jobs_of(run)},
    )


def report_settings(wildcards=None):
    """Describe the whole report."""
    return ReportSettings(
        title=PLAN.matrix.title or PLAN.name.replace("_", " "),
        description=PLAN.matrix.description,
        runs=[report_run(run) for run in RUNS.values()],
        figures=pictures(MATRIX_FIGURES),
    )


def report_files(run):
    """Return everything of one run that the report shows or reads."""
    here = report_run(run)
    paths = [here.model_manifest, here.validation, *here.train_logs]
    paths += [figure.path for figure in here.figures]
    for entry in here.evaluations:
        paths += [entry.rollouts, entry.metrics, entry.spatiotemporal, entry.video]
        paths += [figure.path for figure in entry.figures]
        paths.append(f"{local(EVALUATION)}/figures/{CAPTIONS}".format(run=run.id, **entry.model_dump()))
    return [f"{RESULTS}/{path}" for path in paths]


rule report:
    input:
        unique(report_files(run) for run in RUNS.values()),
        rules.figures.output,
        captions=sorted(str(path) for path in Path(workflow.basedir, "report").glob("*.rst")),
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{BENCHMARKS}/report.tsv"
    params:
        settings=settings(report_settings),
        code=code("report"),
    shell:
        "myoassist report --settings {params.settings:q} --root {RESULTS:q} --output {output:q} 2> {log:q}"
