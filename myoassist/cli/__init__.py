"""The command line: every stage of the chain by hand, and a look at experiments and matrices.

Stage modules are imported when their command runs, so that ``myoassist --help`` and a mistake in a file cost
no import of MuJoCo or torch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import TracebackType

from tyro.extras import SubcommandApp

from myoassist.cli import checking, configuration, exporting, records, stages, trials
from myoassist.cli.options import complain
from myoassist.errors import InputError, OutputError

COMMANDS = (
    trials.sim,
    stages.preprocess,
    stages.preprocess_figure,
    stages.build,
    stages.retarget,
    stages.retarget_figure,
    stages.validate,
    stages.train,
    stages.pretrained,
    stages.best,
    stages.evaluate,
    stages.replay,
    stages.analyze,
    stages.contact_sheet,
    stages.figures,
    exporting.export,
    stages.report,
    records.why,
    trials.bench,
    checking.doctor,
)
GROUPS = {
    "config": (
        "Look at experiment files: validate, show, schema.",
        {
            "validate": configuration.config_validate,
            "show": configuration.config_show,
            "schema": configuration.config_schema,
        },
    ),
    "matrix": (
        "Look at matrix files and their results: show, report-path, tables, figures, thin, keep.",
        {
            "show": configuration.matrix_show,
            "report-path": configuration.matrix_report_path,
            "tables": configuration.matrix_tables,
            "figures": configuration.matrix_figures,
            "thin": configuration.matrix_thin,
            "keep": configuration.matrix_keep,
        },
    ),
}


def make_app() -> SubcommandApp:
    """Assemble the commands."""
    app = SubcommandApp()
    for command in COMMANDS:
        app.command(command)
    for name, (description, commands) in GROUPS.items():
        group = SubcommandApp()
        for word, command in commands.items():
            group.command(command, name=word)
        app.command(group, name=name, help=description)
    return app


def _start_log() -> None:
    from loguru import logger

    logger.enable("myoassist")
    logger.remove()
    level = os.environ.get("MYOASSIST_LOG_LEVEL", "INFO").upper()
    logger.add(sys.stderr, level=level, format="{time:YYYY-MM-DD HH:mm:ss} {level: <7} {message}")


_HDF5_WRITE = "file write failed"


def _quiet_hdf5() -> None:
    """Keep h5py from printing a traceback for every object that it cannot close on a full disk: one error is raised."""

    def unraisable(about: sys.UnraisableHookArgs) -> None:
        if _HDF5_WRITE not in str(about.exc_value):
            sys.__unraisablehook__(about)

    def printed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if _HDF5_WRITE not in str(error):
            sys.__excepthook__(kind, error, trace)

    sys.unraisablehook, sys.excepthook = unraisable, printed


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line: exit status 0, 2 for bad input (one line on stderr), 1 for anything else."""
    _start_log()
    _quiet_hdf5()
    # MuJoCo looks for a graphics library when it is imported, and fails where there is none. Videos find their own.
    os.environ.setdefault("MUJOCO_GL", "disable")
    try:
        make_app().cli(
            prog="myoassist",
            description="Train, evaluate and analyse muscle-driven walking.",
            args=argv,
        )
    except InputError as error:
        complain(error)
        sys.exit(2)
    except OutputError as error:
        complain(error)
        if _HDF5_WRITE in str(error.__cause__):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)  # HDF5 cannot close a file that it cannot write, and would abort at the interpreter's end
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
