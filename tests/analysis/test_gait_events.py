import numpy as np
import pytest

from myoassist.analysis.gait_events import ENDS_LOADED, SHORT_STANCE, SHORT_SWING, STARTS_LOADED, detect_events
from myoassist.config.analysis import EventSettings

RATE = 250.0
SETTINGS = EventSettings(contact_on_bw=0.05, contact_off_bw=0.03, min_stance_s=0.1, min_swing_s=0.1)


def trapezoids(spans, duration=3.0, ramp=0.1):
    """Force rising to 1 over `ramp` from each begin, and falling to 0 over `ramp` until each end."""
    time = np.arange(round(duration * RATE) + 1) / RATE
    force = np.zeros_like(time)
    for begin, end in spans:
        force += np.clip(np.minimum((time - begin) / ramp, (end - time) / ramp), 0, 1)
    return time, force


def test_events_are_where_the_force_passes_its_thresholds():
    events = detect_events(*trapezoids([(0.5, 1.1), (1.6, 2.2)]), SETTINGS)
    np.testing.assert_allclose(events.heel_strikes, [0.505, 1.605], atol=1e-9)
    np.testing.assert_allclose(events.toe_offs, [1.097, 2.197], atol=1e-9)
    assert events.rejected == {}


def test_a_force_between_the_thresholds_neither_begins_nor_ends_a_contact():
    time, force = trapezoids([(0.5, 1.1)])
    force[(time > 0.7) & (time < 0.9)] = 0.04
    force[(time > 1.5) & (time < 1.9)] = 0.04
    events = detect_events(time, force, SETTINGS)
    assert (len(events.heel_strikes), len(events.toe_offs)) == (1, 1)


def test_a_bounce_is_no_step_and_is_counted():
    time, force = trapezoids([(0.5, 1.1)])
    force[(time > 0.7) & (time < 0.75)] = 0
    events = detect_events(time, force, SETTINGS)
    assert (len(events.heel_strikes), len(events.toe_offs)) == (1, 1)
    assert events.rejected == {SHORT_SWING: 2}


def test_a_scuff_is_no_stance_and_is_counted():
    time, force = trapezoids([(0.5, 1.1)])
    force[(time > 1.5) & (time < 1.55)] = 0.5
    events = detect_events(time, force, SETTINGS)
    assert len(events.heel_strikes) == 1
    assert events.rejected == {SHORT_STANCE: 2}


def test_contacts_cut_by_the_ends_of_the_recording_give_one_event_each():
    events = detect_events(*trapezoids([(-1.0, 0.4), (2.5, 9.0)]), SETTINGS)
    np.testing.assert_allclose(events.heel_strikes, [2.505])
    np.testing.assert_allclose(events.toe_offs, [0.397])
    assert events.rejected == {STARTS_LOADED: 1, ENDS_LOADED: 1}
    assert events.contacts == ((-np.inf, pytest.approx(0.397)), (pytest.approx(2.505), np.inf))


@pytest.mark.parametrize("force", [np.zeros(10), np.ones(10), np.full(10, 0.04), np.zeros(0)])
def test_no_step_gives_no_event(force):
    events = detect_events(np.arange(len(force)) / RATE, force, SETTINGS)
    assert not len(events.heel_strikes)
    assert not len(events.toe_offs)


def test_a_foot_that_stays_on_the_ground_is_one_contact_without_events():
    assert detect_events(np.arange(10) / RATE, np.ones(10), SETTINGS).contacts == ((-np.inf, np.inf),)
