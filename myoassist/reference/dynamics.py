"""Generalised forces along a motion of a planar body, and how they change with it."""

from __future__ import annotations

import copy

import mujoco
import numpy as np

from myoassist.reference.body import PlanarBody

STEP = 1e-5


class InverseDynamics:
    """M q̈ + c(q, q̇) − passive in the body's independent coordinates, without contacts, limits or muscles.

    Projected on the tangent of the joint couplings: coupled joints move with their drivers, so that the
    constraint forces between them do no work.
    """

    def __init__(self, body: PlanarBody) -> None:
        self.body = body
        self.model = copy.copy(body.model)
        flags = mujoco.mjtDisableBit
        self.model.opt.disableflags |= flags.mjDSBL_CONSTRAINT | flags.mjDSBL_ACTUATION
        self.data = mujoco.MjData(self.model)

    def forces(self, position: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray) -> np.ndarray:
        """Generalised forces (K, n), N or N·m, that ground and muscles have to give.

        Args:
            position: (K, n) rad or m.
            velocity: (K, n) per second.
            acceleration: (K, n) per second squared.
        """
        data, model = self.data, self.model
        qpos, qvel, qacc = self.body.full(position, velocity, acceleration)
        force = np.empty((len(position), model.nv))
        for k in range(len(position)):
            data.qpos[:], data.qvel[:], data.qacc[:] = qpos[k], qvel[k], qacc[k]
            mujoco.mj_inverse(model, data)
            force[k] = data.qfrc_inverse
        return np.einsum("kv,kvn->kn", force, self.body.tangent(position))

    def derivatives(
        self, position: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray, rows: list[int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Some rows of :meth:`forces` and their derivatives, by differences.

        Args:
            position: (K, n).
            velocity: (K, n).
            acceleration: (K, n).
            rows: r independent coordinates.

        Returns:
            forces (K, r), and their derivatives (K, r, n) in position, velocity and acceleration. Forward
            position has none (gravity and ground are the same everywhere).
        """
        value = self.forces(position, velocity, acceleration)[:, rows]
        count = position.shape[1]
        slopes = np.zeros((3, *value.shape, count))
        state = (position, velocity, acceleration)
        scale = (STEP, STEP * 10, 1.0)  # forces are linear in acceleration
        for order in range(3):
            for index in range(count):
                if order < 2 and index < 2:
                    continue  # translation of the whole body changes no force
                moved = list(state)
                moved[order] = state[order].copy()
                moved[order][:, index] += scale[order]
                slopes[order, :, :, index] = (self.forces(*moved)[:, rows] - value) / scale[order]
        return value, *slopes
