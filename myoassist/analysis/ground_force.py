"""Ground reaction force of whole cycles: peaks, impulses, loading rate, and the mean over a cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.cycles import Cycle, normalise
from myoassist.analysis.trial import Trial
from myoassist.config.analysis import AnalysisSettings


@dataclass(frozen=True)
class StanceForce:
    """Ground force of one cycle's stance.

    Attributes:
        vertical_bw: shape (101,) low-passed vertical force over stance, body weights.
        raw_peak_bw: largest vertical force as recorded.
        braking_impulse_bw_s: integral of the backward force (negative number).
        propulsive_impulse_bw_s: integral of the forward force.
        loading_rate_bw_s: steepest rise of the vertical force in the first fifth of stance.
        mean_total_bw: mean vertical force of both feet over the whole cycle; 1 in steady walking.
    """

    vertical_bw: np.ndarray
    raw_peak_bw: float
    braking_impulse_bw_s: float
    propulsive_impulse_bw_s: float
    loading_rate_bw_s: float
    mean_total_bw: float


def low_pass(values: np.ndarray, rate_hz: float, cutoff_hz: float) -> np.ndarray:
    """Filter without lag: Butterworth of order 2 run forward and back, along the first axis.

    The cutoff is corrected for the two passes, so that it is the -3 dB frequency of the whole (Winter 2009,
    section 3.4.4.2). Signals too short for the filter's padding are returned as they are.
    """
    corrected = cutoff_hz / (np.sqrt(2.0) - 1.0) ** 0.25
    if len(values) <= 16 or corrected >= rate_hz / 2:
        return np.asarray(values, dtype=float)
    return sosfiltfilt(butter(2, corrected, fs=rate_hz, output="sos"), values, axis=0)


def stance_forces(trial: Trial, rate_hz: float, settings: AnalysisSettings) -> list[tuple[Cycle, StanceForce]]:
    """Measure the ground force of every used cycle of one episode."""
    cycles = [cycle for side in SIDES for cycle in trial.selection[side].used]
    if not cycles:
        return []
    vertical = trial.force_bw[:, :, 2]
    smooth = low_pass(vertical, rate_hz, settings.peak_cutoff_hz)
    rate = np.gradient(low_pass(vertical, rate_hz, settings.loading_rate_cutoff_hz), 1.0 / rate_hz, axis=0)
    result = []
    for cycle in cycles:
        i = SIDES.index(cycle.side)
        stance = (trial.time >= cycle.start_s) & (trial.time <= cycle.toe_off_s)
        early = stance & (trial.time <= cycle.start_s + 0.2 * (cycle.toe_off_s - cycle.start_s))
        fore = trial.force_bw[stance, i, 0]
        whole = normalise(trial.time, vertical.sum(axis=1, keepdims=True), cycle.start_s, cycle.end_s, 1001)
        result.append(
            (
                cycle,
                StanceForce(
                    vertical_bw=normalise(trial.time, smooth[:, i : i + 1], cycle.start_s, cycle.toe_off_s)[:, 0],
                    raw_peak_bw=float(vertical[stance, i].max()),
                    braking_impulse_bw_s=float(np.minimum(fore, 0).sum() / rate_hz),
                    propulsive_impulse_bw_s=float(np.maximum(fore, 0).sum() / rate_hz),
                    loading_rate_bw_s=float(rate[early, i].max()),
                    mean_total_bw=float(np.trapezoid(whole[:, 0], dx=1.0 / 1000)),
                ),
            )
        )
    return result


def two_peaks(vertical_bw: np.ndarray) -> tuple[float, float, float] | None:
    """First peak, dip and second peak of a stance curve in body weights; None if it has no two peaks.

    Args:
        vertical_bw: shape (101,) over stance. Peaks stand out by at least 0.02 body weights, one in each
            half or so: the two highest are taken.
    """
    peaks, _ = find_peaks(vertical_bw, prominence=0.02)
    if len(peaks) < 2:
        return None
    first, second = sorted(peaks[np.argsort(-vertical_bw[peaks])[:2]])
    return float(vertical_bw[first]), float(vertical_bw[first:second].min()), float(vertical_bw[second])
