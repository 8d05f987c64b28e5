"""What figures draw from: the files of one run, or of many, read once and shared by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.conventions import Angle, signed_angles
from myoassist.analysis.kinematics import norm_curves, phase_at, reference_curves
from myoassist.analysis.train_logs import read_train_logs
from myoassist.analysis.trial import Trial, load_trial
from myoassist.config.analysis import AnalysisSettings
from myoassist.config.figures import FiguresSettings, RunFiles
from myoassist.formats.gait_tables import (
    POINTS,
    check_tables,
    read_cycles,
    read_metrics,
    read_norm,
    read_spatiotemporal,
)
from myoassist.formats.reference_motion import FittedReference, read_fitted_reference
from myoassist.formats.rollouts import Rollouts
from myoassist.formats.study_tables import COLUMNS, read_study_table

PERCENT = np.arange(POINTS)


class RunData:
    """One run in one scenario. Tables are read at once, rollouts when a figure needs them.

    Raises:
        InputError: if a file is missing or damaged.
    """

    def __init__(
        self,
        settings: FiguresSettings,
        *,
        rollouts: Rollouts,
        cycles: Path,
        metrics: Path,
        spatiotemporal: Path,
        reference: Path,
        norm: Path,
    ) -> None:
        self.settings = settings
        self.rollouts = rollouts
        self.model = rollouts.header.model
        self.metrics: dict[str, Any] = read_metrics(metrics)
        self.analysis = AnalysisSettings.parse(self.metrics.get("settings"), where=f"{metrics}: settings")
        check_tables(self.metrics, cycles=cycles, spatiotemporal=spatiotemporal)
        self.cycles = read_cycles(cycles)
        self.spatiotemporal = read_spatiotemporal(spatiotemporal)
        self.reference: FittedReference = read_fitted_reference(reference)
        self.angles: tuple[Angle, ...] = tuple(
            a for a in signed_angles(self.model.manifest) if a.column(self.model.coordinates, "r") is not None
        )
        self.reference_curves = reference_curves(self.reference, self.angles)
        self.norm = norm_curves(read_norm(norm), self.angles)

    def curves(self, side: str, column: str) -> np.ndarray:
        """All cycles of a quantity, shape (cycles, 101); no rows if the table does not have it."""
        table = self.cycles
        if column not in table.columns:
            return np.empty((0, POINTS))
        return table.loc[table["side"] == side, column].to_numpy(float).reshape(-1, POINTS)

    def mean_sd(self, side: str, column: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean cycle and SD over cycles (n - 1; 0 for a single one), shape (101,); None without cycles."""
        curves = self.curves(side, column)
        if not len(curves):
            return None
        return curves.mean(axis=0), curves.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(POINTS)

    def strides(self, side: str) -> pd.DataFrame:
        """One row per cycle of a side."""
        table = self.cycles
        return table[(table["side"] == side) & (table["percent"] == 0)]

    def cycle_count(self, side: str) -> int:
        """Number of cycles of a side."""
        return int(((self.cycles["side"] == side) & (self.cycles["percent"] == 0)).sum())

    @property
    def has_cycles(self) -> bool:
        """Whether there is any gait cycle."""
        return len(self.cycles) > 0

    @property
    def n_text(self) -> str:
        """How much data is shown, for captions."""
        episodes = self.metrics["episodes"]["count"]
        return (
            f"n = {self.cycle_count('r')} right and {self.cycle_count('l')} left gait cycles "
            f"from {episodes} episode{'' if episodes == 1 else 's'}"
        )

    @property
    def no_cycle_text(self) -> str:
        """Why no cycle is shown, in one short line."""
        longest = self.metrics["episodes"]["duration_s"]["max"]
        if longest is None:
            return "no episode"
        return f"no usable gait cycle (longest episode {longest:.2f} s)"

    @cached_property
    def trial(self) -> Trial | None:
        """The longest episode (the first of equals); None if no episode has two states."""
        rows = [e.info.state_rows for e in self.rollouts]
        if not rows or max(rows) < 2:
            return None
        return load_trial(self.rollouts[int(np.argmax(rows))], self.model, self.analysis)

    @cached_property
    def trial_phase(self) -> np.ndarray | None:
        """Phase of the reference at the states of `trial`, unwrapped."""
        if self.trial is None:
            return None
        return phase_at(self.rollouts[self.trial.index], self.trial.time, self.model.control_rate_hz)


class MatrixData:
    """Many runs: their training logs and metrics, and the tables across them.

    Attributes:
        groups: names of the runs without their seeds, in order; runs of one group share a colour.
        scenarios: names of all scenarios.
        logs: of every run that was trained.
        metrics: (run, scenario) -> metrics.

    Raises:
        InputError: if a file is missing or damaged.
    """

    def __init__(self, settings: FiguresSettings, runs: Sequence[RunFiles], study: Path | None = None) -> None:
        self.settings = settings
        self.runs = list(runs)
        self.groups = list(dict.fromkeys(run.group for run in runs))
        self.scenarios = list(dict.fromkeys(name for run in runs for name in run.metrics))
        self.logs = [
            read_train_logs(run.train_logs, run=run.run, condition=run.group, seed=run.seed)
            for run in runs
            if run.train_logs
        ]
        self.metrics = {
            (run.run, scenario): read_metrics(path) for run in runs for scenario, path in run.metrics.items()
        }
        self._study = study

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables across runs; without rows if there are none."""
        if self._study is None:
            return pd.DataFrame(columns=list(COLUMNS[name]))
        if name not in self._tables:
            self._tables[name] = read_study_table(self._study, name)
        return self._tables[name]

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}
