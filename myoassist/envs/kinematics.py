"""Planar forward kinematics of the feet, for N bodies at once."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.envs.compiling import compiled
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
        # of femur, tibia, talus, calcaneus (right, left each) in the segment above
        self._offsets = np.array([model.body(f"{body}_{side}").pos[:2] for body in SEGMENTS for side in SIDES])
        curves = {coupling.dependent: coupling for coupling in manifest.couplings}
        knees = [f"knee_angle_{side}" for _ in (1, 2) for side in SIDES]
        if [curves[name].independent for name in slides] != knees:
            raise InputError(
                "model: the slides of a knee do not follow that knee; this environment needs a planar body"
            )
        self._zero_slides, self._zero_knees = (
            model.qpos0[[columns[name] for name in names]] for names in (slides, knees)
        )
        self._curve = np.array([curves[name].polynomial for name in slides])
        self._verify(model)

    def feet(self, qpos: np.ndarray) -> np.ndarray:
        """Foot positions of bodies in given joint positions.

        Args:
            qpos: (N, nq) rad and m.

        Returns:
            (N, 4) x and z of the right foot, then of the left, relative to the pelvis origin (m).
        """
        return _feet(qpos, self._columns, self._offsets)

    def feet_and_reference(
        self, qpos: np.ndarray, reference: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Foot positions of bodies and of the reference, whose slides are on their curves.

        Args:
            qpos: (N, nq) joint positions of the bodies (rad and m).
            reference: (N, C) of the reference (rad).
            columns: (8,) those of `reference` that hold the joints in `hinges`.

        Returns:
            (N, 4) and (N, 4), both as `feet` gives them.
        """
        curves = self._curve, self._zero_slides, self._zero_knees
        return _both_feet(qpos, self._columns, reference, columns, *curves, self._offsets)

    def _verify(self, model: mujoco.MjModel) -> None:
        data = mujoco.MjData(model)
        data.qpos[:] = np.random.default_rng(0).uniform(-0.3, 0.1, model.nq)
        mujoco.mj_kinematics(model, data)
        pelvis = data.body("pelvis").xpos
        expected = np.concatenate([(data.body(f"calcn_{side}").xpos - pelvis)[[0, 2]] for side in SIDES])
        if not np.allclose(self.feet(data.qpos[None])[0], expected, atol=1e-9):
            raise InputError("model: the body's legs are not planar; this environment needs a planar body")


@compiled
def _feet(positions: np.ndarray, columns: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Foot positions (N, 4); columns are of angles of four segments, right and left each, then slides of both axes."""
    feet = np.empty((len(positions), 4))
    joints = np.empty(12)
    for body in range(len(positions)):
        for joint in range(12):
            joints[joint] = positions[body, columns[joint]]
        _place_feet(joints, offsets, feet[body])
    return feet


@compiled
def _feet_on_curves(
    positions: np.ndarray,
    columns: np.ndarray,
    curve: np.ndarray,
    zero_slides: np.ndarray,
    zero_knees: np.ndarray,
    offsets: np.ndarray,
) -> np.ndarray:
    """Foot positions (N, 4); slides follow their knees by `Couplings`' polynomials."""
    feet = np.empty((len(positions), 4))
    joints = np.empty(12)
    for body in range(len(positions)):
        for joint in range(8):
            joints[joint] = positions[body, columns[joint]]
        for slide in range(4):
            c, angle = curve[slide], joints[4 + slide % 2] - zero_knees[slide]
            value = (((c[4] * angle + c[3]) * angle + c[2]) * angle + c[1]) * angle + c[0]
            joints[8 + slide] = zero_slides[slide] + value
        _place_feet(joints, offsets, feet[body])
    return feet


@compiled
def _both_feet(
    qpos: np.ndarray,
    columns: np.ndarray,
    reference: np.ndarray,
    reference_columns: np.ndarray,
    curve: np.ndarray,
    zero_slides: np.ndarray,
    zero_knees: np.ndarray,
    offsets: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    there = _feet_on_curves(reference, reference_columns, curve, zero_slides, zero_knees, offsets)
    return _feet(qpos, columns, offsets), there


@compiled
def _place_feet(joints: np.ndarray, offsets: np.ndarray, feet: np.ndarray) -> None:
    """Set one body's foot positions (4,) from its (12,) angles and slides."""
    for side in range(2):
        angle = x = z = 0.0
        for segment in range(4):
            place = 2 * segment + side
            angle += joints[place]
            along, across = offsets[place, 0], offsets[place, 1]
            if segment == 1:
                along += joints[8 + side]
                across += joints[10 + side]
            cosine, sine = np.cos(angle), np.sin(angle)
            x += cosine * along - sine * across
            z += sine * along + cosine * across
        feet[2 * side], feet[2 * side + 1] = x, z


def _hinge_pairs() -> list[list[str]]:
    return [["pelvis_tilt"] * 2] + [[f"{name}_{side}" for side in SIDES] for name in HINGES]
