"""Commands about experiment and matrix files."""

from __future__ import annotations

import json as encoding
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from myoassist.cli.options import Assignments, File, Folder, Given, Words, complain, load_settings, overrides
from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.config.experiment import Experiment


def config_validate(files: Positional[tuple[File, ...]]) -> None:
    """Check experiment files (.json) and matrix files (.yaml): fields, values, and all names in them.

    Nothing that the files name is run: an own environment class is looked for in its file's text only.

    Args:
        files: files to check.
    """
    from loguru import logger

    from myoassist.config.experiment import Experiment
    from myoassist.config.plan import Plan

    logger.disable("myoassist.models")
    if not files:
        raise InputError("config validate: name at least one file")
    wrong = 0
    for file in files:
        try:
            if file.suffix in (".yaml", ".yml"):
                runs = [run for run in Plan.load(file).runs.values() if run.checkpoints]
                experiments = {f"{file}: run {run.id}": run.experiment for run in runs}
            else:
                experiments = {str(file): Experiment.from_file(file)}
            for where, experiment in experiments.items():
                experiment.check_files(where=where)
                _check_names(experiment, where)
        except InputError as error:
            wrong += 1
            complain(error)
        else:
            own = sorted({name for experiment in experiments.values() for name in experiment.classes()})
            print(f"{file}: valid" + (f" ({', '.join(own)} was found and not run)" if own else ""))
    if wrong:
        sys.exit(2)


def _check_names(experiment: Experiment, where: str) -> None:
    from myoassist.validation.names import check_names

    try:
        check_names(experiment.model, experiment.environment, experiment.segments(0)[0].learner)
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix('settings: ')}") from None


def config_show(
    experiment: Positional[File],
    section: Positional[str | None] = None,
    *,
    set: Assignments = (),
) -> None:
    """Print an experiment complete: inherited values and defaults filled in.

    Args:
        experiment: experiment file (.json).
        section: print this section only, such as environment or training.parameters.
        set: override fields, e.g. training.n_envs=16 (values in JSON).
    """
    from myoassist.config.experiment import Experiment

    data: Any = Experiment.from_file(experiment).override(overrides(set), where="--set").plain()
    for part in section.split(".") if section else ():
        if not isinstance(data, dict) or part not in data:
            known = ", ".join(data) if isinstance(data, dict) else "none"
            raise InputError(f"section '{section}': no field '{part}'; known are {known}")
        data = data[part]
    print(encoding.dumps(data, indent=2))


def config_schema(kind: Positional[str] = "experiment") -> None:
    """Print the JSON schema, for editors to check and complete against.

    Args:
        kind: experiment or matrix.
    """
    from myoassist.config.experiment import Experiment
    from myoassist.config.matrix import Matrix

    if kind == "experiment":
        schema = Experiment.file_schema()
    elif kind == "matrix":
        schema = Matrix.model_json_schema()
    else:
        raise InputError(f"kind: expected experiment or matrix (found {kind!r})")
    print(encoding.dumps(schema, indent=2))


def matrix_show(matrix: Positional[File], *, field: str | None = None, wide: bool = False, json: bool = False) -> None:
    """Print the runs of a matrix, and how its experiments differ from the first.

    Args:
        matrix: matrix file (.yaml).
        field: print the values of these fields instead, for all runs, such as 'training.*' (in quotes).
        wide: cut no line, whatever the width of the terminal.
        json: print all runs with all differences as JSON.
    """
    from myoassist.cli.matrix_text import describe_fields, describe_matrix, plain_matrix
    from myoassist.config.plan import Plan

    plan = Plan.load(matrix)
    width = None if wide else shutil.get_terminal_size((120, 24)).columns
    if json:
        print(encoding.dumps(plain_matrix(plan), indent=2, ensure_ascii=False))
    elif field is not None:
        print(describe_fields(plan, field, width=width))
    else:
        print(describe_matrix(plan, width=width))


def _steps(steps: int | str) -> str:
    return f"{steps:,}" if isinstance(steps, int) else steps


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def matrix_keep(matrix: Positional[File], run: Positional[str], *, output: Folder = Path("pretrained")) -> None:
    """Keep a trained and evaluated policy: checkpoint, experiment, train log and a model card, in a folder of its own.

    The field `pretrained` of a matrix takes it up again; an experiment's `training.warm_start.file` may start from it.

    Args:
        matrix: matrix file (.yaml) whose results hold the run.
        run: the run, whose final checkpoint is kept.
        output: folder in which the run's folder is made; one that is there already is replaced.
    """
    from myoassist.config.plan import Plan
    from myoassist.pretrained.keeping import keep

    plan = Plan.load(matrix)
    if run not in plan.runs:
        raise InputError(f"{matrix}: has no run {run} (its runs: {', '.join(plan.runs)})")
    print(keep(plan, plan.runs[run], results=Path("results") / plan.name, output=output))


def matrix_thin(matrix: Positional[File], *, keep: Words = (), dry_run: bool = False) -> None:
    """Delete old segments' checkpoints that nothing needs any more; nothing becomes stale by it.

    Kept are the final checkpoints, those that are evaluated, the best, those that other runs start from, and what
    the matrix's field `retention` or --keep names besides. Runs that are not complete keep everything.

    Args:
        matrix: matrix file (.yaml).
        keep: instead of the matrix's field: best, all, every N (in quotes), or numbers of steps.
        dry_run: only say what would be deleted.
    """
    from myoassist.config.matrix import Matrix
    from myoassist.config.plan import Plan
    from myoassist.retention import plan_thinning, refuse_if_running, remove

    plan = Plan.load(matrix)
    if keep:
        values = [int(word) if word.isdecimal() else word for word in keep]
        given = Matrix.parse({"experiments": ["any"], "retention": values}, where="--keep").retention
    else:
        given = plan.matrix.retention
    if not dry_run:
        refuse_if_running(Path())
    thinnings = plan_thinning(plan, Path("results") / plan.name, given)
    for thinning in thinnings:
        if thinning.incomplete:
            print(f"{thinning.run}: everything is kept, the run is not complete ({thinning.incomplete})")
        elif thinning.removable:
            steps = ", ".join(_steps(int(path.stem.removeprefix("model_"))) for path in thinning.removable)
            print(f"{thinning.run}: checkpoint{'s' * (len(thinning.removable) > 1)} at {steps} steps")
    count = sum(len(thinning.removable) for thinning in thinnings)
    size = sum(thinning.bytes for thinning in thinnings) / 1e6
    if not dry_run:
        remove(thinnings)
    print(f"{_count(count, 'checkpoint')} {'would be' if dry_run else ''} deleted, {size:.1f} MB".replace("  ", " "))


def matrix_report_path(matrix: Positional[File]) -> None:
    """Print where the workflow puts the report of a matrix.

    Args:
        matrix: matrix file (.yaml).
    """
    from myoassist.config.plan import Plan

    print(Path("results") / Plan.load(matrix).name / "report.html")


def matrix_figures(*, settings: Given, output_dir: Folder) -> None:
    """Draw the figures that compare the runs of a matrix.

    Args:
        settings: style, and the files of the runs, as the workflow describes them.
        output_dir: output: folder of the figures.
    """
    from myoassist.config.figures import MatrixFigures

    chosen = load_settings(MatrixFigures, settings)
    for run in chosen.runs:
        for file in (*run.train_logs, *run.metrics.values()):
            if not file.is_file():
                raise InputError(f"--settings: run {run.run}: file {file} not found")
    from myoassist.analysis.figures.render import render_matrix as stage

    stage(chosen.figures, runs=chosen.runs, study=chosen.study, output_dir=output_dir)


def matrix_tables(*, settings: Given, output_dir: Folder) -> None:
    """Make the tables across the runs of a matrix: aggregated over seeds and axes, and compared.

    Args:
        settings: files of the runs and what to compare, as the workflow describes them.
        output_dir: output: folder of the tables.
    """
    from myoassist.config.study import StudySettings

    chosen = load_settings(StudySettings, settings)
    runs = [(run.run, path) for run in chosen.runs for path in run.train_logs]
    runs += [(entry.run, path) for entry in chosen.evaluations for path in (entry.metrics, entry.cycles)]
    for run, file in runs:
        if not file.is_file():
            raise InputError(f"--settings: run {run}: file {file} not found")
    from myoassist.analysis.study.build import build_study as stage

    stage(chosen, output_dir=output_dir)
