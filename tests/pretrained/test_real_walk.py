"""The kept policies are what their cards say, and walk; their analysis holds what physics and anatomy ask of walks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from myoassist.analysis.analyze import analyze
from myoassist.config.evaluation import EvaluationStage
from myoassist.config.experiment import Experiment
from myoassist.config.kept import find_kept
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.evaluation.rollout import evaluate
from myoassist.formats.checkpoint import check_checkpoint
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document
from myoassist.formats.files import sha256
from myoassist.formats.gait_tables import read_metrics
from myoassist.formats.tidy_tables import read_table
from myoassist.policies.learner import load_policy

ROOT = Path(__file__).parents[2]
KEPT = sorted(folder.name for folder in (ROOT / "pretrained").iterdir() if folder.is_dir())
ABOUT_THE_EVALUATION = {"episode_count", "longest_episode"}
"""Bounds of the gate that a short evaluation cannot hold."""


def test_walk_speed_and_device_are_kept():
    assert {name.rsplit("-", 1)[0] for name in KEPT} == {"walk22_imitation", "walk22_speed", "walk22_exo"}


@pytest.mark.parametrize("name", KEPT)
def test_card_log_and_experiment_belong_to_the_checkpoint(name, assets_of):
    kept = find_kept(ROOT / "pretrained" / name)
    experiment = Experiment.from_file(kept.experiment)
    assert experiment == Experiment.from_file(ROOT / "configs" / "experiments" / f"{name.rsplit('-', 1)[0]}.json")
    log = read_document(kept.train_log, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)
    assert log["checkpoint_sha256"] == sha256(kept.checkpoint)
    info = check_checkpoint(kept.checkpoint, log)
    assert info.steps == experiment.training.checkpoint_steps()[-1] == log["rollouts"][-1]["steps"]
    assert info.phase == log.get("phase", "")
    card = (kept.checkpoint.parent / "README.md").read_text(encoding="utf-8")
    assert f"`{sha256(kept.checkpoint)}`" in card
    assert f"{info.steps:,} control steps" in card
    assert kept.checkpoint.stat().st_size < 1_000_000
    batch = EnvironmentHandler.from_files(experiment.environment, **assets_of(experiment).files).make_batch(1)
    load_policy(kept.checkpoint).refuse_other(batch.observation_layout.labels, batch.action_layout.labels)


def walked(name: str, scenario: str, assets, folder: Path, *, episodes: int, duration_s: float):
    """Evaluate a kept policy for a few seconds; return its strides and metrics."""
    kept = find_kept(ROOT / "pretrained" / name)
    experiment = Experiment.from_file(kept.experiment)
    stage = experiment.evaluation_stage(scenario, seed=1)
    short = stage.scenario.model_copy(update={"episodes": episodes, "duration_s": duration_s})
    rollouts = folder / "rollouts.h5"
    evaluate(
        EvaluationStage(environment=stage.environment, scenario=short, seed=1),
        **assets.files,
        checkpoint=kept.checkpoint,
        rollouts=rollouts,
        threads=1,
    )
    files = {table: folder / table for table in ("metrics", "cycles", "spatiotemporal")}
    norm = ROOT / "reference_data" / "normative_kinematics.csv"
    analyze(experiment.analysis, rollouts=rollouts, reference=assets.reference, norm=norm, **files, tables=folder)
    return read_table(folder / "strides.parquet"), read_metrics(files["metrics"])


@pytest.fixture(scope="module")
def walk(assets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk")
    return walked("walk22_imitation-s1", "level", assets, folder, episodes=2, duration_s=6.0)


def failing(metrics) -> set[str]:
    return {name for name, entry in metrics["gate"].items() if not entry["holds"]} - ABOUT_THE_EVALUATION


def test_it_walks_like_the_measured_stride(walk):
    _, metrics = walk
    assert metrics["fall_free_fraction"] == 1.0
    assert len(metrics["gate"]) == 20
    assert failing(metrics) == set()


def test_it_walks_with_the_device(assets_of, tmp_path):
    experiment = Experiment.from_file(ROOT / "pretrained" / "walk22_exo-s2" / "experiment.json")
    _, metrics = walked("walk22_exo-s2", "level", assets_of(experiment), tmp_path, episodes=1, duration_s=6.0)
    assert failing(metrics) == set()
    assert metrics["device"]["active"]


def test_it_follows_a_wanted_speed(assets, tmp_path):
    _, metrics = walked("walk22_speed-s2", "sinusoid", assets, tmp_path, episodes=1, duration_s=20.0)
    assert set(metrics["gate"]) == {"fall_free_fraction", "speed_tracking", *ABOUT_THE_EVALUATION}
    assert failing(metrics) == set()


def test_the_ground_carries_one_body_weight_over_whole_strides(walk):
    strides, metrics = walk
    assert len(strides) >= 8
    np.testing.assert_allclose(strides["mean_total_bw"], 1.0, atol=0.02)
    for side in ("r", "l"):
        assert metrics["ground_force"][side]["mean_total_vertical_bw"] == pytest.approx(1.0, abs=0.02)


def test_numbers_of_strides_agree_with_each_other(walk):
    strides, _ = walk
    np.testing.assert_allclose(strides["stride_length_m"] / strides["stride_time_s"], strides["speed_m_s"], rtol=0.05)
    parts = strides[["single_support_percent", "double_support_percent", "swing_percent"]].sum(axis=1)
    np.testing.assert_allclose(parts, 100, atol=1e-6)
    # braking and propulsion balance while the speed stays the same
    balance = strides[["braking_impulse_bw_s", "propulsive_impulse_bw_s"]].mean()
    assert abs(balance.sum()) < 0.1 * balance.abs().max()
    assert strides["toe_clearance_m"].between(0.002, 0.08).all()
    assert (strides["margin_least_m"] < strides["margin_heel_strike_m"]).all()
