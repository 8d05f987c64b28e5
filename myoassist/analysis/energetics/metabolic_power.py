"""Metabolic power of one episode, by every model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from myoassist.analysis.conventions import SIDES, side_of
from myoassist.analysis.energetics.bhargava_2004 import bhargava_2004
from myoassist.analysis.energetics.contraction import Contraction, contraction
from myoassist.analysis.energetics.energy_rate import EnergyRate
from myoassist.analysis.energetics.minetti_alexander_1997 import minetti_alexander_1997
from myoassist.analysis.energetics.muscles import Muscles
from myoassist.analysis.energetics.umberger_2010 import umberger_2010
from myoassist.config.analysis import EnergeticsSettings

MODELS: dict[str, Callable[[Contraction, Muscles, EnergeticsSettings], EnergyRate]] = {
    "umberger_2010": umberger_2010,
    "bhargava_2004": bhargava_2004,
    "minetti_alexander_1997": minetti_alexander_1997,
}
"""Name in tables -> model; a new one is a function of the same signature and a line here."""
PARTS = ("activation", "shortening", "work")
"""What a model may tell apart; attributes of `EnergyRate`."""
NEEDED = ("activation", "muscle_force", "fiber_length", "fiber_velocity")
"""Columns of a rollouts file's states that this needs, besides the excitation of the control steps."""
_ROWS = 4096
"""Rows that are computed together: memory does not grow with the length of an episode."""


@dataclass(frozen=True)
class MetabolicPower:
    """What the muscles spend over one episode.

    Attributes:
        muscles: constants, in the order of the columns.
        power_w: model -> shape (T, nmuscle) W.
        parts_w: model -> part -> sum over all muscles, shape (T,) W; empty for a model that has no parts.
        positive_work_w: power of the active forces on the fibres that shorten, all muscles, shape (T,) W.
        negative_work_w: the same on the fibres that are stretched, shape (T,) W, at most 0.
        lost_w: power of the fibres, passive forces included, that does not reach the joints, shape (T,) W.
    """

    muscles: Muscles
    power_w: dict[str, np.ndarray]
    parts_w: dict[str, dict[str, np.ndarray]]
    positive_work_w: np.ndarray
    negative_work_w: np.ndarray
    lost_w: np.ndarray

    def of_side(self, model: str, side: str) -> np.ndarray:
        """Sum over the muscles of one leg, shape (T,) W."""
        return self.power_w[model][:, self.columns(side)].sum(axis=1, dtype=float)

    def columns(self, side: str) -> np.ndarray:
        """Mask of the muscles of one leg, shape (nmuscle,)."""
        return np.array([side_of(name) == side for name in self.muscles.names], bool)


def metabolic_power(
    columns: Mapping[str, np.ndarray],
    muscles: Muscles,
    settings: EnergeticsSettings,
    *,
    time: np.ndarray,
    control_time: np.ndarray,
    excitation: np.ndarray,
    joint_power_w: np.ndarray,
) -> MetabolicPower:
    """Compute what the muscles spend, by every model.

    Args:
        columns: those named in ``NEEDED``, each of shape (T, nmuscle), in the units of the rollouts file.
        muscles: constants.
        settings: constants of the models.
        time: shape (T,) s.
        control_time: starts of the control steps, shape (k,) s, rising.
        excitation: of each control step, shape (k, nmuscle); the last one holds on. Without a control step the
            activation takes its place.
        joint_power_w: power of the muscles' moments at all joints, shape (T,) W.
    """
    shape = columns["muscle_force"].shape
    power = {model: np.zeros(shape, np.float32) for model in MODELS}
    parts: dict[str, dict[str, np.ndarray]] = {model: {} for model in MODELS}
    positive, negative = np.zeros(shape[0]), np.zeros(shape[0])
    # Steps and states are counted, not timed, by the simulation; half a millisecond bridges rounding.
    step = np.clip(np.searchsorted(control_time, time + 5e-4, side="right") - 1, 0, None)
    for rows in _blocks(shape[0]):
        state = contraction(
            muscles,
            excitation=excitation[step[rows]] if len(control_time) else columns["activation"][rows],
            activation=columns["activation"][rows],
            force_n=columns["muscle_force"][rows],
            fiber_length_m=columns["fiber_length"][rows],
            fiber_velocity_m_s=columns["fiber_velocity"][rows],
        )
        work = -state.active_force_n * state.velocity_m_s
        positive[rows] = np.maximum(work, 0).sum(axis=1)
        negative[rows] = np.minimum(work, 0).sum(axis=1)
        for model, function in MODELS.items():
            rate = function(state, muscles, settings)
            power[model][rows] = rate.total
            for part in PARTS:
                values = getattr(rate, part)
                if values is not None:
                    parts[model].setdefault(part, np.zeros(shape[0]))[rows] = values.sum(axis=1)
    fibers_w = -np.einsum("tm,tm->t", columns["muscle_force"], columns["fiber_velocity"], dtype=float)
    return MetabolicPower(muscles, power, parts, positive, negative, fibers_w - joint_power_w)


def leg_curve_names() -> tuple[str, ...]:
    """Names of the curves of `leg_curves`."""
    return tuple(f"metabolic_{model}_w_kg" for model in MODELS)


def leg_curves(power: MetabolicPower | None, side: str, *, body_mass_kg: float, rows: int) -> dict[str, np.ndarray]:
    """Metabolic power of one leg's muscles per kg of the body.

    Args:
        power: of an episode; None gives curves of NaN.
        side: r or l, one of ``SIDES``.
        body_mass_kg: mass of the body without device.
        rows: T.

    Returns:
        Curve name -> shape (T,) W/kg. Without the basal rate, which belongs to no leg.
    """
    if side not in SIDES:
        raise ValueError(f"side '{side}': expected r or l")
    if power is None:
        return {name: np.full(rows, np.nan) for name in leg_curve_names()}
    curves = (power.of_side(model, side) / body_mass_kg for model in MODELS)
    return dict(zip(leg_curve_names(), curves, strict=True))


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _ROWS):
        yield slice(start, min(start + _ROWS, rows))
