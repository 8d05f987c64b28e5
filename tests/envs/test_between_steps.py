"""The arithmetic of a step: known answers, and that nothing given is changed that should not be."""

import numpy as np

from myoassist.envs import between_steps


def test_actions_are_clipped_and_missing_ones_are_neutral():
    given = np.array([[0.25, -3.0, np.nan], [np.inf, -np.inf, -0.0]], dtype=np.float32)
    before = given.copy()
    bounded = between_steps.bounded(given)
    assert bounded.dtype == np.float64
    assert np.array_equal(bounded, [[0.25, -1.0, 0.0], [1.0, -1.0, 0.0]])
    assert np.array_equal(given, before, equal_nan=True)
    assert not np.shares_memory(between_steps.bounded(bounded), bounded)


def test_phases_advance_by_the_share_of_a_stride_and_begin_anew_after_one():
    steps, phase = np.array([0, 7]), np.array([0.5, 0.99])
    between_steps.advance(steps, phase, np.array([1.0, 0.5]), 0.02)
    assert steps.tolist() == [1, 8]
    assert np.allclose(phase, [0.52, 0.03], atol=1e-12)


def test_changes_are_after_minus_before_and_speed_minus_target():
    change, error = between_steps.changes(
        np.array([[0.5, 0.25]]), np.array([[0.25, 0.5]]), np.array([1.5]), np.array([1.25])
    )
    assert np.array_equal(change, [[0.25, -0.25]])
    assert np.array_equal(error, [0.25])


def test_an_episode_ends_for_a_reason_or_at_its_limit_and_never_for_both():
    reasons, steps = np.array([0, 3, 3, 0]), np.array([9, 9, 10, 10])
    terminated, truncated, ended = between_steps.endings(reasons, steps, 10, 8)
    assert terminated.tolist() == [False, True, True, False]
    assert truncated.tolist() == [False, False, False, True]
    assert reasons.tolist() == [0, 3, 3, 8]
    assert ended
    assert not between_steps.endings(np.zeros(2, dtype=np.int64), np.array([1, 2]), 10, 8)[2]


def test_rows_are_copies_in_the_order_asked_for():
    state = np.arange(12.0).reshape(3, 4)
    arrays = [state[:, 1:3], state[:, 0], state[:, 3], np.arange(3.0), state[:, 2:], np.array([True, False, True])]
    ended = np.arange(9.0).reshape(3, 3)
    rows = np.array([2, 0])
    found = between_steps.of_rows(rows, *arrays, ended)
    for copied, array in zip(found, [*arrays, *ended], strict=True):
        assert np.array_equal(copied, array[rows])
        assert not np.shares_memory(copied, array)
