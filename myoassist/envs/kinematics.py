"""Planar forward kinematics of the feet by elementwise arithmetic, for N bodies at once."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest


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
        self.columns = {joint.name: joint.qpos for joint in manifest.joints}
        self.offsets = {
            side: [model.body(f"{body}_{side}").pos[:2].copy() for body in ("femur", "tibia", "talus", "calcn")]
            for side in SIDES
        }
        self._verify(model)

    def feet(self, qpos: np.ndarray) -> np.ndarray:
        """Foot positions of bodies in given joint positions.

        Args:
            qpos: (N, nq) rad and m.

        Returns:
            (N, 4) x and z of the right foot, then of the left, relative to the pelvis origin (m).
        """
        out = np.empty((len(qpos), 4))
        tilt = qpos[:, self.columns["pelvis_tilt"]]
        for number, side in enumerate(SIDES):
            x, z = self._foot(
                tilt,
                qpos[:, self.columns[f"hip_flexion_{side}"]],
                qpos[:, self.columns[f"knee_angle_{side}"]],
                qpos[:, self.columns[f"ankle_angle_{side}"]],
                qpos[:, self.columns[f"knee_{side}_translation1"]],
                qpos[:, self.columns[f"knee_{side}_translation2"]],
                self.offsets[side],
            )
            out[:, 2 * number], out[:, 2 * number + 1] = x, z
        return out

    @staticmethod
    def _foot(tilt, hip, knee, ankle, slide1, slide2, offsets):
        femur, tibia, talus, calcn = offsets
        angle = tilt
        c, s = np.cos(angle), np.sin(angle)
        x, z = c * femur[0] - s * femur[1], s * femur[0] + c * femur[1]
        angle = angle + hip
        c, s = np.cos(angle), np.sin(angle)
        along, across = tibia[0] + slide1, tibia[1] + slide2
        x, z = x + c * along - s * across, z + s * along + c * across
        angle = angle + knee
        c, s = np.cos(angle), np.sin(angle)
        x, z = x + c * talus[0] - s * talus[1], z + s * talus[0] + c * talus[1]
        angle = angle + ankle
        c, s = np.cos(angle), np.sin(angle)
        return x + c * calcn[0] - s * calcn[1], z + s * calcn[0] + c * calcn[1]

    def _verify(self, model: mujoco.MjModel) -> None:
        data = mujoco.MjData(model)
        data.qpos[:] = np.random.default_rng(0).uniform(-0.3, 0.1, model.nq)
        mujoco.mj_kinematics(model, data)
        pelvis = data.body("pelvis").xpos
        expected = np.concatenate([(data.body(f"calcn_{side}").xpos - pelvis)[[0, 2]] for side in SIDES])
        if not np.allclose(self.feet(data.qpos[None])[0], expected, atol=1e-9):
            raise InputError("model: the body's legs are not planar; this environment needs a planar body")
