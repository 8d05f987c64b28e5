"""The figures stage: tables become png and svg files with captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from loguru import logger

from myoassist.analysis.figures import (
    conditions,
    device,
    energetics_figures,
    gait,
    learning,
    matrix,
    tables,
    trial_figures,
)
from myoassist.analysis.figures.data import MatrixData, RunData
from myoassist.analysis.figures.registry import FIGURES, Kind
from myoassist.analysis.figures.style import fix_layout, rc_params, save
from myoassist.config.figures import CAPTIONS, FiguresSettings, RunFiles
from myoassist.errors import InputError
from myoassist.formats.files import write_json
from myoassist.formats.rollouts import Rollouts

MODULES = (conditions, device, energetics_figures, gait, learning, matrix, tables, trial_figures)
"""Importing them registers their figures."""


def render_run(
    settings: FiguresSettings,
    *,
    rollouts: Path,
    cycles: Path,
    metrics: Path,
    spatiotemporal: Path,
    reference: Path,
    norm: Path,
    output_dir: Path,
) -> None:
    """Draw the figures of one run in one scenario.

    Args:
        settings: which figures, and their style.
        rollouts: episodes.
        cycles: table of gait cycles made from them.
        metrics: metrics made from them.
        spatiotemporal: table made from them.
        reference: fitted reference.
        norm: table of the norm.
        output_dir: folder; gets the files named by `myoassist.config.figures.run_figure_names`.

    Raises:
        InputError: if a file is missing or damaged.
    """
    with Rollouts(rollouts) as file:
        data = RunData(
            settings,
            rollouts=file,
            cycles=cycles,
            metrics=metrics,
            spatiotemporal=spatiotemporal,
            reference=reference,
            norm=norm,
        )
        _render(settings, settings.run, "run", data, output_dir)


def render_matrix(
    settings: FiguresSettings, *, runs: Sequence[RunFiles], study: Path | None = None, output_dir: Path
) -> None:
    """Draw the figures across runs.

    Args:
        settings: which figures, and their style.
        runs: the files of every run.
        study: folder of the tables across runs; without it, figures that draw from them say that there are none.
        output_dir: folder; gets the files named by `myoassist.config.figures.matrix_figure_names`.

    Raises:
        InputError: if a file is missing or damaged.
    """
    _render(settings, settings.matrix, "matrix", MatrixData(settings, runs, study), output_dir)


def _render(settings: FiguresSettings, names: Sequence[str], kind: Kind, data: Any, output_dir: Path) -> None:
    captions = {}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(rc_params(settings))
        for name in names:
            entry = FIGURES.get(name)
            if entry is None or entry.kind != kind:
                raise InputError(f"figures: field '{kind}': no function draws a figure '{name}'")
            drawing = entry.function(data)
            fix_layout(drawing.figure)
            for suffix in ("png", "svg"):
                save(drawing.figure, output_dir / f"{name}.{suffix}")
            captions[name] = {"title": entry.title, "category": entry.category, "caption": drawing.caption}
            logger.debug("{}: {}", output_dir, name)
    write_json(output_dir / CAPTIONS, captions)
