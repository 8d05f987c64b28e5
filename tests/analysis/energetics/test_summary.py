"""From muscles over time to the numbers of a run; a walk whose metabolic power is known in closed form."""

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import run_analysis
from one_muscle import muscles
from synthetic_gait import MASS, SPEED

from myoassist.analysis.energetics.metabolic_power import leg_curve_names, leg_curves, metabolic_power
from myoassist.analysis.energetics.summary import time_weights
from myoassist.config.analysis import AnalysisSettings, EnergeticsSettings
from myoassist.formats.rollout_columns import MUSCLE_CONSTANTS

MODELS = ("umberger_2010", "bhargava_2004", "minetti_alexander_1997")
MEAN_ACTIVATION = 0.05 + 0.4 / 4
"""Of each muscle of the synthetic walk: 0.05 plus 0.4 times a squared half sine."""


def test_minetti_and_alexander_of_a_walk_without_fibre_motion_is_exact(walk):
    numbers = walk.metrics["energetics"]["models"]["minetti_alexander_1997"]
    net = 4 * 1000 * 0.5 * 0.054 * MEAN_ACTIVATION / MASS
    assert numbers["net_w_kg"] == pytest.approx(net, rel=1e-3)
    assert numbers["gross_w_kg"] == pytest.approx(1.2 + net, rel=1e-3)
    assert numbers["gross_w"] == pytest.approx(MASS * 1.2 + MASS * net, rel=1e-3)
    assert numbers["net_cost_of_transport_j_kg_m"] == pytest.approx(net / SPEED, rel=1e-3)
    assert numbers["gross_cost_of_transport_j_kg_m"] == pytest.approx((1.2 + net) / SPEED, rel=1e-3)
    assert numbers["net_sd_w_kg"] == pytest.approx(0, abs=1e-3)
    assert numbers["parts_w_kg"] == {}


def test_bhargava_of_a_constant_excitation_is_exact(walk):
    mass = 1059.7 * 1000 * 0.05 / 6e5
    slow, fast = np.sin(0.05 * np.pi), 1 - np.cos(0.05 * np.pi)
    per_kg = [(40 + 74) * r * slow + (133 + 111) * (1 - r) * fast for r in (0.803, 0.7)]
    numbers = walk.metrics["energetics"]["models"]["bhargava_2004"]
    assert numbers["net_w_kg"] == pytest.approx(2 * mass * sum(per_kg) / MASS, rel=1e-5)
    assert numbers["muscles_w_kg"]["soleus_l"] == pytest.approx(mass * per_kg[0] / MASS, rel=1e-5)
    assert numbers["parts_w_kg"] == {
        "activation": pytest.approx(numbers["net_w_kg"]),
        "shortening": pytest.approx(0, abs=1e-9),
        "work": 0,
    }


@pytest.mark.parametrize("model", MODELS)
def test_muscles_and_parts_sum_to_the_whole(walk, model):
    numbers = walk.metrics["energetics"]["models"][model]
    assert sum(numbers["muscles_w_kg"].values()) == pytest.approx(numbers["net_w_kg"], rel=1e-5)
    assert sum(numbers["parts_w_kg"].values()) == pytest.approx(
        numbers["net_w_kg"] if numbers["parts_w_kg"] else 0, rel=1e-5
    )


def test_a_worn_device_has_no_basal_rate_and_lightens_no_cost(tmp_path, reference_file, walk):
    """The muscles do the same: what is per kg is per kg of the body, and the basal rate is the body's alone."""
    found, bare = (run.metrics["energetics"] for run in (run_analysis(tmp_path, reference_file, devices=2), walk))
    assert found["body_mass_kg"] == MASS
    for model in MODELS:
        for name, value in bare["models"][model].items():
            assert found["models"][model][name] == pytest.approx(value, rel=1e-6), name
    for name in ("positive_fiber_work_w_kg", "fiber_work_lost_before_joints_w_kg"):
        assert found[name] == pytest.approx(bare[name], rel=1e-6)


def test_the_metrics_say_over_what_and_with_which_muscles(walk):
    found = walk.metrics["energetics"]
    assert (found["over"], found["side_of_cycles"]) == ("gait cycles", "r")
    assert found["count"] == walk.metrics["cycles"]["r"]["cycles_used"]
    assert found["speed_m_s"] == pytest.approx(SPEED)
    assert found["muscles"]["total_mass_kg"] == pytest.approx(4 * 1059.7 * 1000 * 0.05 / 6e5)
    assert found["muscles"]["slow_twitch_share"]["soleus_r"] == 0.803
    assert found["positive_fiber_work_w_kg"] == 0


def test_both_legs_over_their_cycles_give_the_whole_body(walk):
    for model in MODELS:
        legs = walk.cycles.groupby("side")[f"metabolic_{model}_w_kg"].mean()
        net = walk.metrics["energetics"]["models"][model]["net_w_kg"]
        assert legs.sum() == pytest.approx(net, rel=5e-3)  # 101 points count both ends of a cycle


def test_without_a_cycle_whole_episodes_count(fall):
    found = fall.metrics["energetics"]
    assert (found["over"], found["count"]) == ("whole episodes", 2)
    assert found["models"]["bhargava_2004"]["net_w_kg"] > 0


def test_a_body_that_goes_nowhere_has_no_cost_of_transport(tmp_path, reference_file, monkeypatch):
    states = synthetic_gait.states

    def standing(*args, **walk):
        block = states(*args, **walk)
        return block | {"center_of_mass": np.ones_like(block["center_of_mass"])}

    monkeypatch.setattr(synthetic_gait, "states", standing)
    numbers = run_analysis(tmp_path, reference_file).metrics["energetics"]["models"]["umberger_2010"]
    assert numbers["gross_cost_of_transport_j_kg_m"] is None
    assert numbers["gross_w_kg"] > 1.2


@pytest.mark.parametrize("durations", [(), (0.0,)])
def test_nothing_to_measure_is_said(tmp_path, reference_file, durations):
    found = run_analysis(tmp_path, reference_file, durations_s=durations, fell=True).metrics["energetics"]
    assert found == {"over": None, "reason": "no episode has two states"}


def test_a_file_that_lacks_the_curves_is_analysed_all_the_same(tmp_path, reference_file, monkeypatch):
    monkeypatch.setattr(synthetic_gait, "MANIFEST", {"joints": synthetic_gait.MANIFEST["joints"]})
    bare = run_analysis(tmp_path, reference_file)
    assert bare.metrics["energetics"]["over"] is None
    assert "force-length curves" in bare.metrics["energetics"]["reason"]
    assert bare.cycles["metabolic_umberger_2010_w_kg"].isna().all()
    assert bare.metrics["rmse_hip"] is not None


def test_settings_reach_the_metrics(tmp_path, reference_file, walk):
    settings = AnalysisSettings.parse({"energetics": {"basal_rate_w_kg": 2.0, "specific_tension_mpa": 0.3}})
    found = run_analysis(tmp_path, reference_file, settings).metrics["energetics"]
    before = walk.metrics["energetics"]["models"]["bhargava_2004"]
    after = found["models"]["bhargava_2004"]
    assert after["net_w_kg"] == pytest.approx(2 * before["net_w_kg"], rel=1e-5)
    assert after["gross_w_kg"] - after["net_w_kg"] == pytest.approx(2.0)


def test_excitation_is_that_of_the_control_step_in_which_a_state_lies():
    rows = 10_000  # more than are computed together
    time = np.arange(rows) / 250
    control_time = np.arange(rows // 5) / 50
    excitation = np.where(np.arange(rows // 5)[:, None] % 2, 0.9, 0.1)
    columns = {
        "activation": np.full((rows, 1), 0.5),
        "muscle_force": np.full((rows, 1), 500.0),
        "fiber_length": np.full((rows, 1), 0.1),
        "fiber_velocity": np.full((rows, 1), -0.1),
    }
    power = metabolic_power(
        columns,
        muscles(),
        EnergeticsSettings(),
        time=time,
        control_time=control_time,
        excitation=excitation,
        joint_power_w=np.full(rows, 30.0),
    )
    spent = power.power_w["bhargava_2004"][:, 0]
    low, high = spent[0], spent[5]
    assert low < high
    np.testing.assert_array_equal(spent, np.tile([low] * 5 + [high] * 5, rows // 10))
    np.testing.assert_allclose(power.positive_work_w, 50, rtol=1e-6)
    assert not power.negative_work_w.any()
    np.testing.assert_allclose(power.lost_w, 20)
    curves = leg_curves(power, "r", body_mass_kg=10.0, rows=rows)
    assert tuple(curves) == leg_curve_names()
    np.testing.assert_allclose(curves["metabolic_bhargava_2004_w_kg"], spent / 10, rtol=1e-6)
    assert not leg_curves(power, "l", body_mass_kg=10.0, rows=rows)["metabolic_bhargava_2004_w_kg"].any()


@pytest.mark.parametrize(
    ("start", "end", "mean"), [(0.05, 0.65, 1.7), (0.0, 0.8, 1.8), (0.32, 0.38, 1.7), (0.1, 0.3, 1.4), (0.1, 0.8, 1.9)]
)
def test_the_mean_over_time_is_exact_for_straight_lines_between_samples(start, end, mean):
    time = np.array([0.0, 0.1, 0.3, 0.4, 0.8])
    rows, weights = time_weights(time, start, end)
    assert weights.sum() == pytest.approx(1)
    assert weights @ (2 * time[rows] + 1) == pytest.approx(mean)


def test_constants_of_the_synthetic_walk_are_complete():
    assert set(synthetic_gait.CONSTANTS) == set(MUSCLE_CONSTANTS)
