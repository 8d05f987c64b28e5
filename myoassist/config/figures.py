"""Which figures are drawn, and how they look. Knows their names without importing matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from myoassist.config.base import Settings

RUN_FIGURES = (
    "dashboard",
    "joint_angles_vs_norm",
    "whole_trial_kinematics",
    "ground_reaction_force",
    "muscle_activation",
    "muscle_force",
    "joint_moment_power",
    "energetics",
    "spatiotemporal_table",
    "kinematics_by_speed",
    "phase_portraits",
    "left_right",
    "device_torque_power",
)
"""Figures of one run in one scenario; a new plot is a registered function plus its name here."""

MATRIX_FIGURES = (
    "overview",
    "condition_changes",
    "condition_curves",
    "condition_activations",
    "condition_devices",
    "learning_curves",
    "reward_terms",
    "reward_shares",
)
"""Figures across the runs of a matrix."""

CAPTIONS = "captions.json"
"""File beside the pictures: figure name -> {title, category, caption}."""


class FiguresSettings(Settings):
    """Choice and style of the figures."""

    run: tuple[str, ...] = Field(RUN_FIGURES, description="figures drawn for each run and scenario")
    matrix: tuple[str, ...] = Field(MATRIX_FIGURES, description="figures drawn across runs")
    width: Literal["single", "double"] = Field("double", description="journal column: 85 mm or 175 mm")
    dpi: int = Field(200, ge=50, le=1200, description="resolution of the png files")
    font_size_pt: float = Field(8.0, ge=5, le=16)
    line_width_pt: float = Field(1.2, ge=0.3, le=4)
    show_norm: bool = Field(True, description="draw the band of the norm where there is one")
    show_reference: bool = Field(True, description="draw the reference motion")
    trial_duration_s: float = Field(6.0, gt=0, le=60, description="longest time span of whole-trial figures")

    @field_validator("run")
    @classmethod
    def _run_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, RUN_FIGURES)

    @field_validator("matrix")
    @classmethod
    def _matrix_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, MATRIX_FIGURES)


class RunFiles(Settings):
    """The files of one run that figures across runs read.

    Attributes:
        run: its name.
        experiment: its experiment.
        condition: its name without the seed, as of all runs that share a colour; left out: the experiment's.
        seed: its training seed.
        train_logs: logs of all segments, in any order.
        metrics: scenario name -> metrics file of the checkpoint to compare.
    """

    run: str
    experiment: str
    condition: str = ""
    seed: int
    train_logs: tuple[Path, ...] = ()
    metrics: dict[str, Path] = {}

    @property
    def group(self) -> str:
        """Name of the runs that differ from this one in their seed only."""
        return self.condition or self.experiment


class MatrixFigures(Settings):
    """Everything that the figures across the runs of a matrix depend on, besides their input files."""

    figures: FiguresSettings
    runs: tuple[RunFiles, ...]
    study: Path | None = Field(None, description="folder of the tables across runs; none: they are not drawn")


def run_figure_names(settings: FiguresSettings) -> tuple[str, ...]:
    """File names that `render_run` writes: a png and an svg for each figure, and the captions."""
    return _files(settings.run)


def matrix_figure_names(settings: FiguresSettings) -> tuple[str, ...]:
    """File names that `render_matrix` writes: a png and an svg for each figure, and the captions."""
    return _files(settings.matrix)


def _files(names: tuple[str, ...]) -> tuple[str, ...]:
    return (*(f"{name}.{suffix}" for name in names for suffix in ("png", "svg")), CAPTIONS)


def _known(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise ValueError(f"unknown figure '{name}'; known are {', '.join(known)}")
    if len(set(names)) != len(names):
        raise ValueError("a figure is named twice")
    return names
