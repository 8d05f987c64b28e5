"""What one record of a training says, from steps that are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from myoassist.training.learning_callback import LearningCallback


@pytest.fixture
def callback():
    """A callback that watches two environments with one reward term."""
    env = SimpleNamespace(
        num_envs=2,
        control_s=0.02,
        reward_terms=("alive",),
        weights=np.array([1.0]),
        raw_terms=np.ones((1, 2)),
        step_result=SimpleNamespace(forward_velocity=np.ones(2), target_velocity=np.ones(2)),
        clipped_share=0.0,
        simulation=SimpleNamespace(divergences=0),
    )
    return LearningCallback(env, stop_steps=1000)


def step(callback, rewards, dones):
    infos = [{"termination": "fall", "episode_steps": 3} if done else {} for done in dones]
    callback.locals = {"rewards": np.array(rewards, np.float32), "dones": np.array(dones), "infos": infos}
    callback.locals["new_obs"] = np.zeros((2, 1))
    callback.model = SimpleNamespace()
    callback._on_step()


def pending(callback) -> dict:
    """What is told of the last rollout before it has been learned from."""
    return callback._pending[-1][0]


def test_the_return_of_an_episode_counts_what_earlier_rollouts_saw_of_it(callback):
    step(callback, [1.0, 10.0], [False, False])
    step(callback, [2.0, 20.0], [False, True])
    callback._begin_record()
    assert pending(callback)["episode_return"] == 30
    callback._clear()
    step(callback, [3.0, 100.0], [True, False])
    step(callback, [50.0, 200.0], [False, True])
    callback._begin_record()
    assert pending(callback)["episode_return"] == pytest.approx((6 + 300) / 2)
    assert pending(callback)["episodes"] == 2


def test_no_return_where_no_episode_ended(callback):
    step(callback, [1.0, 1.0], [False, False])
    callback._begin_record()
    assert pending(callback)["episode_return"] is None
