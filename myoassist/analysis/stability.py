"""Margin of stability forward: how far the base of support reaches ahead of the extrapolated centre of mass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.gait_events import Events
from myoassist.formats.rollouts import RolloutModel

if TYPE_CHECKING:
    from myoassist.analysis.cycles import Cycle
    from myoassist.analysis.trial import Trial


def extrapolated(position: np.ndarray, velocity: np.ndarray, model: RolloutModel) -> np.ndarray:
    """Extrapolated centre of mass x + v / ω, ω = sqrt(g / l) (Hof, Gazendam and Sinke 2005, J Biomech 38:1-8).

    Args:
        position: shape (n,) m, of the centre of mass in one direction.
        velocity: shape (n,) m/s.
        model: its leg length (hip to floor, standing) is the pendulum's length l, as in that paper.

    Returns:
        shape (n,) m.
    """
    return position + velocity * np.sqrt(model.leg_length_m / model.gravity_m_s2)


def loaded(time: np.ndarray, events: Events) -> np.ndarray:
    """Whether the foot is in contact, shape (n,), by the same contacts as the events."""
    result = np.zeros(len(time), dtype=bool)
    for begin, end in events.contacts:
        result[np.searchsorted(time, begin) : np.searchsorted(time, end, side="right")] = True
    return result


def front_margin(trial: Trial) -> np.ndarray:
    """Margin of stability forward at every state: foremost toe of the loaded feet less extrapolated centre of mass.

    Returns:
        shape (n,) m; NaN while no foot is loaded.
    """
    feet = np.stack([loaded(trial.time, trial.events[side]) for side in SIDES], axis=1)
    front = np.where(feet, trial.toe[:, :, 0], -np.inf).max(axis=1)
    return np.where(np.isfinite(front), front, np.nan) - trial.extrapolated_x


def stability_numbers(trial: Trial, cycle: Cycle, margin: np.ndarray) -> dict[str, float]:
    """Margins of one stride, named as in `myoassist.formats.stride_columns`.

    Args:
        trial: the episode.
        cycle: of it.
        margin: as from `front_margin`.
    """
    ahead = trial.toe[:, SIDES.index(cycle.side), 0] - trial.extrapolated_x
    within = margin[(trial.time >= cycle.start_s) & (trial.time <= cycle.end_s)]
    within = within[np.isfinite(within)]
    return {
        "margin_heel_strike_m": float(np.interp(cycle.start_s, trial.time, ahead)),
        "margin_least_m": float(within.min()) if len(within) else float("nan"),
    }
