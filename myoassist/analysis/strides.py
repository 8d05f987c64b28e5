"""Everything that is measured of single strides, and its summary over the strides of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.cycles import Cycle
from myoassist.analysis.foot_motion import clearance_numbers, sliding_speed, slip_m
from myoassist.analysis.ground_force import StanceForce, stance_forces
from myoassist.analysis.spatiotemporal import stride_numbers
from myoassist.analysis.stability import front_margin, stability_numbers
from myoassist.analysis.trial import Trial
from myoassist.config.analysis import AnalysisSettings
from myoassist.formats.gait_tables import SPATIOTEMPORAL_COLUMNS
from myoassist.formats.stride_columns import IDENTITY, STRIDES
from myoassist.formats.tidy_tables import SUMMARY_COLUMNS

NAN = float("nan")
COLUMNS = (*IDENTITY, *(column.name for column in STRIDES))
"""Columns of the strides table."""


def measure_strides(
    trial: Trial, rate_hz: float, settings: AnalysisSettings
) -> list[tuple[Cycle, dict[str, float], StanceForce]]:
    """Measure every used cycle of one episode.

    Args:
        trial: the episode.
        rate_hz: of its states.
        settings: cutoff frequencies.

    Returns:
        Cycle, its numbers (``start_s`` and those of `myoassist.formats.stride_columns`; NaN where not measurable), and
        its ground force; right side first.
    """
    forces = stance_forces(trial, rate_hz, settings)
    if not forces:
        return []
    margin, sliding = front_margin(trial), sliding_speed(trial)
    return [
        (
            cycle,
            {
                **stride_numbers(trial, cycle),
                **force.numbers,
                "foot_slip_m": slip_m(trial, cycle, sliding),
                **stability_numbers(trial, cycle, margin),
                **clearance_numbers(trial, cycle),
            },
            force,
        )
        for cycle, force in forces
    ]


def strides_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a stride, columns ``COLUMNS``."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    kinds = {name: float for name in COLUMNS} | {"episode": "int32", "side": str, "cycle": "int32"}
    return table.astype(kinds)


def summary_table(strides: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread of every number of a stride, per side and of both together.

    ``sd`` is over all strides of all episodes (n - 1). ``within_episode_sd`` is stride-to-stride variability:
    deviations from the mean of the own episode and side, pooled. ``cv_percent`` is that in percent of the mean. The
    symmetry index stands in the row of both sides.

    Args:
        strides: as from `strides_table`.

    Returns:
        Columns ``SUMMARY_COLUMNS``; a row also where n is 0, then without mean and SD.
    """
    sides = strides["side"].to_numpy()
    walks = 2 * strides["episode"].to_numpy(int) + (sides == "l")  # of one side in one episode
    rows = []
    for column in STRIDES:
        numbers = strides[column.name].to_numpy(float)
        known = np.isfinite(numbers)
        means: dict[str, float] = {}
        for side in (*SIDES, "both"):
            chosen = known & ((sides == side) if side in SIDES else True)
            values = numbers[chosen]
            means[side] = mean = values.mean() if len(values) else NAN
            within = _within_sd(values, walks[chosen])
            symmetry = symmetry_index(means["r"], means["l"]) if side == "both" and column.ratio else NAN
            rows.append(
                (
                    column.group,
                    column.quantity,
                    column.unit,
                    side,
                    mean,
                    values.std(ddof=1) if len(values) > 1 else NAN,
                    len(values),
                    within,
                    100.0 * within / abs(mean) if column.ratio and mean else NAN,
                    symmetry,
                )
            )
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def spatiotemporal_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of a summary that belong to spatiotemporal quantities, columns ``SPATIOTEMPORAL_COLUMNS``."""
    rows = summary[summary["group"] == "spatiotemporal"]
    return rows[list(SPATIOTEMPORAL_COLUMNS)].reset_index(drop=True)


def mean_of(summary: pd.DataFrame, quantity: str, side: str) -> float:
    """Mean of a quantity of one side or of both, NaN if there is none."""
    row = summary[(summary["quantity"] == quantity) & (summary["side"] == side)]
    return float(row["mean"].iloc[0])


def symmetry_index(right: float, left: float) -> float:
    """Difference of the sides in percent of their mean, absolute (Robinson et al. 1987); NaN if undefined."""
    mean = (right + left) / 2
    return abs(right - left) / abs(mean) * 100.0 if np.isfinite(mean) and mean else NAN


def _within_sd(values: np.ndarray, groups: np.ndarray) -> float:
    """Pooled SD around the means of groups; NaN where no group has two values."""
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    freedom = len(values) - len(counts)
    if freedom < 1:
        return NAN
    residual = values - (np.bincount(index, values) / counts)[index]
    return float(np.sqrt(np.sum(residual**2) / freedom))
