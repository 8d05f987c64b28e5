"""Observation statistics: those of what was really seen, frozen between acting and learning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.training import TrainingSettings
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.policies.learner import make_algorithm
from myoassist.policies.normalization import SMALLEST_DEVIATION, NormalizingExtractor, extractors
from myoassist.policies.scheduled_noise import ScheduledNoise
from myoassist.training.learning_callback import LearningCallback
from myoassist.training.learning_env import learning_env

ROLLOUT = 128
ONE_STEP = {"n_steps": 16, "batch_size": ROLLOUT, "n_epochs": 1}
"""The only minibatch of a rollout is its first one."""
NETWORKS = {
    "networks": {
        "right": {"observes": ["joint_positions", "phase"], "acts": ["muscles"], "hidden": [8]},
    },
    "critic": {"observes": ["joint_positions"], "hidden": [8]},
}
LEARNERS = {
    "plain": {"parameters": ONE_STEP},
    "gSDE": {"parameters": {**ONE_STEP, "use_sde": True, "sde_sample_freq": 4}},
    "fading noise": {
        "parameters": ONE_STEP,
        "policy": {"std_factor": {"linear": {"from": 1.0, "to": 0.5, "schedule_steps": 512}}},
    },
    "own networks": {"parameters": ONE_STEP, "policy": NETWORKS},
    "mirrored": {"parameters": ONE_STEP, "mirror": True},
    "replay buffer": {
        "algorithm": "SAC",
        "parameters": {"learning_starts": 16, "batch_size": 16, "buffer_size": 2000},
    },
}


class Seen:
    """Remembers every observation that an environment gives."""

    def __init__(self, env) -> None:
        self.observations: list[np.ndarray] = []
        self._reset, self._step = env.reset, env.step_wait
        env.reset, env.step_wait = self.reset, self.step_wait

    def reset(self):
        observations = self._reset()
        self.observations.append(observations.copy())
        return observations

    def step_wait(self):
        result = self._step()
        self.observations.append(result[0].copy())
        return result


@pytest.fixture(scope="module")
def handler(assets) -> EnvironmentHandler:
    return EnvironmentHandler.from_files(EnvironmentSettings(), **assets.files)


def learn(
    handler: EnvironmentHandler, changes: dict, steps: int, watch: Callable[[BaseAlgorithm], None] | None = None
) -> tuple[BaseAlgorithm, list[dict], np.ndarray]:
    """Return the algorithm, its records and (T, N, O) observations after so many steps."""
    training = {"n_envs": 8, "policy": {"actor": [8], "critic": [8]}, **changes}
    learner = TrainingSettings.parse(training).segments(EnvironmentSettings(), 1)[0].learner
    env = learning_env(handler.make_batch(8), learner)
    torch.manual_seed(0)
    algorithm = make_algorithm(learner, env, steps=0)
    factor = learner.policy.std_factor
    if factor is not None:
        ScheduledNoise(algorithm, factor.linear)
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    seen = Seen(env)
    callback = LearningCallback(env.batch, stop_steps=steps)
    if watch is not None:
        watch(algorithm)
    algorithm.learn(steps, callback=callback, log_interval=None)
    env.close()
    return algorithm, callback.records, np.array(seen.observations)


@pytest.mark.parametrize("name", LEARNERS)
def test_statistics_are_those_of_all_that_was_seen(handler, name):
    algorithm, _, seen = learn(handler, LEARNERS[name], 4 * ROLLOUT)
    known = (seen[1:] if "algorithm" in LEARNERS[name] else seen[:-1]).reshape(-1, seen.shape[-1])
    assert len(known) == 4 * ROLLOUT
    assert known.std(axis=0).max() > 0.5
    for extractor in extractors(algorithm.policy):
        assert set(extractor.count.tolist()) == {4.0 * ROLLOUT}
        np.testing.assert_allclose(extractor.mean.numpy(), known.mean(axis=0, dtype=float), atol=1e-6)
        np.testing.assert_allclose(extractor.variance.numpy(), known.var(axis=0, dtype=float), atol=1e-6)


@pytest.mark.parametrize("name", [name for name in LEARNERS if "algorithm" not in LEARNERS[name]])
def test_the_first_minibatch_has_the_probabilities_that_were_acted_with(handler, name):
    """Statistics that moved between acting and learning would show as a divergence; so would a second minibatch."""
    _, records, _ = learn(handler, LEARNERS[name], 4 * ROLLOUT)
    assert len(records) == 4
    assert all(abs(record["approx_kl"]) < 1e-6 for record in records)
    assert all(record["clip_fraction"] == 0 for record in records)
    again = {**LEARNERS[name], "parameters": {**LEARNERS[name]["parameters"], "n_epochs": 4, "learning_rate": 0.01}}
    _, records, _ = learn(handler, again, 2 * ROLLOUT)
    assert all(record["approx_kl"] > 1e-4 for record in records)


@pytest.mark.parametrize("name", [name for name in LEARNERS if "algorithm" not in LEARNERS[name]])
def test_the_first_minibatch_has_the_probability_ratio_of_one_for_every_action(handler, name, monkeypatch):
    compared = []

    def watch(algorithm: BaseAlgorithm) -> None:
        evaluate = algorithm.policy.evaluate_actions

        def watched(*arguments):
            values, log_prob, entropy = evaluate(*arguments)
            acted = np.sort(algorithm.rollout_buffer.log_probs.ravel())  # a minibatch is in another order
            compared.append(np.abs(np.exp(np.sort(log_prob.detach().numpy()) - acted) - 1.0).max())
            return values, log_prob, entropy

        monkeypatch.setattr(algorithm.policy, "evaluate_actions", watched)

    learn(handler, LEARNERS[name], 4 * ROLLOUT, watch=watch)
    assert len(compared) == 4
    assert max(compared) < 1e-5


def test_a_number_that_hardly_varies_is_not_blown_up():
    extractor = NormalizingExtractor(spaces.Box(-10, 10, (2,), np.float32))
    rng = np.random.default_rng(0)
    seen = np.stack([np.full(1000, 1.25), rng.normal(0.0, 2.0, 1000)], axis=1)
    extractor.update(torch.as_tensor(seen, dtype=torch.float32))
    out = extractor(torch.tensor([[1.25 + SMALLEST_DEVIATION, 2.0]]))
    np.testing.assert_allclose(out.numpy(), [[1.0, 1.0]], atol=0.1)


def test_loaded_and_changed_statistics_count_at_once():
    """What standardising needs of them is prepared when they change, not at each call."""
    rng = np.random.default_rng(0)
    seen = torch.as_tensor(rng.normal([1.0, -2.0], [0.5, 3.0], (500, 2)), dtype=torch.float32)
    first, second = (NormalizingExtractor(spaces.Box(-10, 10, (2,), np.float32)) for _ in range(2))
    first.update(seen)
    expected = (seen - seen.mean(dim=0)) / seen.std(dim=0, unbiased=False)
    np.testing.assert_allclose(first(seen), expected, atol=1e-5)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second(seen), first(seen))
    second.mean[0] = 0.0
    second.prepare()
    np.testing.assert_allclose(second(seen)[:, 0], seen[:, 0] / seen[:, 0].std(unbiased=False), atol=1e-5)
