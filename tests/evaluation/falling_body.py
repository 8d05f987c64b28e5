"""A body that no policy moves: it falls while its muscles slowly switch on."""

from pathlib import Path
from typing import NamedTuple

import mujoco
import numpy as np

from myoassist.evaluation.biomechanics import Biomechanics
from myoassist.formats.compiled_model import Manifest
from myoassist.formats.rollouts import RolloutModel

STATE_RATE_HZ = 250.0


class Body(NamedTuple):
    model_path: Path
    manifest_path: Path
    model: mujoco.MjModel
    manifest: Manifest


def coupled(body: Body, qpos: np.ndarray) -> np.ndarray:
    """Set every dependent coordinate to the value that its coupling gives it."""
    qpos, zero = qpos.copy(), body.model.qpos0
    for coupling in body.manifest.couplings:
        driver = body.manifest.joint(coupling.independent).qpos
        dependent = body.manifest.joint(coupling.dependent).qpos
        value = qpos[driver] - zero[driver]
        qpos[dependent] = zero[dependent] + sum(c * value**i for i, c in enumerate(coupling.polynomial))
    return qpos


def fall(body: Body, rows: int, push: float) -> dict[str, np.ndarray]:
    """Simulate a fall from the standing keyframe; (rows, ...) states at 250 Hz with their controls."""
    model = body.model
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    data.qpos[:] = coupled(body, data.qpos)
    data.qvel[body.manifest.joint("pelvis_tx").dof] = push
    states = {name: [] for name in ("time", "qpos", "qvel", "act", "ctrl")}
    every = round(1 / STATE_RATE_HZ / model.opt.timestep)
    for row in range(rows):
        data.ctrl[:] = 0.5 * row / rows
        states["time"].append(data.time)
        for name in ("qpos", "qvel", "act", "ctrl"):
            states[name].append(getattr(data, name).copy())
        for _ in range(every):
            mujoco.mj_step(model, data)
    return {name: np.array(values) for name, values in states.items()}


def rollout_model(body: Body) -> RolloutModel:
    manifest = body.manifest
    muscles = manifest.muscles
    return RolloutModel(
        total_mass_kg=manifest.total_mass_kg,
        device_mass_kg=manifest.device_mass_kg,
        gravity_m_s2=manifest.gravity_m_s2,
        leg_length_m=manifest.leg_length_m,
        state_rate_hz=STATE_RATE_HZ,
        control_rate_hz=50.0,
        coordinates=tuple(manifest.joint_names),
        dofs=tuple(manifest.joint_names),
        joints=Biomechanics(body.model, manifest).joints,
        muscles=tuple(manifest.muscle_names),
        devices=(),
        device_joints=(),
        actions=tuple(manifest.muscle_names),
        reward_terms=("alive",),
        muscle_constants={
            "max_isometric_force_n": np.array([m.max_isometric_force_n for m in muscles]),
            "optimal_fiber_length_m": np.array([m.optimal_fiber_length_m for m in muscles]),
            "tendon_slack_length_m": np.array([m.tendon_slack_length_m for m in muscles]),
            "max_contraction_velocity_m_s": np.array(
                [m.max_shortening_velocity * m.optimal_fiber_length_m for m in muscles]
            ),
        },
        manifest={},
    )
