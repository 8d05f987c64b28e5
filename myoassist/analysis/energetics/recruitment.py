"""Which fibres an excitation recruits: slow-twitch ones first.

Bhargava, Pandy and Anderson (2004), J Biomech 37:81-88; Uchida et al. (2016), PLoS ONE 11:e0163417, take the same
for the model of Umberger (2010).
"""

from __future__ import annotations

import numpy as np


def excited_shares(excitation: np.ndarray, slow_twitch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of a muscle is recruited as slow-twitch and as fast-twitch fibres.

    u_slow = r sin(pi u / 2), u_fast = (1 - r) (1 - cos(pi u / 2)); at full excitation they are r and 1 - r.

    Args:
        excitation: u, 0 to 1, shape (T, nmuscle).
        slow_twitch: r, 0 to 1, shape (nmuscle,).

    Returns:
        Slow and fast, each of shape (T, nmuscle), 0 to 1.
    """
    angle = 0.5 * np.pi * excitation
    return slow_twitch * np.sin(angle), (1 - slow_twitch) * (1 - np.cos(angle))


def recruited_slow_share(excitation: np.ndarray, slow_twitch: np.ndarray) -> np.ndarray:
    """Return the share of slow-twitch fibres among those recruited: 1 at no excitation, r at full excitation.

    Args:
        excitation: 0 to 1, shape (T, nmuscle).
        slow_twitch: r, share in the whole muscle, 0 to 1, shape (nmuscle,).

    Returns:
        Shape (T, nmuscle), 0 to 1.
    """
    slow, fast = excited_shares(excitation, slow_twitch)
    recruited = slow + fast
    # A muscle without slow-twitch fibres recruits none; in all others the first fibre is a slow one.
    first = np.broadcast_to(np.where(slow_twitch > 0, 1.0, 0.0), recruited.shape).copy()
    return np.divide(slow, recruited, out=first, where=recruited > 0)
