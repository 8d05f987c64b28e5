"""Mean cycles against the reference and the norm: errors, correlation, share inside the norm's spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from myoassist.analysis.conventions import SIDES, Angle
from myoassist.formats.gait_tables import POINTS
from myoassist.formats.reference_motion import FittedReference
from myoassist.formats.rollouts import Episode

CONTROL_PROFILE_SCORE_DEG = (5.04, 2.25)
"""Mean and SD over the norm's 42 adults of the sagittal profile score (reference_data/README.md)."""
CONTROL_VARIABLE_SCORES_DEG = {
    # angle: as measured, with each curve's own mean removed
    "pelvis_tilt": (4.47, 0.59),
    "hip_flexion": (6.28, 1.84),
    "knee_flexion": (4.75, 3.37),
    "ankle_dorsiflexion": (3.16, 2.48),
}
"""Mean over the same adults of the sagittal Gait Variable Scores: each one's own curve against the group's mean. Their
curves are the mean of left and right, so they compare with the score of both sides together."""

NAN = float("nan")


def score(curve: np.ndarray, target: np.ndarray, sd: np.ndarray | None = None) -> dict[str, float]:
    """Compare two curves of equal length.

    Args:
        curve: shape (n,), degrees.
        target: shape (n,), degrees.
        sd: shape (n,), the norm's standard deviation in degrees around the target; None if unknown.

    Returns:
        ``rmse_deg``: root-mean-square difference; ``rmse_offset_removed_deg``: the same after removing each
        curve's mean; ``r``: Pearson's correlation (NaN for a constant curve); ``offset_deg``: mean of curve
        minus target; ``within_1sd_percent`` and ``within_2sd_percent``: share of points that close to the
        target (NaN without sd).
    """
    difference = np.asarray(curve, dtype=float) - target
    offset = difference.mean()
    constant = np.ptp(curve) < 1e-9 or np.ptp(target) < 1e-9
    return {
        "rmse_deg": float(np.sqrt(np.mean(difference**2))),
        "rmse_offset_removed_deg": float(np.sqrt(np.mean((difference - offset) ** 2))),
        "r": NAN if constant else float(np.corrcoef(curve, target)[0, 1]),
        "offset_deg": float(offset),
        "within_1sd_percent": NAN if sd is None else float(100 * np.mean(np.abs(difference) <= sd)),
        "within_2sd_percent": NAN if sd is None else float(100 * np.mean(np.abs(difference) <= 2 * sd)),
    }


def reference_phases(reference: FittedReference) -> dict[str, float]:
    """Phase of each heel strike: 0 on the right; on the left where its contact begins, 0.5 if unclear."""
    left = reference.contact[:, 1]
    begins = np.flatnonzero(left & ~np.roll(left, 1))
    return {"r": 0.0, "l": float(begins[0]) / reference.frames if len(begins) == 1 else 0.5}


def reference_curves(
    reference: FittedReference, angles: tuple[Angle, ...], points: int = POINTS
) -> dict[str, dict[str, np.ndarray]]:
    """Angles of the reference over each side's own cycle.

    Returns:
        side -> angle -> shape (points,) degrees in report signs, from own heel strike to the next.
    """
    strikes = reference_phases(reference)
    result: dict[str, dict[str, np.ndarray]] = {}
    for side in SIDES:
        phase = strikes[side] + np.linspace(0, 1, points)
        result[side] = {
            angle.name: angle.sign * np.degrees(at_phase(reference.qpos[:, column], phase))
            for angle in angles
            if (column := angle.column(reference.joint_names, side)) is not None
        }
    return result


def at_phase(values: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Interpolate a periodic signal, given at phases i / len(values), at any phases (1 is one stride)."""
    frames = len(values)
    position = np.mod(phase, 1.0) * frames
    before = np.minimum(np.floor(position).astype(int), frames - 1)
    share = position - before
    return values[before] * (1 - share) + values[(before + 1) % frames] * share


def norm_curves(norm: pd.DataFrame, angles: tuple[Angle, ...]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Angle -> (mean, SD), each shape (101,) degrees."""
    return {a.name: (norm[f"{a.name}_mean"].to_numpy(float), norm[f"{a.name}_sd"].to_numpy(float)) for a in angles}


def compare(
    means: Mapping[str, Mapping[str, np.ndarray]],
    reference: Mapping[str, Mapping[str, np.ndarray]],
    norm: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> dict[str, dict[str, dict[str, dict[str, float] | None]]]:
    """Score the mean cycles of both sides, with the reference's own score beside each.

    Args:
        means: side -> angle -> mean cycle, shape (101,) degrees; an angle without cycles is absent.
        reference: side -> angle -> curve. Besides r and l, a side ``both`` may stand for their mean.
        norm: angle -> (mean, SD). Around the reference, which is one stride without a spread of its own, the
            norm's SD is used for the shares inside 1 and 2 SD.

    Returns:
        side -> angle -> {against_reference, against_norm, reference_against_norm,
        reference_against_other_side}; None where there is no cycle. Of both sides the last one is the mean of the
        sides' own: of right against left and of left against right.
    """
    result: dict[str, dict[str, dict[str, dict[str, float] | None]]] = {}
    others = dict(zip(SIDES, reversed(SIDES), strict=True))
    for side in reference:
        result[side] = {}
        own = (side,) if side in SIDES else SIDES
        for angle, target in reference[side].items():
            mean, sd = norm[angle]
            curve = means.get(side, {}).get(angle)
            result[side][angle] = {
                "against_reference": None if curve is None else score(curve, target, sd),
                "against_norm": None if curve is None else score(curve, mean, sd),
                "reference_against_norm": score(target, mean, sd),
                "reference_against_other_side": _mean_score(
                    [score(reference[s][angle], reference[others[s]][angle], sd) for s in own]
                ),
            }
    return result


def _mean_score(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each measure."""
    return {name: float(np.mean([entry[name] for entry in scores])) for name in scores[0]}


def profile_score(curves: Mapping[str, np.ndarray], norm: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> float:
    """Root mean square of the sagittal Gait Variable Scores of pelvis, hip, knee and ankle.

    Not the Gait Profile Score of Baker et al. (2009), which takes fifteen variables. NaN if an angle is
    missing.
    """
    if any(name not in curves for name in norm):
        return NAN
    squares = [np.mean((curves[name] - mean) ** 2) for name, (mean, _) in norm.items()]
    return float(np.sqrt(np.mean(squares)))


def phase_at(episode: Episode, time: np.ndarray, control_rate_hz: float) -> np.ndarray | None:
    """Phase of the reference at given times, unwrapped; None if the episode has none.

    Args:
        episode: its control rows hold time and phase.
        time: shape (n,) s.
        control_rate_hz: the last control step is continued for its duration.
    """
    phase, at = episode.control("phase").astype(float), episode.control("time")
    if len(phase) < 2 or not np.isfinite(phase).all():
        return None
    phase = np.unwrap(phase, period=1.0)
    at = np.append(at, at[-1] + 1.0 / control_rate_hz)
    return np.interp(time, at, np.append(phase, 2 * phase[-1] - phase[-2]))


def tracking_errors(
    qpos: np.ndarray,
    phase: np.ndarray,
    coordinates: tuple[str, ...],
    reference: FittedReference,
    angles: tuple[Angle, ...],
) -> dict[str, np.ndarray]:
    """Difference from the reference at the episode's own phase, at every state; needs no whole cycle.

    Args:
        qpos: shape (n, coordinates), rad and m.
        phase: shape (n,), as `phase_at` gives it.
        coordinates: names of the columns of qpos.
        reference: what was to be imitated.
        angles: which angles.

    Returns:
        angle -> shape (n,) or (2n,) degrees, both sides after one another.
    """
    result = {}
    for angle in angles:
        parts = []
        for side in SIDES if "{side}" in angle.coordinate else SIDES[:1]:
            own, target = angle.column(coordinates, side), angle.column(reference.joint_names, side)
            if own is not None and target is not None:
                parts.append(np.degrees(qpos[:, own] - at_phase(reference.qpos[:, target], phase)))
        if parts:
            result[angle.name] = angle.sign * np.concatenate(parts)
    return result
