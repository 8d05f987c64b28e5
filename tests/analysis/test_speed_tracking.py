"""Strides against a target velocity that changes: known answers."""

import numpy as np
import pytest
from analysed_walk import run_analysis

from myoassist.analysis.cycles import Cycle
from myoassist.analysis.gate import SPEED
from myoassist.analysis.speed_tracking import SpeedTracking

TIME = np.arange(0, 20, 0.02)
STRIKES = np.arange(0.5, 20)


def strides(speed):
    """Strides of 1 s with the speed that a function of their start gives."""
    return [(Cycle("r", n, s, s + 1, s + 0.6), speed(s)) for n, s in enumerate(STRIKES[:-1])]


def test_a_constant_target_with_a_constant_error():
    tracking = SpeedTracking()
    tracking.add(strides(lambda _: 1.3), STRIKES, TIME, np.full(len(TIME), 1.25))
    assert not tracking.changes
    assert tracking.rms_m_s == pytest.approx(0.05)
    assert (tracking.strides, tracking.left_out) == (19, 0)


def test_the_stride_of_a_jump_and_two_after_it_do_not_count():
    target = np.where(TIME < 10, 1.0, 1.5)
    tracking = SpeedTracking()
    # follows at once, but for strides that begin within 2.5 s of the jump, which are wildly off
    tracking.add(strides(lambda s: 1.0 if s < 9 else 9.0 if s < 12.2 else 1.5), STRIKES, TIME, target)
    assert tracking.changes
    # 9.5 to 10.5 holds the jump; 10.5 and 11.5 are the first two after it
    assert (tracking.strides, tracking.left_out) == (16, 3)
    assert tracking.rms_m_s == pytest.approx(0.0, abs=1e-12)


def test_a_slow_swing_is_no_jump_and_is_averaged_over_the_stride():
    target = 1.2 + 0.4 * np.sin(2 * np.pi * TIME / 8)
    exact = lambda s: target[(s <= TIME) & (s + 1 > TIME)].mean()  # noqa: E731
    tracking = SpeedTracking()
    tracking.add(strides(exact), STRIKES, TIME, target)
    assert tracking.changes
    assert tracking.left_out == 0
    assert tracking.rms_m_s == pytest.approx(0.0, abs=1e-12)
    worse = SpeedTracking()
    worse.add(strides(lambda s: exact(s) + 0.1 * (-1) ** round(s - 0.5)), STRIKES, TIME, target)
    assert worse.rms_m_s == pytest.approx(0.1)


def test_nothing_walked_is_not_a_number():
    assert np.isnan(SpeedTracking().rms_m_s)


SWINGING = [{"target": 1.2 + 0.1 * np.sin(2 * np.pi * np.arange(500) / 400)}] * 2


def test_a_target_that_changes_is_judged_by_the_speed_gate(tmp_path, reference_file):
    metrics = run_analysis(tmp_path, reference_file, control=SWINGING).metrics
    assert list(metrics["gate"]) == [name for name, *_ in SPEED]
    assert metrics["speed"]["target_changes"]
    assert metrics["gate"]["speed_tracking"]["value"] == pytest.approx(metrics["speed"]["tracking_rms_m_s"])
    assert "of 4 bounds of the speed gate hold" in metrics["summary"]


def test_so_is_one_who_falls_before_a_stride_is_over(tmp_path, reference_file):
    short = [{"target": np.linspace(1.0, 1.4, 30)}, {"target": np.linspace(1.0, 1.4, 45)}]
    metrics = run_analysis(tmp_path, reference_file, durations_s=(0.6, 0.9), fell=True, control=short).metrics
    assert list(metrics["gate"]) == [name for name, *_ in SPEED]
    assert metrics["gate"]["speed_tracking"]["value"] is None
    assert not metrics["gate_holds"]
