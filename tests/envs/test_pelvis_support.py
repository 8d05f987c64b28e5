"""The support of the pelvis: pushes where it says, in newtons, and leaves everything as it is when it is off."""

import numpy as np
import pytest

STIFF = {"height_stiffness_n_m": 5000, "height_damping_n_s_m": 500}
UPRIGHT = {"tilt_stiffness_n_m_rad": 1000, "tilt_damping_n_m_s_rad": 60, "forward_damping_n_s_m": 300}


def rollout(handler, steps: int = 60, num_envs: int = 4, threads: int = 1):
    batch = handler.make_batch(num_envs, threads=threads, autoreset=False)
    batch.reset(seed=1, options={"phase": np.arange(num_envs) / num_envs})
    heights, leans = [], []
    for _ in range(steps):
        batch.step(np.full((num_envs, batch.action_layout.size), -1.0))  # no muscle is excited
        heights.append(batch.step_result.pelvis_height.copy())
        leans.append(np.abs(batch.step_result.positions[:, 1]))
    states = batch.simulation.state.copy()
    batch.close()
    return np.array(heights), np.array(leans), states


def test_it_carries_a_body_that_would_fall(assets, make_handler):
    falling, falling_leans, _ = rollout(make_handler(assets))
    held, leans, _ = rollout(make_handler(assets, pelvis_support={**STIFF, **UPRIGHT}))
    assert falling[-1].max() < 0.7
    assert held.min() > 0.7
    assert leans.max() < 0.5 < falling_leans.max()


def test_without_stiffness_it_changes_no_bit(assets, make_handler):
    _, _, without = rollout(make_handler(assets), 10)
    _, _, idle = rollout(make_handler(assets, pelvis_support={}), 10)
    np.testing.assert_array_equal(without, idle)


def test_forces_follow_the_formula_and_their_limits(assets, make_handler):
    batch = make_handler(assets, pelvis_support={**STIFF, "force_max_n": 250.0}).make_batch(3, threads=1)
    batch.reset(seed=0)
    height = batch.manifest.joint(batch.manifest.root["height"])
    positions, velocities, _ = batch.clip.at(batch.phase, batch.target.value)
    column = batch.joint_names.index(height.name)
    batch.simulation.qpos[:, height.qpos] = positions[:, column] + [-0.01, 0.02, -0.3]
    batch.simulation.qvel[:, height.dof] = velocities[:, column] + [0.0, -0.1, 0.0]
    forces = batch.support.forces()
    assert forces[:, height.dof] == pytest.approx([50.0, -100.0 + 50.0, 250.0])
    assert np.count_nonzero(np.delete(forces, height.dof, axis=1)) == 0
