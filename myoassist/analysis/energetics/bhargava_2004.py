"""Metabolic power after Bhargava, Pandy and Anderson (2004).

Bhargava LJ, Pandy MG, Anderson FC (2004), A phenomenological model for estimating metabolic energy consumption in
muscle contraction, J Biomech 37:81-88. Two things are as in OpenSim's ``Bhargava2004MuscleMetabolicsProbe``: the
heat of activation does not decay while the excitation lasts (their phi is 1), and heat has a least rate.
"""

from __future__ import annotations

import numpy as np

from myoassist.analysis.energetics.contraction import Contraction
from myoassist.analysis.energetics.energy_rate import EnergyRate, bounded
from myoassist.analysis.energetics.muscles import Muscles
from myoassist.analysis.energetics.recruitment import excited_shares
from myoassist.config.analysis import EnergeticsSettings

ACTIVATION_SLOW_W_KG, ACTIVATION_FAST_W_KG = 40.0, 133.0
MAINTENANCE_SLOW_W_KG, MAINTENANCE_FAST_W_KG = 74.0, 111.0
LENGTHS = (0.0, 0.5, 1.0, 1.5)
LENGTH_FACTORS = (0.5, 0.5, 1.0, 0.0)
"""Fibre length in optimal lengths -> factor on the heat of maintenance, straight in between."""


def bhargava_2004(state: Contraction, muscles: Muscles, settings: EnergeticsSettings) -> EnergyRate:
    """Return each muscle's metabolic power in watts, arrays of shape (T, nmuscle).

    With u_slow = r sin(pi u / 2) and u_fast = (1 - r) (1 - cos(pi u / 2)), per kg of muscle:

    - activation: 40 u_slow + 133 u_fast;
    - maintenance: (74 u_slow + 111 u_fast) times a factor of the fibre length.

    And with v the fibre velocity (lengthening positive), F the active force and F_iso = F_max a f(L) the one that
    the same activation would give at rest:

    - shortening: -(0.16 F_iso + 0.18 F) v, lengthening: -0.157 F v, which is negative;
    - work: -F v, negative where the muscle is stretched.

    Args:
        state: what the muscles do.
        muscles: constants.
        settings: negative work (left out only if asked for), least heat.
    """
    slow, fast = excited_shares(state.excitation, muscles.slow_twitch)
    factor = np.interp(state.length, LENGTHS, LENGTH_FACTORS)
    activation = muscles.mass_kg * (
        (ACTIVATION_SLOW_W_KG + MAINTENANCE_SLOW_W_KG * factor) * slow
        + (ACTIVATION_FAST_W_KG + MAINTENANCE_FAST_W_KG * factor) * fast
    )
    velocity, force = state.velocity_m_s, state.active_force_n
    at_rest = muscles.max_force_n * state.activation * state.isometric
    shortening = -np.where(velocity <= 0, 0.16 * at_rest + 0.18 * force, 0.157 * force) * velocity
    work = -force * velocity
    if settings.negative_work == "excluded":
        work = np.maximum(work, 0.0)
    return bounded(activation, shortening, work, least_heat=settings.least_heat_w_kg * muscles.mass_kg)
