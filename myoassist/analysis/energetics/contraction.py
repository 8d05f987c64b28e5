"""What a muscle does at each instant: its active force apart from the passive one, length, velocity, excitation.

Metabolic models are about the contractile element. MuJoCo's muscle is force = activation x gain + bias: the gain
is the active force at full activation (isometric force, force-length curve, force-velocity curve), the bias
the passive force of the stretched fibre (MuJoCo documentation, "Computation: Muscle actuators"). The file
holds their sum; the curves below give the passive part again, and what is left is active.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoassist.analysis.energetics.muscles import Muscles


@dataclass(frozen=True)
class Contraction:
    """State of all muscles, arrays of shape (T, nmuscle).

    Attributes:
        excitation: 0 to 1.
        activation: 0 to 1.
        active_force_n: force of the contractile element, tension positive.
        velocity_m_s: of the fibre, lengthening positive.
        length: fibre length in optimal lengths.
        isometric: force-length curve at that length, 0 to 1.
    """

    excitation: np.ndarray
    activation: np.ndarray
    active_force_n: np.ndarray
    velocity_m_s: np.ndarray
    length: np.ndarray
    isometric: np.ndarray


def contraction(
    muscles: Muscles,
    *,
    excitation: np.ndarray,
    activation: np.ndarray,
    force_n: np.ndarray,
    fiber_length_m: np.ndarray,
    fiber_velocity_m_s: np.ndarray,
) -> Contraction:
    """Split the stored forces and scale lengths; all arrays of shape (T, nmuscle).

    Args:
        muscles: constants.
        excitation: 0 to 1, in force at each row.
        activation: 0 to 1.
        force_n: of the whole muscle, tension positive.
        fiber_length_m: fibre length.
        fiber_velocity_m_s: lengthening positive.
    """
    length = np.asarray(fiber_length_m, float) / muscles.optimal_length_m
    # Active force cannot pull the other way; what is below zero is rounding of the stored numbers.
    active = np.maximum(np.asarray(force_n, float) - passive_force(length, muscles), 0.0)
    return Contraction(
        excitation=np.clip(np.asarray(excitation, float), 0.0, 1.0),
        activation=np.clip(np.asarray(activation, float), 0.0, 1.0),
        active_force_n=active,
        velocity_m_s=np.asarray(fiber_velocity_m_s, float),
        length=length,
        isometric=force_length(length, muscles),
    )


def force_length(length: np.ndarray, muscles: Muscles) -> np.ndarray:
    """MuJoCo's active force-length curve: four parabolas from 0 at the ends of the range to 1 at length 1.

    Args:
        length: fibre length in optimal lengths, shape (T, nmuscle).
        muscles: give the ends of the range.

    Returns:
        Shape (T, nmuscle), 0 to 1.
    """
    shortening = length <= 1
    end = np.where(shortening, muscles.shortest, muscles.longest)
    # Share of the way from the peak to the end of the range: 0 at length 1, 1 at the end.
    way = np.minimum((length - 1) / (end - 1), 1.0)
    return np.where(way <= 0.5, 1 - 2 * way**2, 2 * (1 - way) ** 2)


def passive_force(length: np.ndarray, muscles: Muscles) -> np.ndarray:
    """MuJoCo's passive force in newtons: from length 1 on, first quadratic, then straight.

    Args:
        length: fibre length in optimal lengths, shape (T, nmuscle).
        muscles: constants.

    Returns:
        Shape (T, nmuscle), at least 0.
    """
    half = 0.5 * (muscles.longest - 1)
    way = np.maximum(length - 1, 0.0) / half
    return muscles.max_force_n * muscles.passive_force * np.where(way <= 1, 0.5 * way**2, way - 0.5)
