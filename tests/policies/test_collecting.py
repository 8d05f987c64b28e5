"""Rollouts are those that SB3 collects itself, though values are computed for all of a rollout at once."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv

from myoassist.config.policy import PolicySettings
from myoassist.config.training import LearnerSettings
from myoassist.policies.collecting import Actors, collect, value
from myoassist.policies.hyper_parameters import algorithm_class
from myoassist.policies.learner import policy_arguments

LABELS = ["place/x", "place/y", "speed/x"]
ACTS = ["push/x", "turn/y"]
STEPS, ENVS = 12, 3


class Pushed(gymnasium.Env):
    """Ends when it has come far, or at a time limit; clips what it is given, as our environments do."""

    observation_space = gymnasium.spaces.Box(-10, 10, (3,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)

    def __init__(self, place: int):
        self._place = place

    def reset(self, *, seed=None, options=None):
        self._state, self._steps = np.array([0.3 * self._place, 0.0, 0.5], np.float32), 0
        return self._state.copy(), {}

    def step(self, action):
        self._state[:2] += np.clip(action, -1, 1)
        self._state[2] = 0.1 * self._steps
        self._steps += 1
        return self._state.copy(), float(self._state[0]), bool(abs(self._state[1]) > 2), self._steps >= 5, {}


class Told(BaseCallback):
    """Notes what it is told, and may end a rollout."""

    def __init__(self, last_step: int | None = None):
        super().__init__()
        self.last_step, self.told = last_step, []

    def _on_rollout_start(self):
        self.told.append("start")

    def _on_step(self):
        self.told.append(self.locals["rewards"].copy())
        assert {"new_obs", "dones", "infos"} <= self.locals.keys()
        return len(self.told) - 1 != self.last_step

    def _on_rollout_end(self):
        self.told.append("end")


def started(policy: dict, **parameters):
    """A PPO that is ready to collect, with its callback."""
    learner = LearnerSettings(
        algorithm="PPO", parameters=parameters, policy=PolicySettings.parse(policy), n_envs=ENVS, torch_threads=1
    )
    kind, arguments = policy_arguments(learner, algorithm_class("PPO"), observation_labels=LABELS, action_labels=ACTS)
    env = DummyVecEnv([lambda place=place: Pushed(place) for place in range(ENVS)])
    algorithm = PPO(kind, env, policy_kwargs=arguments, n_steps=STEPS, batch_size=4, seed=1, device="cpu", **parameters)
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    callback = Told()
    algorithm._setup_learn(100)
    callback.init_callback(algorithm)
    return algorithm, callback


def valued(algorithm) -> RolloutBuffer:
    value(algorithm.rollout_buffer, algorithm.policy, algorithm._last_obs, algorithm._last_episode_starts)
    return algorithm.rollout_buffer


NETWORKS = {
    "networks": {
        "pusher": {"observes": ["place"], "acts": ["push"], "hidden": [8]},
        "still": {"observes": ["place"], "acts": ["turn"], "fixed": 0.5},
    }
}
PLAIN = {"actor": [8], "critic": [8]}


@pytest.mark.parametrize("policy", [PLAIN, NETWORKS], ids=["plain", "networks"])
def test_without_noise_a_rollout_is_sb3s_own(policy):
    found = []
    for own in (True, False):
        algorithm, callback = started({**policy, "initial_std": 1e-9})
        arguments = (algorithm.env, callback, algorithm.rollout_buffer, STEPS)
        assert collect(algorithm, *arguments) if own else algorithm.collect_rollouts(*arguments)
        found.append(valued(algorithm) if own else algorithm.rollout_buffer)
        assert algorithm.num_timesteps == STEPS * ENVS
        assert callback.told[0] == "start"
        assert callback.told[-1] == "end"
        assert len(callback.told) == STEPS + 2
    ours, theirs = found
    assert ours.full
    assert theirs.episode_starts[1:].any(), "no episode ended"
    for name in ("observations", "actions", "rewards", "episode_starts", "values", "advantages", "returns"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("policy", "parameters"),
    [(PLAIN, {}), (NETWORKS, {}), (PLAIN, {"use_sde": True, "sde_sample_freq": 4})],
    ids=["plain", "networks", "gsde"],
)
def test_probabilities_are_the_policys(policy, parameters):
    algorithm, callback = started({**policy, "initial_std": 0.4}, **parameters)
    assert collect(algorithm, algorithm.env, callback, algorithm.rollout_buffer, STEPS)
    buffer = valued(algorithm)
    with torch.no_grad():
        values, log_prob, _ = algorithm.policy.evaluate_actions(
            torch.as_tensor(buffer.observations.reshape(-1, 3)), torch.as_tensor(buffer.actions.reshape(-1, 2))
        )
    np.testing.assert_allclose(buffer.log_probs.ravel(), log_prob, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(buffer.values.ravel(), values.flatten(), rtol=1e-5, atol=1e-6)
    if policy is NETWORKS:
        assert np.all(buffer.actions[..., 1] == 0.5)
    assert np.std(buffer.actions[..., 0]) > 0


def test_noise_has_the_deviation_of_the_policy():
    algorithm, _ = started({**PLAIN, "initial_std": 0.4})
    torch.manual_seed(0)
    seen = np.zeros((20_000, 3), np.float32)
    actors = Actors(algorithm.policy, 2, len(seen))
    actions, log_prob = actors.act(seen, 0), actors.log_probs[0]
    assert not np.array_equal(actions, actors.act(seen, 1)), "every step has noise of its own"
    assert actions.std(axis=0) == pytest.approx([0.4, 0.4], rel=0.03)
    assert actions.dtype == log_prob.dtype == np.float32
    entropy = 2 * (0.5 + 0.5 * np.log(2 * np.pi) + np.log(0.4))
    assert -log_prob.mean() == pytest.approx(entropy, abs=0.03)


def test_a_callback_may_end_a_rollout():
    algorithm, callback = started(PLAIN)
    callback.last_step = 2
    assert not collect(algorithm, algorithm.env, callback, algorithm.rollout_buffer, STEPS)
    assert algorithm.num_timesteps == 2 * ENVS
    assert not algorithm.rollout_buffer.full
    assert len(callback.told) == 1 + 2, "its end is told of a rollout that was cut short"
