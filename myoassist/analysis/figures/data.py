"""What figures draw from: the files of one run, or of many, read once and shared by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.conventions import Angle, signed_angles
from myoassist.analysis.kinematics import norm_curves, phase_at, reference_curves
from myoassist.analysis.trial import Trial, load_trial
from myoassist.config.analysis import AnalysisSettings
from myoassist.config.figures import FiguresSettings, RunFiles
from myoassist.errors import InputError
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document
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


@dataclass(frozen=True)
class TrainLog:
    """The training of one run, all segments joined.

    Attributes:
        run: its name.
        experiment: its experiment.
        seed: its seed.
        rollouts: entries of the log, in order of steps.
        untrained_reward: mean reward per step of the untrained policy; None if not measured.
    """

    run: str
    experiment: str
    seed: int
    rollouts: list[dict[str, Any]]
    untrained_reward: float | None

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and a number per rollout, where it is known."""
        pairs = [(r["steps"], r[name]) for r in self.rollouts if r.get(name) is not None]
        return np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], float)

    def terms(self, kind: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Steps, and each reward term (kind ``raw`` or ``weighted``) per rollout; NaN where it was not there."""
        names = list(dict.fromkeys(name for r in self.rollouts for name in r.get("reward_terms") or {}))
        steps = np.array([r["steps"] for r in self.rollouts], float)
        values = {}
        for name in names:
            entries = [(r.get("reward_terms") or {}).get(name) or {} for r in self.rollouts]
            values[name] = np.array([np.nan if (v := e.get(kind)) is None else v for e in entries], float)
        return steps, values


class MatrixData:
    """Many runs: their training logs and metrics.

    Raises:
        InputError: if a file is missing or damaged.
    """

    def __init__(self, settings: FiguresSettings, runs: Sequence[RunFiles]) -> None:
        self.settings = settings
        self.runs = list(runs)
        self.experiments = list(dict.fromkeys(run.experiment for run in runs))
        self.scenarios = list(dict.fromkeys(name for run in runs for name in run.metrics))
        self.logs = [read_train_logs(run) for run in runs if run.train_logs]
        self.metrics = {
            (run.run, scenario): read_metrics(path) for run in runs for scenario, path in run.metrics.items()
        }


def read_train_logs(run: RunFiles) -> TrainLog:
    """Join the train logs of a run's segments.

    Raises:
        InputError: if one is missing, damaged or of an unknown version.
    """
    segments = []
    for path in run.train_logs:
        value = read_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)
        entries = value.get("rollouts")
        if not isinstance(entries, list) or any(not isinstance(e, dict) or "steps" not in e for e in entries):
            raise InputError(f"{path}: field 'rollouts': expected a list of objects with 'steps'")
        segments.append((value.get("start_steps", 0), value))
    segments.sort(key=lambda item: item[0])
    untrained = [v["untrained_reward_per_step"] for _, v in segments if "untrained_reward_per_step" in v]
    return TrainLog(
        run=run.run,
        experiment=run.experiment,
        seed=run.seed,
        rollouts=sorted((e for _, v in segments for e in v["rollouts"]), key=lambda e: e["steps"]),
        untrained_reward=untrained[0] if untrained else None,
    )
