"""A control subject against itself: a walker whose angles are the norm's own mean."""

from pathlib import Path

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import NORM, run_analysis
from synthetic_gait import STANCE, crossing

from myoassist.analysis.conventions import ANGLES
from myoassist.analysis.kinematics import (
    CONTROL_PROFILE_SCORE_DEG,
    CONTROL_VARIABLE_SCORES_DEG,
    norm_curves,
    profile_score,
)
from myoassist.analysis.score_tables import PROFILE, scores_table, variable_scores, with_both
from myoassist.formats.gait_tables import read_norm

LEGS = ("hip_flexion", "knee_flexion", "ankle_dorsiflexion")
LATE = crossing(0.05, rising=True) * STANCE
"""Share of the cycle by which the heel strike is found after the force begins."""
NORMAL = norm_curves(read_norm(NORM), ANGLES)


def own(name, added=0.0):
    """Function of the phase that is the norm's mean over the cycle as the analysis finds it, plus some SDs."""
    mean, sd = NORMAL[name]
    return lambda phase: np.interp(100 * ((phase - LATE) % 1), np.arange(101), mean + added * sd)


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    curves = {name: own(name) for name in NORMAL}
    reference = synthetic_gait.write_reference(folder / "reference.h5", curves)
    return run_analysis(folder, reference, curves=curves)


def row(scores, side, angle, measure, against="norm"):
    wanted = {"side": side, "angle": angle, "measure": measure, "against": against}
    return scores[np.logical_and.reduce([scores[name] == value for name, value in wanted.items()])].iloc[0]


@pytest.mark.parametrize("angle", LEGS)
@pytest.mark.parametrize("side", ["r", "l", "both"])
def test_every_score_of_the_mean_of_the_norm_is_perfect(control, side, angle):
    scores = control.scores
    # 101 points of a curve of straight pieces, resampled at 250 Hz: corners are cut
    assert row(scores, side, angle, "rmse")["value"] < 0.12
    assert row(scores, side, angle, "rmse_offset_removed")["value"] < 0.12
    assert row(scores, side, angle, "r")["value"] > 0.9999
    assert row(scores, side, angle, "within_1sd")["value"] == 100
    assert abs(row(scores, side, angle, "offset")["value"]) < 0.05


def test_its_profile_score_is_zero_and_beside_it_stand_reference_and_controls(control):
    profile = row(control.scores, "r", PROFILE, "rmse")
    assert profile["value"] < 0.1
    assert profile["reference_value"] < 0.5  # the reference's heel strike is where the force begins, 1 % earlier
    assert (profile["control_mean"], profile["control_sd"]) == CONTROL_PROFILE_SCORE_DEG
    metrics = control.metrics
    assert metrics["sagittal_profile_score_deg"]["r"] == pytest.approx(profile["value"])
    assert metrics["gait_variable_scores_deg"]["walk"]["both"]["knee_flexion"] < 0.12
    assert metrics["gait_variable_scores_deg"]["control_mean"]["both"]["knee_flexion"] == 4.75


@pytest.mark.parametrize(("sds", "within_1sd", "within_2sd"), [(0.99, 100, 100), (1.01, 0, 100), (2.01, 0, 0)])
def test_a_subject_so_many_sds_from_the_mean(sds, within_1sd, within_2sd):
    curves = {side: {name: mean + sds * sd for name, (mean, sd) in NORMAL.items()} for side in ("r", "l")}
    reference = {side: {name: mean for name, (mean, _) in NORMAL.items()} for side in ("r", "l")}
    scores = scores_table(curves, reference, NORMAL, ANGLES, {"r": 3, "l": 4})
    for name, (_, sd) in NORMAL.items():
        variable = sds * np.sqrt(np.mean(sd**2))
        assert row(scores, "both", name, "rmse")["value"] == pytest.approx(variable)
        assert row(scores, "both", name, "rmse")["reference_value"] == 0
        assert row(scores, "both", name, "rmse")["control_mean"] == CONTROL_VARIABLE_SCORES_DEG[name][0]
        assert row(scores, "l", name, "within_1sd")["value"] == within_1sd
        assert row(scores, "l", name, "within_2sd")["value"] == within_2sd
        assert variable_scores(curves, reference, NORMAL)["walk"]["both"][name] == pytest.approx(variable)
    variables = [row(scores, "r", name, "rmse")["value"] for name in NORMAL]
    assert row(scores, "r", PROFILE, "rmse")["value"] == pytest.approx(np.sqrt(np.mean(np.square(variables))))
    assert row(scores, "both", "hip_flexion", "rmse")["n"] == 7


def test_both_sides_together_are_their_mean_curve_as_in_the_control_group():
    right, left = np.zeros(101), np.full(101, 6.0)
    assert np.array_equal(with_both({"r": {"a": right}, "l": {"a": left}})["both"]["a"], np.full(101, 3.0))
    assert "both" not in with_both({"r": {"a": right}})
    norm = {"a": (np.zeros(101), np.ones(101))}
    assert profile_score(with_both({"r": {"a": -left}, "l": {"a": left}})["both"], norm) == 0


def test_the_reference_s_own_score_stands_beside_every_score(control):
    scores = control.scores
    assert len(scores) == 3 * (4 * 2 * 6 + 1)
    assert scores["reference_value"].notna().all()


def test_of_both_sides_the_reference_s_own_score_is_the_mean_of_right_against_left_and_left_against_right():
    right, left = 10 * np.sin(np.linspace(0, 6, 101)), 12 * np.sin(np.linspace(0.3, 6.3, 101)) + 2
    reference = {side: {name: curve for name in NORMAL} for side, curve in (("r", right), ("l", left))}
    scores = scores_table({}, reference, NORMAL, ANGLES, {})
    for measure in ("rmse", "rmse_offset_removed", "r", "offset", "within_1sd", "within_2sd"):
        own = {s: row(scores, s, "hip_flexion", measure, "reference")["reference_value"] for s in ("r", "l", "both")}
        assert own["both"] == pytest.approx((own["r"] + own["l"]) / 2)
    value = row(scores, "both", "hip_flexion", "rmse", "reference")["reference_value"]
    assert value == pytest.approx(np.sqrt(np.mean((right - left) ** 2)))
    assert row(scores, "both", "hip_flexion", "offset", "reference")["reference_value"] == pytest.approx(0)


def test_the_control_group_is_that_of_the_data_s_description():
    text = (Path(NORM).parent / "README.md").read_text()
    raw, removed = zip(*CONTROL_VARIABLE_SCORES_DEG.values(), strict=True)
    flat = " ".join(text.split())
    pelvis, hip, knee, ankle = raw
    assert f"pelvis tilt {pelvis}, hip {hip}, knee {knee}, ankle {ankle}" in flat
    assert "own offset " + ", ".join(map(str, removed)) in flat
    assert "mean {}, SD {}".format(*CONTROL_PROFILE_SCORE_DEG) in flat
