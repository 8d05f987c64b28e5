"""Speed, cadence, lengths and times of strides and steps, and the phases of support."""

from __future__ import annotations

import numpy as np

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.cycles import Cycle
from myoassist.analysis.trial import Trial

NAN = float("nan")


def stride_numbers(trial: Trial, cycle: Cycle) -> dict[str, float]:
    """Describe one stride; units are in the names, NaN where the other foot's events are missing.

    Stride length is the forward way of the own heel between the two heel strikes; speed that of the centre
    of mass over the stride time. The step is the one that ends the cycle: from the other foot's heel strike
    within the cycle to the own one at its end, its length the forward distance of the heels there. Single
    support is the other foot's swing, double support the rest of stance, both in percent of the cycle.
    """
    own, other = SIDES.index(cycle.side), 1 - SIDES.index(cycle.side)
    heel = trial.heel[:, :, 0]
    length = _at(trial, heel[:, own], cycle.end_s) - _at(trial, heel[:, own], cycle.start_s)
    way = _at(trial, trial.center_of_mass_x, cycle.end_s) - _at(trial, trial.center_of_mass_x, cycle.start_s)
    numbers = {
        "start_s": cycle.start_s,
        "stride_time_s": cycle.duration_s,
        "cadence_steps_min": 120.0 / cycle.duration_s,
        "toe_off_percent": cycle.toe_off_percent,
        "swing_percent": 100.0 - cycle.toe_off_percent,
        "stride_length_m": length,
        "speed_m_s": way / cycle.duration_s,
        "step_time_s": NAN,
        "step_length_m": NAN,
        "single_support_percent": NAN,
        "double_support_percent": NAN,
    }
    events = trial.events[SIDES[other]]
    strikes = _within(events.heel_strikes, cycle)
    offs = _within(events.toe_offs, cycle)
    if len(strikes) == 1:
        numbers["step_time_s"] = cycle.end_s - float(strikes[0])
        numbers["step_length_m"] = _at(trial, heel[:, own] - heel[:, other], cycle.end_s)
    if len(strikes) == 1 and len(offs) == 1 and offs[0] < strikes[0]:
        single = 100.0 * float(strikes[0] - offs[0]) / cycle.duration_s
        numbers["single_support_percent"] = single
        numbers["double_support_percent"] = cycle.toe_off_percent - single
    return numbers


def _at(trial: Trial, values: np.ndarray, instant: float) -> float:
    return float(np.interp(instant, trial.time, values))


def _within(times: np.ndarray, cycle: Cycle) -> np.ndarray:
    return times[(times > cycle.start_s) & (times < cycle.end_s)]
