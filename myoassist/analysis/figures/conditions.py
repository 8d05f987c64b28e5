"""Figures that compare conditions: changes with intervals, and curves over the gait cycle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from myoassist.analysis.conventions import LEG_ANGLES
from myoassist.analysis.figures.data import MatrixData
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import (
    CONDITION_COLORS,
    WIDTH_INCHES,
    empty,
    interval,
    legend_of_all,
    new_figure,
    panels,
    percent_axis,
    zero_line,
)

CATEGORY = "Comparison of conditions"
STYLES: tuple[Any, ...] = ((0, (5, 1.5)), "-", (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
"""Line styles in the order of conditions, the first baseline's first: told apart without colour, and where they lie on
one another."""
Looks = dict[str, dict[str, Any]]
_DEVICE = re.compile(r"device_(.+)_torque_nm_kg")
_COMPARISONS = 3
"""How many comparisons a figure draws at most."""
_PERCENT_MEASURES = (
    r"metabolic_.+_net_j_kg_m",
    r"activation_.+",
    r"speed_m_s|stride_length_m|cadence_steps_min|double_support_percent",
    r"muscle_.+_(peak_nm_kg|positive_work_j_kg)",
    r"grf_vertical_peak_bw",
)
"""Measures whose change is drawn in percent, in this order."""


def looks(data: MatrixData) -> Looks:
    """Colour and line style of every condition that is compared: the same in all figures."""
    table = data.table("comparisons")
    pairs = zip(table["baseline"], table["condition"], strict=True)
    names = dict.fromkeys(name for pair in pairs for name in pair)
    return {
        name: {
            "color": CONDITION_COLORS[i % len(CONDITION_COLORS)],
            "linestyle": STYLES[i % len(STYLES)],
        }
        for i, name in enumerate(names)
    }


def how_many(table: pd.DataFrame) -> str:
    """Say for a caption what the intervals are made over."""
    known = table[table["n"] > 1]
    parts = []
    for resampled in dict.fromkeys(known["resampled"]):
        counts = known.loc[known["resampled"] == resampled, "n"]
        count = f"{counts.min()}" if counts.nunique() == 1 else f"{counts.min()} to {counts.max()}"
        parts.append(f"{count} {resampled}s")
    text = f"bootstrap 95 % confidence intervals over {' or '.join(parts)}" if parts else "no intervals (one unit only)"
    if "episode" in set(known["resampled"]):
        text += "; over episodes of one training, they say nothing about another seed"
    return text


def pairing(table: pd.DataFrame) -> str:
    """Say for a caption whether differences are paired."""
    paired = set(table["paired"])
    return "paired" if paired == {True} else "unpaired" if paired == {False} else "paired where units pair"


def nothing(data: MatrixData) -> Drawing:
    """Say that the matrix compares nothing."""
    fig, axes = panels(data.settings, 1, columns=1, aspect=0.12, extra=0)
    empty(axes[0], "the matrix has no section 'comparisons', or none of what it compares has a gait cycle")
    return Drawing(fig, "The matrix has no section 'comparisons', or none of what it compares has a gait cycle.")


@figure("condition_changes", title="Changes against the baseline", category=CATEGORY, kind="matrix")
def condition_changes(data: MatrixData) -> Drawing:
    """Change of each measure with its interval: percent above, degrees below, one column a comparison."""
    table, styles = data.table("comparisons"), looks(data)
    known = list(dict.fromkeys(table["measure"]))
    percent = [m for pattern in _PERCENT_MEASURES for m in known if re.fullmatch(pattern, m)]
    angles = [m for m in known if table.loc[table["measure"] == m, "group"].iloc[0] == "kinematics"]
    if not percent and not angles:
        return nothing(data)
    single = data.settings.width == "single"
    names = list(dict.fromkeys(table["comparison"]))
    shown = names[: 1 if single else _COMPARISONS]
    row_inches = 0.021 * data.settings.font_size_pt
    height = (len(percent) + len(angles)) * row_inches + 1.1
    fig = new_figure(data.settings, height / WIDTH_INCHES[data.settings.width])
    ratios = [max(1, len(percent)), max(1, len(angles))]
    grid = fig.subplots(2, len(shown), squeeze=False, sharey="row", height_ratios=ratios)
    for column, name in enumerate(shown):
        own = table[table["comparison"] == name]
        suffixes = ("change_percent", "change_ci_low_percent", "change_ci_high_percent")
        _forest(grid[0, column], own, percent, suffixes, styles)
        _forest(grid[1, column], own, angles, ("difference", "difference_ci_low", "difference_ci_high"), styles)
        grid[0, column].set_title(f"Against {own['baseline'].iloc[0]}")
        grid[0, column].set_xlabel("Change (%)")
        grid[1, column].set_xlabel("Change (°)")
    legend_of_all(fig, grid.flat, columns=1 if single else 4)
    more = f" {len(names) - len(shown)} more comparisons are not drawn." if len(shown) < len(names) else ""
    drawn = table[table["measure"].isin([*percent, *angles]) & table["comparison"].isin(shown)]
    return Drawing(
        fig,
        f"Change of each condition against its baseline, {pairing(drawn)}: differences of the means with "
        f"{how_many(drawn)}. Filled: the interval does not hold zero. Above in percent of the baseline's mean, below "
        f"joint angles in degrees. Cost, moments and work are per kg of the body, without device.{more}",
    )


def _forest(
    ax: Axes,
    table: pd.DataFrame,
    measures: Sequence[str],
    columns: tuple[str, str, str],
    styles: Looks,
) -> None:
    """Draw points with intervals, one row a measure."""
    conditions = list(dict.fromkeys(table["condition"]))
    ax.axvline(0, color="#999999", linewidth=0.6, zorder=0)
    names = []
    for row, measure in enumerate(measures):
        entries = table[table["measure"] == measure]
        names.append(entries["label"].iloc[0] if len(entries) else measure)
        if row % 2:
            ax.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", linewidth=0, zorder=-1)
        for i, condition in enumerate(conditions):
            entry, color = entries[entries["condition"] == condition], styles[condition]["color"]
            if not len(entry):
                continue
            value, low, high = (float(entry[column].iloc[0]) for column in columns)
            y = row + (i - (len(conditions) - 1) / 2) * 0.6 / len(conditions)
            sure = np.isfinite(low) and (low > 0 or high < 0)
            ax.plot([low, high], [y, y], color=color, linewidth=1.0)
            ax.plot(
                value, y, "o", color=color, markersize=2.8, label=condition, markeredgewidth=0.8,
                markerfacecolor=color if sure else "white",
            )  # fmt: skip
    ax.set_yticks(range(len(names)), [name[:1].upper() + name[1:] for name in names])
    ax.set_ylim(max(len(names), 1) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)


@figure("condition_curves", title="Joint angles by condition", category=CATEGORY, kind="matrix")
def condition_curves(data: MatrixData) -> Drawing:
    """Mean angles of all conditions, and below the difference from each baseline."""
    table, styles = data.table("curves"), looks(data)
    if not len(table):
        return nothing(data)
    names = list(dict.fromkeys(table["comparison"]))
    shown = names[:_COMPARISONS]
    single = data.settings.width == "single"
    rows = 1 + len(shown)
    fig = new_figure(data.settings, (0.4 if single else 0.25) * rows + 0.06)
    grid = fig.subplots(rows, len(LEG_ANGLES), squeeze=False, sharex=True, sharey="row")
    for column, angle in enumerate(LEG_ANGLES):
        quantity = table[table["quantity"] == f"{angle.name}_deg"]
        top = grid[0, column]
        draw_conditions(top, quantity, styles)
        top.set_title(angle.short.capitalize() if single else angle.label)
        for row, name in enumerate(shown, start=1):
            ax = grid[row, column]
            zero_line(ax)
            own = quantity[quantity["comparison"] == name]
            for condition in dict.fromkeys(own.loc[own["role"] == "condition", "condition"]):
                part = own[own["condition"] == condition]
                draw(ax, part, styles[condition], condition, ("difference", "difference_ci_low", "difference_ci_high"))
            if column == 0:
                baseline = own["condition"][own["role"] == "baseline"].iloc[0]
                ax.set_ylabel(f"Less {baseline}\n(°)" if single else f"Difference from\n{baseline} (°)")
        percent_axis(grid[-1, column])
    grid[0, 0].set_ylabel("Angle (°)")
    fig.align_ylabels(grid[:, 0])
    legend_of_all(fig, grid.flat, columns=1 if single else 4)
    differences = table[table["comparison"].isin(shown) & (table["role"] == "condition")]
    return Drawing(
        fig,
        "Above: mean joint angles of both legs over their own gait cycles, degrees, flexion and dorsiflexion positive. "
        f"Below: difference from the baseline, {pairing(differences)}. Bands: pointwise {how_many(table)}.",
    )


@figure("condition_activations", title="Muscle activation by condition", category=CATEGORY, kind="matrix")
def condition_activations(data: MatrixData) -> Drawing:
    """Mean activation of every muscle in all conditions."""
    table, styles = data.table("curves"), looks(data)
    names = [q for q in dict.fromkeys(table["quantity"]) if q.startswith("activation_")]
    if not names:
        return nothing(data)
    columns = 2 if data.settings.width == "single" else 4
    fig, axes = panels(data.settings, len(names), columns=columns, aspect=0.72, extra=0.05)
    for i, (ax, name) in enumerate(zip(axes, names, strict=True)):
        draw_conditions(ax, table[table["quantity"] == name], styles)
        percent_axis(ax, label=i + columns >= len(names))
        ax.set_title(name.removeprefix("activation_"))
        ax.set_ylim(bottom=0)
        if i % columns == 0:
            ax.set_ylabel("Activation")
    legend_of_all(fig, axes, columns=1 if columns == 2 else 4)
    return Drawing(
        fig,
        f"Mean muscle activation (0 to 1) of both legs over their own gait cycles. Bands: pointwise {how_many(table)}.",
    )


@figure("condition_devices", title="Device by condition", category=CATEGORY, kind="matrix")
def condition_devices(data: MatrixData) -> Drawing:
    """Torque, angle, velocity and power of each driven joint, on and off in the same panels."""
    table, styles = data.table("curves"), looks(data)
    joints = [match[1] for q in dict.fromkeys(table["quantity"]) if (match := _DEVICE.fullmatch(q))]
    if not joints:
        return nothing(data) if not len(table) else _no_device(data)
    single = data.settings.width == "single"
    fig, axes = panels(data.settings, 4 * len(joints), columns=4, aspect=0.95)
    columns = 2 if single else 4
    known = set(table["quantity"])
    for k, joint in enumerate(joints):
        own = f"device_{joint}" if f"device_{joint}_deg" in known else joint
        words = joint.split("_")[0].capitalize()
        parts = (
            (f"device_{joint}_torque_nm_kg", "Device torque (N·m/kg)"),
            (f"{own}_deg", f"{words} angle (°)"),
            (f"{own}_velocity_deg_s", f"{words} velocity (°/s)"),
            (f"device_{joint}_power_w_kg", "Device power (W/kg)"),
        )
        for i, (name, label) in enumerate(parts, start=4 * k):
            zero_line(axes[i])
            draw_conditions(axes[i], table[table["quantity"] == name], styles)
            percent_axis(axes[i], label=i >= len(axes) - columns)
            axes[i].set_ylabel(label)
    legend_of_all(fig, axes, columns=1 if single else 4)
    return Drawing(
        fig,
        "Torque (sign of the joint's angle) and power (positive: the device drives the joint) of the device per kg of "
        "body mass, angle and velocity of the joint; means of both legs over their own gait cycles. Bands: "
        f"pointwise {how_many(table)}.",
    )


def _no_device(data: MatrixData) -> Drawing:
    fig, axes = panels(data.settings, 1, columns=1, aspect=0.12, extra=0)
    empty(axes[0], "none of the conditions has a device that drives a leg joint")
    return Drawing(fig, "None of the conditions has a device that drives a leg joint.")


def draw_conditions(ax: Axes, quantity: pd.DataFrame, styles: Looks) -> None:
    """Draw the mean of every condition in its interval; one that is in several comparisons once."""
    for condition, look in styles.items():
        rows = quantity[quantity["condition"] == condition]
        if len(rows):
            draw(ax, rows[rows["comparison"] == rows["comparison"].iloc[0]], look, condition)


def draw(
    ax: Axes,
    rows: pd.DataFrame,
    look: dict[str, Any],
    label: str,
    columns: tuple[str, str, str] = ("mean", "ci_low", "ci_high"),
) -> None:
    """Draw one curve in its interval."""
    values = [rows[column].to_numpy(float) for column in columns]
    interval(ax, rows["percent"].to_numpy(float), *values, label=label, **look)
