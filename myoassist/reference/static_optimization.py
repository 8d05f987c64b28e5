"""What a motion asks of the ground and of the muscles: inverse dynamics, contact forces, activations.

With M q̈ + c(q, q̇) − passive = Sᵀ f_ground + moments of the muscles, projected on the tangent of the joint
couplings (coupled joints move with their drivers, so the constraint forces between them do no work). The
three rows of the pelvis have no muscle: they give the ground forces; what these cannot give is the root
residual. The other rows give the moments that the muscles share with the least sum of squared activations
(Crowninshield and Brand 1981, J Biomech 14:793; squares as in Anderson and Pandy 2001, J Biomech 34:153);
what they cannot give is the reserve moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.optimize import lsq_linear

from myoassist.config.reference import StaticOptimizationSettings
from myoassist.reference.body import FootMotion, PlanarBody
from myoassist.reference.dynamics import InverseDynamics

REACH = 5  # sole points up to this many times the softness over the lowest may carry load


@dataclass(frozen=True)
class Demand:
    """What inverse dynamics asks for, over K frames in the body's n independent coordinates.

    Attributes:
        generalized_force: (K, n) N or N·m, all that must come from ground and muscles.
        moment_arm: (K, n, m) m, of the muscles, on the coupling tangent (positive tension times arm =
            moment).
        active_force: (K, m) N, tension at full activation beyond the passive one.
        passive_force: (K, m) N, tension without activation.
    """

    generalized_force: np.ndarray
    moment_arm: np.ndarray
    active_force: np.ndarray
    passive_force: np.ndarray


@dataclass(frozen=True)
class Solution:
    """Ground forces and muscle activations over K frames.

    Attributes:
        force: (K, 2, 3) N on right and left foot, world axes.
        center_of_pressure: (K, 2, 3) m (NaN where a foot carries nothing).
        activation: (K, m) within [0, 1].
        moment: (K, n) N·m that the muscles have to give (0 for the pelvis).
        reserve: (K, n) N·m of it that they cannot give.
        root_residual: (K, 3) N, N, N·m on forward, height and tilt that the ground cannot give.
    """

    force: np.ndarray
    center_of_pressure: np.ndarray
    activation: np.ndarray
    moment: np.ndarray
    reserve: np.ndarray
    root_residual: np.ndarray


def muscle_demand(body: PlanarBody, position: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray) -> Demand:
    """Generalised forces that a motion asks for, and what the muscles can give along it.

    Muscle forces are MuJoCo's own gain and bias functions of length and velocity.

    Args:
        body: the body.
        position: (K, n) independent coordinates, rad or m.
        velocity: (K, n) per second.
        acceleration: (K, n) per second squared.
    """
    model, data, muscles = body.model, body.data, body.manifest.muscles
    qpos, qvel, _ = body.full(position, velocity, acceleration)
    tangent = body.tangent(position)
    frames, count = position.shape
    arms = np.empty((frames, count, len(muscles)))
    active, passive = np.empty((2, frames, len(muscles)))
    moment = np.zeros((model.nu, model.nv))
    rows = [muscle.actuator for muscle in muscles]
    mujoco.mj_resetData(model, data)
    for k in range(frames):
        data.qpos[:], data.qvel[:] = qpos[k], qvel[k]
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        mujoco.mju_sparse2dense(
            moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        arms[k] = -(moment[rows] @ tangent[k]).T  # tension pulls against lengthening
        for j, row in enumerate(rows):
            length, speed = data.actuator_length[row], data.actuator_velocity[row]
            span, acc0 = model.actuator_lengthrange[row], model.actuator_acc0[row]
            gain = mujoco.mju_muscleGain(length, speed, span, acc0, model.actuator_gainprm[row, :9])
            bias = mujoco.mju_muscleBias(length, span, acc0, model.actuator_biasprm[row, :9])
            active[k, j], passive[k, j] = -gain, -bias
    forces = InverseDynamics(body).forces(position, velocity, acceleration)
    return Demand(forces, arms, active, passive)


def load_share(contact: np.ndarray, transfer: float) -> np.ndarray:
    """How far each foot may be loaded (K, 2) in [0, 1].

    Up over ``transfer`` of the cycle from contact, and down to its end, without corners.

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


def static_optimization(
    settings: StaticOptimizationSettings,
    body: PlanarBody,
    feet: list[FootMotion],
    demand: Demand,
    share: np.ndarray,
) -> Solution:
    """Ground forces at the sole points and activations that together give what inverse dynamics asks for.

    Per frame the least squares of root residuals (heavily weighted), reserve moments, activations and
    contact forces, with activations within [0, 1] and contact forces as non-negative multiples of the edges
    of each point's friction cone. Solved together, because the toe joint's muscles decide how far forward
    on the toes the pressure can move. Points high over the ground and feet with a small share are expensive.

    Args:
        settings: costs and friction.
        body: the body.
        feet: sole outlines at the frames.
        demand: from :func:`muscle_demand`.
        share: (K, 2) from :func:`load_share`.
    """
    root = [body.index(body.manifest.root[key]) for key in ("forward", "height", "tilt")]
    joints = [index for index in range(len(body.names)) if index not in root]
    weight = body.manifest.total_mass_kg * body.manifest.gravity_m_s2
    frames, count = demand.generalized_force.shape
    muscles = demand.active_force.shape[1]
    jacobians = [_point_jacobians(foot) for foot in feet]
    edges = np.array([[settings.friction, 1.0], [-settings.friction, 1.0]])
    row_weight = np.full(count, 1 / settings.reserve_cost_n_m)
    row_weight[root] = settings.root_weight / weight
    result = Solution(
        force=np.zeros((frames, 2, 3)),
        center_of_pressure=np.full((frames, 2, 3), np.nan),
        activation=np.zeros((frames, muscles)),
        moment=np.zeros((frames, count)),
        reserve=np.zeros((frames, count)),
        root_residual=np.zeros((frames, 3)),
    )
    for k in range(frames):
        arms = demand.moment_arm[k].copy()
        arms[root] = 0  # two ends on the body: no force on the whole
        wanted = demand.generalized_force[k] - arms @ demand.passive_force[k]
        columns, costs, points = [arms * demand.active_force[k]], [np.ones(muscles)], []
        for side, foot in enumerate(feet):
            if share[k, side] <= 0:
                continue
            height = foot.position[k, :, 1] - foot.position[k, :, 1].min()
            near = np.flatnonzero(height < REACH * settings.sole_softness_m)
            columns.append(weight * np.einsum("ed,pdn->npe", edges, jacobians[side][k][near]).reshape(count, -1))
            cost = settings.contact_cost * (1 + (height[near] / settings.sole_softness_m) ** 2) / share[k, side]
            costs.append(np.repeat(cost, 2))
            points += [(side, foot.position[k, point], edge) for point in near for edge in edges]
        matrix, cost = np.concatenate(columns, axis=1), np.concatenate(costs)
        system = np.concatenate([row_weight[:, None] * matrix, np.diag(cost)])
        target = np.concatenate([row_weight * wanted, np.zeros(len(cost))])
        upper = np.where(np.arange(len(cost)) < muscles, 1.0, 10.0)
        amount = np.clip(bounded_least_squares(system, target, upper), 0, upper)
        result.activation[k] = amount[:muscles]
        missing = wanted - matrix @ amount
        ground = matrix[:, muscles:] @ amount[muscles:]
        result.moment[k, joints] = (demand.generalized_force[k] - ground)[joints]
        result.reserve[k, joints] = missing[joints]
        result.root_residual[k] = missing[root]
        _collect(result, k, points, amount[muscles:] * weight, 0.01 * weight)
    return result


def _collect(
    result: Solution, k: int, points: list[tuple[int, np.ndarray, np.ndarray]], amount: np.ndarray, least: float
) -> None:
    """Net force and centre of pressure of each foot at one frame."""
    for side in range(2):
        own = [i for i, point in enumerate(points) if point[0] == side]
        if not own:
            continue
        planar = np.array([points[i][2] * amount[i] for i in own])
        forward = np.array([points[i][1][0] for i in own])
        result.force[k, side, [0, 2]] = planar.sum(axis=0)
        if planar[:, 1].sum() > least:
            result.center_of_pressure[k, side] = (planar[:, 1] @ forward) / planar[:, 1].sum(), 0.0, 0.0


def bounded_least_squares(system: np.ndarray, target: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Minimise |system · x − target|² with 0 ≤ x ≤ upper.

    Args:
        system: (R, C) of full column rank.
        target: (R,).
        upper: (C,) positive.
    """
    solution = lsq_linear(system, target, bounds=(0, upper), method="bvls", tol=1e-12, max_iter=500)
    return solution.x


def _point_jacobians(foot: FootMotion) -> np.ndarray:
    """Jacobian (K, P, 2, n) of every outline point."""
    result = foot.origin_jacobian[:, foot.segment].copy()
    pitch = foot.pitch_jacobian[:, foot.segment]
    result[:, :, 0] += foot.arm[..., 1, None] * pitch
    result[:, :, 1] -= foot.arm[..., 0, None] * pitch
    return result
