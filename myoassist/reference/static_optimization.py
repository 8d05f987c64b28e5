"""What a motion asks of the ground and of the muscles: inverse dynamics, contact forces, activations.

With M q̈ + c(q, q̇) − passive = Sᵀ f_ground + moments of the muscles, projected on the tangent of the joint couplings (coupled
joints move with their drivers, so the constraint forces between them do no work). The three rows of the pelvis have no
muscle: they give the ground forces; what these cannot give is the root residual. The other rows give the moments that the
muscles share with the least sum of squared activations (Crowninshield and Brand 1981, J Biomech 14:793; squares as in
Anderson and Pandy 2001, J Biomech 34:153); what they cannot give is the reserve moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.optimize import lsq_linear, nnls

from myoassist.config.reference import StaticOptimizationSettings
from myoassist.reference.body import FootMotion, PlanarBody


@dataclass(frozen=True)
class Demand:
    """What inverse dynamics asks for, over K frames in the body's n independent coordinates.

    Attributes:
        generalized_force: (K, n) N or N·m, all that must come from ground and muscles.
        moment_arm: (K, n, m) m, of the muscles, on the coupling tangent (positive tension times arm = moment).
        active_force: (K, m) N, tension at full activation beyond the passive one.
        passive_force: (K, m) N, tension without activation.
    """

    generalized_force: np.ndarray
    moment_arm: np.ndarray
    active_force: np.ndarray
    passive_force: np.ndarray


@dataclass(frozen=True)
class GroundForces:
    """Forces of the ground on the feet.

    Attributes:
        force: (K, 2, 3) N on right and left foot, world axes.
        center_of_pressure: (K, 2, 3) m (NaN where a foot carries nothing).
        generalized_force: (K, n) their share in the independent coordinates.
    """

    force: np.ndarray
    center_of_pressure: np.ndarray
    generalized_force: np.ndarray


@dataclass(frozen=True)
class MuscleSolution:
    """Activations (K, m), the moments that were asked for (K, n) and what is missing of them (K, n)."""

    activation: np.ndarray
    moment: np.ndarray
    reserve: np.ndarray


def inverse_dynamics(
    body: PlanarBody, qpos: np.ndarray, qvel: np.ndarray, qacc: np.ndarray, position: np.ndarray
) -> Demand:
    """Generalised forces and muscle capacity along a motion.

    Args:
        body: the body.
        qpos: (K, nq).
        qvel: (K, nv).
        qacc: (K, nv).
        position: (K, n) the independent coordinates in ``qpos``.
    """
    model, data, muscles = body.model, body.data, body.manifest.muscles
    tangent = body.tangent(position)
    frames, count = position.shape
    generalized = np.empty((frames, count))
    arms = np.empty((frames, count, len(muscles)))
    active, passive = np.empty((2, frames, len(muscles)))
    inertia = np.empty(model.nv)
    moment = np.zeros((model.nu, model.nv))
    rows = [muscle.actuator for muscle in muscles]
    mujoco.mj_resetData(model, data)
    for k in range(frames):
        data.qpos[:], data.qvel[:] = qpos[k], qvel[k]
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        mujoco.mj_mulM(model, data, inertia, qacc[k])
        generalized[k] = (inertia + data.qfrc_bias - data.qfrc_passive) @ tangent[k]
        mujoco.mju_sparse2dense(
            moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        arms[k] = -(moment[rows] @ tangent[k]).T  # tension pulls against lengthening
        for j, row in enumerate(rows):
            length, velocity = data.actuator_length[row], data.actuator_velocity[row]
            span, acc0 = model.actuator_lengthrange[row], model.actuator_acc0[row]
            gain = mujoco.mju_muscleGain(length, velocity, span, acc0, model.actuator_gainprm[row, :9])
            bias = mujoco.mju_muscleBias(length, span, acc0, model.actuator_biasprm[row, :9])
            active[k, j], passive[k, j] = -gain, -bias
    return Demand(generalized, arms, active, passive)


def load_share(contact: np.ndarray, transfer: float) -> np.ndarray:
    """How far each foot may be loaded (K, 2) in [0, 1]: up over ``transfer`` of the cycle from contact, down to its end.

    Args:
        contact: (K, 2) bool, periodic.
        transfer: part of the cycle.
    """
    frames = len(contact)
    steps = max(1.0, transfer * frames)
    result = np.zeros(contact.shape)
    for side in range(contact.shape[1]):
        loaded = contact[:, side]
        since, until = (_run_length(order) for order in (loaded, loaded[::-1]))
        until = until[::-1]
        ramp = np.clip(np.minimum(since, until) / steps, 0, 1)
        result[:, side] = ramp * ramp * (3 - 2 * ramp)
    return result


def _run_length(loaded: np.ndarray) -> np.ndarray:
    """For each sample of a periodic series how many samples it has been true."""
    length = np.zeros(2 * len(loaded))
    for k, true in enumerate(np.concatenate([loaded, loaded])):
        length[k] = length[k - 1] + 1 if true else 0
    return length[len(loaded) :]


def ground_forces(
    settings: StaticOptimizationSettings,
    body: PlanarBody,
    feet: list[FootMotion],
    demand: Demand,
    share: np.ndarray,
) -> GroundForces:
    """Distribute the pelvis's generalised forces over the sole points.

    Per frame: non-negative multiples of the two edges of each point's friction cone, such that the weighted squares of the
    root residual and of the forces are least; points high over the ground and feet with a small share are expensive.
    """
    root = [body.index(body.manifest.root[key]) for key in ("forward", "height", "tilt")]
    weight = body.manifest.total_mass_kg * body.manifest.gravity_m_s2
    frames, count = demand.generalized_force.shape
    force, pressure = np.zeros((frames, 2, 3)), np.full((frames, 2, 3), np.nan)
    generalized = np.zeros((frames, count))
    jacobians = [_point_jacobians(foot) for foot in feet]
    edges = np.array([[settings.friction, 1.0], [-settings.friction, 1.0]])
    target = demand.generalized_force[:, root] / weight
    for k in range(frames):
        columns, costs, owners = [], [], []
        for side, foot in enumerate(feet):
            if share[k, side] <= 0:
                continue
            height = np.maximum(foot.position[k, :, 1] - foot.position[k, :, 1].min(), 0)
            near = np.flatnonzero(height < 6 * settings.sole_softness_m)
            rows = jacobians[side][k][near]  # (points, 2, n)
            columns.append(np.einsum("ed,pdn->npe", edges, rows).reshape(count, -1))
            cost = (1 + (height[near] / settings.sole_softness_m) ** 2) / share[k, side]
            costs.append(np.repeat(cost, 2))
            owners += [(side, point, edge) for point in near for edge in range(2)]
        if not owners:
            continue
        matrix, cost = np.concatenate(columns, axis=1), np.concatenate(costs)
        system = np.concatenate([settings.root_weight * matrix[root], np.diag(cost)])
        wanted = np.concatenate([settings.root_weight * target[k], np.zeros(len(cost))])
        amount = nnls(system, wanted)[0] * weight
        generalized[k] = matrix @ amount
        for side, foot in enumerate(feet):
            own = [i for i, owner in enumerate(owners) if owner[0] == side]
            if not own:
                continue
            planar = np.array([edges[owners[i][2]] * amount[i] for i in own])
            total = planar.sum(axis=0)
            force[k, side, [0, 2]] = total
            if total[1] > 0.01 * weight:
                where = np.array([foot.position[k, owners[i][1]] for i in own])
                forward = (planar[:, 1] * where[:, 0]).sum() / total[1]
                pressure[k, side] = forward, 0.0, 0.0
    return GroundForces(force, pressure, generalized)


def _point_jacobians(foot: FootMotion) -> np.ndarray:
    """Jacobian (K, P, 2, n) of every outline point."""
    result = foot.origin_jacobian[:, foot.segment].copy()
    pitch = foot.pitch_jacobian[:, foot.segment]
    result[:, :, 0] += foot.arm[..., 1, None] * pitch
    result[:, :, 1] -= foot.arm[..., 0, None] * pitch
    return result


def share_among_muscles(
    settings: StaticOptimizationSettings, body: PlanarBody, demand: Demand, ground: GroundForces
) -> MuscleSolution:
    """Activations with the least sum of squares that give the joint moments.

    Per frame: min Σ a² + Σ (reserve / reserve_cost)² with 0 ≤ a ≤ 1 and
    reserve = wanted moment − arms · (passive + active · a).
    """
    root = [body.index(name) for name in body.manifest.root.values()]
    joints = [index for index in range(len(body.names)) if index not in root]
    moment = demand.generalized_force - ground.generalized_force
    moment[:, root] = 0
    frames, muscles = demand.active_force.shape
    activation, reserve = np.zeros((frames, muscles)), np.zeros_like(moment)
    for k in range(frames):
        arms = demand.moment_arm[k][joints]
        wanted = moment[k, joints] - arms @ demand.passive_force[k]
        strength = arms * demand.active_force[k]
        system = np.concatenate([strength / settings.reserve_cost_n_m, np.eye(muscles)])
        target = np.concatenate([wanted / settings.reserve_cost_n_m, np.zeros(muscles)])
        solution = lsq_linear(system, target, bounds=(0, 1), method="bvls", tol=1e-12, max_iter=200)
        activation[k] = np.clip(solution.x, 0, 1)
        reserve[k, joints] = wanted - strength @ activation[k]
    return MuscleSolution(activation, moment, reserve)

