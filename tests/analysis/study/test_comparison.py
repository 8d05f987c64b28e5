"""What pairs with what, what is resampled, and what the tables say of it."""

import numpy as np
import pytest
from made_up import evaluated

from myoassist.analysis.study.comparison import comparisons_table, curves_table, labels
from myoassist.analysis.study.conditions import conditions_table, evaluations_table
from myoassist.analysis.study.resampling import Resampling
from myoassist.config.study import ComparisonSettings

RESAMPLING = Resampling(count=500)
NAN = float("nan")


def compare(members, baseline, *conditions, measure="speed_m_s"):
    """Return the row of a measure in the table of one comparison."""
    settings = {"c": ComparisonSettings(baseline=baseline, conditions=conditions)}
    table = comparisons_table(settings, members, RESAMPLING)
    rows = table[table["measure"] == measure]
    return rows.iloc[0] if len(rows) else None


OFF, ON = ({"experiment": "exo", "scenario": scenario} for scenario in ("off", "level"))
ABSENT = {"experiment": "walk", "scenario": "level"}


def exo(scenario, values, **more):
    return evaluated(values, experiment="exo", scenario=scenario, **more)


def test_one_seed_pairs_episodes_of_the_same_number():
    row = compare([exo("off", [1.0, 1.2, 1.4]), exo("level", [1.1, 1.3, 1.5])], OFF, ON)
    assert (row["resampled"], row["n"], row["paired"], row["seeds"]) == ("episode", 3, True, 1)
    assert (row["baseline"], row["condition"]) == ("off", "level")
    interval = row[["difference", "difference_ci_low", "difference_ci_high"]].tolist()
    assert interval == pytest.approx([0.1, 0.1, 0.1])
    assert row["change_percent"] == pytest.approx(100 * 0.1 / 1.2)


def test_episodes_without_a_value_on_either_side_are_left_out_in_pairs():
    row = compare([exo("off", [1.0, NAN, 5.0, 1.4]), exo("level", [1.1, 9.0, NAN, 1.5])], OFF, ON)
    assert row["n"] == 2
    assert row["difference"] == pytest.approx(0.1)
    assert row["baseline_mean"] == pytest.approx(1.2)


@pytest.mark.parametrize("other", [{"starts": "elsewhere"}, {"seed": 2}])
def test_episodes_that_start_otherwise_do_not_pair(other):
    row = compare([exo("off", [1.0, 2.0, 3.0]), exo("level", [1.1, 2.1, 3.1], **other)], OFF, ON)
    assert (row["resampled"], row["paired"]) == ("episode", False)
    assert row["difference"] == pytest.approx(0.1)
    assert row["difference_ci_low"] < 0 < row["difference_ci_high"]


def test_several_common_seeds_are_the_units_and_others_are_left_out():
    members = [evaluated([s, s + 1.0], seed=s) for s in (1, 2, 3)]
    members += [exo("level", [s + 0.5, s + 1.5], seed=s) for s in (2, 3, 4)]
    row = compare(members, ABSENT, ON)
    assert (row["resampled"], row["n"], row["paired"], row["seeds"]) == ("seed", 2, True, 2)
    assert [row["difference"], row["difference_ci_low"]] == pytest.approx([0.5, 0.5])
    assert row["baseline_mean"] == pytest.approx(3.0)


def test_several_seeds_without_a_common_one_are_independent_samples():
    members = [evaluated([float(s)] * 3, seed=s) for s in (1, 2)] + [exo("level", [5.0] * 3, seed=s) for s in (3, 4)]
    row = compare(members, ABSENT, ON)
    assert (row["resampled"], row["n"], row["paired"]) == ("seed", 2, False)
    assert row["difference"] == pytest.approx(3.5)


def test_a_free_axis_pairs_by_its_values_and_is_averaged_within_a_seed():
    members = [
        evaluated([value + seed + gain * (scenario == "noisy")] * 2, seed=seed, scenario=scenario, axes={"net": net})
        for net, value, gain in (("small", 0.0, 0.1), ("large", 10.0, 0.3))
        for scenario in ("level", "noisy")
        for seed in (1, 2)
    ]
    row = compare(members, ABSENT, {"experiment": "walk", "scenario": "noisy"})
    assert (row["resampled"], row["n"]) == ("seed", 2)
    assert [row["difference"], row["difference_ci_high"]] == pytest.approx([0.2, 0.2])
    small = {"experiment": "walk", "scenario": "noisy", "net": "small"}
    assert compare(members, {**ABSENT, "net": "small"}, small)["difference"] == pytest.approx(0.1)


def test_an_axis_that_one_side_fixes_does_not_keep_from_pairing():
    members = [evaluated([net * 10.0 + s], seed=s, axes={"net": f"n{net}"}) for net in (1, 2) for s in (1, 2)]
    row = compare(members, {**ABSENT, "net": "n1"}, {**ABSENT, "net": "n2"})
    assert (row["paired"], row["n"], row["difference"]) == (True, 2, 10.0)


def test_measures_of_whole_evaluations_have_seeds_only():
    members = [exo("off", [1.0, 1.0], falls=50.0), exo("level", [1.0, 1.0], falls=100.0)]
    row = compare(members, OFF, ON, measure="fall_free_percent")
    assert (row["resampled"], row["n"], row["difference"]) == ("seed", 1, 50.0)
    assert np.isnan(row["difference_ci_low"])


def test_evaluations_without_any_cycle_have_no_row():
    assert compare([exo("off", [NAN, NAN]), exo("level", [1.0, 1.1])], OFF, ON) is None


def test_curves_say_their_role_and_their_difference():
    settings = {"c": ComparisonSettings(baseline=OFF, conditions=[ON])}
    table = curves_table(settings, [exo("off", [1.0, 2.0]), exo("level", [1.5, 2.5])], RESAMPLING)
    assert len(table) == 2 * 101
    baseline, condition = (table[table["role"] == role] for role in ("baseline", "condition"))
    assert baseline["difference"].isna().all()
    assert condition["difference"].to_numpy() == pytest.approx(0.5)
    assert condition["difference_ci_low"].to_numpy() == pytest.approx(0.5)
    assert condition["mean"].to_numpy() == pytest.approx(2.0)
    assert set(condition["unit"]) == {"°"}
    assert condition["paired"].all()


def test_labels_tell_what_differs_in_any_comparison():
    assert labels([OFF, ON]) == ["off", "level"]
    assert labels([ABSENT, OFF, {**ON, "label": "powered"}]) == ["walk, level", "exo, off", "powered"]


def test_conditions_are_aggregated_over_seeds_and_axes():
    members = [
        evaluated([base + seed, base + seed + 0.2], seed=seed, axes={"effort": effort, "net": net})
        for effort, base in (("low", 0.0), ("high", 1.0))
        for net in ("small", "large")
        for seed in (1, 3)
    ]
    table = conditions_table(members, RESAMPLING)
    table = table[table["measure"] == "speed_m_s"].set_index(["axis_effort", "axis_net"])
    assert len(table) == 4 + 2 + 2 + 1
    assert table.loc[("low", "small"), "mean"] == pytest.approx(2.1)
    assert table.loc[("high", "all"), "mean"] == pytest.approx(3.1)
    assert table.loc[("all", "all"), "mean"] == pytest.approx(2.6)
    assert table["n"].eq(2).all()
    assert table["resampled"].eq("seed").all()
    low = table.loc[("low", "all")]
    assert (low["ci_low"], low["ci_high"]) == pytest.approx((1.1, 3.1))
    assert low["sd"] == pytest.approx(np.std([1.1, 3.1], ddof=1))


def test_a_seed_that_never_walked_with_one_value_of_an_axis_is_left_out_of_all_and_counted():
    members = [
        evaluated([NAN, NAN] if (seed, net) == (3, "small") else [base + seed] * 2, seed=seed, axes={"net": net})
        for net, base in (("small", 0.0), ("large", 10.0))
        for seed in (1, 2, 3)
    ]
    table = conditions_table(members, RESAMPLING)
    table = table[table["measure"] == "speed_m_s"].set_index("axis_net")
    assert table["n"].to_dict() == {"small": 2, "large": 3, "all": 2}
    assert table["seeds_left_out"].to_dict() == {"small": 1, "large": 0, "all": 1}
    assert table["mean"].to_dict() == pytest.approx({"small": 1.5, "large": 12.0, "all": 6.5})


def test_one_seed_is_aggregated_over_its_episodes():
    row = conditions_table([evaluated([1.0, 2.0, NAN])], RESAMPLING).iloc[0]
    assert (row["mean"], row["n"], row["resampled"], row["seeds"]) == (1.5, 2, "episode", 1)


def test_evaluations_are_told_one_by_one():
    table = evaluations_table([evaluated([1.0, 2.0, NAN], axes={"net": "small"}), exo("off", [NAN])])
    speed = table[table["measure"] == "speed_m_s"]
    assert len(speed) == 1  # the other has no episode with a value
    row = speed.iloc[0]
    assert (row["run"], row["axis_net"], row["value"], row["episodes"]) == ("walk-small-s1", "small", 1.5, 2)
