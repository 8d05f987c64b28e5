"""Strides against a target velocity that changes: known answers."""

import numpy as np
import pytest

from myoassist.analysis.cycles import Cycle
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
