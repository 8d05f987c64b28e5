"""What is measured of a learning: whole rollouts with as many updates, and exactly their physics."""

import pytest
from stable_baselines3.common.logger import Logger

from myoassist.bench.laps import Laps
from myoassist.bench.speed import PhysicsCalls, Spent
from myoassist.config.environment import EnvironmentSettings
from myoassist.config.training import TrainingSettings
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.policies.learner import make_algorithm
from myoassist.policies.overlapping import OverlappingPPO
from myoassist.training.learning_callback import LearningCallback
from myoassist.training.learning_env import learning_env

PPO = {"parameters": {"n_steps": 4, "batch_size": 8, "n_epochs": 1}}
SAC = {"algorithm": "SAC", "parameters": {"train_freq": 4, "learning_starts": 8, "batch_size": 8, "buffer_size": 100}}


@pytest.mark.parametrize("training", [PPO, {**PPO, "overlap": True}, SAC], ids=["ppo", "overlapping", "sac"])
def test_whole_rollouts_are_measured_and_then_it_ends(assets, training):
    settings = TrainingSettings.parse({"n_envs": 2, "policy": {"actor": [8], "critic": [8]}, **training})
    learner = settings.segments(EnvironmentSettings(), 1)[0].learner
    batch = EnvironmentHandler.from_files(EnvironmentSettings(), **assets.files).make_batch(2, threads=1)
    algorithm = make_algorithm(learner, learning_env(batch, learner), steps=0)
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    rollout = 4 * 2
    calls, spent, bare = PhysicsCalls(batch, 4), Spent(), Spent()
    records = LearningCallback(batch, stop_steps=100)
    updates = []
    train = algorithm.train

    def counted(*arguments, **named):
        updates.append(algorithm.num_timesteps)
        return train(*arguments, **named)

    algorithm.train = counted
    repeat, repeated = calls.repeat, []

    def noticed():
        if isinstance(algorithm, OverlappingPPO):
            assert algorithm._update is None, "an update runs beside the bare physics"
        repeated.append((algorithm.num_timesteps, calls.noted))
        return repeat()

    calls.repeat = noticed
    laps = Laps(calls, spent, bare, skipped=rollout, measured=2 * rollout)
    algorithm.learn(100, callback=[records, laps], log_interval=None, reset_num_timesteps=False)
    assert spent.steps == bare.steps == 2 * rollout
    assert repeated == [(2 * rollout, 4), (3 * rollout, 4)]
    assert bare.wall_s > 0
    assert spent.wall_s > 0
    assert algorithm.num_timesteps == 3 * rollout + 2, "learning goes on after what is measured"
    if training.get("algorithm") != "SAC":
        assert updates == [rollout, 2 * rollout, 3 * rollout]
    batch.close()
