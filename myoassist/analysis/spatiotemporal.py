"""Speed, cadence, lengths and times of strides and steps, and the phases of support."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.cycles import Cycle
from myoassist.analysis.trial import Trial
from myoassist.formats.gait_tables import SPATIOTEMPORAL_COLUMNS

NAN = float("nan")

QUANTITIES = {
    "speed": ("m/s", lambda s: s["speed_m_s"]),
    "cadence": ("steps/min", lambda s: 120.0 / s["stride_time_s"]),
    "stride_length": ("m", lambda s: s["stride_length_m"]),
    "stride_time": ("s", lambda s: s["stride_time_s"]),
    "step_length": ("m", lambda s: s["step_length_m"]),
    "step_time": ("s", lambda s: s["step_time_s"]),
    "stance": ("% of cycle", lambda s: s["toe_off_percent"]),
    "swing": ("% of cycle", lambda s: 100.0 - s["toe_off_percent"]),
    "single_support": ("% of cycle", lambda s: s["single_support_percent"]),
    "double_support": ("% of cycle", lambda s: s["double_support_percent"]),
}
"""Quantity -> (unit, how it follows from the numbers of a stride)."""


def stride_numbers(trial: Trial, cycle: Cycle) -> dict[str, float]:
    """Describe one stride; units are in the names, NaN where the other foot's events are missing.

    Stride length is the forward way of the own heel between the two heel strikes; speed that of the centre
    of mass over the stride time. The step is the one that ends the cycle: from the other foot's heel strike
    within the cycle to the own one at its end, its length the forward distance of the heels there. Single
    support is the other foot's swing, double support the rest of stance, both in percent of the cycle.
    """
    own, other = SIDES.index(cycle.side), 1 - SIDES.index(cycle.side)
    length = _at(trial, trial.heel_x[:, own], cycle.end_s) - _at(trial, trial.heel_x[:, own], cycle.start_s)
    way = _at(trial, trial.center_of_mass_x, cycle.end_s) - _at(trial, trial.center_of_mass_x, cycle.start_s)
    numbers = {
        "start_s": cycle.start_s,
        "stride_time_s": cycle.duration_s,
        "toe_off_percent": cycle.toe_off_percent,
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
        numbers["step_length_m"] = _at(trial, trial.heel_x[:, own] - trial.heel_x[:, other], cycle.end_s)
    if len(strikes) == 1 and len(offs) == 1 and offs[0] < strikes[0]:
        single = 100.0 * float(strikes[0] - offs[0]) / cycle.duration_s
        numbers["single_support_percent"] = single
        numbers["double_support_percent"] = cycle.toe_off_percent - single
    return numbers


def summary_table(strides: Iterable[tuple[str, dict[str, float]]]) -> pd.DataFrame:
    """Mean, standard deviation (n - 1) and number of strides of each quantity, per side and of both together.

    Args:
        strides: (side, numbers as from `stride_numbers`).

    Returns:
        columns ``SPATIOTEMPORAL_COLUMNS``; a row also where n is 0, then without mean and SD.
    """
    strides = list(strides)
    rows = []
    for quantity, (unit, number) in QUANTITIES.items():
        for side in (*SIDES, "both"):
            values = np.array([number(s) for own, s in strides if side in (own, "both")], dtype=float)
            values = values[np.isfinite(values)]
            mean = values.mean() if len(values) else NAN
            sd = values.std(ddof=1) if len(values) > 1 else NAN
            rows.append((quantity, unit, side, mean, sd, len(values)))
    return pd.DataFrame(rows, columns=list(SPATIOTEMPORAL_COLUMNS))


def symmetry_index(right: float, left: float) -> float:
    """Difference of the sides in percent of their mean, absolute (Robinson et al. 1987); NaN if undefined."""
    mean = (right + left) / 2
    return abs(right - left) / abs(mean) * 100.0 if np.isfinite(mean) and mean else NAN


def _at(trial: Trial, values: np.ndarray, instant: float) -> float:
    return float(np.interp(instant, trial.time, values))


def _within(times: np.ndarray, cycle: Cycle) -> np.ndarray:
    return times[(times > cycle.start_s) & (times < cycle.end_s)]
