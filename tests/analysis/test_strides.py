"""Summaries of strides, and stability, clearance and slip where a steady walk on level ground does not lead."""

from dataclasses import replace

import numpy as np
import pytest
import synthetic_gait
from synthetic_gait import CLEARANCE_M

from myoassist.analysis.foot_motion import clearance_numbers, sliding_speed, slip_m
from myoassist.analysis.gait_events import Events
from myoassist.analysis.ground_force import mean_between
from myoassist.analysis.stability import extrapolated, front_margin, loaded
from myoassist.analysis.strides import COLUMNS, strides_table, summary_table
from myoassist.analysis.trial import load_trial
from myoassist.config.analysis import AnalysisSettings
from myoassist.formats.rollouts import Rollouts


@pytest.fixture(scope="module")
def trial(walk):
    with Rollouts(walk.paths["rollouts"]) as rollouts:
        return load_trial(rollouts[0], rollouts.header.model, AnalysisSettings())


def table(**numbers):
    """Strides of two episodes, right side 1, 3 and 11, left side 5, in every column unless given."""
    rows = [(0, "r", 1.0), (0, "r", 3.0), (1, "r", 11.0), (1, "l", 5.0)]
    base = [{name: value for name in COLUMNS} | {"episode": e, "side": s, "cycle": 1} for e, s, value in rows]
    for name, values in numbers.items():
        for entry, value in zip(base, values, strict=True):
            entry[name] = value
    return strides_table(base)


def test_summary_of_known_numbers():
    summary = summary_table(table()).set_index(["quantity", "side"])
    right, both = summary.loc[("step_length", "r")], summary.loc[("step_length", "both")]
    assert (right["mean"], right["n"]) == (5, 3)
    assert right["sd"] == pytest.approx(np.std([1, 3, 11], ddof=1))
    # within the first episode 1 and 3 deviate by 1 from their mean; the others are alone
    assert right["within_episode_sd"] == pytest.approx(np.sqrt(2))
    assert right["cv_percent"] == pytest.approx(100 * np.sqrt(2) / 5)
    assert (both["mean"], both["n"], both["symmetry_index_percent"]) == (5, 4, 0)
    assert np.isnan(summary.loc[("step_length", "l")]["sd"])
    assert np.isnan(right["symmetry_index_percent"])


def test_a_margin_has_neither_a_coefficient_of_variation_nor_a_symmetry_index():
    margin = summary_table(table()).set_index(["quantity", "side"]).loc["margin_heel_strike"]
    assert margin[["cv_percent", "symmetry_index_percent"]].isna().all(axis=None)


def test_unknown_numbers_do_not_count():
    summary = summary_table(table(step_length_m=[1, np.nan, 3, np.nan])).set_index(["quantity", "side"])
    assert tuple(summary.loc[("step_length", "r"), ["mean", "n"]]) == (2, 2)
    assert summary.loc[("step_length", "l"), "n"] == 0
    assert np.isnan(summary.loc[("step_length", "both"), "symmetry_index_percent"])


def test_no_stride_is_a_summary_without_numbers():
    summary = summary_table(strides_table([]))
    assert summary["n"].eq(0).all()
    assert summary[["mean", "sd", "cv_percent"]].isna().all(axis=None)


def test_the_extrapolated_centre_of_mass_of_a_falling_pendulum_stands_still():
    """Hof et al. 2005: of an inverted pendulum, d/dt (x + v / w) = w (x + v / w), so it stays at 0 if it is there."""
    model = synthetic_gait.header().model
    rate = np.sqrt(model.gravity_m_s2 / model.leg_length_m)
    time = np.linspace(0, 1, 50)
    position, velocity = 0.3 * np.exp(-rate * time), -0.3 * rate * np.exp(-rate * time)
    np.testing.assert_allclose(extrapolated(position, velocity, model), 0, atol=1e-12)


def test_no_foot_on_the_ground_leaves_no_margin(trial):
    hop = replace(trial, events={side: Events(np.array([]), np.array([]), {}, ((1.0, 2.0),)) for side in ("r", "l")})
    margin = front_margin(hop)
    inside = (trial.time >= 1.0) & (trial.time <= 2.0)
    assert np.isfinite(margin[inside]).all()
    assert np.isnan(margin[~inside]).all()


def test_contacts_reach_beyond_the_recording():
    events = Events(np.array([]), np.array([]), {}, ((-np.inf, 0.1), (0.3, np.inf)))
    assert loaded(np.array([0.0, 0.1, 0.2, 0.3, 0.4]), events).tolist() == [True, True, False, True, True]


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
def test_clearance_counts_from_the_ground_that_the_toe_stands_on(trial, slope):
    """The whole walk on a slope: every point as much higher as it is farther ahead."""
    toe = trial.toe.copy()
    toe[:, :, 2] += slope * toe[:, :, 0]
    cycle = trial.selection["r"].used[2]
    found = clearance_numbers(replace(trial, toe=toe), cycle)
    # on a slope the lowest of the sampled heights may lie next to the middle of swing
    assert found["toe_clearance_m"] == pytest.approx(CLEARANCE_M, abs=5e-4)
    assert found["toe_clearance_dips"] == 1


def test_a_toe_that_only_rises_is_measured_at_its_largest_speed(trial):
    cycle = trial.selection["l"].used[1]
    toe = trial.toe.copy()
    share = np.clip((trial.time - cycle.toe_off_s) / (cycle.end_s - cycle.toe_off_s), 0, 1)
    toe[:, 1, 2] = np.where(trial.time < cycle.end_s - 0.02, 0.1 * share, 0.0)
    found = clearance_numbers(replace(trial, toe=toe), cycle)
    assert found["toe_clearance_dips"] == 0
    assert found["toe_clearance_m"] == pytest.approx(0.05, abs=0.005)  # fastest in the middle


def test_a_foot_that_rolls_does_not_slip(trial):
    """The heel rises and moves while the toe stands, and the other way round."""
    n = len(trial.time)
    heel, toe = np.zeros((n, 2, 3)), np.zeros((n, 2, 3))
    turn = np.arange(n) < n // 2
    heel[turn, :, 0] = 0.3 * trial.time[turn, None]
    toe[~turn, :, 0] = 0.3 * trial.time[~turn, None]
    heel[~turn, :, 0], toe[turn, :, 0] = heel[turn][-1, 0, 0], toe[~turn][0, 0, 0]
    rolling = replace(trial, heel=heel, toe=toe)
    cycle = trial.selection["r"].used[0]
    assert slip_m(rolling, cycle, sliding_speed(rolling)) == pytest.approx(0, abs=1e-9)


def test_the_mean_between_two_instants_is_that_of_the_line_through_the_samples():
    time = np.arange(5.0)
    assert mean_between(time, 2 * time, 0.3, 3.6) == pytest.approx(3.9)
    assert mean_between(time, np.array([0.0, 1, 0, 1, 0]), 1.0, 3.0) == pytest.approx(0.5)
