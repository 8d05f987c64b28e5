"""Planar forward kinematics of the feet by elementwise arithmetic, for N bodies at once."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest

SEGMENTS = ("femur", "tibia", "talus", "calcn")
HINGES = ("hip_flexion", "knee_angle", "ankle_angle")


class PlanarLegs:
    """Positions of the heels (calcaneus origins) relative to the pelvis in the sagittal plane.

    The chain is pelvis -> femur -> tibia (its two slides follow the knee) -> talus -> calcaneus; all hinges turn
    about the lateral axis, so angles add up and positions are sums of rotated offsets.
    """

    def __init__(self, model: mujoco.MjModel, manifest: Manifest):
        """Read the segments' offsets.

        Raises:
            InputError: if the body is not planar in this sense (checked against MuJoCo's own kinematics).
        """
        columns = {joint.name: joint.qpos for joint in manifest.joints}
        hinges = [["pelvis_tilt"] * 2] + [[f"{name}_{side}" for side in SIDES] for name in HINGES]
        self.slides = tuple(f"knee_{side}_translation{number}" for number in (1, 2) for side in SIDES)
        names = [name for pair in hinges for name in pair] + list(self.slides)
        self._columns = np.array([columns[name] for name in names], dtype=np.intp)
        # offsets of femur, tibia, talus, calcaneus (right, left each) in the segment above: (2 axes, 8, 1)
        offsets = np.array([model.body(f"{body}_{side}").pos[:2] for body in SEGMENTS for side in SIDES])
        self._offsets = np.ascontiguousarray(offsets.T[:, :, None])
        self._verify(model)

    def feet(self, qpos: np.ndarray) -> np.ndarray:
        """Foot positions of bodies in given joint positions.

        Args:
            qpos: (N, nq) rad and m.

        Returns:
            (N, 4) x and z of the right foot, then of the left, relative to the pelvis origin (m).
        """
        count = len(qpos)
        # one row a quantity, environments along it: long rows are what elementwise arithmetic is fast on
        rows = np.take(qpos.T, self._columns, axis=0)
        angles, slides = rows[:8], rows[8:]
        for segment in range(2, 8, 2):
            angles[segment : segment + 2] += angles[segment - 2 : segment]
        along, across = (np.repeat(offset, count, axis=1) for offset in self._offsets)
        along[2:4] += slides[:2]
        across[2:4] += slides[2:]
        cosine, sine = np.cos(angles), np.sin(angles)
        x, z = cosine * along - sine * across, sine * along + cosine * across
        out = np.empty((count, 2, 2))
        out[:, :, 0] = (x[:2] + x[2:4] + x[4:6] + x[6:]).T
        out[:, :, 1] = (z[:2] + z[2:4] + z[4:6] + z[6:]).T
        return out.reshape(count, 4)

    def _verify(self, model: mujoco.MjModel) -> None:
        data = mujoco.MjData(model)
        data.qpos[:] = np.random.default_rng(0).uniform(-0.3, 0.1, model.nq)
        mujoco.mj_kinematics(model, data)
        pelvis = data.body("pelvis").xpos
        expected = np.concatenate([(data.body(f"calcn_{side}").xpos - pelvis)[[0, 2]] for side in SIDES])
        if not np.allclose(self.feet(data.qpos[None])[0], expected, atol=1e-9):
            raise InputError("model: the body's legs are not planar; this environment needs a planar body")
