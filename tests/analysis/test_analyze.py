"""The whole stage on a walker whose events, angles, lengths and speeds are known exactly."""

import json

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import NORM, run_analysis
from synthetic_gait import SLIP_M, SPEED, STANCE, STRIDE_M, STRIDE_S, crossing

from myoassist.analysis.analyze import analyze
from myoassist.analysis.strides import symmetry_index
from myoassist.config.analysis import AnalysisSettings, table_files
from myoassist.errors import InputError
from myoassist.formats.files import sha256

ON, OFF = crossing(0.05, rising=True), crossing(0.03, rising=False)
STANCE_PERCENT = 100 * STANCE * (OFF - ON)


def value(walk, quantity, side, column="mean"):
    table = walk.spatiotemporal
    return table.loc[(table["quantity"] == quantity) & (table["side"] == side), column].item()


@pytest.mark.parametrize("side", ["r", "l", "both"])
@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("speed", SPEED),
        ("cadence", 120 / STRIDE_S),
        ("stride_length", STRIDE_M),
        ("stride_time", STRIDE_S),
        ("step_length", STRIDE_M / 2 - SLIP_M * 0.5 / STANCE),  # the other foot has slid since it landed
        ("step_time", STRIDE_S / 2),
        ("stance", STANCE_PERCENT),
        ("swing", 100 - STANCE_PERCENT),
        ("single_support", 100 - STANCE_PERCENT),
        ("double_support", 2 * STANCE_PERCENT - 100),
    ],
)
def test_spatiotemporal_numbers_are_exact(walk, quantity, side, expected):
    assert value(walk, quantity, side) == pytest.approx(expected, abs=2e-3 * abs(expected))
    assert value(walk, quantity, side, "sd") == pytest.approx(0, abs=0.02)


def test_cycles_start_at_the_known_heel_strikes(walk):
    for side, foot in synthetic_gait.FEET.items():
        starts = walk.cycles.query(f"side == '{side}' and percent == 0 and episode == 0")["start_s"]
        numbers = walk.cycles.query(f"side == '{side}' and percent == 0 and episode == 0")["cycle"]
        np.testing.assert_allclose(starts, foot.first_s + STRIDE_S * numbers + ON * STANCE * STRIDE_S, atol=5e-4)


def test_found_dropped_and_used_cycles_add_up(walk):
    for side in ("r", "l"):
        counts = walk.metrics["cycles"][side]
        assert counts["cycles_found"] == counts["cycles_used"] + counts["cycles_dropped_first_or_last"]
        assert counts["cycles_dropped_first_or_last"] == 4
        assert (walk.cycles["side"] == side).sum() == 101 * counts["cycles_used"]


def test_angles_over_the_cycle_are_those_of_the_walker_in_report_signs(walk):
    phase = ON * STANCE + np.linspace(0, 1, 101)
    for side in ("r", "l"):
        one = walk.cycles.query(f"side == '{side}' and episode == 1").iloc[:101]
        for name, curve in (
            ("hip_flexion", synthetic_gait.hip_deg),
            ("knee_flexion", synthetic_gait.knee_flexion_deg),
            ("ankle_dorsiflexion", synthetic_gait.ankle_deg),
        ):
            np.testing.assert_allclose(one[f"{name}_deg"], curve(phase), atol=0.1)
        np.testing.assert_allclose(one["pelvis_tilt_deg"], synthetic_gait.anterior_tilt_deg(phase), atol=0.1)


def test_moments_and_powers_are_per_kilogram_and_signed_as_angles(walk):
    one = walk.cycles.query("side == 'r'").iloc[:101]
    phase = ON * STANCE + np.linspace(0, 1, 101)
    moment = 50 * np.sin(2 * np.pi * phase) / synthetic_gait.MASS
    np.testing.assert_allclose(one["hip_flexion_muscle_moment_nm_kg"], moment, atol=0.01)
    np.testing.assert_allclose(one["knee_flexion_muscle_moment_nm_kg"], -moment, atol=0.01)
    for joint in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion"):
        power = one[f"{joint}_muscle_moment_nm_kg"] * np.radians(one[f"{joint}_velocity_deg_s"])
        np.testing.assert_allclose(one[f"{joint}_muscle_power_w_kg"], power, atol=0.01)


def test_mean_vertical_force_over_whole_strides_is_body_weight(walk):
    for side in ("r", "l"):
        assert walk.metrics["ground_force"][side]["mean_total_vertical_bw"] == pytest.approx(1.0, abs=0.002)


def test_a_walker_against_itself_scores_perfectly(walk):
    metrics = walk.metrics
    assert metrics["fall_free_fraction"] == 1
    assert metrics["speed_mean"] == pytest.approx(SPEED)
    assert metrics["toe_off_percent"] == pytest.approx(STANCE_PERCENT, abs=0.05)
    for joint in ("hip", "knee", "ankle"):
        assert metrics[f"rmse_{joint}"] < 0.6  # the heel strike is found 0.4 % late, at its threshold
        assert metrics[f"r_{joint}"] > 0.999
    assert max(metrics["tracking_rmse_deg"].values()) < 0.05
    assert metrics["reasons"] == {}


def test_every_score_has_the_reference_s_own_beside_it(walk):
    for side in ("r", "l"):
        for scores in walk.metrics["kinematics"][side].values():
            own, reference = scores["against_norm"], scores["reference_against_norm"]
            assert own["rmse_deg"] == pytest.approx(reference["rmse_deg"], abs=0.5)
            assert scores["reference_against_other_side"]["rmse_deg"] == pytest.approx(0, abs=1e-6)


def test_an_offset_of_five_degrees_is_scored_as_that(tmp_path, reference_file):
    metrics = run_analysis(tmp_path, reference_file, offset_deg=5.0).metrics
    for joint in ("hip", "knee", "ankle"):
        assert metrics[f"rmse_{joint}"] == pytest.approx(5, abs=0.1)
    hip = metrics["kinematics"]["r"]["hip_flexion"]["against_reference"]
    assert hip["offset_deg"] == pytest.approx(5, abs=0.05)
    assert hip["rmse_offset_removed_deg"] < 0.5
    assert metrics["tracking_rmse_deg"]["knee_flexion"] == pytest.approx(5, abs=0.05)


def test_the_gate_says_for_each_bound_what_was_found_and_whether_it_holds(walk):
    gate = walk.metrics["gate"]
    failing = {name for name, entry in gate.items() if not entry["holds"]}
    assert failing == {"episode_count", "longest_episode"}  # the gate asks for 20 episodes of 20 s
    assert not walk.metrics["gate_holds"]
    assert gate["toe_off_percent"]["bound"] == [57, 66]
    assert gate["force_peak_lowest"]["value"] == pytest.approx(1.12, abs=0.01)


def test_the_gate_opens_for_a_walker_who_holds_every_bound(tmp_path, reference_file):
    settings = AnalysisSettings.parse({"gate": {"min_episodes": 2, "min_episode_s": 10}})
    assert run_analysis(tmp_path, reference_file, settings).metrics["gate_holds"]


def test_a_fall_gives_empty_tables_and_a_plain_reason(fall):
    metrics = fall.metrics
    assert metrics["fall_free_fraction"] == 0
    assert metrics["speed_mean"] == pytest.approx(SPEED)
    assert 0 < metrics["activation_mean"] < 1
    for name in ("rmse_hip", "rmse_knee", "rmse_ankle", "r_hip", "r_knee", "r_ankle", "toe_off_percent"):
        assert metrics[name] is None
        assert "2 of 2 episodes ended in a fall, the longest lasted 0.90 s" in metrics["reasons"][name]
    assert "does not walk yet" in metrics["summary"]
    assert not metrics["gate_holds"]
    assert len(fall.cycles) == 0
    assert fall.spatiotemporal["n"].eq(0).all()
    assert fall.summary["n"].eq(0).all()
    assert len(fall.strides) == len(fall.curves) == 0
    assert fall.scores["value"].isna().all()
    assert fall.scores.loc[fall.scores["against"] == "norm", "reference_value"].notna().all()
    assert metrics["tracking_rmse_deg"]["hip_flexion"] == pytest.approx(0, abs=0.05)


def test_one_cycle_has_a_mean_and_no_spread(tmp_path, reference_file):
    one = run_analysis(tmp_path, reference_file, durations_s=(4.2,), fell=True)
    assert one.metrics["cycles"]["r"]["cycles_used"] == 1
    assert value(one, "stride_time", "r") == pytest.approx(STRIDE_S, abs=1e-3)
    assert np.isnan(value(one, "stride_time", "r", "sd"))
    assert one.metrics["stride_to_stride_sd_deg"]["r"] is None
    assert one.metrics["rmse_hip"] is not None


@pytest.mark.parametrize("durations", [(), (0.0,), (0.02,)])
def test_episodes_of_almost_nothing_do_not_crash(tmp_path, reference_file, durations):
    nothing = run_analysis(tmp_path, reference_file, durations_s=durations, fell=True)
    assert nothing.metrics["episodes"]["count"] == len(durations)
    assert len(nothing.cycles) == 0
    assert nothing.metrics["rmse_hip"] is None


def test_same_rollouts_same_tables(walk, tmp_path):
    again = {name: tmp_path / walk.paths[name].name for name in ("metrics", "cycles", "spatiotemporal")}
    analyze(AnalysisSettings(), **(walk.paths | again | {"tables": tmp_path}))
    for name in (*(path.name for path in again.values()), *table_files()):
        assert (tmp_path / name).read_bytes() == (walk.folder / name).read_bytes()


def test_device_torque_and_power_are_in_the_cycles(tmp_path, reference_file):
    cycles = run_analysis(tmp_path, reference_file, devices=2).cycles
    for side in ("r", "l"):
        torque = cycles.loc[cycles["side"] == side, "device_ankle_dorsiflexion_torque_nm_kg"]
        assert torque.min() == pytest.approx(-15 / synthetic_gait.MASS, abs=1e-3)
        assert torque.max() <= 0
    assert cycles["device_ankle_dorsiflexion_power_w_kg"].max() > 0


@pytest.mark.parametrize("name", ["rollouts", "reference", "norm"])
def test_a_damaged_input_is_named_and_leaves_no_output(walk, tmp_path, name):
    broken = tmp_path / f"broken_{name}"
    broken.write_bytes(walk.paths[name].read_bytes()[:1000])
    outputs = {key: tmp_path / "out" / key for key in ("metrics", "cycles", "spatiotemporal", "tables")}
    with pytest.raises(InputError, match=f"broken_{name}"):
        analyze(AnalysisSettings(), **(walk.paths | outputs | {name: broken}))
    assert not any(path.is_file() for path in tmp_path.rglob("out/**/*"))


def test_metrics_have_the_summary_as_objects_and_know_their_tables(walk):
    step = walk.metrics["strides"]["spatiotemporal"]["step_length"]
    assert step["unit"] == "m"
    assert (step["r"]["n"], step["both"]["n"]) == (12, 24)
    assert step["r"]["mean"] == pytest.approx(value(walk, "step_length", "r"), rel=1e-5)
    assert step["symmetry_index_percent"] == pytest.approx(0, abs=0.1)
    for name, digest in walk.metrics["tables"]["files_sha256"].items():
        assert sha256(walk.folder / name) == digest


def test_metrics_are_plain_json_with_the_settings_they_were_made_with(walk):
    text = walk.paths["metrics"].read_text()
    assert "NaN" not in text
    assert AnalysisSettings.parse(json.loads(text)["settings"]) == AnalysisSettings()
    assert NORM.is_file()


def test_symmetry_index_of_known_numbers():
    assert symmetry_index(0.6, 0.4) == pytest.approx(40)
    assert symmetry_index(0.5, 0.5) == 0
    assert np.isnan(symmetry_index(np.nan, 1))
