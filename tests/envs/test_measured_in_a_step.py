"""What a step says of forces and footsteps, computed a second time from the bodies' states by MuJoCo itself."""

import mujoco
import numpy as np
import pytest
from all_rewards import ALL_REWARDS

from myoassist.formats.compiled_model import SIDES

FULL = mujoco.mjtState.mjSTATE_FULLPHYSICS


def foot_loads(model, data, feet: dict[str, set[int]]) -> np.ndarray:
    """Vertical force of the ground on the right and the left foot (N), contact by contact."""
    loads = np.zeros(2)
    wrench = np.zeros(6)
    for index in range(data.ncon):
        contact = data.contact[index]
        bodies = {int(model.geom_bodyid[geom]) for geom in contact.geom}
        if 0 not in bodies:
            continue
        mujoco.mj_contactForce(model, data, index, wrench)
        world = contact.frame.reshape(3, 3).T @ wrench[:3]
        up = abs(world[2])  # the ground pushes
        for column, side in enumerate(SIDES):
            if bodies & feet[side]:
                loads[column] += up
    return loads


def limit_torques(model, data) -> dict[int, float]:
    """Force of each joint's limits, by the joint's number."""
    found: dict[int, float] = {}
    for row in np.flatnonzero(data.efc_type == mujoco.mjtConstraint.mjCNSTR_LIMIT_JOINT):
        joint = int(data.efc_id[row])
        found[joint] = found.get(joint, 0.0) + float(data.efc_force[row])
    return found


def foot_bodies(model) -> dict[str, set[int]]:
    """Bodies from the ankle down, by side."""
    feet = {}
    for side in SIDES:
        top = model.jnt_bodyid[model.joint(f"ankle_angle_{side}").id]
        feet[side] = {top}
        for body in range(top + 1, model.nbody):
            if model.body_parentid[body] in feet[side]:
                feet[side].add(body)
    return feet


@pytest.mark.parametrize("num_envs", [1, 64])
def test_loads_limits_and_activations_are_those_of_the_states(assets, make_handler, num_envs):
    batch = make_handler(assets, reward=ALL_REWARDS).make_batch(num_envs, autoreset=False)
    batch.reset(seed=2)
    simulation, model = batch.simulation, batch.simulation.model
    feet, data = foot_bodies(model), mujoco.MjData(model)
    limited = [model.joint(name).id for name in batch.manifest.limit_sensors]
    rng, met, largest = np.random.default_rng(0), 0, 0.0
    for _ in range(25):
        before, activation = simulation.state.copy(), simulation.activation.copy()
        batch.step(rng.uniform(-1, 1, (num_envs, 22)))
        step = batch.step_result
        np.testing.assert_array_equal(step.activation_change, simulation.activation - activation)
        for row in {0, num_envs - 1}:
            loads = []
            for index in range(simulation.substeps):
                state = before[row] if index == 0 else simulation.substates[row, index - 1]
                mujoco.mj_setState(model, data, state, FULL)
                data.ctrl[:] = simulation.control[row, index]
                mujoco.mj_forward(model, data)
                loads.append(foot_loads(model, data, feet) / batch.reader.body_weight_n[row])
            np.testing.assert_allclose(step.foot_force_peak[row], np.max(loads, axis=0), atol=2e-3)
            sides = step.foot_force[row].reshape(2, 2).sum(axis=1)
            np.testing.assert_allclose(sides, loads[-1], atol=2e-3)
            torques = limit_torques(model, data)
            expected = [torques.get(joint, 0.0) for joint in limited]
            np.testing.assert_allclose(step.limit_torque[row], expected, atol=2e-2)
            met += int(np.ptp(loads, axis=0).max() > 0.05)
            largest = max(largest, float(np.abs(step.limit_torque[row]).max()))
    assert met >= 5  # the largest load within a step is often not the last
    assert largest > 1.0


@pytest.mark.parametrize("num_envs", [1, 64])
def test_footsteps_are_those_of_the_steps_in_between(assets, make_handler, num_envs):
    settings = {"reward": ALL_REWARDS, "action": {"baseline": "reference"}, "target_velocity": {"minimum_m_s": 1.0}}
    batch = make_handler(assets, **settings).make_batch(num_envs, autoreset=False)
    batch.reset(seed=0, options={"phase": 0.3})
    efforts, errors, ended = [], [], 0
    last = np.zeros(num_envs, dtype=int)
    for count in range(1, 61):
        batch.step(np.zeros((num_envs, 22)))
        step = batch.step_result
        efforts.append(np.square(step.activations).mean(axis=1))
        errors.append(step.forward_velocity - step.target_velocity)
        began = np.array([steps_since(batch, row) for row in range(num_envs)]) == 0
        for row in np.flatnonzero(step.foot_strike):
            during = slice(last[row], count)
            assert step.footstep_time[row] == pytest.approx((count - last[row]) / 50)
            assert step.footstep_effort[row] == pytest.approx(np.mean([e[row] for e in efforts[during]]))
            assert step.footstep_velocity_error[row] == pytest.approx(np.mean([e[row] for e in errors[during]]))
            ended += 1
        last[began] = count
    assert ended >= num_envs
    assert np.mean(errors) != pytest.approx(0.0, abs=0.01)  # a wrong sign would show


def steps_since(batch, row: int) -> int:
    """Control steps since a body's last foot strike."""
    return round(batch.footsteps.time[row] * 50)
