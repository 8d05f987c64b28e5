"""A policy of the project walks, and its analysis holds what physics and anatomy ask of any walk."""

import numpy as np
import pytest

from myoassist.analysis.analyze import analyze
from myoassist.config.analysis import AnalysisSettings
from myoassist.config.evaluation import EvaluationStage
from myoassist.config.experiment import Experiment
from myoassist.config.kept import find_kept
from myoassist.evaluation.rollout import evaluate
from myoassist.formats.gait_tables import read_metrics
from myoassist.formats.tidy_tables import read_table


@pytest.fixture(scope="module")
def walk(assets, request, tmp_path_factory):
    """Tables of two episodes of 6 s."""
    folder = tmp_path_factory.mktemp("walk")
    root = request.config.rootpath
    kept = find_kept(root / "pretrained" / "walk22_imitation-s2")
    experiment = Experiment.from_file(kept.experiment)
    stage = experiment.evaluation_stage("level", seed=1)
    scenario = stage.scenario.model_copy(update={"episodes": 2, "duration_s": 6.0})
    rollouts = folder / "rollouts.h5"
    evaluate(
        EvaluationStage(environment=stage.environment, scenario=scenario, seed=1),
        **assets.files,
        checkpoint=kept.checkpoint,
        rollouts=rollouts,
        threads=1,
    )
    files = {name: folder / name for name in ("metrics", "cycles", "spatiotemporal")}
    norm = root / "reference_data" / "normative_kinematics.csv"
    analyze(AnalysisSettings(), rollouts=rollouts, reference=assets.reference, norm=norm, **files, tables=folder)
    return read_table(folder / "strides.parquet"), read_metrics(files["metrics"])


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
