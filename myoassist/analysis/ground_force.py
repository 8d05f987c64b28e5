"""Ground reaction force of whole cycles: peaks, impulses, loading rate, and the mean over a cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.cycles import Cycle, normalise
from myoassist.analysis.trial import Trial
from myoassist.config.analysis import AnalysisSettings

NAN = float("nan")


@dataclass(frozen=True)
class StanceForce:
    """Ground force of one cycle's stance.

    Attributes:
        vertical_bw: shape (101,) low-passed vertical force over stance, body weights.
        numbers: of the group ``ground_force`` in `myoassist.formats.stride_columns`, but for the slip.
    """

    vertical_bw: np.ndarray
    numbers: dict[str, float]


def low_pass(values: np.ndarray, rate_hz: float, cutoff_hz: float) -> np.ndarray:
    """Filter without lag: Butterworth of order 2 run forward and back, along the first axis.

    The cutoff is corrected for the two passes, so that it is the -3 dB frequency of the whole (Winter 2009,
    section 3.4.4.2, which corrects tan(pi cutoff / rate), not the cutoff itself). Signals too short for the filter's
    padding, and such as hold nothing above the cutoff, are returned as they are.
    """
    if len(values) <= 16 or cutoff_hz >= rate_hz / 2:
        return np.asarray(values, dtype=float)
    warped = np.tan(np.pi * cutoff_hz / rate_hz) / (np.sqrt(2.0) - 1.0) ** 0.25
    corrected = rate_hz / np.pi * np.arctan(warped)
    return sosfiltfilt(butter(2, corrected, fs=rate_hz, output="sos"), values, axis=0)


def stance_forces(trial: Trial, rate_hz: float, settings: AnalysisSettings) -> list[tuple[Cycle, StanceForce]]:
    """Measure the ground force of every used cycle of one episode, right side first."""
    cycles = [cycle for side in SIDES for cycle in trial.selection[side].used]
    if not cycles:
        return []
    smooth = low_pass(trial.force_bw, rate_hz, settings.peak_cutoff_hz)
    vertical = trial.force_bw[:, :, 2]
    rate = np.gradient(low_pass(vertical, rate_hz, settings.loading_rate_cutoff_hz), 1.0 / rate_hz, axis=0)
    total = vertical.sum(axis=1)
    backward, forward = np.minimum(trial.force_bw[:, :, 0], 0), np.maximum(trial.force_bw[:, :, 0], 0)
    result = []
    for cycle in cycles:
        i = SIDES.index(cycle.side)
        ends = (cycle.start_s, cycle.toe_off_s)
        stance_s = cycle.toe_off_s - cycle.start_s
        stance = slice(*np.searchsorted(trial.time, ends))
        early = slice(stance.start, np.searchsorted(trial.time, cycle.start_s + 0.2 * stance_s))
        over_stance = normalise(trial.time, smooth[:, i, 2:], cycle.start_s, cycle.toe_off_s)[:, 0]
        first, dip, second = two_peaks(over_stance) or (NAN, NAN, NAN)
        numbers = {
            "first_peak_bw": first,
            "dip_bw": dip,
            "second_peak_bw": second,
            "raw_peak_bw": float(vertical[stance, i].max(initial=-np.inf)),
            "loading_rate_bw_s": float(rate[early, i].max(initial=-np.inf)),
            "braking_peak_bw": float(smooth[stance, i, 0].min(initial=0.0)),
            "propulsive_peak_bw": float(smooth[stance, i, 0].max(initial=0.0)),
            "braking_impulse_bw_s": stance_s * mean_between(trial.time, backward[:, i], *ends),
            "propulsive_impulse_bw_s": stance_s * mean_between(trial.time, forward[:, i], *ends),
            "mean_total_bw": mean_between(trial.time, total, cycle.start_s, cycle.end_s),
        }
        result.append((cycle, StanceForce(over_stance, numbers)))
    return result


def mean_between(time: np.ndarray, values: np.ndarray, start_s: float, end_s: float) -> float:
    """Mean of a signal between two instants: trapezoids over its samples and the interpolated ends.

    Args:
        time: shape (n,) s, rising.
        values: shape (n,).
        start_s: at least ``time[0]``.
        end_s: at most ``time[-1]``.
    """
    inside = slice(*np.searchsorted(time, (start_s, end_s)))
    at = np.concatenate([[start_s], time[inside], [end_s]])
    first, last = np.interp((start_s, end_s), time, values)
    return float(np.trapezoid(np.concatenate([[first], values[inside], [last]]), at) / (end_s - start_s))


def two_peaks(vertical_bw: np.ndarray) -> tuple[float, float, float] | None:
    """First peak, dip and second peak of a stance curve in body weights; None if it has no two peaks.

    Args:
        vertical_bw: shape (101,) over stance. Peaks stand out by at least 0.02 body weights; the highest of the first
            half of stance and the highest of the second half are taken.
    """
    peaks, _ = find_peaks(vertical_bw, prominence=0.02)
    halves = (peaks[peaks < len(vertical_bw) / 2], peaks[peaks >= len(vertical_bw) / 2])
    if not all(len(half) for half in halves):
        return None
    first, second = (half[np.argmax(vertical_bw[half])] for half in halves)
    return float(vertical_bw[first]), float(vertical_bw[first:second].min()), float(vertical_bw[second])
