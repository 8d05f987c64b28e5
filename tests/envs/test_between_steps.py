"""The arithmetic of a step: known answers, and that nothing given is changed that should not be."""

import numpy as np

from myoassist.envs import between_steps


def test_phases_advance_by_the_share_of_a_stride_and_begin_anew_after_one():
    steps, phase = np.array([0, 7]), np.array([0.5, 0.99])
    between_steps.advance(steps, phase, np.array([1.0, 0.5]), 0.02)
    assert steps.tolist() == [1, 8]
    assert np.allclose(phase, [0.52, 0.03], atol=1e-12)


def test_rows_are_copies_in_the_order_asked_for():
    state = np.arange(12.0).reshape(3, 4)
    arrays = [state[:, 1:3], state[:, 0], state[:, 3], np.arange(3.0), state[:, 2:], np.array([True, False, True])]
    ended = np.arange(9.0).reshape(3, 3)
    rows = np.array([2, 0])
    found = between_steps.of_rows(rows, *arrays, ended)
    for copied, array in zip(found, [*arrays, *ended], strict=True):
        assert np.array_equal(copied, array[rows])
        assert not np.shares_memory(copied, array)
