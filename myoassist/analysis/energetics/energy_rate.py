"""What every metabolic model returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EnergyRate:
    """Power of each muscle in watts, by what it is spent on; arrays of shape (T, nmuscle).

    Attributes:
        total: metabolic power, at least 0; the sum of the three others where the model tells them apart.
        activation: heat of activation and maintenance; None if the model has no such part.
        shortening: heat of shortening and lengthening, and what bounds on heat and total added; None likewise.
        work: rate of work of the contractile element, as far as the model counts it; None likewise.
    """

    total: np.ndarray
    activation: np.ndarray | None = None
    shortening: np.ndarray | None = None
    work: np.ndarray | None = None


def bounded(
    activation: np.ndarray, shortening: np.ndarray, work: np.ndarray, *, least_heat: np.ndarray | float
) -> EnergyRate:
    """Keep heat and total where muscle physiology allows them to be.

    Heat does not fall below a least rate (1 W/kg; Umberger, Gerritsen and Martin 2003, p. 104), and heat plus work
    not below 0: the chemistry of contraction does not run backwards, energy absorbed in a stretch becomes heat
    (Uchida et al. 2016, after Constable, Barclay and Gibbs 1997, J Physiol 505:205-215). What is missing is
    added to the heat of shortening.

    Args:
        activation: heat of activation and maintenance, W, shape (T, nmuscle).
        shortening: heat of shortening and lengthening, W, shape (T, nmuscle).
        work: W, shape (T, nmuscle).
        least_heat: W, shape (nmuscle,) or one number.
    """
    heat = np.maximum(activation + shortening, np.maximum(least_heat, -work))
    return EnergyRate(total=heat + work, activation=activation, shortening=heat - activation, work=work)
