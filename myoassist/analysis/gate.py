"""The gate: bounds that a policy has to hold to be called walking, and whether each holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from myoassist.config.analysis import GateSettings

WALKING = (
    # name, label, unit, setting of the lower bound, setting of the upper bound
    ("episode_count", "episodes evaluated", "", "min_episodes", None),
    ("longest_episode", "longest episode", "s", "min_episode_s", None),
    ("fall_free_fraction", "episodes without a fall", "", "min_fall_free_fraction", None),
    ("speed_error", "stride-averaged speed against the target, mean of episodes", "m/s", None, "max_speed_error_m_s"),
    ("rmse_hip", "hip against the reference, worse side", "°", None, "max_rmse_hip_deg"),
    ("r_hip", "hip correlation, worse side", "", "min_r_hip", None),
    ("rmse_knee", "knee against the reference, worse side", "°", None, "max_rmse_knee_deg"),
    ("r_knee", "knee correlation, worse side", "", "min_r_knee", None),
    ("rmse_ankle", "ankle against the reference, worse side", "°", None, "max_rmse_ankle_deg"),
    ("r_ankle", "ankle correlation, worse side", "", "min_r_ankle", None),
    ("rmse_trunk_lean", "trunk lean against the reference", "°", None, "max_rmse_trunk_lean_deg"),
    ("stride_time_error", "stride time against the reference", "%", None, "max_stride_time_error_percent"),
    (
        "step_time_asymmetry",
        "left against right step time, mean of episodes",
        "%",
        None,
        "max_step_time_asymmetry_percent",
    ),
    ("toe_off_percent", "toe-off, mean of both sides", "% of cycle", "min_toe_off_percent", "max_toe_off_percent"),
    ("force_peak_lowest", "lower peak of vertical force", "BW", "min_force_peak_bw", "max_force_peak_bw"),
    ("force_peak_highest", "higher peak of vertical force", "BW", "min_force_peak_bw", "max_force_peak_bw"),
    ("force_dip_depth", "dip between the peaks, below the lower one", "BW", "zero", None),
    ("raw_force_peak", "largest vertical force of the cycles, unfiltered", "BW", None, "max_raw_force_peak_bw"),
    ("activation_mean", "mean muscle activation", "", None, "max_activation"),
    ("limit_moment", "mean joint-limit moment, worst joint", "N·m", None, "max_limit_moment_nm"),
)
"""Bounds of a walk at one speed."""
SPEED = (
    *WALKING[:3],
    ("speed_tracking", "stride-averaged speed against a changing target, RMS", "m/s", None, "max_speed_tracking_m_s"),
)
"""Bounds of a walk whose target velocity changes."""


def judge(
    values: Mapping[str, float | None], settings: GateSettings, rows: tuple[tuple[str | None, ...], ...] = WALKING
) -> dict[str, dict[str, Any]]:
    """Judge every bound.

    Args:
        values: name -> measured value; None or NaN where it could not be measured, which does not hold.
        settings: the bounds.
        rows: which bounds, `WALKING` or `SPEED`.

    Returns:
        name -> {label, value, unit, bound: [lowest or None, highest or None], holds}.
    """
    result = {}
    for name, label, unit, low_name, high_name in rows:
        low = 0.0 if low_name == "zero" else getattr(settings, low_name) if low_name else None
        high = getattr(settings, high_name) if high_name else None
        value = values.get(name)
        known = value is not None and np.isfinite(value)
        # tolerance of rounding only: a time limit of 20 s may come out as 19.999999
        holds = known and (low is None or value >= low - 1e-9) and (high is None or value <= high + 1e-9)
        result[name] = {
            "label": label,
            "value": float(value) if known else None,
            "unit": unit,
            "bound": [low, high],
            "holds": bool(holds),
        }
    return result
