"""Metabolic power after Minetti and Alexander (1997).

Minetti AE, Alexander RMcN (1997), A theory of metabolic costs for bipedal gaits, J Theor Biol 186:467-476.
"""

from __future__ import annotations

import numpy as np

from myoassist.analysis.energetics.contraction import Contraction
from myoassist.analysis.energetics.energy_rate import EnergyRate
from myoassist.analysis.energetics.muscles import Muscles
from myoassist.config.analysis import EnergeticsSettings


def cost_of_velocity(velocity: np.ndarray) -> np.ndarray:
    """Metabolic power of a fully active muscle over F_max v_max.

    phi(x) = (0.054 + 0.506 x + 2.46 x^2) / (1 - 1.13 x + 12.8 x^2 - 1.64 x^3); above 0 for all x from -1 to 1.

    Args:
        velocity: x, shortening velocity over its largest one, shortening positive; values beyond -1 and 1,
            which the fit was not made for, count as those.
    """
    x = np.clip(velocity, -1.0, 1.0)
    return (0.054 + x * (0.506 + x * 2.46)) / (1 + x * (-1.13 + x * (12.8 - x * 1.64)))


def minetti_alexander_1997(state: Contraction, muscles: Muscles, settings: EnergeticsSettings) -> EnergyRate:
    """Return each muscle's metabolic power in watts: a F_max v_max phi(v / v_max).

    Heat and work are not told apart, and neither mass nor fibre types matter.

    Args:
        state: what the muscles do.
        muscles: constants.
        settings: not needed; models share one signature.
    """
    velocity = -state.velocity_m_s / muscles.max_velocity_m_s
    power = muscles.max_force_n * muscles.max_velocity_m_s * state.activation * cost_of_velocity(velocity)
    return EnergyRate(total=power)
