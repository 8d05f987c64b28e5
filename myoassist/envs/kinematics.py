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
        """Read the segments' offsets and the curves of the knees' slides.

        Raises:
            InputError: if the body is not planar in this sense (checked against MuJoCo's own kinematics).
        """
        columns = {joint.name: joint.qpos for joint in manifest.joints}
        self.hinges = [name for pair in _hinge_pairs() for name in pair]
        slides = [f"knee_{side}_translation{number}" for number in (1, 2) for side in SIDES]
        self._columns = np.array([columns[name] for name in (*self.hinges, *slides)], dtype=np.intp)
        # offsets of femur, tibia, talus, calcaneus (right, left each) in the segment above: (2 axes, 8, 1)
        offsets = np.array([model.body(f"{body}_{side}").pos[:2] for body in SEGMENTS for side in SIDES])
        self._offsets = np.ascontiguousarray(offsets.T[:, :, None])
        curves = {coupling.dependent: coupling for coupling in manifest.couplings}
        knees = [f"knee_angle_{side}" for _ in (1, 2) for side in SIDES]
        if [curves[name].independent for name in slides] != knees:
            raise InputError(
                "model: the slides of a knee do not follow that knee; this environment needs a planar body"
            )
        self._zero_slides, self._zero_knees = (
            model.qpos0[[columns[name] for name in names], None] for names in (slides, knees)
        )
        self._curve = np.array([curves[name].polynomial for name in slides]).T[:, :, None].copy()
        self._verify(model)

    def feet(self, qpos: np.ndarray, also: np.ndarray | None = None) -> np.ndarray:
        """Foot positions of bodies in given joint positions.

        Args:
            qpos: (N, nq) rad and m.
            also: (N, 8) positions of the joints in `hinges`, slides on their curves: N more bodies in the same pass.

        Returns:
            (N or 2N, 4) x and z of the right foot, then of the left, relative to the pelvis origin (m).
        """
        count = len(qpos)
        total = count if also is None else 2 * count
        # one row a quantity, environments along it: long rows are what elementwise arithmetic is fast on
        rows = np.empty((12, total))
        rows[:, :count] = np.take(qpos.T, self._columns, axis=0)
        angles, slides = rows[:8], rows[8:]
        if also is not None:
            angles[:, count:] = also.T
            slides[:, count:] = self._slides(angles[4:6, count:])
        for segment in range(2, 8, 2):
            angles[segment : segment + 2] += angles[segment - 2 : segment]
        cosine, sine = np.cos(angles), np.sin(angles)
        along, across = self._offsets
        x, z = cosine * along - sine * across, sine * along + cosine * across
        tibia = slice(2, 4)
        along, across = along[tibia] + slides[:2], across[tibia] + slides[2:]
        x[tibia] = cosine[tibia] * along - sine[tibia] * across
        z[tibia] = sine[tibia] * along + cosine[tibia] * across
        out = np.empty((total, 2, 2))
        out[:, :, 0] = (x[:2] + x[2:4] + x[4:6] + x[6:]).T
        out[:, :, 1] = (z[:2] + z[2:4] + z[4:6] + z[6:]).T
        return out.reshape(total, 4)

    def _slides(self, knees: np.ndarray) -> np.ndarray:
        """Slides (4, N) in m of knees (2, N) in rad: `Couplings`' polynomials."""
        c, angle = self._curve, np.concatenate([knees, knees]) - self._zero_knees
        return self._zero_slides + ((((c[4] * angle + c[3]) * angle + c[2]) * angle + c[1]) * angle + c[0])

    def _verify(self, model: mujoco.MjModel) -> None:
        data = mujoco.MjData(model)
        data.qpos[:] = np.random.default_rng(0).uniform(-0.3, 0.1, model.nq)
        mujoco.mj_kinematics(model, data)
        pelvis = data.body("pelvis").xpos
        expected = np.concatenate([(data.body(f"calcn_{side}").xpos - pelvis)[[0, 2]] for side in SIDES])
        if not np.allclose(self.feet(data.qpos[None])[0], expected, atol=1e-9):
            raise InputError("model: the body's legs are not planar; this environment needs a planar body")


def _hinge_pairs() -> list[list[str]]:
    return [["pelvis_tilt"] * 2] + [[f"{name}_{side}" for side in SIDES] for name in HINGES]
