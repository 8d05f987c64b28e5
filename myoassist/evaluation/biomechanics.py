"""Forces, lengths and moments that belong to given states: a pure function of model and state.

A simulation returns forces that lag its states by a step and depend on the solver's history. Here every
state is evaluated anew, from a cold start with a converged solver, so all quantities of a row share one
instant and do not depend on which other rows were computed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import mujoco
import numpy as np

from myoassist.formats.compiled_model import SIDES, Manifest

_SOLVER_ITERATIONS = 100
_SOLVER_TOLERANCE = 1e-10
_SOLE_LAYER_M = 0.01
"""Points of the foot this close to its lowest one count as sole."""
_CONTACT_NUMBERS = 7
"""Numbers of a contact sensor: found, force (3), position (3)."""


@dataclass(frozen=True)
class SolePoint:
    """A point fixed to a body: the body's number and the position in its frame (3,), m."""

    body: int
    position: np.ndarray


class Biomechanics:
    """Computes the columns of `rollouts.h5`'s ``state`` block from states and controls.

    Args:
        model: compiled model; not changed.
        manifest: its manifest.
    """

    def __init__(self, model: mujoco.MjModel, manifest: Manifest) -> None:
        self._model = copy.copy(model)
        self._model.opt.iterations = _SOLVER_ITERATIONS
        self._model.opt.tolerance = _SOLVER_TOLERANCE
        self._model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_WARMSTART
        self._data = mujoco.MjData(self._model)
        self._manifest = manifest
        self.joints = tuple(joint.name for joint in manifest.independent_joints if joint.kind == "hinge")
        self._muscle_actuators = np.array([muscle.actuator for muscle in manifest.muscles], int)
        self._activations = np.array([muscle.activation for muscle in manifest.muscles], int)
        self._slack_m = np.array([muscle.tendon_slack_length_m for muscle in manifest.muscles])
        self._device_actuators = np.array([device.actuator for device in manifest.devices], int)
        self._device_dofs = np.array([manifest.joint(device.joint).dof for device in manifest.devices], int)
        self._feet = [manifest.feet[side].sensor_foot for side in SIDES]
        self._heels, self._toes = zip(*(sole_points(model, manifest, side) for side in SIDES), strict=True)

    def compute(
        self,
        qpos: np.ndarray,
        qvel: np.ndarray,
        act: np.ndarray,
        ctrl: np.ndarray,
        applied: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Compute every ``state`` column except ``time``.

        Args:
            qpos: (T, nq) rad and m.
            qvel: (T, nv) rad/s and m/s.
            act: (T, na) activations, 0 to 1.
            ctrl: (T, nu) controls in force at the start of the step that begins with the state.
            applied: (T, nv) generalised forces from outside (N, N·m); none by default.

        Returns:
            Columns by name, in SI units and with the signs of `myoassist.formats.rollout_columns`.
        """
        raw = self._forward(qpos, qvel, act, ctrl, applied)
        force = raw["actuator_force"]
        muscles, devices = self._muscle_actuators, self._device_actuators
        device_torque = self._model.actuator_gear[devices, 0] * force[:, devices]
        # A joint's muscle moment is everything that actuators do, less the motors that sit on joints.
        muscle_moment = raw["qfrc_actuator"].copy()
        for column, dof in enumerate(self._device_dofs):
            muscle_moment[:, dof] -= device_torque[:, column]
        return {
            "qpos": np.array(qpos, float),
            "qvel": np.array(qvel, float),
            "activation": np.asarray(act, float)[:, self._activations],
            "muscle_force": -force[:, muscles],
            "fiber_length": raw["actuator_length"][:, muscles] - self._slack_m,
            "fiber_velocity": raw["actuator_velocity"][:, muscles],
            "joint_moment": self._project(qpos, muscle_moment),
            "limit_moment": self._project(qpos, raw["limit_force"]),
            **self._feet_columns(raw),
            "center_of_mass": raw["center_of_mass"],
            "center_of_mass_velocity": raw["center_of_mass_velocity"],
            "device_torque": device_torque,
            "device_velocity": np.asarray(qvel, float)[:, self._device_dofs],
            "device_power": device_torque * np.asarray(qvel, float)[:, self._device_dofs],
        }

    def moment_arms(self, qpos: np.ndarray) -> np.ndarray:
        """Return moment arms (nmuscle, njoint) in m for one position (nq,).

        They are −dL/dq along the couplings: positive where tension moves the joint in its positive direction.
        """
        model, data = self._model, self._data
        data.qpos[:] = qpos
        mujoco.mj_fwdPosition(model, data)
        lengthening = np.zeros((model.nu, model.nv))
        mujoco.mju_sparse2dense(
            lengthening,
            data.actuator_moment.reshape(-1),
            data.moment_rownnz,
            data.moment_rowadr,
            data.moment_colind,
        )
        muscles = lengthening[self._muscle_actuators]
        return -self._project(np.repeat(np.asarray(qpos)[None], len(muscles), axis=0), muscles)

    def _project(self, qpos: np.ndarray, forces: np.ndarray) -> np.ndarray:
        """Project generalised forces (T, nv) on the directions in which the joints move, couplings included.

        With q_dep = sum_i c_i q_ind^i (relative to the model's zero), the force on a dependent degree of
        freedom counts dq_dep/dq_ind = sum_i i c_i q_ind^(i-1) times.

        Returns:
            Moments (T, njoint), N·m.
        """
        rows = {name: row for row, name in enumerate(self.joints)}
        moments = forces[:, [self._manifest.joint(name).dof for name in self.joints]].astype(float)
        for coupling in self._manifest.couplings:
            if coupling.independent in rows:
                driver = self._manifest.joint(coupling.independent).qpos
                value = qpos[:, driver] - self._model.qpos0[driver]
                slope = sum(i * c * value ** (i - 1) for i, c in enumerate(coupling.polynomial) if i > 0)
                dependent = forces[:, self._manifest.joint(coupling.dependent).dof]
                moments[:, rows[coupling.independent]] += slope * dependent
        return moments

    def _forward(
        self,
        qpos: np.ndarray,
        qvel: np.ndarray,
        act: np.ndarray,
        ctrl: np.ndarray,
        applied: np.ndarray | None,
    ) -> dict[str, np.ndarray]:
        """Evaluate every state and keep what the columns are made of, as MuJoCo has it."""
        model, data, count = self._model, self._data, len(qpos)
        bodies = [point.body for point in (*self._heels, *self._toes)]
        raw = {
            "actuator_force": np.zeros((count, model.nu)),
            "actuator_length": np.zeros((count, model.nu)),
            "actuator_velocity": np.zeros((count, model.nu)),
            "qfrc_actuator": np.zeros((count, model.nv)),
            "limit_force": np.zeros((count, model.nv)),
            "sensordata": np.zeros((count, model.nsensordata)),
            "body_position": np.zeros((count, len(bodies), 3)),
            "body_rotation": np.zeros((count, len(bodies), 9)),
            "center_of_mass": np.zeros((count, 3)),
            "center_of_mass_velocity": np.zeros((count, 3)),
        }
        data.qfrc_applied[:] = 0.0
        for row in range(count):
            data.qpos[:], data.qvel[:], data.act[:], data.ctrl[:] = qpos[row], qvel[row], act[row], ctrl[row]
            if applied is not None:
                data.qfrc_applied[:] = applied[row]
            mujoco.mj_forward(model, data)
            mujoco.mj_subtreeVel(model, data)
            for name in (
                "actuator_force",
                "actuator_length",
                "actuator_velocity",
                "qfrc_actuator",
                "sensordata",
            ):
                raw[name][row] = getattr(data, name)
            self._limit_force(raw["limit_force"][row])
            raw["body_position"][row] = data.xpos[bodies]
            raw["body_rotation"][row] = data.xmat[bodies]
            raw["center_of_mass"][row] = data.subtree_com[0]
            raw["center_of_mass_velocity"][row] = data.subtree_linvel[0]
        return raw

    def _limit_force(self, out: np.ndarray) -> None:
        """Write the generalised force of all joint limits into ``out`` (nv,)."""
        data = self._data
        limits = data.efc_type[: data.nefc] == mujoco.mjtConstraint.mjCNSTR_LIMIT_JOINT
        if limits.any():
            force = np.where(limits, data.efc_force[: data.nefc], 0.0)
            mujoco.mj_mulJacTVec(self._model, data, out, force)

    def _feet_columns(self, raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Ground forces and sole points of both feet (T, 2, 3)."""
        numbers = np.stack([raw["sensordata"][:, start : start + _CONTACT_NUMBERS] for start in self._feet], axis=1)
        loaded = numbers[:, :, :1] > 0
        rotation = raw["body_rotation"].reshape(len(numbers), 4, 3, 3)
        local = np.array([point.position for point in (*self._heels, *self._toes)])
        points = raw["body_position"] + np.einsum("tbij,bj->tbi", rotation, local)
        return {
            # The sensor reports what the foot does to the ground.
            "ground_reaction_force": np.where(loaded, -numbers[:, :, 1:4], 0.0),
            "center_of_pressure": np.where(loaded, numbers[:, :, 4:7], np.nan),
            "heel_position": points[:, :2],
            "toe_position": points[:, 2:],
        }


def sole_points(model: mujoco.MjModel, manifest: Manifest, side: str) -> tuple[SolePoint, SolePoint]:
    """Find the rearmost point under the heel and the foremost under the toes, in the model's zero position.

    Args:
        model: compiled model.
        manifest: its manifest.
        side: "r" or "l".

    Returns:
        Heel point (on the calcaneus or what is fixed to it) and toe point (on any part of the foot).
    """
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    foot = manifest.feet[side]
    toes = model.body(foot.toes).id
    bodies = [model.body(name).id for name in foot.bodies]
    rear = [body for body in bodies if not _is_below(model, body, toes)]
    heel = _extreme_sole_point(model, data, rear, sign=-1.0)
    toe = _extreme_sole_point(model, data, bodies, sign=1.0)
    return heel, toe


def _is_below(model: mujoco.MjModel, body: int, ancestor: int) -> bool:
    while body > ancestor:
        body = int(model.body_parentid[body])
    return body == ancestor


def _extreme_sole_point(model: mujoco.MjModel, data: mujoco.MjData, bodies: list[int], *, sign: float) -> SolePoint:
    """The point of the sole that is farthest forward (sign +1) or back (−1)."""
    owners, points = [], []
    for geom in range(model.ngeom):
        body = int(model.geom_bodyid[geom])
        if body not in bodies or not (model.geom_contype[geom] or model.geom_conaffinity[geom]):
            continue
        corners = _geom_points(model, geom) @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        points.append(corners)
        owners += [body] * len(corners)
    everything = np.concatenate(points)
    sole = np.flatnonzero(everything[:, 2] <= everything[:, 2].min() + _SOLE_LAYER_M)
    chosen = sole[np.argmax(sign * everything[sole, 0])]
    body = owners[chosen]
    local = data.xmat[body].reshape(3, 3).T @ (everything[chosen] - data.xpos[body])
    return SolePoint(body, local)


def _geom_points(model: mujoco.MjModel, geom: int) -> np.ndarray:
    """Vertices of a mesh, or the corners of another geom's box, in the geom's frame (n, 3)."""
    mesh = model.geom_dataid[geom]
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH and mesh >= 0:
        start = model.mesh_vertadr[mesh]
        return np.asarray(model.mesh_vert[start : start + model.mesh_vertnum[mesh]], float)
    center, half = model.geom_aabb[geom][:3], model.geom_aabb[geom][3:]
    signs = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
    return center + signs * half
