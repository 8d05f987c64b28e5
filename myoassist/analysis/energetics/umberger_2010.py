"""Metabolic power after Umberger (2010), with the orderly recruitment of Uchida et al. (2016).

Umberger BR, Gerritsen KGM, Martin PE (2003), A model of human muscle energy expenditure, Comput Methods Biomech
Biomed Engin 6:99-111; Umberger BR (2010), Stance and swing phase costs in human walking, J R Soc Interface
7:1329-1340; Uchida TK et al. (2016), Simulating ideal assistive devices to reduce the metabolic cost of running,
PLoS ONE 11:e0163417.
"""

from __future__ import annotations

import numpy as np

from myoassist.analysis.energetics.contraction import Contraction
from myoassist.analysis.energetics.energy_rate import EnergyRate, bounded
from myoassist.analysis.energetics.muscles import Muscles
from myoassist.analysis.energetics.recruitment import recruited_slow_share
from myoassist.config.analysis import EnergeticsSettings

ACTIVATION_SLOW_W_KG = 25.0
ACTIVATION_FAST_W_KG = 153.0
"""Heat of activation and maintenance of fully active slow-twitch and fast-twitch fibres."""
SHORTENING_SLOW_W_KG = 100.0
SHORTENING_FAST_W_KG = 153.0
"""Heat of shortening at the fastest shortening of each kind of fibre."""
SLOW_VELOCITY = 1 / 2.5
"""Fastest shortening of slow-twitch fibres over that of fast-twitch ones."""
LENGTHENING = {True: 4.0, False: 0.3}
"""Heat of lengthening over that of shortening slow-twitch fibres: with negative work counted (2003) or not (2010)."""


def umberger_2010(state: Contraction, muscles: Muscles, settings: EnergeticsSettings) -> EnergyRate:
    """Return each muscle's metabolic power in watts, arrays of shape (T, nmuscle).

    With v the fibre velocity in optimal lengths per second (lengthening positive), v_max that of fast-twitch
    fibres, r the share of slow-twitch fibres among those recruited, F_iso the force-length curve, and
    A = u if u > a, else (u + a) / 2, per kg of muscle:

    - activation and maintenance: (25 r + 153 (1 - r)) A^0.6 S;
    - shortening: (min(100 / (v_max / 2.5) |v|, 100) r + 153 / v_max |v| (1 - r)) A^2 S;
    - lengthening: c 100 / (v_max / 2.5) v A S, with c = 0.3, or 4 where negative work is counted;
    - at lengths above the optimal one the first is multiplied by 0.4 + 0.6 F_iso, the others by F_iso;
    - work: -F v of the contractile element; negative work is not counted in the model of 2010.

    S is 1.5 where muscles work aerobically and 1 where they do not.

    Args:
        state: what the muscles do.
        muscles: constants.
        settings: aerobic factor, recruitment, negative work, least heat.
    """
    negative = settings.negative_work == "included"
    slow: np.ndarray = muscles.slow_twitch
    if settings.recruitment == "orderly":
        slow = recruited_slow_share(state.excitation, muscles.slow_twitch)
    active = np.where(
        state.excitation > state.activation, state.excitation, 0.5 * (state.excitation + state.activation)
    )
    stretched = np.where(state.length > 1, state.isometric, 1.0)
    scale = settings.aerobic_factor * muscles.mass_kg

    activation = ACTIVATION_SLOW_W_KG * slow + ACTIVATION_FAST_W_KG * (1 - slow)
    activation = scale * activation * active**0.6 * (0.4 + 0.6 * stretched)

    shorten = np.maximum(-state.velocity_m_s, 0.0) / muscles.max_velocity_m_s
    slow_heat = np.minimum(SHORTENING_SLOW_W_KG / SLOW_VELOCITY * shorten, SHORTENING_SLOW_W_KG)
    heat = (slow_heat * slow + SHORTENING_FAST_W_KG * shorten * (1 - slow)) * active**2
    lengthen = np.maximum(state.velocity_m_s, 0.0) / muscles.max_velocity_m_s
    heat += LENGTHENING[negative] * SHORTENING_SLOW_W_KG / SLOW_VELOCITY * lengthen * active

    work = -state.active_force_n * state.velocity_m_s
    if not negative:
        work = np.maximum(work, 0.0)
    least = settings.least_heat_w_kg * muscles.mass_kg
    return bounded(activation, scale * heat * stretched, work, least_heat=least)
