"""Figures that are tables, and the one-page dashboard."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from myoassist.analysis.conventions import LEG_ANGLES, SIDE_NAMES, SIDES
from myoassist.analysis.figures.data import PERCENT, RunData
from myoassist.analysis.figures.gait import draw_norm, draw_reference, mark_toe_off
from myoassist.analysis.figures.panels import both_sides
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import (
    GREEN,
    NORM_COLOR,
    SIDE_COLORS,
    VERMILLION,
    WIDTH_INCHES,
    band,
    new_figure,
    percent_axis,
    room,
    say,
    zero_line,
)

DASH = "\N{EN DASH}"
GREY = "#777777"


def number(value: Any, digits: int = 2) -> str:
    """Format a number, or a dash where there is none."""
    return DASH if value is None or pd.isna(value) else f"{value:.{digits}f}"


def mean_sd(entry: pd.Series) -> str:
    """Write mean ± SD; the mean alone for a single stride, a dash for none."""
    if not entry["n"]:
        return DASH
    return number(entry["mean"]) + (f" ± {number(entry['sd'])}" if entry["n"] > 1 else "")


def draw_table(
    axes: Axes,
    head: list[str],
    rows: list[list[str]],
    widths: list[float],
    size: float,
    colors: dict[int, list[str]] | None = None,
) -> None:
    """Draw rules and text like a journal's table: first column left, the others right-aligned.

    Args:
        axes: an empty panel; its axes are switched off.
        head: column heads.
        rows: cells.
        widths: of the columns, shares of the panel that sum to 1.
        size: font size in pt.
        colors: column index -> colour per row.
    """
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) + 1.1, -0.1)
    edges = [sum(widths[: i + 1]) for i in range(len(widths))]
    for i, cells in enumerate([head, *rows]):
        for j, cell in enumerate(cells):
            x = 0.005 if j == 0 else edges[j] - 0.005
            color = colors[j][i - 1] if colors and j in colors and i else "black"
            axes.text(
                x, i + 0.5, cell, ha="left" if j == 0 else "right", va="center", fontsize=size, color=color,
                fontweight="bold" if i == 0 else "normal",
            )  # fmt: skip
    for y, width in ((0, 0.9), (1, 0.6), (len(rows) + 1, 0.9)):
        axes.plot([0, 1], [y, y], color="black", linewidth=width, clip_on=False)


@figure("spatiotemporal_table", title="Spatiotemporal parameters", category="Spatiotemporal")
def spatiotemporal_table(data: RunData) -> Drawing:
    """Mean, SD and n of each quantity, per side."""
    table = data.spatiotemporal
    cells = []
    for quantity, group in table.groupby("quantity", sort=False):
        row = [f"{str(quantity).replace('_', ' ').capitalize()} ({group['unit'].iloc[0]})"]
        for side in (*SIDES, "both"):
            entry = group[group["side"] == side].iloc[0]
            row += [mean_sd(entry), str(entry["n"])]
        cells.append(row)
    head = ["", "right", "n", "left", "n", "both", "n"]
    narrow = data.settings.width == "single"
    size = data.settings.font_size_pt - (2.5 if narrow else 0)
    fig = new_figure(data.settings, (len(cells) + 1.5) * size * 1.9 / 72 / WIDTH_INCHES[data.settings.width])
    widths = [0.34, 0.17, 0.05, 0.17, 0.05, 0.17, 0.05]
    draw_table(fig.add_subplot(), head, cells, widths, size)
    extra = "" if data.has_cycles else f" All empty: {data.no_cycle_text}."
    return Drawing(
        fig,
        f"Mean ± SD over strides, first and last of each episode left out ({data.n_text}). A step is named after the "
        f"side that ends it; double support is both phases together; a dash: not measurable.{extra}",
    )


@figure("dashboard", title="Overview of the run", category="Overview")
def dashboard(data: RunData) -> Drawing:
    """Angles, ground force, activation, ends of episodes and the gate on one page."""
    size = data.settings.font_size_pt
    fig = new_figure(data.settings.model_copy(update={"width": "double"}), 1.28)  # a page, whatever the column
    text, figures, gate = fig.subfigures(3, 1, height_ratios=[0.09, 0.95, 0.85])
    summary = textwrap.wrap(data.metrics["summary"], 112)
    text.text(0.01, 0.5, "\n".join(summary), va="center", fontsize=size - 0.5)
    grid = figures.subplots(2, 3)
    for ax, angle in zip(grid[0], LEG_ANGLES, strict=True):
        draw_norm(ax, data, angle)
        draw_reference(ax, data, angle, "r")
        for side in SIDES:
            found = data.mean_sd(side, f"{angle.name}_deg")
            if found:
                band(ax, PERCENT, *found, SIDE_COLORS[side], SIDE_NAMES[side])
                mark_toe_off(ax, data, side)
        if not data.has_cycles:
            room(ax, above=0.2)
            say(ax, "no usable gait cycle")
        ax.set_title(f"{angle.label} (°)")
        percent_axis(ax)
    _force_panel(grid[1, 0], data)
    _episode_panel(grid[1, 1], data)
    _error_panel(grid[1, 2], data)
    handles = {}
    for ax in (grid[0, 0], *(() if data.has_cycles else grid[1, :1])):
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figures.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4)
    _gate_table(gate.add_subplot(), data, size - 1)
    return Drawing(
        fig,
        f"One page about this run ({data.n_text}). Top: mean cycles ± SD, dashed the reference's right side, grey the "
        "norm ± 1 SD, dotted mean toe-off. Middle: vertical ground force, length of every episode, and the "
        "root-mean-square difference from the reference at the same phase over all states (no gait cycle needed). "
        f"Bottom: the {_GATES[_speed_changes(data)][1]}.",
    )


def _force_panel(ax: Axes, data: RunData) -> None:
    zero_line(ax)
    ax.set_title("Vertical force (body weights)")
    both_sides(ax, data, "grf_vertical_bw")
    ax.axhline(1, color="#999999", linewidth=0.5, linestyle=":", zorder=0)


def _episode_panel(ax: Axes, data: RunData) -> None:
    infos = [e.info for e in data.rollouts]
    ax.set_title("Episode length (s)")
    ax.bar(
        range(len(infos)),
        [i.duration_s for i in infos],
        color=[VERMILLION if i.fell else GREEN for i in infos],
        width=0.8,
    )
    ax.set_xlabel(f"Episode ({sum(i.fell for i in infos)} of {len(infos)} fell: orange)")
    ax.xaxis.get_major_locator().set_params(integer=True)


def _error_panel(ax: Axes, data: RunData) -> None:
    errors = {a: data.metrics["tracking_rmse_deg"].get(a.name) for a in data.angles}
    known = {a: e for a, e in errors.items() if e is not None}
    ax.set_title("RMS off the reference (°)")
    if not known:
        say(ax, "no phase in this file")
        return
    ax.bar([a.short for a in known], list(known.values()), color=NORM_COLOR, width=0.7)
    for i, value in enumerate(known.values()):
        ax.annotate(f"{value:.1f}", (i, value), ha="center", va="bottom", fontsize="small")
    ax.set_ylim(0, max(1.0, 1.15 * max(known.values())))


_GATES = {
    False: ("Walking gate", "bounds that a policy has to hold to be called walking"),
    True: ("Speed gate", "bounds that a policy has to hold to be said to follow a changing target speed"),
}
"""Whether the target velocity changes -> name of the gate, and what its bounds are."""


def _speed_changes(data: RunData) -> bool:
    return bool(data.metrics["speed"]["target_changes"])


def _gate_table(ax: Axes, data: RunData, size: float) -> None:
    rows, colors = [], []
    for entry in data.metrics["gate"].values():
        low, high = entry["bound"]
        bound = f"≤ {high:g}" if low is None else f"≥ {low:g}" if high is None else f"{low:g} to {high:g}"
        unit = f" ({entry['unit']})" if entry["unit"] else ""
        value = DASH if entry["value"] is None else f"{entry['value']:.3g}"
        verdict = "holds" if entry["holds"] else "not measured" if entry["value"] is None else "fails"
        rows.append([f"{entry['label'].capitalize()}{unit}", value, bound, verdict])
        colors.append(GREEN if entry["holds"] else GREY if entry["value"] is None else VERMILLION)
    draw_table(
        ax, [_GATES[_speed_changes(data)][0], "value", "bound", ""], rows, [0.55, 0.15, 0.15, 0.15], size, {3: colors}
    )
