"""Joints that follow other joints: via points and knee slides on their polynomials, batched."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.formats.compiled_model import Manifest


class Couplings:
    """Puts dependent joints on q_dep = q0_dep + sum_i c_i (q_ind - q0_ind)^i, and their velocities on its slope."""

    def __init__(self, model: mujoco.MjModel, manifest: Manifest):
        """Read the polynomials."""
        joints = {joint.name: joint for joint in manifest.joints}
        couplings = manifest.couplings
        dependent = [joints[coupling.dependent] for coupling in couplings]
        independent = [joints[coupling.independent] for coupling in couplings]
        self._to = np.array([joint.qpos for joint in dependent], dtype=np.intp)
        self._from = np.array([joint.qpos for joint in independent], dtype=np.intp)
        self._to_dof = np.array([joint.dof for joint in dependent], dtype=np.intp)
        self._from_dof = np.array([joint.dof for joint in independent], dtype=np.intp)
        self._zero_to = model.qpos0[self._to].copy()
        self._zero_from = model.qpos0[self._from].copy()
        self._c = np.array([coupling.polynomial for coupling in couplings]).reshape(-1, 5).T.copy()

    def violation(self, qpos: np.ndarray) -> np.ndarray:
        """Return (N, couplings) distances of (N, nq) positions from their curves (rad or m)."""
        return np.abs(qpos[:, self._to] - self._value(qpos))

    def apply(self, qpos: np.ndarray, qvel: np.ndarray | None = None) -> None:
        """Set the dependent columns of (N, nq) positions and (N, nv) velocities in place."""
        qpos[:, self._to] = self._value(qpos)
        if qvel is not None:
            c, angle = self._c, qpos[:, self._from] - self._zero_from
            slope = ((4 * c[4] * angle + 3 * c[3]) * angle + 2 * c[2]) * angle + c[1]
            qvel[:, self._to_dof] = slope * qvel[:, self._from_dof]

    def _value(self, qpos: np.ndarray) -> np.ndarray:
        c, angle = self._c, qpos[:, self._from] - self._zero_from
        return self._zero_to + ((((c[4] * angle + c[3]) * angle + c[2]) * angle + c[1]) * angle + c[0])
