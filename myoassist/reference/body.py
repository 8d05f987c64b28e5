"""A planar body as the fit sees it: independent coordinates, coupled joints, and the soles of its feet."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.spatial import ConvexHull

from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest

PLANAR_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Segment:
    """A rigid part of a foot.

    Attributes:
        side: 0 right, 1 left.
        toes: whether it moves with the toe joint.
        body: index of the body that carries it.
        points: (P, 2) m, forward and up relative to the body's origin in the model's zero pose: the convex
            outline of its colliding geoms in the sagittal plane.
    """

    side: int
    toes: bool
    body: int
    points: np.ndarray


@dataclass(frozen=True)
class FootMotion:
    """Soles of one foot over K frames.

    Attributes:
        position: (K, P, 2) m, forward and up, of every outline point.
        origin_jacobian: (K, S, 2, n) of the origins of the foot's S segments.
        pitch_jacobian: (K, S, n) rad, rotation about world +y.
        arm: (K, P, 2) m, points relative to their segment's origin.
        segment: (P,) index of each point's segment.
    """

    position: np.ndarray
    origin_jacobian: np.ndarray
    pitch_jacobian: np.ndarray
    arm: np.ndarray
    segment: np.ndarray

    def head(self, frames: int) -> FootMotion:
        """The first frames."""
        parts = (self.position, self.origin_jacobian, self.pitch_jacobian, self.arm)
        return FootMotion(*(part[:frames] for part in parts), self.segment)

    def weighted_jacobian(self, weight: np.ndarray) -> np.ndarray:
        """Jacobian (K, 2, n) of Σ weight·position, for weights (K, P)."""
        frames, count = len(weight), self.origin_jacobian.shape[1]
        share = np.zeros((frames, count))
        moment = np.zeros((frames, count, 2))
        for index in range(count):
            own = self.segment == index
            share[:, index] = weight[:, own].sum(axis=1)
            moment[:, index] = np.einsum("kp,kpd->kd", weight[:, own], self.arm[:, own])
        result = np.einsum("ks,ksdn->kdn", share, self.origin_jacobian)
        # rotation by dθ about +y moves (x, z) by (z, −x) dθ
        result[:, 0] += np.einsum("ks,ksn->kn", moment[..., 1], self.pitch_jacobian)
        result[:, 1] -= np.einsum("ks,ksn->kn", moment[..., 0], self.pitch_jacobian)
        return result


class PlanarBody:
    """Kinematics of a compiled body in its independent coordinates.

    Raises:
        InputError: if the body is not planar, or its feet have no colliding geoms.
    """

    def __init__(self, model: mujoco.MjModel, manifest: Manifest) -> None:
        self.model = model
        self.data = mujoco.MjData(model)
        self.manifest = manifest
        joints = manifest.independent_joints
        self.names = tuple(joint.name for joint in joints)
        self.qpos_index = np.array([joint.qpos for joint in joints])
        self.dof_index = np.array([joint.dof for joint in joints])
        self.range = np.array([joint.range or (-np.inf, np.inf) for joint in joints])
        self._couple()
        self._check_planar()
        self.segments = self._segments()

    def index(self, name: str) -> int:
        """Index of an independent coordinate.

        Raises:
            InputError: if the body does not have it.
        """
        if name not in self.names:
            raise InputError(
                f"model {self.manifest.body}: no independent joint '{name}' (it has {', '.join(self.names)})"
            )
        return self.names.index(name)

    def _couple(self) -> None:
        manifest, rows = self.manifest, self.manifest.couplings
        self.dependent_qpos = np.array([manifest.joint(row.dependent).qpos for row in rows], dtype=int)
        self.dependent_dof = np.array([manifest.joint(row.dependent).dof for row in rows], dtype=int)
        for row in rows:
            self.index(row.independent)
        self.driver = np.array([self.names.index(row.independent) for row in rows], dtype=int)
        self.polynomial = np.array([row.polynomial for row in rows]).reshape(len(rows), -1)

    def full(
        self, position: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All joints from the independent ones, coupled joints exactly on their polynomials.

        With y = p(x): ẏ = p'(x) ẋ and ÿ = p'(x) ẍ + p''(x) ẋ².

        Args:
            position: (K, n) rad or m.
            velocity: (K, n) per second.
            acceleration: (K, n) per second squared.

        Returns:
            qpos (K, nq), qvel (K, nv), qacc (K, nv).
        """
        frames = len(position)
        qpos = np.tile(self.model.qpos0, (frames, 1))
        qvel, qacc = np.zeros((2, frames, self.model.nv))
        qpos[:, self.qpos_index] = position
        qvel[:, self.dof_index] = velocity
        qacc[:, self.dof_index] = acceleration
        value, first, second = self._polynomials(position)
        speed, rate = velocity[:, self.driver], acceleration[:, self.driver]
        qpos[:, self.dependent_qpos] = value
        qvel[:, self.dependent_dof] = first * speed
        qacc[:, self.dependent_dof] = first * rate + second * speed**2
        return qpos, qvel, qacc

    def _polynomials(self, position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        zero = self.model.qpos0
        x = position[:, self.driver] - zero[self.qpos_index][self.driver]
        power = np.arange(self.polynomial.shape[1])
        grid = x[..., None] ** power
        value = (self.polynomial * grid).sum(axis=-1) + zero[self.dependent_qpos]
        first = (self.polynomial[:, 1:] * power[1:] * grid[..., :-1]).sum(axis=-1)
        second = (self.polynomial[:, 2:] * power[2:] * (power[2:] - 1) * grid[..., :-2]).sum(axis=-1)
        return value, first, second

    def tangent(self, position: np.ndarray) -> np.ndarray:
        """Coupling tangent dq/dx (K, nv, n): how all joints move with the independent ones."""
        result = np.zeros((len(position), self.model.nv, len(self.names)))
        result[:, self.dof_index, np.arange(len(self.names))] = 1
        result[:, self.dependent_dof, self.driver] = self._polynomials(position)[1]
        return result

    def _check_planar(self) -> None:
        """Every independent joint must act in the sagittal plane, or a sole's outline would not do."""
        model, data = self.model, self.data
        mujoco.mj_resetData(model, data)
        mujoco.mj_kinematics(model, data)
        for name in self.names:
            joint = model.joint(name).id
            axis = data.xaxis[joint]
            hinge = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE
            off = np.hypot(axis[0], axis[2]) if hinge else abs(axis[1])
            if off > 0.2:
                raise InputError(
                    f"model {self.manifest.body}: joint '{name}' leaves the sagittal plane; expected a planar body"
                )

    def _segments(self) -> tuple[Segment, ...]:
        model, data = self.model, self.data
        segments = []
        for side, letter in enumerate(SIDES):
            foot = self.manifest.feet[letter]
            toes, calcaneus = model.body(foot.toes).id, model.body(foot.calcaneus).id
            parts: dict[int, list[np.ndarray]] = {calcaneus: [], toes: []}
            for name in foot.bodies:
                body = model.body(name).id
                owner = toes if self._hangs_on(body, toes) else calcaneus
                for geom in np.flatnonzero(model.geom_bodyid == body):
                    if model.geom_contype[geom] or model.geom_conaffinity[geom]:
                        parts[owner].append(geom_points(model, data, int(geom)))
            for body, points in parts.items():
                if not points:
                    raise InputError(
                        f"model {self.manifest.body}: body '{model.body(body).name}' has no colliding geom to stand on"
                    )
                outline = np.concatenate(points)[:, [0, 2]]
                outline = outline[np.sort(ConvexHull(outline).vertices)]
                segments.append(Segment(side, body == toes, body, outline - data.xpos[body][[0, 2]]))
        return tuple(segments)

    def _hangs_on(self, body: int, ancestor: int) -> bool:
        while body and body != ancestor:
            body = int(self.model.body_parentid[body])
        return body == ancestor

    def feet(self, position: np.ndarray, jacobian: bool = True) -> list[FootMotion]:
        """Sole outlines of right and left foot, with Jacobians in the independent coordinates.

        Args:
            position: (K, n) independent coordinates.
            jacobian: whether to fill the Jacobians.
        """
        model, data = self.model, self.data
        frames, count = len(position), len(self.names)
        zeros = np.zeros_like(position)
        qpos = self.full(position, zeros, zeros)[0]
        tangent = self.tangent(position)
        bodies = [segment.body for segment in self.segments]
        origin = np.empty((frames, len(bodies), 2))
        rotation = np.empty((frames, len(bodies), 2))
        j_origin = np.zeros((frames, len(bodies), 2, count))
        j_pitch = np.zeros((frames, len(bodies), count))
        translation, turning = np.zeros((2, 3, model.nv))
        data.qpos[:] = model.qpos0
        mujoco.mj_kinematics(model, data)
        zero = data.xmat[bodies].reshape(-1, 3, 3).copy()
        for k in range(frames):
            data.qpos[:] = qpos[k]
            mujoco.mj_kinematics(model, data)
            origin[k] = data.xpos[bodies][:, [0, 2]]
            relative = data.xmat[bodies].reshape(-1, 3, 3) @ zero.transpose(0, 2, 1)
            rotation[k] = relative[:, 0, [0, 2]]  # cos θ, sin θ about +y
            if jacobian:
                mujoco.mj_comPos(model, data)
                for s, body in enumerate(bodies):
                    mujoco.mj_jacBody(model, data, translation, turning, body)
                    j_origin[k, s] = translation[[0, 2]] @ tangent[k]
                    j_pitch[k, s] = turning[1] @ tangent[k]
        result = []
        for side in range(len(SIDES)):
            own = [s for s, segment in enumerate(self.segments) if segment.side == side]
            arms, index = [], []
            for local, s in enumerate(own):
                x, z = self.segments[s].points.T
                c, n = rotation[:, s, :1], rotation[:, s, 1:]
                arms.append(np.stack([c * x + n * z, -n * x + c * z], axis=-1))
                index.append(np.full(len(x), local))
            arm, segment = np.concatenate(arms, axis=1), np.concatenate(index)
            where = origin[:, own][:, segment] + arm
            result.append(FootMotion(where, j_origin[:, own], j_pitch[:, own], arm, segment))
        return result


def geom_points(model: mujoco.MjModel, data: mujoco.MjData, geom: int) -> np.ndarray:
    """Points (P, 3) in world axes whose convex hull is (or closely approximates) a geom's surface.

    Raises:
        InputError: for shapes that no foot should have (planes, height fields, signed distance fields).
    """
    kind, size = mujoco.mjtGeom(model.geom_type[geom]), model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        start = model.mesh_vertadr[mesh]
        local = model.mesh_vert[start : start + model.mesh_vertnum[mesh]].astype(float)
    elif kind == mujoco.mjtGeom.mjGEOM_BOX:
        local = np.array(np.meshgrid(*[[-s, s] for s in size])).reshape(3, -1).T
    else:
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        lift = np.linspace(-np.pi / 2, np.pi / 2, 25)
        ball = np.stack(
            [
                np.outer(np.cos(lift), np.cos(angle)).ravel(),
                np.outer(np.cos(lift), np.sin(angle)).ravel(),
                np.repeat(np.sin(lift), len(angle)),
            ],
            axis=1,
        )
        if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
            local = ball * size[0]
        elif kind == mujoco.mjtGeom.mjGEOM_ELLIPSOID:
            local = ball * size
        elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
            local = ball * size[0] + np.sign(ball[:, 2:]) * [0, 0, size[1]]
        elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
            rim = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1) * size[0]
            lid = np.array([0, 0, size[1]])
            local = np.concatenate([rim + lid, rim - lid])
        else:
            raise InputError(f"geom '{model.geom(geom).name}': a {kind.name} on a foot cannot be fitted to the ground")
    return data.geom_xpos[geom] + local @ data.geom_xmat[geom].reshape(3, 3).T
