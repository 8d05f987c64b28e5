"""Every shipped experiment is valid, steps its environment and trains one tiny segment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from myoassist.config.experiment import Experiment
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.formats.checkpoint import read_checkpoint_info
from myoassist.policies.learner import load_policy
from myoassist.training import segment as segment_module
from myoassist.training.segment import train_segment
from myoassist.validation.names import check_names

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "configs" / "experiments").glob("*.json"))
STEPS = 32
SIZES = {
    "training.n_envs": 2,
    "training.total_steps": STEPS,
    "training.segment_steps": STEPS,
    "training.parameters.batch_size": 16,
}
ON_POLICY = {"training.parameters.n_steps": 16}
OFF_POLICY = {
    "training.parameters.learning_starts": 8,
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


@pytest.fixture(scope="module")
def sources(assets_of, tmp_path_factory):
    """Return a function that trains what others start from, once."""
    made: dict[str, Path] = {}

    def source(name: str) -> Path:
        if name not in made:
            experiment = tiny(name)
            start = experiment.training.warm_start
            before = None if start is None or start.experiment is None else source(start.experiment)
            made[name] = train(experiment, assets_of, tmp_path_factory.mktemp(name) / "model.zip", before)
        return made[name]

    return source


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_is_valid_steps_and_trains(name: str, assets_of, sources, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(segment_module, "BASELINE_STEPS", 4)
    whole = Experiment.from_file(ROOT / "configs" / "experiments" / f"{name}.json")
    check_names(whole.model, whole.environment, whole.segments(0)[0].learner)
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

    start = experiment.training.warm_start
    warm_start = None if start is None or start.experiment is None else sources(start.experiment)
    checkpoint = train(experiment, assets_of, tmp_path / "model.zip", warm_start)
    assert read_checkpoint_info(checkpoint).steps == STEPS
    log = json.loads(checkpoint.with_suffix(".json").read_text())
    assert log["rollouts"]
    assert log["rollouts"][-1]["steps"] == STEPS
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
