"""The gate's bounds are those that the project promises, and each of them alone can keep a policy out."""

import pytest

from myoassist.analysis.gate import SPEED, WALKING, judge
from myoassist.config.analysis import GateSettings

BOUNDS = {
    "episode_count": (20, None),
    "longest_episode": (20.0, None),
    "fall_free_fraction": (0.95, None),
    "speed_error": (None, 0.10),
    "rmse_hip": (None, 6.0),
    "r_hip": (0.93, None),
    "rmse_knee": (None, 9.0),
    "r_knee": (0.90, None),
    "rmse_ankle": (None, 6.0),
    "r_ankle": (0.80, None),
    "rmse_trunk_lean": (None, 4.0),
    "stride_time_error": (None, 8.0),
    "step_time_asymmetry": (None, 10.0),
    "toe_off_percent": (57.0, 66.0),
    "force_peak_lowest": (0.95, 1.4),
    "force_peak_highest": (0.95, 1.4),
    "force_dip_depth": (0.0, None),
    "raw_force_peak": (None, 2.5),
    "activation_mean": (None, 0.20),
    "limit_moment": (None, 5.0),
}
SPEED_BOUNDS = {name: BOUNDS[name] for name in ("episode_count", "longest_episode", "fall_free_fraction")}
SPEED_BOUNDS |= {"speed_tracking": (None, 0.10)}
ROWS = [(WALKING, BOUNDS), (SPEED, SPEED_BOUNDS)]
ENDS = [
    (rows, bounds, name, end)
    for rows, bounds in ROWS
    for name, bound in bounds.items()
    for end in (0, 1)
    if bound[end] is not None
]


def good(bounds: dict) -> dict[str, float]:
    """Values well within all bounds."""
    values = {}
    for name, (low, high) in bounds.items():
        values[name] = 0.5 * high if low is None else 1.01 * low + 0.01 if high is None else 0.5 * (low + high)
    return values


@pytest.mark.parametrize(("rows", "bounds"), ROWS)
def test_bounds_are_these_and_no_others(rows, bounds):
    judged = judge(good(bounds), GateSettings(), rows)
    assert {name: tuple(entry["bound"]) for name, entry in judged.items()} == bounds
    assert all(entry["holds"] for entry in judged.values())


@pytest.mark.parametrize(("rows", "bounds", "name", "end"), ENDS)
def test_each_bound_holds_at_its_end_and_alone_fails_beyond_it(rows, bounds, name, end):
    at = bounds[name][end]
    for beyond, holds in ((0.0, True), (1e-6, False)):
        values = good(bounds) | {name: at + (beyond if end else -beyond)}
        judged = judge(values, GateSettings(), rows)
        assert {wrong for wrong, entry in judged.items() if not entry["holds"]} == (set() if holds else {name})


@pytest.mark.parametrize(("rows", "bounds"), ROWS)
def test_what_was_not_measured_does_not_hold(rows, bounds):
    for name in bounds:
        for value in (None, float("nan"), float("inf")):
            judged = judge(good(bounds) | {name: value}, GateSettings(), rows)
            assert not judged[name]["holds"]
            assert judged[name]["value"] is None
