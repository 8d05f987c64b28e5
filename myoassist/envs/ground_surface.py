"""The height of the ground under and ahead of a body."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.formats.compiled_model import Manifest


class GroundSurface:
    """Height of the ground along the line of walking (y = 0), by casting rays on the compiled ground."""

    SPACING_M = 0.05

    def __init__(self, model: mujoco.MjModel, manifest: Manifest):
        ground = manifest.settings["ground"]
        self.is_flat = ground["terrain"] == "flat"
        if self.is_flat:
            return
        reach = min(float(ground["extent_m"]) / 2, 60.0)
        self.x = np.arange(-reach, reach + self.SPACING_M, self.SPACING_M)
        data = mujoco.MjData(model)
        data.qpos[model.joint(manifest.root["forward"]).qposadr[0]] = 1e4  # out of the rays' way
        mujoco.mj_kinematics(model, data)
        found = np.zeros(1, dtype=np.int32)
        down = np.array([0.0, 0.0, -1.0])
        self.z = np.array(
            [100.0 - mujoco.mj_ray(model, data, np.array([x, 0.0, 100.0]), down, None, 1, -1, found) for x in self.x]
        )
        self.z[self.z > 100.0] = 0.0  # no ground there

    def height(self, x: np.ndarray) -> np.ndarray:
        """Height (m) at forward positions x (m), linear between samples."""
        return np.interp(x, self.x, self.z)
