"""Overlapping: which policy collects what, and that neither threads nor segments' ends change or lose anything."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import set_random_seed

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.training import TrainingSettings
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.errors import InputError
from myoassist.formats.checkpoint import read_parameters
from myoassist.policies import overlapping
from myoassist.policies.learner import make_algorithm
from myoassist.policies.overlapping import LARGEST_WEIGHT, decouple
from myoassist.policies.scheduled_noise import ScheduledNoise
from myoassist.training.learning_callback import LearningCallback
from myoassist.training.learning_env import learning_env
from myoassist.training.segment import train_segment

ROLLOUT = 128
TRAINING = {
    "overlap": True,
    "parameters": {
        "n_steps": 16,
        "batch_size": 64,
        "n_epochs": 2,
        "learning_rate": {"linear": {"from": 1e-3, "to": 1e-4, "schedule_steps": 1000}},
    },
    "policy": {
        "actor": [16],
        "critic": [16],
        "std_factor": {"linear": {"from": 1.0, "to": 0.1, "schedule_steps": 1000}},
    },
    "n_envs": 8,
    "total_steps": 4 * ROLLOUT,
    "segment_steps": 4 * ROLLOUT,
}


def learner(**changes):
    return TrainingSettings.parse({**TRAINING, **changes}).segments(EnvironmentSettings(), 1)[0].learner


@pytest.fixture
def started(assets):
    """Return a function that makes a started algorithm and its callback, and ends its environments afterwards."""
    made = []

    def start(**changes):
        batch = EnvironmentHandler.from_files(EnvironmentSettings(), **assets.files).make_batch(8, threads=1)
        made.append(batch)
        set_random_seed(3)
        algorithm = make_algorithm(learner(**changes), learning_env(batch, learner(**changes)), steps=0)
        algorithm.env.seed(3)
        algorithm.set_logger(Logger(folder=None, output_formats=[]))
        return algorithm, LearningCallback(batch, stop_steps=4 * ROLLOUT)

    yield start
    for batch in made:
        batch.close()


def weights(policy) -> np.ndarray:
    return np.concatenate([value.detach().numpy().ravel().copy() for value in policy.state_dict().values()])


def watch(algorithm) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Note the weights that each rollout is collected with, and those that each update ends with."""
    acting, learned = [], []
    collect = algorithm.collect_rollouts
    update = algorithm.wait

    def collect_rollouts(*arguments, **named):
        acting.append(weights(algorithm._acting))
        return collect(*arguments, **named)

    def wait():
        pending = algorithm._update is not None
        update()
        if pending:
            learned.append(weights(algorithm.policy))

    algorithm.collect_rollouts, algorithm.wait = collect_rollouts, wait
    return acting, learned


@pytest.mark.parametrize("concurrent", [False, True])
def test_a_rollout_is_collected_by_the_policy_of_one_update_before(started, concurrent):
    algorithm, callback = started(policy={"actor": [16], "critic": [16]})
    algorithm.concurrent = concurrent
    first = weights(algorithm.policy)
    acting, learned = watch(algorithm)
    algorithm.learn(4 * ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    assert len(acting) == len(learned) == 4
    assert np.array_equal(acting[0], first)
    assert np.array_equal(acting[1], first)
    assert np.array_equal(acting[2], learned[0])
    assert np.array_equal(acting[3], learned[1])
    assert np.array_equal(weights(algorithm.policy), learned[3])
    assert not np.array_equal(learned[2], learned[3])
    assert algorithm._worker is None


def test_the_first_update_is_that_of_ppo(started):
    """Nothing lags yet: the first rollout and what is learned from it are the same."""
    algorithm, callback = started()
    algorithm.learn(ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    plain, its_callback = started(overlap=False)
    assert type(plain) is PPO
    plain.learn(ROLLOUT, callback=its_callback, log_interval=None, reset_num_timesteps=False)
    assert np.allclose(weights(algorithm.policy), weights(plain.policy), rtol=1e-4, atol=1e-5)
    timing = ("collect_s", "update_s", "steps_per_second")
    (ours,), (theirs,) = callback.records, its_callback.records
    numbers = [key for key, value in ours.items() if isinstance(value, float) and key not in timing]
    assert "approx_kl" in numbers
    assert {key: ours[key] for key in numbers} == pytest.approx({key: theirs[key] for key in numbers}, 1e-4, 1e-6)
    assert algorithm._n_updates == plain._n_updates == 2


def test_an_older_policys_rollout_is_weighted_and_clipped_around_the_one_that_learns(started):
    algorithm, callback = started(policy={"actor": [16], "critic": [16], "initial_std": 0.5})
    algorithm.learn(ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    buffer, policy = algorithm.rollout_buffer, algorithm.policy
    observations = torch.as_tensor(buffer.observations.reshape(ROLLOUT, -1))
    actions = torch.as_tensor(buffer.actions.reshape(ROLLOUT, -1))
    collected, advantages = buffer.log_probs.copy(), buffer.advantages.copy()
    decouple(buffer, policy)
    with torch.no_grad():
        _, expected, _ = policy.evaluate_actions(observations, actions)
    assert buffer.log_probs.ravel() == pytest.approx(expected.numpy(), abs=1e-4)
    ratio = np.exp(buffer.log_probs - collected)
    assert buffer.advantages == pytest.approx(advantages * np.minimum(ratio, LARGEST_WEIGHT), rel=1e-5)
    collected[0, 0] = buffer.log_probs[0, 0] - 5.0  # 148 times likelier now
    buffer.log_probs[:], buffer.advantages[:] = collected, advantages
    decouple(buffer, policy)
    assert buffer.advantages[0, 0] == pytest.approx(LARGEST_WEIGHT * advantages[0, 0])
    first = next(iter(buffer.get(ROLLOUT)))
    with torch.no_grad():
        _, log_prob, _ = policy.evaluate_actions(first.observations, first.actions)
    assert torch.exp(log_prob - first.old_log_prob).numpy() == pytest.approx(np.ones(ROLLOUT), abs=1e-4)


def test_schedules_are_those_of_the_steps_that_were_collected(started):
    """However far the next rollout has come while gradient steps are taken."""
    algorithm, callback = started()
    algorithm.learn(4 * ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    rates = [record["learning_rate"] for record in callback.records]
    assert rates == pytest.approx([1e-3 - 9e-4 * k * ROLLOUT / 1000 for k in (1, 2, 3, 4)], rel=1e-6)


def test_scheduled_noise_is_learned_from_as_it_was_collected(started):
    algorithm, callback = started()
    noise = ScheduledNoise(algorithm, learner().policy.std_factor.linear)
    seen = []
    student = algorithm._student

    def watched():
        copied = student()
        seen.append(float(copied.policy.log_std.exp().mean()))
        return copied

    algorithm._student = watched
    algorithm.learn(3 * ROLLOUT, callback=[noise, callback], log_interval=None, reset_num_timesteps=False)
    initial = learner().policy.initial_std
    factors = [1.0 - 0.9 * k * ROLLOUT / 1000 for k in range(3)]  # at the start of each rollout
    assert seen == pytest.approx([initial * factor for factor in factors], rel=1e-5)


def test_statistics_reach_the_policy_that_acts(started):
    algorithm, callback = started()
    algorithm.learn(3 * ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    count = algorithm.policy.features_extractor.count
    assert torch.all(count == 3 * ROLLOUT)
    assert torch.all(algorithm._acting.features_extractor.count == 2 * ROLLOUT)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="such threads are there on Linux only")
@pytest.mark.parametrize(("load", "kind"), [(0.5, "SCHED_IDLE"), (1e6, "SCHED_OTHER")])
def test_gradient_steps_give_way_unless_the_machine_is_shared(load, kind, started, monkeypatch):
    """Among others' threads they would get nothing, and this thread and its physics never give way."""
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    seen = []

    def update(*arguments):
        seen.append(os.sched_getscheduler(0))
        return timed(*arguments)

    timed = overlapping._timed_update
    monkeypatch.setattr(overlapping, "_timed_update", update)
    algorithm, callback = started()
    algorithm.concurrent = True
    algorithm.learn(2 * ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    assert seen == [getattr(os, kind)] * 2
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_what_fails_in_the_thread_is_raised_and_leaves_none_behind(started):
    algorithm, callback = started()
    algorithm.concurrent = True
    algorithm.batch_size = "many"
    with pytest.raises(TypeError):
        algorithm.learn(4 * ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    assert algorithm._worker is None
    assert algorithm._update is None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"policy": {"networks": {"legs": {"observes": ["joint_positions"], "acts": ["muscles"], "hidden": [8]}}}},
        {"policy": {"actor": [8]}, "parameters": {**TRAINING["parameters"], "use_sde": True, "sde_sample_freq": 4}},
    ],
    ids=["plain", "networks", "gsde"],
)
def test_any_number_of_threads_gives_the_same_bytes(changes, assets, tmp_path):
    settings = TrainingSettings.parse({**TRAINING, "segment_steps": 2 * ROLLOUT, **changes})
    made = {}
    for threads in (1, 2):
        previous = None
        for segment in settings.segments(EnvironmentSettings(), 1):
            output = tmp_path / f"model_{threads}_{segment.stop_steps}.zip"
            log = tmp_path / f"log_{threads}_{segment.stop_steps}.json"
            files = {"previous": previous, "output": output, "log": log}
            train_segment(segment, **assets.files, **files, threads=threads)
            previous = output
            made.setdefault(segment.stop_steps, []).append(output.read_bytes())
    for one, two in made.values():
        assert one == two
    assert len(read_parameters(previous)["policy"]) > 0


def test_it_acts_differently_from_ppo_from_the_second_rollout_on(started):
    algorithm, callback = started()
    algorithm.learn(3 * ROLLOUT, callback=callback, log_interval=None, reset_num_timesteps=False)
    plain, its_callback = started(overlap=False)
    plain.learn(3 * ROLLOUT, callback=its_callback, log_interval=None, reset_num_timesteps=False)
    ours, theirs = ([record["reward_per_step"] for record in each.records] for each in (callback, its_callback))
    assert len(ours) == len(theirs) == 3
    assert ours[0] == pytest.approx(theirs[0], rel=1e-7), "noise is added in another order of roundings, no more"
    assert ours[1] != pytest.approx(theirs[1], rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"algorithm": "A2C", "parameters": {}}, "algorithm is A2C"),
        ({"algorithm": "SAC", "parameters": {}}, "algorithm is SAC"),
        ({"torch_threads": 2}, "torch_threads is 2"),
    ],
)
def test_only_ppo_with_one_thread_overlaps(changes, said):
    with pytest.raises(InputError, match=said) as caught:
        TrainingSettings.parse({**TRAINING, **changes})
    assert "overlap" in str(caught.value)
