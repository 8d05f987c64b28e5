"""The reward's raw terms: each a small batched function of a step, without its weight.

Everything is elementwise over environments or a sum along the last axis of a C-contiguous array, so an
environment's reward does not depend on how many neighbours it has.
"""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import (
    FootForceTerm,
    ForwardVelocityTerm,
    ImitationTerm,
    LimitTorqueTerm,
    MuscleEffortTerm,
)


def forward_velocity(error: np.ndarray, term: ForwardVelocityTerm) -> np.ndarray:
    """exp(-(error/scale)^2) of a velocity error (N,) in m/s; 1 is best."""
    return np.exp(-np.square(error / term.scale_m_s))


def imitation(error: np.ndarray, scales: np.ndarray, term: ImitationTerm) -> np.ndarray:
    """Closeness of several quantities to the reference, 1 is best.

    `exp_sum` is the form of Peng et al. 2018 (DeepMimic, eq. 5): one exponential of a weighted sum of squares.

    Args:
        error: (N, K) differences in the quantities' own units.
        scales: (K,) differences that count as 1, same units.
        term: form and sharpness.

    Returns:
        (N,) in (0, 1].
    """
    squared = np.square(error / scales)
    if term.form == "mean_exp":
        parts = [np.exp(-sharpness * squared).mean(axis=1) for sharpness in term.sharpness]
    else:
        total = squared.sum(axis=1)
        parts = [np.exp(-sharpness * total) for sharpness in term.sharpness]
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result / len(parts)


def muscle_effort(activations: np.ndarray, term: MuscleEffortTerm) -> np.ndarray:
    """Mean over muscles of activation^power, (N, M) -> (N,)."""
    powered = np.square(activations) if term.power == 2.0 else activations**term.power
    return powered.mean(axis=1)


def activation_smoothness(change: np.ndarray) -> np.ndarray:
    """Mean over muscles of the squared change of activation in a control step, (N, M) -> (N,)."""
    return np.square(change).mean(axis=1)


def foot_force_excess(peak: np.ndarray, term: FootForceTerm) -> np.ndarray:
    """Sum over feet of the load above the threshold, (N, 2) body weights -> (N,)."""
    return np.maximum(peak - term.threshold_bw, 0.0).sum(axis=1)


def joint_limit_torque(torque: np.ndarray, term: LimitTorqueTerm) -> np.ndarray:
    """Mean over joints of |limit torque| / scale, (N, L) N·m -> (N,)."""
    return np.abs(torque).mean(axis=1) / term.scale_n_m


def at_foot_strike(strike: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The value where a footstep ended in this step, 0 elsewhere."""
    return np.where(strike, value, 0.0)
