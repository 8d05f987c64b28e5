"""Which threads torch computes with: one beside the physics, those asked for in the gradient steps."""

import pytest
import torch
from stable_baselines3.common.logger import Logger

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.training import TrainingSettings
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.policies.learner import make_algorithm
from myoassist.training.learning_callback import LearningCallback
from myoassist.training.learning_env import learning_env


@pytest.fixture
def threads_restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def threads_seen(assets, training: dict, torch_threads: int) -> tuple[list[int], list[int]]:
    """Return torch's threads at every environment step and at every round of gradient steps of a small training."""
    settings = TrainingSettings.parse({"n_envs": 4, "policy": {"actor": [8], "critic": [8]}, **training})
    learner = settings.segments(EnvironmentSettings(), 1)[0].learner
    batch = EnvironmentHandler.from_files(EnvironmentSettings(), **assets.files).make_batch(4)
    env = learning_env(batch, learner)
    algorithm = make_algorithm(learner, env, steps=0)
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    collecting, learning = [], []
    step, train = env.step_wait, algorithm.train

    def watched_step():
        collecting.append(torch.get_num_threads())
        return step()

    def watched_train(*arguments, **named):
        learning.append(torch.get_num_threads())
        train(*arguments, **named)

    env.step_wait, algorithm.train = watched_step, watched_train
    algorithm.learn(128, callback=LearningCallback(batch, stop_steps=128, torch_threads=torch_threads))
    env.close()
    return collecting, learning


def test_gradient_steps_have_the_threads_asked_for_and_collecting_has_one(assets, threads_restored):
    torch.set_num_threads(3)
    on_policy = {"parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1}}
    collecting, learning = threads_seen(assets, on_policy, torch_threads=2)
    assert collecting == [1] * 32
    assert learning == [2, 2]


def test_with_a_replay_buffer_they_alternate_too_fast_to_switch(assets, threads_restored):
    torch.set_num_threads(3)
    off_policy = {
        "algorithm": "SAC",
        "parameters": {"learning_starts": 16, "batch_size": 16, "buffer_size": 1000},
    }
    collecting, learning = threads_seen(assets, off_policy, torch_threads=2)
    assert set(collecting) == {2}
    assert set(learning) == {2}
