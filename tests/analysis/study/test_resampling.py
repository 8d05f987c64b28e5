"""Means and differences with intervals: known answers, and the same every time."""

import numpy as np
import pytest
from scipy.stats import norm

from myoassist.analysis.study.resampling import Resampling

RESAMPLING = Resampling(count=4000)


def test_interval_of_the_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = RESAMPLING.mean(values)
    half = norm.ppf(0.975) * values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.02)
    assert found.high == pytest.approx(values.mean() + half, abs=0.02)


def test_a_constant_difference_of_pairs_has_no_width_but_unpaired_has():
    baseline = np.array([1.0, 5.0, 9.0, 2.0])
    paired = RESAMPLING.difference(baseline, baseline + 0.5, paired=True)
    assert (paired.value, paired.low, paired.high) == pytest.approx((0.5, 0.5, 0.5))
    unpaired = RESAMPLING.difference(baseline, baseline + 0.5, paired=False)
    assert unpaired.value == pytest.approx(0.5)
    assert unpaired.low < -1 < 2 < unpaired.high


def test_change_is_in_percent_of_the_baseline_s_magnitude():
    found = RESAMPLING.change_percent(np.array([-2.0, -4.0]), np.array([-1.0, -2.0]), paired=True)
    assert (found.value, found.low, found.high) == pytest.approx((50, 50, 50))


def test_change_against_nothing_is_not_defined():
    assert np.isnan(RESAMPLING.change_percent(np.zeros(5), np.ones(5), paired=True).value)


def test_one_unit_has_no_interval():
    found = RESAMPLING.mean(np.array([2.0]))
    assert found.value == 2
    assert np.isnan([found.low, found.high]).all()


def test_intervals_of_curves_are_those_of_each_point():
    curves = np.random.default_rng(2).normal(size=(12, 5))
    together = RESAMPLING.mean(curves)
    assert together.low.shape == (5,)
    for i in range(5):
        assert together.low[i] == pytest.approx(RESAMPLING.mean(curves[:, i]).low)


def test_same_values_same_interval():
    values = np.random.default_rng(3).normal(size=20)
    first, second = (Resampling().mean(values) for _ in range(2))
    assert (first.low, first.high) == (second.low, second.high)
