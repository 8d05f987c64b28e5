"""From the power of all muscles over time to the numbers of a run: W/kg, J/(kg m), share of each muscle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.energetics.metabolic_power import MODELS, PARTS, MetabolicPower
from myoassist.analysis.energetics.muscles import Muscles, read_muscles
from myoassist.analysis.trial import Trial
from myoassist.config.analysis import EnergeticsSettings
from myoassist.formats.rollout_columns import RolloutModel

CYCLES, EPISODES = "gait cycles", "whole episodes"
NOT_TOLD = "the file does not tell the force-length curves of the muscles"
_LEAST_SPEED_M_S = 0.05
"""Below it, energy per metre says nothing."""


@dataclass(frozen=True)
class _Span:
    """Means over one stretch of time: a stride or an episode."""

    duration_s: float
    way_m: float
    power_w: dict[str, np.ndarray]
    parts_w: dict[str, dict[str, float]]
    positive_work_w: float
    negative_work_w: float
    lost_w: float


@dataclass
class EnergyLedger:
    """What accumulates over the episodes of a file: one small entry a stride."""

    _spans: dict[str, list[_Span]] = field(default_factory=lambda: {name: [] for name in (*SIDES, EPISODES)})
    _muscles: Muscles | None = None

    def add(self, trial: Trial) -> None:
        """Take one episode in: each cycle that is used, and the whole episode."""
        power = trial.metabolic
        if power is None or len(trial.time) < 2:
            return
        self._muscles = power.muscles
        for side in SIDES:
            for cycle in trial.selection[side].used:
                self._spans[side].append(_span(trial, power, cycle.start_s, cycle.end_s))
        self._spans[EPISODES].append(_span(trial, power, trial.time[0], trial.time[-1]))

    def summary(self, model: RolloutModel, settings: EnergeticsSettings) -> dict[str, Any]:
        """Return the energetic part of the metrics.

        Means are over the right leg's cycles (the left one's if it has none), since whole-body numbers of both
        sides' cycles would count every instant twice; without any cycle over whole episodes.

        Args:
            model: gives the body's mass, which all numbers per kg refer to. A device costs what it makes the
                muscles do; it has no basal rate of its own.
            settings: give the basal rate.
        """
        muscles = self._muscles
        if muscles is None:
            known = read_muscles(model, settings) is not None
            return {"over": None, "reason": "no episode has two states" if known else NOT_TOLD}
        over = next((name for name in (*SIDES, EPISODES) if self._spans[name]), EPISODES)
        spans, mass = self._spans[over], model.body_mass_kg
        duration = sum(span.duration_s for span in spans)
        speed = sum(span.way_m for span in spans) / duration
        weights = np.array([span.duration_s for span in spans]) / duration
        return {
            "over": EPISODES if over == EPISODES else CYCLES,
            "side_of_cycles": None if over == EPISODES else over,
            "count": len(spans),
            "speed_m_s": speed,
            "body_mass_kg": mass,
            "basal_w_kg": settings.basal_rate_w_kg,
            "positive_fiber_work_w_kg": sum(weights * [span.positive_work_w for span in spans]) / mass,
            "negative_fiber_work_w_kg": sum(weights * [span.negative_work_w for span in spans]) / mass,
            "fiber_work_lost_before_joints_w_kg": sum(weights * [span.lost_w for span in spans]) / mass,
            "models": {name: _model(name, spans, weights, speed, mass, muscles, settings) for name in MODELS},
            "muscles": {
                "mass_kg": dict(zip(muscles.names, muscles.mass_kg, strict=True)),
                "total_mass_kg": muscles.mass_kg.sum(),
                "share_of_body_percent": 100 * muscles.mass_kg.sum() / mass,
                "slow_twitch_share": dict(zip(muscles.names, muscles.slow_twitch, strict=True)),
                "slow_twitch_share_assumed": list(muscles.assumed),
            },
        }


def _model(
    name: str,
    spans: list[_Span],
    weights: np.ndarray,
    speed: float,
    mass: float,
    muscles: Muscles,
    settings: EnergeticsSettings,
) -> dict[str, Any]:
    each = np.stack([span.power_w[name] for span in spans]) / mass
    per_muscle = weights @ each
    net = per_muscle.sum()
    gross = net + settings.basal_rate_w_kg
    walks = speed > _LEAST_SPEED_M_S
    parts = [part for part in PARTS if part in spans[0].parts_w[name]]
    return {
        "net_w_kg": net,
        "net_sd_w_kg": each.sum(axis=1).std(ddof=1) if len(spans) > 1 else None,
        "gross_w_kg": gross,
        "gross_w": gross * mass,
        "net_cost_of_transport_j_kg_m": net / speed if walks else None,
        "gross_cost_of_transport_j_kg_m": gross / speed if walks else None,
        "parts_w_kg": {part: sum(weights * [span.parts_w[name][part] for span in spans]) / mass for part in parts},
        "muscles_w_kg": dict(zip(muscles.names, per_muscle, strict=True)),
    }


def _span(trial: Trial, power: MetabolicPower, start_s: float, end_s: float) -> _Span:
    rows, weights = time_weights(trial.time, start_s, end_s)
    start, end = np.interp((start_s, end_s), trial.time, trial.center_of_mass_x)
    return _Span(
        duration_s=float(end_s - start_s),
        way_m=float(end - start),
        power_w={model: weights @ values[rows] for model, values in power.power_w.items()},
        parts_w={
            model: {part: float(weights @ values[rows]) for part, values in parts.items()}
            for model, parts in power.parts_w.items()
        },
        positive_work_w=float(weights @ power.positive_work_w[rows]),
        negative_work_w=float(weights @ power.negative_work_w[rows]),
        lost_w=float(weights @ power.lost_w[rows]),
    )


def time_weights(time: np.ndarray, start_s: float, end_s: float) -> tuple[slice, np.ndarray]:
    """Return rows and their weights, so that ``weights @ values[rows]`` is the mean over a stretch of time.

    Values are straight lines between their samples, also up to the ends of the stretch (trapezoidal rule).

    Args:
        time: shape (T,) s, rising.
        start_s: at least ``time[0]``.
        end_s: above ``start_s``, at most ``time[-1]``.

    Returns:
        Rows around the stretch, and their weights, which sum to 1.
    """
    first, last = np.searchsorted(time, start_s, side="right"), np.searchsorted(time, end_s, side="left")
    rows = slice(max(int(first) - 1, 0), int(last) + 1)
    at, known = np.concatenate([[start_s], time[first:last], [end_s]]), time[rows]
    step = np.diff(at) / (2 * (end_s - start_s))
    share_of_instant = np.append(step, 0.0) + np.append(0.0, step)
    right = np.clip(np.searchsorted(known, at), 1, len(known) - 1)
    after = (at - known[right - 1]) / (known[right] - known[right - 1])
    weights = np.zeros(len(known))
    np.add.at(weights, right - 1, share_of_instant * (1 - after))
    np.add.at(weights, right, share_of_instant * after)
    return rows, weights
