"""Which files belong to what: the lists that figures across runs and the report are made from."""

import functools
import subprocess

from snakemake_interface_executor_plugins.settings import ExecMode

from myoassist.config.figures import (
    CAPTIONS,
    RunFiles,
    matrix_figure_names,
    run_figure_names,
)
from myoassist.config.figures import MatrixFigures
from myoassist.config.study import (
    StudyEvaluation,
    StudyRun,
    StudySettings,
    study_file_names,
)
from myoassist.config.report import (
    ReportEvaluation,
    ReportFigure,
    ReportRun,
    ReportSettings,
)


def run_figures(run, steps, scenario):
    """Return the files that are drawn of one evaluation."""
    folder = EVALUATION.format(run=run.id, steps=steps, scenario=scenario)
    return [
        f"{folder}/figures/{name}" for name in run_figure_names(run.experiment.figures)
    ]


def choices_of_figures():
    """Group the runs by the figures that are drawn of them: a rule's outputs cannot depend on its wildcards."""
    groups = {}
    for run in RUNS.values():
        groups.setdefault(run_figure_names(run.experiment.figures), []).append(run.id)
    return list(groups.items())


def matrix_figures():
    """Return what the figures across runs depend on; their style is that of the first run."""
    runs = [
        RunFiles(
            run=run.id,
            experiment=run.name,
            condition=run.condition,
            seed=run.seed,
            train_logs=[train_log(run, steps) for steps in run.segments],
            metrics={
                scenario: f"{EVALUATION}/metrics.json".format(
                    run=run.id, steps=run.compared, scenario=scenario
                )
                for scenario in run.scenarios
            },
        )
        for run in RUNS.values()
    ]
    return MatrixFigures(figures=FIRST_RUN.experiment.figures, runs=runs, study=STUDY)


def compared_files(wildcards):
    """Return what the figures across runs are drawn from, besides the tables."""
    files = matrix_figures().runs
    return [
        str(path) for run in files for path in (*run.train_logs, *run.metrics.values())
    ]


@functools.cache
def study():
    """Return what the tables across runs depend on."""
    folders = [
        (
            run,
            scenario,
            EVALUATION.format(run=run.id, steps=run.compared, scenario=scenario),
        )
        for run in RUNS.values()
        for scenario in run.scenarios
    ]
    return StudySettings(
        runs=[
            StudyRun(
                run=run.id,
                condition=run.condition,
                seed=run.seed,
                train_logs=[train_log(run, steps) for steps in run.segments],
            )
            for run in RUNS.values()
        ],
        evaluations=[
            StudyEvaluation(
                run=run.id,
                experiment=run.name,
                condition=run.condition,
                seed=run.seed,
                values=run.values,
                scenario=scenario,
                steps=run.compared,
                starts=run.starts(scenario),
                metrics=f"{folder}/metrics.json",
                cycles=f"{folder}/cycles.parquet",
            )
            for run, scenario, folder in folders
        ],
        comparisons=PLAN.matrix.comparisons,
    )


def studied_files(wildcards):
    """Return what the tables across runs are made from."""
    settings = study()
    logs = [str(path) for run in settings.runs for path in run.train_logs]
    tables = [
        str(path)
        for entry in settings.evaluations
        for path in (entry.metrics, entry.cycles)
    ]
    return logs + tables


def all_run_figures(wildcards):
    """Return the figures of all evaluations."""
    return [
        path
        for run in RUNS.values()
        for steps, scenario in evaluations(run)
        for path in run_figures(run, steps, scenario)
    ]


FIRST_RUN = next(iter(RUNS.values()))
MATRIX_FIGURES = [
    f"{RESULTS}/figures/{name}"
    for name in matrix_figure_names(FIRST_RUN.experiment.figures)
]
STUDY = f"{RESULTS}/study"
STUDY_FILES = [f"{STUDY}/{name}" for name in study_file_names()]
# Relative, so that a project that is moved stays up to date.
CAPTION_FILES = sorted(
    os.path.relpath(path) for path in Path(workflow.basedir, "report").glob("*.rst")
)


def local(path):
    """Express a path relative to the results folder of the matrix."""
    return str(path).removeprefix(f"{RESULTS}/")


def pictures(paths):
    """Describe the png files among some paths."""
    return [
        ReportFigure(name=Path(path).stem, path=local(path))
        for path in paths
        if path.endswith(".png")
    ]


def report_evaluation(run, steps, scenario):
    """Describe the files of one evaluation."""
    folder = local(EVALUATION.format(run=run.id, steps=steps, scenario=scenario))
    return ReportEvaluation(
        steps=steps,
        scenario=scenario,
        choice=local(best_choice(run)) if steps == BEST else None,
        rollouts=f"{folder}/rollouts.h5",
        metrics=f"{folder}/metrics.json",
        spatiotemporal=f"{folder}/spatiotemporal.csv",
        video=f"{folder}/replay.mp4",
        contact_sheet=f"{folder}/contact_sheet.png",
        figures=pictures(run_figures(run, steps, scenario)),
    )


def jobs_of(run):
    """Yield a label and the common path of log and benchmark for each job behind a run."""
    here = run.experiment
    yield "build", f"build/{here.model_key}"
    yield "preprocess", f"preprocess/{here.reference_key}"
    yield "preprocess_figure", f"preprocess_figure/{here.reference_key}"
    yield "retarget", f"retarget/{here.retarget_key}"
    yield "retarget_figure", f"retarget_figure/{here.retarget_key}"
    yield "validate", f"validate/{run.id}"
    for steps in run.segments:
        stage = "pretrained" if run.kept else "train"
        yield f"{stage} to {steps}", f"{stage}/{run.id}/{steps}"
    if BEST in run.checkpoints:
        yield BEST, f"best/{run.id}"
    for scenario, other in run.scenario_bodies.items():
        if other.model_key != here.model_key:
            yield f"build {scenario}", f"build/{other.model_key}"
            yield f"retarget {scenario}", f"retarget/{other.retarget_key}"
    for steps, scenario in evaluations(run):
        for stage in ("evaluate", "replay", "analyze", "contact_sheet", "run_figures"):
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
        configuration=PLAN.configuration(run),
        model_manifest=f"models/{here.model_key}/manifest.json",
        reference=f"reference/{here.reference_key}/reference.h5",
        fitted_reference=f"retargeted/{here.retarget_key}/reference.h5",
        validation=f"runs/{run.id}/validation.json",
        train_logs=[local(train_log(run, steps)) for steps in run.segments],
        evaluations=[
            report_evaluation(run, steps, scenario)
            for steps, scenario in evaluations(run)
        ],
        figures=[
            ReportFigure(
                name="preprocess_qc", path=f"reference/{here.reference_key}/qc.png"
            ),
            ReportFigure(
                name="retarget_qc", path=f"retargeted/{here.retarget_key}/qc.png"
            ),
            ReportFigure(name="validation", path=f"runs/{run.id}/validation.png"),
        ],
        benchmarks={
            label: local(f"{BENCHMARKS}/{path}.tsv") for label, path in jobs_of(run)
        },
        logs={label: local(f"{LOGS}/{path}.log") for label, path in jobs_of(run)},
    )


@functools.cache
def report_settings():
    """Describe the whole report."""
    return ReportSettings(
        title=PLAN.matrix.title or PLAN.name.replace("_", " "),
        description=PLAN.matrix.description,
        runs=[report_run(run) for run in RUNS.values()],
        figures=pictures(MATRIX_FIGURES),
        comparisons=local(f"{STUDY}/comparisons.csv"),
        largest_page_mb=PLAN.matrix.largest_page_mb,
    )


def run_files(run):
    """Return everything of a run that the report shows or reads, by its description."""
    paths = [run.model_manifest, run.validation, *run.train_logs]
    paths += [figure.path for figure in run.figures]
    for entry in run.evaluations:
        paths += [entry.rollouts, entry.metrics, entry.spatiotemporal, entry.video]
        paths += [entry.contact_sheet]
        paths += [entry.choice] if entry.choice else []
        paths += [figure.path for figure in entry.figures]
        paths += sorted(
            {f"{Path(figure.path).parent}/{CAPTIONS}" for figure in entry.figures}
        )
    return [f"{RESULTS}/{path}" for path in paths]


def names_of_runs():
    """Return the words by which runs can be asked for, and the runs: each run, and all of an experiment.

    The jobs themselves are asked for by their files: in their processes there are none.
    """
    if workflow.exec_mode != ExecMode.DEFAULT:
        return {}
    names = {run.name: [] for run in RUNS.values()}
    for run in RUNS.values():
        names[run.name].append(run)
    return names | {run.id: [run] for run in RUNS.values()}


def files_of_runs(members):
    """Make an input function: all files of some runs."""
    return lambda wildcards: [
        path for run in members for path in run_files(report_run(run))
    ]


def report_files(wildcards):
    """Return everything of the runs that the report shows or reads."""
    paths = [path for run in report_settings().runs for path in run_files(run)]
    return list(dict.fromkeys(paths))


def write_partial_report():
    """After a failure, write the report of what there is; the next run of the workflow will make it again."""
    waiting = [
        job
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "report" and not workflow.dag.finished(job)
    ]
    if not waiting:
        return
    # Marked first, so that it never passes for the finished one, not even if this process is killed here.
    workflow.persistence.started(waiting[0])
    page = f"{RESULTS}/report.html"
    command = ["myoassist", "report", "--settings", pack(report_settings().canonical())]
    command += ["--root", RESULTS, "--output", page]
    if CAPTION_FILES:
        command += ["--captions", os.path.dirname(CAPTION_FILES[0])]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"No report was written: {done.stderr}", file=sys.stderr)
    else:
        print(
            f"Something failed. {page} shows what there is, and what is missing and why.",
            file=sys.stderr,
        )
