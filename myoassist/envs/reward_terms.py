"""The reward's raw terms: each a small batched function of a step, without its weight.

Everything is elementwise over environments or a sum along the last axis of a C-contiguous array, so an
environment's reward does not depend on how many neighbours it has.
"""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import (
    EnvironmentSettings,
    FootForceTerm,
    ForwardVelocityTerm,
    ImitationTerm,
    LimitTorqueTerm,
    MuscleEffortTerm,
    StanceTimingTerm,
)
from myoassist.errors import InputError


def weights(settings: EnvironmentSettings, imitation_terms: tuple[str, ...]) -> dict[str, float]:
    """Return name -> weight of all terms that the settings ask for, in their order.

    Args:
        settings: of the environment.
        imitation_terms: the imitation terms that its class computes.

    Raises:
        InputError: for imitation terms where nothing is imitated, a weight given twice, or no term at all.
    """
    reward = settings.reward
    named = {
        name: getattr(reward, name).weight
        for name in type(reward).model_fields
        if name != "own" and getattr(reward, name) is not None
    }
    needing = [name for name in named if name.endswith("_imitation") or name == "stance_timing"]
    misplaced = [name for name in needing if name not in imitation_terms]
    if misplaced:
        raise InputError(
            f"environment: field 'reward.{misplaced[0]}': {settings.id} imitates nothing "
            "(expected null, or an imitation environment)"
        )
    twice = sorted(named.keys() & reward.own.keys())
    if twice:
        raise InputError(f"environment: field 'reward.own.{twice[0]}': has a weight already, in 'reward.{twice[0]}'")
    named |= reward.own
    if not named:
        raise InputError("environment: field 'reward': at least one term is needed")
    return named


def mean(values: np.ndarray) -> np.ndarray:
    """Mean along the last axis, (N, K) -> (N,): what `ndarray.mean` does, at a third of its cost for small arrays."""
    return np.add.reduce(values, axis=1) / values.shape[1]


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
        parts = [mean(np.exp(-sharpness * squared)) for sharpness in term.sharpness]
    else:
        total = squared.sum(axis=1)
        parts = [np.exp(-sharpness * total) for sharpness in term.sharpness]
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result / len(parts)


def stance_timing(load: np.ndarray, standing: np.ndarray, term: StanceTimingTerm) -> np.ndarray:
    """Mean over feet of min(load / loaded, 1) where the reference stands and 1 minus it where it swings.

    Args:
        load: (N, 2) vertical load of right and left foot, body weights.
        standing: (N, 2) bool, whether the reference's foot stands.
        term: the load that counts as standing.

    Returns:
        (N,) in [0, 1].
    """
    loaded = np.clip(load / term.loaded_bw, 0.0, 1.0)
    return mean(np.where(standing, loaded, 1.0 - loaded))


def muscle_effort(activations: np.ndarray, term: MuscleEffortTerm) -> np.ndarray:
    """Mean over muscles of activation^power, (N, M) -> (N,)."""
    powered = np.square(activations) if term.power == 2.0 else activations**term.power
    return mean(powered)


def activation_smoothness(change: np.ndarray) -> np.ndarray:
    """Mean over muscles of the squared change of activation in a control step, (N, M) -> (N,)."""
    return mean(np.square(change))


def foot_force_excess(peak: np.ndarray, term: FootForceTerm) -> np.ndarray:
    """Sum over feet of the load above the threshold, (N, 2) body weights -> (N,)."""
    return np.maximum(peak - term.threshold_bw, 0.0).sum(axis=1)


def joint_limit_torque(torque: np.ndarray, term: LimitTorqueTerm) -> np.ndarray:
    """Mean over joints of |limit torque| / scale, (N, L) N·m -> (N,)."""
    return mean(np.abs(torque)) / term.scale_n_m


def at_foot_strike(strike: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The value where a footstep ended in this step, 0 elsewhere."""
    return np.where(strike, value, 0.0)
