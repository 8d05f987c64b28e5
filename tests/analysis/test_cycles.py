import numpy as np
import pytest

from myoassist.analysis.cycles import NO_TOE_OFF, TOO_LONG, TOO_SHORT, normalise, select_cycles
from myoassist.analysis.gait_events import Events
from myoassist.config.analysis import CycleSettings


def events(strikes, offs):
    return Events(np.array(strikes, float), np.array(offs, float))


STEADY = events(np.arange(6), np.arange(6) + 0.6)


def test_first_and_last_complete_cycle_are_dropped():
    selection = select_cycles(STEADY, "r", CycleSettings())
    assert (selection.found, selection.dropped) == (5, 2)
    assert [cycle.number for cycle in selection.used] == [1, 2, 3]
    assert selection.used[0].toe_off_percent == pytest.approx(60)


@pytest.mark.parametrize(("count", "used"), [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1)])
def test_few_heel_strikes_leave_few_cycles_or_none(count, used):
    few = events(STEADY.heel_strikes[:count], STEADY.toe_offs[:count])
    selection = select_cycles(few, "l", CycleSettings())
    assert len(selection.used) == used
    assert selection.found == max(count - 1, 0)


def test_cycles_that_are_none_are_counted_with_their_reason():
    odd = events([0, 0.2, 1.2, 4.2, 5.2, 6.2, 7.2], [0.1, 0.8, 2.0, 4.8, 5.4, 5.8, 6.8])
    selection = select_cycles(odd, "r", CycleSettings(drop_first=0, drop_last=0))
    assert selection.rejected == {TOO_SHORT: 1, TOO_LONG: 1, NO_TOE_OFF: 1}
    assert selection.found == len(selection.used) == 3


def test_normalising_a_line_gives_the_line():
    time = np.arange(500) / 250
    values = np.stack([3 * time, 1 - time], axis=1)
    result = normalise(time, values, 0.3011, 1.4077)
    expected = np.linspace(0.3011, 1.4077, 101)
    np.testing.assert_allclose(result, np.stack([3 * expected, 1 - expected], axis=1), atol=1e-12)


def test_normalising_up_to_the_last_sample_stays_inside():
    time = np.arange(11) / 10
    assert normalise(time, time[:, None], 0.0, 1.0)[[0, -1], 0].tolist() == [0.0, 1.0]
