"""Bytes depend on seed and actions alone: not on threads, not on how many neighbours there are."""

import numpy as np
import pytest
from all_rewards import ALL_REWARDS

LARGEST = 64
STEPS = 40
VARIED = {"mode": "step", "minimum_m_s": 1.0, "maximum_m_s": 1.5, "period_s": 0.5}
NOISE = {"position_noise_rad": 0.02, "velocity_noise_rad_s": 0.1}


@pytest.fixture(scope="module")
def handler(assets, make_handler):
    return make_handler(assets, reward=ALL_REWARDS, target_velocity=VARIED, reset=NOISE, episode_s=0.5)


def trace(batch) -> list[np.ndarray]:
    """Everything a learner sees of each environment, for fixed actions: (N, bytes) a step."""
    rng = np.random.default_rng(3)
    observations, _ = batch.reset(seed=11)
    seen = [(observations,)]
    for _ in range(STEPS):
        actions = rng.uniform(-1, 1, (LARGEST, batch.action_layout.size))[: batch.num_envs]
        observations, rewards, terminated, truncated, _ = batch.step(actions)
        seen.append((observations, rewards, terminated, truncated, batch.simulation.state.copy()))
    batch.close()
    rows = [[np.ascontiguousarray(array).reshape(batch.num_envs, -1).view(np.uint8) for array in step] for step in seen]
    return [np.concatenate(row, axis=1) for row in rows]


@pytest.fixture(scope="module")
def largest(handler) -> list[np.ndarray]:
    return trace(handler.make_batch(LARGEST, threads=1))


@pytest.mark.parametrize(("num_envs", "threads"), [(1, 1), (3, 2), (7, 1), (16, 2), (33, 2), (64, 2), (64, 3)])
def test_bytes_depend_neither_on_threads_nor_on_neighbours(handler, largest, num_envs, threads):
    for step, (one, all_of_them) in enumerate(
        zip(trace(handler.make_batch(num_envs, threads=threads)), largest, strict=True)
    ):
        assert one.tobytes() == all_of_them[:num_envs].tobytes(), f"step {step}"


def test_the_trace_goes_over_the_ends_of_episodes_and_differs_between_environments(largest):
    assert len({row.tobytes() for row in largest[-1]}) == LARGEST
