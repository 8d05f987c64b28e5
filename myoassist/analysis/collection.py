"""What accumulates over the episodes of a file; the cycles themselves are streamed to disk."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from myoassist.analysis.conventions import SIDES, Angle
from myoassist.analysis.cycles import normalise
from myoassist.analysis.energetics.summary import EnergyLedger
from myoassist.analysis.ground_force import StanceForce
from myoassist.analysis.speed_tracking import SpeedTracking
from myoassist.analysis.strides import measure_strides
from myoassist.analysis.trial import Trial
from myoassist.config.analysis import AnalysisSettings
from myoassist.formats.gait_tables import CyclesWriter
from myoassist.formats.rollout_columns import EpisodeInfo


class Collection:
    """Sums and lists over episodes.

    Attributes:
        curves: names of the curves of a cycle.
        infos: of every episode, also of those without states.
        strides: a row of the strides table each.
        sums: side -> sum of the cycles, shape (101, curves).
        squares: the same of their squares.
        cycles: side -> number of cycles.
        events: side -> counts of events and cycles.
        rejected: side -> reason -> how often something was no event or no cycle.
        forces: side -> ground force of every stance.
        way_m: forward way of the centre of mass, all episodes together.
        time_s: duration of all episodes.
        activation: time integral of the mean activation.
        force_peak_bw: largest vertical force under a foot at any time, settling and falls included, body weights.
        limit: joint -> time integral of the absolute joint-limit moment.
        speed: strides against the target velocity.
        energetics: what the muscles spent.
    """

    def __init__(self, curves: tuple[str, ...]) -> None:
        self.curves = curves
        self.infos: list[EpisodeInfo] = []
        self.strides: list[dict[str, Any]] = []
        self.sums: dict[str, np.ndarray] = {}
        self.squares: dict[str, np.ndarray] = {}
        self.cycles: Counter[str] = Counter()
        self.events: dict[str, Counter[str]] = {side: Counter() for side in SIDES}
        self.rejected: dict[str, Counter[str]] = {side: Counter() for side in SIDES}
        self.forces: dict[str, list[StanceForce]] = {side: [] for side in SIDES}
        self.way_m = self.time_s = self.activation = self.force_peak_bw = 0.0
        self.limit: dict[str, float] = {}
        self.speed = SpeedTracking()
        self.energetics = EnergyLedger()
        self._errors: dict[str, list[tuple[float, int]]] = {}

    def add(self, trial: Trial, rate_hz: float, settings: AnalysisSettings, writer: CyclesWriter) -> None:
        """Take one episode in, and write its cycles."""
        span = float(trial.time[-1] - trial.time[0])
        self.time_s += span
        self.way_m += float(trial.center_of_mass_x[-1] - trial.center_of_mass_x[0])
        self.activation += trial.activation_mean * span
        for joint, moment in trial.limit_moment_nm.items():
            self.limit[joint] = self.limit.get(joint, 0.0) + moment * span
        self.energetics.add(trial)
        for side in SIDES:
            events, selection = trial.events[side], trial.selection[side]
            self.events[side].update(
                heel_strikes=len(events.heel_strikes),
                toe_offs=len(events.toe_offs),
                cycles_found=selection.found,
                cycles_dropped_first_or_last=selection.dropped,
                cycles_used=len(selection.used),
            )
            self.rejected[side].update(events.rejected)
            self.rejected[side].update(selection.rejected)
        self.force_peak_bw = max(self.force_peak_bw, float(trial.force_bw[:, :, 2].max(initial=0.0)))
        measured = measure_strides(trial, rate_hz, settings)
        for side in SIDES:
            own = [entry for entry in measured if entry[0].side == side]
            self.speed.add(
                [(cycle, numbers["speed_m_s"]) for cycle, numbers, _ in own],
                trial.events[side].heel_strikes,
                trial.control_time,
                trial.target_velocity,
            )
            if not own:
                continue
            values = np.stack([trial.curves[side][name] for name in self.curves], axis=1)
            for cycle, numbers, force in own:
                curves = normalise(trial.time, values, cycle.start_s, cycle.end_s)
                self.forces[side].append(force)
                self.strides.append({"episode": trial.index, "side": side, "cycle": cycle.number, **numbers})
                self.sums[side] = self.sums.get(side, 0) + curves
                self.squares[side] = self.squares.get(side, 0) + curves**2
                self.cycles[side] += 1
                writer.append(episode=trial.index, side=side, cycle=cycle.number, stride=numbers, curves=curves)

    def add_tracking(self, errors: dict[str, np.ndarray]) -> None:
        """Take the differences from the reference of one episode in."""
        for name, error in errors.items():
            self._errors.setdefault(name, []).append((float(np.sum(error**2)), len(error)))

    def tracking(self, name: str) -> float | None:
        """Root-mean-square difference from the reference over all states, degrees."""
        parts = self._errors.get(name)
        return float(np.sqrt(sum(s for s, _ in parts) / sum(n for _, n in parts))) if parts else None

    def mean(self, side: str) -> np.ndarray | None:
        """Mean cycle of every curve, shape (101, curves); None without a cycle."""
        n = self.cycles[side]
        return self.sums[side] / n if n else None

    def sd(self, side: str) -> np.ndarray | None:
        """SD over the cycles (n - 1) of every curve, shape (101, curves); None with fewer than two."""
        n = self.cycles[side]
        if n < 2:
            return None
        variance = (self.squares[side] - self.sums[side] ** 2 / n) / (n - 1)
        return np.sqrt(np.maximum(variance, 0))

    def angle_means(self, angles: tuple[Angle, ...]) -> dict[str, dict[str, np.ndarray]]:
        """Side -> angle -> mean cycle, shape (101,) degrees; sides without a cycle are absent."""
        return {
            side: {a.name: mean[:, i] for a in angles if (i := self._column(a)) is not None}
            for side in SIDES
            if (mean := self.mean(side)) is not None
        }

    def angle_variability(self, angles: tuple[Angle, ...], side: str) -> dict[str, float] | None:
        """SD over the cycles, mean over the cycle's 101 points, degrees; None with fewer than two cycles."""
        sd = self.sd(side)
        if sd is None:
            return None
        return {f"{a.name}_deg": float(sd[:, i].mean()) for a in angles if (i := self._column(a)) is not None}

    def _column(self, angle: Angle) -> int | None:
        name = f"{angle.name}_deg"
        return self.curves.index(name) if name in self.curves else None
