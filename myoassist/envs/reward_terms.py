"""The reward's raw terms: each a small batched function of a step, without its weight.

Each environment's value is computed from its own numbers alone, so it does not depend on how many neighbours it has.
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
from myoassist.envs.compiling import compiled
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


def forward_velocity(
    velocity: np.ndarray, target: np.ndarray, fluctuation: np.ndarray | None, term: ForwardVelocityTerm
) -> np.ndarray:
    """exp(-(error/scale)^2) of the forward velocity; 1 is best.

    Args:
        velocity: (N,) of the pelvis (m/s).
        target: (N,) mean that is wanted (m/s).
        fluctuation: (N,) by which the reference is faster than its mean at this moment of the stride (m/s), or None.
        term: the error that counts as 1.
    """
    return _closeness_of_velocity(velocity, target, fluctuation, term.scale_m_s)


class Imitation:
    """Closeness of several quantities to the reference, 1 is best.

    `exp_sum` is the form of Peng et al. 2018 (DeepMimic, eq. 5): one exponential of a weighted sum of squares.
    """

    def __init__(self, scales: np.ndarray, term: ImitationTerm, columns: np.ndarray | None = None):
        """Prepare the comparison.

        Args:
            scales: (K,) differences that count as 1, in the quantities' own units.
            term: form and sharpness.
            columns: (K,) which columns are compared; None takes all.
        """
        self._scales = scales
        self._columns = np.arange(len(scales)) if columns is None else columns
        self._sharpness = np.array(term.sharpness)
        self._each = term.form == "mean_exp"

    def __call__(self, values: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Compare values (N, C) with the reference's (N, C): (N,) in (0, 1]."""
        return _closeness(values, reference, self._columns, self._scales, self._sharpness, self._each)


def stance_timing(foot_force: np.ndarray, standing: np.ndarray, term: StanceTimingTerm) -> np.ndarray:
    """Mean over feet of min(load / loaded, 1) where the reference stands and 1 minus it where it swings.

    Args:
        foot_force: (N, 4) vertical load in body weights: heel and toes right, heel and toes left.
        standing: (N, 2) bool, whether the reference's foot stands.
        term: the load that counts as standing.

    Returns:
        (N,) in [0, 1].
    """
    return _timing(foot_force, standing, term.loaded_bw)


def muscle_effort(activations: np.ndarray, term: MuscleEffortTerm) -> np.ndarray:
    """Mean over muscles of activation^power, (N, M) -> (N,)."""
    return mean_square(activations) if term.power == 2.0 else _mean(activations**term.power)


def activation_smoothness(change: np.ndarray) -> np.ndarray:
    """Mean over muscles of the squared change of activation in a control step, (N, M) -> (N,)."""
    return mean_square(change)


def foot_force_excess(peak: np.ndarray, term: FootForceTerm) -> np.ndarray:
    """Sum over feet of the load above the threshold, (N, 2) body weights -> (N,)."""
    return _sum_above(peak, term.threshold_bw)


def joint_limit_torque(torque: np.ndarray, term: LimitTorqueTerm) -> np.ndarray:
    """Mean over joints of |limit torque| / scale, (N, L) N·m -> (N,)."""
    return _mean_size(torque, term.scale_n_m)


def at_foot_strike(strike: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The value where a footstep ended in this step, 0 elsewhere."""
    return np.where(strike, value, 0.0)


@compiled
def weighted(weights: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Rewards (N,) of (T,) weights and (T, N) raw terms, added in their order."""
    total = np.zeros(terms.shape[1])
    for term in range(len(weights)):
        for body in range(len(total)):
            total[body] += weights[term] * terms[term, body]
    return total


@compiled
def _closeness_of_velocity(
    velocity: np.ndarray, target: np.ndarray, fluctuation: np.ndarray | None, scale: float
) -> np.ndarray:
    result = np.empty(len(velocity))
    for body in range(len(velocity)):
        error = velocity[body] - target[body]
        if fluctuation is not None:
            error -= fluctuation[body]
        share = error / scale
        result[body] = np.exp(-(share * share))
    return result


@compiled
def _closeness(
    values: np.ndarray,
    reference: np.ndarray,
    columns: np.ndarray,
    scales: np.ndarray,
    sharpness: np.ndarray,
    each: bool,
) -> np.ndarray:
    bodies, count = len(values), len(columns)
    result = np.empty(bodies)
    squared, likeness = np.empty(count), np.empty(count)
    for body in range(bodies):
        for item in range(count):
            column = columns[item]
            share = (values[body, column] - reference[body, column]) / scales[item]
            squared[item] = share * share
        total = 0.0 if each else _sum(squared)
        parts = 0.0
        for sharp in sharpness:
            if each:
                for item in range(count):
                    likeness[item] = np.exp(-sharp * squared[item])
                parts += _sum(likeness) / count
            else:
                parts += np.exp(-sharp * total)
        result[body] = parts / len(sharpness)
    return result


@compiled
def _timing(foot_force: np.ndarray, standing: np.ndarray, loaded_bw: float) -> np.ndarray:
    bodies, feet = standing.shape
    result = np.empty(bodies)
    for body in range(bodies):
        total = 0.0
        for foot in range(feet):
            load = foot_force[body, 2 * foot] + foot_force[body, 2 * foot + 1]
            loaded = min(max(load / loaded_bw, 0.0), 1.0)
            total += loaded if standing[body, foot] else 1.0 - loaded
        result[body] = total / feet
    return result


@compiled
def mean_square(values: np.ndarray) -> np.ndarray:
    """Mean of squares along the last axis, (N, K) -> (N,)."""
    result, squared = np.empty(len(values)), np.empty(values.shape[1])
    for row in range(len(values)):
        for item in range(len(squared)):
            squared[item] = values[row, item] * values[row, item]
        result[row] = _sum(squared) / len(squared)
    return result


@compiled
def _mean_size(values: np.ndarray, scale: float) -> np.ndarray:
    """Mean of sizes, signs apart, along the last axis, (N, K) -> (N,), as a multiple of the scale."""
    result, sizes = np.empty(len(values)), np.empty(values.shape[1])
    for row in range(len(values)):
        for item in range(len(sizes)):
            sizes[item] = abs(values[row, item])
        result[row] = _sum(sizes) / len(sizes) / scale
    return result


@compiled
def _mean(values: np.ndarray) -> np.ndarray:
    """Mean along the last axis, (N, K) -> (N,)."""
    result = np.empty(len(values))
    for row in range(len(values)):
        result[row] = _sum(values[row]) / values.shape[1]
    return result


@compiled
def _sum_above(values: np.ndarray, threshold: float) -> np.ndarray:
    rows, count = values.shape
    result = np.empty(rows)
    for row in range(rows):
        total = 0.0
        for item in range(count):
            total += max(values[row, item] - threshold, 0.0)
        result[row] = total
    return result


@compiled
def _sum(values: np.ndarray) -> float:
    """Sum of (K,) in the order of `ndarray.sum`: by eights, which rounds less than one after the other."""
    count = len(values)
    if count < 8:
        total = 0.0
        for value in values:
            total += value
        return total
    parts = values[:8].copy()
    eights = count - count % 8
    for start in range(8, eights, 8):
        for lane in range(8):
            parts[lane] += values[start + lane]
    total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
    for value in values[eights:]:
        total += value
    return total
