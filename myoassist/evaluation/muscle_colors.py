"""How activation looks: pale blue at rest, red when fully active."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.formats.compiled_model import Manifest

_REST = np.array([0.45, 0.57, 0.78])
_ACTIVE = np.array([0.83, 0.07, 0.05])


def muscle_colors(activation: np.ndarray) -> np.ndarray:
    """Return colours (n, 3) in 0 to 1 for activations (n,) in 0 to 1."""
    share = np.clip(np.asarray(activation, float), 0.0, 1.0)[:, None]
    return (1.0 - share) * _REST + share * _ACTIVE


def muscle_tendons(model: mujoco.MjModel, manifest: Manifest) -> np.ndarray:
    """Return the index of each muscle's tendon (nmuscle,)."""
    return np.array([model.actuator_trnid[muscle.actuator, 0] for muscle in manifest.muscles], int)
