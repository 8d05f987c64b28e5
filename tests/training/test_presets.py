"""Every shipped experiment steps its environment and trains one tiny segment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from myoassist.config.experiment import Experiment
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.formats.checkpoint import read_checkpoint_info
from myoassist.policies.learner import load_policy
from myoassist.training.segment import train_segment

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "configs" / "experiments").glob("*.json"))
SIZES = {
    "training.n_envs": 4,
    "training.total_steps": 64,
    "training.segment_steps": 64,
    "training.parameters.batch_size": 16,
}
ON_POLICY = {"training.parameters.n_steps": 16}
OFF_POLICY = {
    "training.parameters.learning_starts": 16,
    "training.parameters.train_freq": 4,
    "training.parameters.gradient_steps": 2,
    "training.parameters.buffer_size": 1000,
}


def tiny(name: str) -> Experiment:
    experiment = Experiment.from_file(ROOT / "configs" / "experiments" / f"{name}.json")
    algorithm = experiment.training.algorithm
    sizes = {**SIZES, **(OFF_POLICY if algorithm in ("SAC", "TD3") else ON_POLICY)}
    if algorithm == "A2C":
        sizes.pop("training.parameters.batch_size")
    return experiment.override(sizes, where="test")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_steps_and_trains(name: str, assets_of, tmp_path: Path) -> None:
    experiment = tiny(name)
    assets = assets_of(experiment)
    handler = EnvironmentHandler.from_files(experiment.environment, **assets.files)
    batch = handler.make_batch(3, threads=1)
    batch.reset(seed=0)
    for _ in range(5):
        observations, rewards, terminated, _, _ = batch.step(np.zeros((3, batch.action_layout.size)))
        assert np.isfinite(observations).all()
        assert np.isfinite(rewards).all()
        assert not terminated.any()
    batch.close()

    warm_start, start = None, experiment.training.warm_start
    if start is not None and start.experiment is not None:
        warm_start = train(tiny(start.experiment), assets_of, tmp_path / "source.zip")
    checkpoint = train(experiment, assets_of, tmp_path / "model.zip", warm_start)
    assert read_checkpoint_info(checkpoint).steps == 64
    log = json.loads(checkpoint.with_suffix(".json").read_text())
    assert log["rollouts"]
    assert log["rollouts"][-1]["steps"] == 64
    policy = load_policy(checkpoint)
    actions = policy.act(observations)
    assert actions.shape == (3, len(policy.info.action_labels))
    assert np.isfinite(actions).all()


def train(experiment: Experiment, assets_of, output: Path, warm_start: Path | None = None) -> Path:
    (segment,) = experiment.segments(seed=1)
    train_segment(
        segment,
        **assets_of(experiment).files,
        previous=None,
        warm_start=warm_start,
        output=output,
        log=output.with_suffix(".json"),
        threads=1,
    )
    return output


def test_there_are_enough_of_them() -> None:
    assert len(EXPERIMENTS) >= 12
