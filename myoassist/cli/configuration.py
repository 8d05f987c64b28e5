"""Commands about experiment and matrix files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from myoassist.cli.options import Assignments, File, Folder, Given, complain, load_settings, overrides
from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.config.experiment import Experiment


def config_validate(files: Positional[tuple[File, ...]]) -> None:
    """Check experiment files (.json) and matrix files (.yaml): fields, values, and all names in them.

    Args:
        files: files to check.
    """
    from loguru import logger

    from myoassist.config.experiment import Experiment
    from myoassist.config.matrix import Plan

    logger.disable("myoassist.models")
    if not files:
        raise InputError("config validate: name at least one file")
    wrong = 0
    for file in files:
        try:
            if file.suffix in (".yaml", ".yml"):
                experiments = [run.experiment for run in Plan.load(file).runs.values() if run.checkpoints]
            else:
                experiments = [Experiment.from_file(file)]
            for experiment in experiments:
                experiment.check_files(where=str(file))
                _check_names(experiment, file)
        except InputError as error:
            wrong += 1
            complain(error)
        else:
            print(f"{file}: valid")
    if wrong:
        sys.exit(2)


def _check_names(experiment: Experiment, file: Path) -> None:
    from myoassist.validation.names import check_names

    try:
        check_names(experiment.model, experiment.environment, experiment.segments(0)[0].learner)
    except InputError as error:
        raise InputError(f"{file}: {str(error).removeprefix('settings: ')}") from None


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
    print(json.dumps(data, indent=2))


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
    print(json.dumps(schema, indent=2))


def matrix_show(matrix: Positional[File]) -> None:
    """Print the runs of a matrix and what each is made of.

    Args:
        matrix: matrix file (.yaml).
    """
    from myoassist.config.base import shorten
    from myoassist.config.matrix import Plan

    plan = Plan.load(matrix)
    rows = [("run", "experiment", "seed", "segments", "evaluated at", "scenarios", "differences")]
    for run in plan.runs.values():
        differences = ", ".join(f"{field} = {shorten(value, 40)}" for field, value in plan.differences(run).items())
        rows.append(
            (
                run.id,
                run.name,
                str(run.seed),
                str(len(run.segments)),
                ", ".join(map(str, run.checkpoints)),
                ", ".join(run.scenarios),
                differences or "none",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def matrix_report_path(matrix: Positional[File]) -> None:
    """Print where the workflow puts the report of a matrix.

    Args:
        matrix: matrix file (.yaml).
    """
    from myoassist.config.matrix import Plan

    print(Path("results") / Plan.load(matrix).name / "report.html")


def matrix_figures(*, settings: Given, output_dir: Folder) -> None:
    """Draw the figures that compare the runs of a matrix.

    Args:
        settings: style, and the files of the runs, as the workflow describes them.
        output_dir: output: folder of the figures.
    """
    from myoassist.config.matrix import MatrixFigures

    chosen = load_settings(MatrixFigures, settings)
    for run in chosen.runs:
        for file in (*run.train_logs, *run.metrics.values()):
            if not file.is_file():
                raise InputError(f"--settings: run {run.run}: file {file} not found")
    from myoassist.analysis.figures.render import render_matrix as stage

    stage(chosen.figures, runs=chosen.runs, output_dir=output_dir)
