"""The tables of mean cycles and of scores against reference and norm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from myoassist.analysis.collection import Collection
from myoassist.analysis.conventions import SIDES, Angle
from myoassist.analysis.kinematics import (
    CONTROL_PROFILE_SCORE_DEG,
    CONTROL_VARIABLE_SCORES_DEG,
    compare,
    profile_score,
)
from myoassist.formats.gait_tables import POINTS
from myoassist.formats.tidy_tables import CURVE_COLUMNS, SCORE_COLUMNS, split_unit

NAN = float("nan")
PROFILE = "sagittal_profile"
"""Stands for an angle where a score is over all sagittal angles."""
MEASURES = {
    "rmse_deg": "°",
    "rmse_offset_removed_deg": "°",
    "r": "1",
    "offset_deg": "°",
    "within_1sd_percent": "%",
    "within_2sd_percent": "%",
}
"""Measures of `myoassist.analysis.kinematics.score` -> unit."""
Curves = Mapping[str, Mapping[str, np.ndarray]]
Norm = Mapping[str, tuple[np.ndarray, np.ndarray]]


def with_both(curves: Curves) -> dict[str, dict[str, np.ndarray]]:
    """Add the mean of right and left as a side of its own, ``both``, where there are both.

    The control group's curves are made like that.
    """
    result = {side: dict(own) for side, own in curves.items()}
    if all(side in curves for side in SIDES):
        right, left = (curves[side] for side in SIDES)
        result["both"] = {name: (right[name] + left[name]) / 2 for name in right if name in left}
    return result


def curves_table(found: Collection) -> pd.DataFrame:
    """Mean, SD (n - 1) and number of cycles of every curve at every percent; no rows for a side without a cycle."""
    parts = []
    for side in SIDES:
        mean, sd = found.mean(side), found.sd(side)
        if mean is None:
            continue
        for i, name in enumerate(found.curves):
            quantity, unit = split_unit(name)
            values = (quantity, unit, side, np.arange(POINTS), mean[:, i])
            spread = np.full(POINTS, NAN) if sd is None else sd[:, i]
            columns = dict(zip(CURVE_COLUMNS, (*values, spread, found.cycles[side]), strict=True))
            parts.append(pd.DataFrame(columns))
    if parts:
        return pd.concat(parts, ignore_index=True)
    kinds = dict(zip(CURVE_COLUMNS, (str, str, str, "int64", float, float, "int64"), strict=True))
    return pd.DataFrame(columns=list(CURVE_COLUMNS)).astype(kinds)


def scores_table(
    means: Curves, reference: Curves, norm: Norm, angles: tuple[Angle, ...], cycles: Mapping[str, int]
) -> pd.DataFrame:
    """Every score of the mean cycles against reference and norm, with the reference's own score in the same row.

    Args:
        means: side -> angle -> mean cycle, shape (101,) degrees.
        reference: the same of the reference.
        norm: angle -> (mean, SD).
        angles: which.
        cycles: side -> number of cycles.

    Returns:
        Columns ``SCORE_COLUMNS``, sides r, l and both. ``value`` is missing without a cycle. ``reference_value`` of
        scores against the norm is the reference's against the norm; of those against the reference, that of its one
        side against the other (for both sides the mean of both directions). ``control_mean`` and ``control_sd`` are
        those of the norm's own adults, where known.
    """
    walked, target = with_both(means), with_both(reference)
    count = {side: cycles.get(side, 0) for side in SIDES} | {"both": sum(cycles.values())}
    compared = compare(walked, target, norm)
    rows = []
    for side in (*SIDES, "both"):
        for angle in angles:
            entry = compared[side].get(angle.name)
            if entry is None:
                continue
            control = CONTROL_VARIABLE_SCORES_DEG[angle.name]
            of_controls = {"rmse_deg": control[0], "rmse_offset_removed_deg": control[1]}
            for against, beside in (("reference", "reference_against_other_side"), ("norm", "reference_against_norm")):
                own, other = entry[f"against_{against}"] or {}, entry[beside] or {}
                for measure, unit in MEASURES.items():
                    known = of_controls.get(measure, NAN) if against == "norm" else NAN
                    numbers = (own.get(measure, NAN), other.get(measure, NAN), known, NAN)
                    name = measure.removesuffix("_deg").removesuffix("_percent")
                    rows.append((side, angle.name, against, name, unit, *numbers, count[side]))
        value = profile_score(walked[side], norm) if side in walked else NAN
        beside_it = profile_score(target[side], norm) if side in target else NAN
        numbers = (value, beside_it, *CONTROL_PROFILE_SCORE_DEG)
        rows.append((side, PROFILE, "norm", "rmse", "°", *numbers, count[side]))
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def variable_scores(means: Curves, reference: Curves, norm: Norm) -> dict[str, dict[str, dict[str, float]]]:
    """Sagittal Gait Variable Scores (Baker et al. 2009, Gait Posture 30:265-269): RMS difference from the norm.

    Returns:
        ``walk`` and ``reference`` -> side (r, l, both) -> angle -> degrees; ``control_mean`` and
        ``control_mean_offset_removed`` -> ``both`` -> angle -> degrees.
    """

    def scores(curves: Curves) -> dict[str, dict[str, float]]:
        return {
            side: {name: float(np.sqrt(np.mean((own[name] - norm[name][0]) ** 2))) for name in norm if name in own}
            for side, own in with_both(curves).items()
        }

    return {
        "walk": scores(means),
        "reference": scores(reference),
        "control_mean": {"both": {name: CONTROL_VARIABLE_SCORES_DEG[name][0] for name in norm}},
        "control_mean_offset_removed": {"both": {name: CONTROL_VARIABLE_SCORES_DEG[name][1] for name in norm}},
    }
