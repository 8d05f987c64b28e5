"""Numbers of an evaluation, from the cycles of a walker that is known exactly."""

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import run_analysis

from myoassist.analysis.study.measures import curve_unit, measure_evaluation


@pytest.fixture(scope="module")
def worn(tmp_path_factory, reference_file):
    """Three episodes with a device on both ankles; the last ends before its first cycle."""
    folder = tmp_path_factory.mktemp("worn")
    return run_analysis(folder, reference_file, durations_s=(6.0, 8.0, 0.8), devices=2)


def test_episodes_have_the_numbers_of_the_walker_and_none_without_a_cycle(worn):
    found = measure_evaluation(worn.cycles, worn.metrics)
    assert len(found.episodes) == 3
    assert found.episodes.iloc[2].isna().all()
    for name, expected in (
        ("speed_m_s", synthetic_gait.SPEED),
        ("stride_time_s", synthetic_gait.STRIDE_S),
        ("cadence_steps_min", 120 / synthetic_gait.STRIDE_S),
        ("hip_flexion_range_deg", 40.0),
        ("hip_flexion_largest_deg", 30.0),
    ):
        assert found.episodes[name].iloc[:2].to_numpy() == pytest.approx(expected, rel=2e-3)


def test_device_numbers_agree_with_those_of_the_metrics(worn):
    found = measure_evaluation(worn.cycles, worn.metrics).episodes.mean()
    sides = worn.metrics["device"]["joints"]["ankle_dorsiflexion"]
    for measure, name, factor in (
        ("device_ankle_dorsiflexion_peak_nm_kg", "peak_torque_nm_kg", -1),
        ("device_ankle_dorsiflexion_positive_work_j_kg", "positive_work_j_kg", 1),
        ("device_ankle_dorsiflexion_negative_work_j_kg", "negative_work_j_kg", 1),
        ("device_ankle_dorsiflexion_moment_share_percent", "moment_share", 100),
    ):
        expected = factor * np.mean([sides[side][name]["mean"] for side in ("r", "l")])
        assert found[measure] == pytest.approx(expected, rel=0.03)  # 101 points a cycle there


def test_metabolic_power_is_that_of_both_legs_and_per_metre_of_the_way(worn):
    cycles = worn.cycles.assign(metabolic_some_2001_w_kg=worn.cycles["side"].map({"r": 1.0, "l": 1.5}))
    metrics = {**worn.metrics, "energetics": {"basal_w_kg": 1.2}}
    found = measure_evaluation(cycles, metrics)
    speed = synthetic_gait.SPEED
    for name, expected in (
        ("metabolic_some_2001_net_w_kg", 2.5),
        ("metabolic_some_2001_net_j_kg_m", 2.5 / speed),
        ("metabolic_some_2001_gross_j_kg_m", 3.7 / speed),
    ):
        assert found.episodes[name].iloc[:2].to_numpy() == pytest.approx(expected, rel=1e-3)
        assert found.measures[name].group == "energetics"


def test_sides_count_alike_whatever_their_number_of_cycles(worn):
    cycles = worn.cycles[(worn.cycles["side"] == "r") | (worn.cycles["cycle"] == 1)]
    cycles = cycles.assign(activation_soleus=cycles["side"].map({"r": 0.2, "l": 0.4}))
    found = measure_evaluation(cycles, worn.metrics)
    assert found.episodes["activation_soleus"].iloc[0] == pytest.approx(0.3)


def test_curves_are_the_mean_cycle_of_each_episode(worn):
    found = measure_evaluation(worn.cycles, worn.metrics)
    curve = found.curve("ankle_dorsiflexion_deg")
    assert curve.shape == (3, 101)
    first = worn.cycles[worn.cycles["episode"] == 0]
    sides = [first[first["side"] == s].groupby("percent")["ankle_dorsiflexion_deg"].mean() for s in ("r", "l")]
    np.testing.assert_allclose(curve[0], np.mean(sides, axis=0), atol=1e-4)
    assert np.isnan(curve[2]).all()
    assert np.isnan(found.curve("unknown")).all()


WHOLE = {
    # measure: (keys in the metrics, of which sides' values the mean is taken)
    "margin_heel_strike_m": ("strides", "stability", "margin_heel_strike", "both", "mean"),
    "margin_least_m": ("strides", "stability", "margin_least", "both", "mean"),
    "toe_clearance_m": ("strides", "clearance", "toe_clearance", "both", "mean"),
    "foot_slip_m": ("strides", "ground_force", "foot_slip", "both", "mean"),
    "loading_rate_bw_s": ("strides", "ground_force", "loading_rate", "both", "mean"),
    "first_peak_bw": ("strides", "ground_force", "first_peak", "both", "mean"),
    "second_peak_bw": ("strides", "ground_force", "second_peak", "both", "mean"),
    "dip_bw": ("strides", "ground_force", "dip", "both", "mean"),
    "braking_peak_bw": ("strides", "ground_force", "braking_peak", "both", "mean"),
    "propulsive_peak_bw": ("strides", "ground_force", "propulsive_peak", "both", "mean"),
    "step_length_cv_percent": ("strides", "spatiotemporal", "step_length", "both", "cv_percent"),
    "sagittal_profile_score_deg": ("sagittal_profile_score_deg", "both"),
    "knee_flexion_variable_score_deg": ("gait_variable_scores_deg", "walk", "both", "knee_flexion"),
    "knee_flexion_norm_rmse_deg": ("kinematics", None, "knee_flexion", "against_norm", "rmse_deg"),
    "knee_flexion_norm_r": ("kinematics", None, "knee_flexion", "against_norm", "r"),
    "hip_flexion_stride_sd_deg": ("stride_to_stride_sd_deg", None, "hip_flexion_deg"),
    "step_time_symmetry_index_percent": ("symmetry_index_percent", "step_time"),
    "single_support_symmetry_index_percent": ("symmetry_index_percent", "single_support"),
}


@pytest.fixture(scope="module")
def limping(tmp_path_factory, reference_file):
    """A walk whose sides differ."""
    return run_analysis(tmp_path_factory.mktemp("limping"), reference_file, feet=synthetic_gait.LIMPING)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_evaluations_have_what_the_metrics_say_of_stability_force_norm_and_spread(limping, name):
    found = measure_evaluation(limping.cycles, limping.metrics)
    values = []
    for side in ("r", "l"):
        value = limping.metrics
        for key in WHOLE[name]:
            value = value[side if key is None else key]
        values.append(value)
    assert found.overall[name] == pytest.approx(np.mean(values))
    assert found.measures[name].whole
    assert found.values(found.measures[name]).tolist() == [found.overall[name]]


@pytest.mark.parametrize(
    ("name", "group", "quantity"),
    [
        ("swing_percent", "spatiotemporal", "swing"),
        ("single_support_percent", "spatiotemporal", "single_support"),
        ("step_time_s", "spatiotemporal", "step_time"),
        ("braking_impulse_bw_s", "ground_force", "braking_impulse"),
        ("propulsive_impulse_bw_s", "ground_force", "propulsive_impulse"),
    ],
)
def test_episodes_have_support_and_impulses_of_their_own(limping, name, group, quantity):
    found = measure_evaluation(limping.cycles, limping.metrics)
    sides = [limping.metrics["strides"][group][quantity][side]["mean"] for side in ("r", "l")]
    assert found.episodes[name].to_numpy() == pytest.approx(np.mean(sides), rel=0.01)
    assert name not in found.overall


def test_no_cycle_at_all_leaves_what_whole_evaluations_have(fall):
    found = measure_evaluation(fall.cycles, fall.metrics)
    assert found.episodes.isna().all(axis=None)
    assert found.overall["fall_free_percent"] == 0
    assert found.overall["episode_length_s"] == pytest.approx(0.75)
    assert not set(WHOLE) & set(found.overall)


def test_units_follow_from_the_names_of_curves():
    units = {name: curve_unit(name) for name in ("a_deg", "a_velocity_deg_s", "b_nm_kg", "activation_soleus")}
    assert list(units.values()) == ["°", "°/s", "N·m/kg", "1"]
