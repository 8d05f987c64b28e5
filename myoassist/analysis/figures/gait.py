"""Figures of gait cycles: angles, moments, powers, left against right, by speed, phase portraits."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from myoassist.analysis.conventions import LEG_ANGLES, SIDE_NAMES, SIDES, Angle
from myoassist.analysis.figures.data import PERCENT, RunData
from myoassist.analysis.figures.panels import both_sides, both_sides_text, nothing, title
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import (
    NORM_COLOR,
    REFERENCE_STYLE,
    SEQUENTIAL,
    SIDE_COLORS,
    band,
    legend_above,
    panels,
    percent_axis,
    room,
    say,
    zero_line,
)

KINEMATICS, KINETICS = "Kinematics", "Kinetics"


def draw_norm(axes: Axes, data: RunData, angle: Angle) -> None:
    """Draw the norm's mean ± 1 SD as a grey band."""
    if data.settings.show_norm:
        mean, sd = data.norm[angle.name]
        axes.fill_between(PERCENT, mean - sd, mean + sd, color=NORM_COLOR, alpha=0.55, linewidth=0, label="norm ± 1 SD")


def draw_reference(axes: Axes, data: RunData, angle: Angle, side: str) -> None:
    """Draw the reference over the side's own cycle."""
    if data.settings.show_reference:
        axes.plot(PERCENT, data.reference_curves[side][angle.name], label="reference", **REFERENCE_STYLE)


def mark_toe_off(axes: Axes, data: RunData, side: str) -> None:
    """Mark the mean toe-off with a vertical line."""
    strides = data.strides(side)
    if len(strides):
        axes.axvline(strides["toe_off_percent"].mean(), color=SIDE_COLORS[side], linewidth=0.6, linestyle=":")


def draw_angle(axes: Axes, data: RunData, angle: Angle, side: str) -> None:
    """Draw one side's mean cycle ± SD over norm and reference."""
    draw_norm(axes, data, angle)
    draw_reference(axes, data, angle, side)
    found = data.mean_sd(side, f"{angle.name}_deg")
    if found:
        band(axes, PERCENT, *found, SIDE_COLORS[side], f"{SIDE_NAMES[side]}, mean ± SD")
        mark_toe_off(axes, data, side)


@figure("joint_angles_vs_norm", title="Joint angles against reference and norm", category=KINEMATICS)
def joint_angles_vs_norm(data: RunData) -> Drawing:
    """One row a side, one column an angle."""
    columns = len(data.angles)
    fig, axes = panels(data.settings, 2 * columns, columns=columns, aspect=0.95)
    per_row = 2 if data.settings.width == "single" else columns
    for i, (side, angle) in enumerate((s, a) for s in SIDES for a in data.angles):
        ax = axes[i]
        draw_angle(ax, data, angle, side)
        scores = data.metrics["kinematics"][side].get(angle.name, {})
        found = scores.get("against_reference")
        ax.set_title(f"{title(data, angle)}, {SIDE_NAMES[side]}" if per_row == 2 else angle.label)
        if found:
            own = scores["reference_against_other_side"]
            room(ax, below=0.25)
            ax.annotate(
                f"RMSE {found['rmse_deg']:.1f}° ({own['rmse_deg']:.1f}°)\nr {_r(found)} ({_r(own)})",
                (0.98, 0.02),
                xycoords="axes fraction",
                ha="right",
                fontsize=data.settings.font_size_pt - 2,
            )
        elif data.cycle_count(side) == 0:
            room(ax, above=0.2)
            say(ax, "no usable cycle")
        percent_axis(ax, label=i >= len(axes) - per_row)
        if i % per_row == 0:
            ax.set_ylabel("Angle (°)" if per_row == 2 else f"{SIDE_NAMES[side].capitalize()} (°)")
    if data.has_cycles:
        handles = {}
        for ax in axes:
            handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        fig.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4 if per_row > 2 else 2)
    else:
        legend_above(fig, axes[0])
    shown = "Mean cycle ± SD between own heel strikes" if data.has_cycles else "No cycle could be drawn"
    return Drawing(
        fig,
        f"{shown} ({data.n_text}); flexion, dorsiflexion and anterior tilt positive, degrees. Dashed: the "
        "reference fitted to this body, over the same side's cycle. Grey: mean ± 1 SD of 42 healthy adults "
        "(Fukuchi et al. 2018). Dotted: mean toe-off. RMSE and Pearson's r are against the reference, raw; in brackets "
        "the same of the reference's own side against its other one.",
    )


def _r(score: Mapping[str, float | None]) -> str:
    return "n/a" if score["r"] is None else f"{score['r']:.2f}"


@figure("left_right", title="Left against right", category=KINEMATICS)
def left_right(data: RunData) -> Drawing:
    """Both sides in one panel an angle."""
    fig, axes = panels(data.settings, len(data.angles), columns=len(data.angles), aspect=1.05, extra=0.05)
    for ax, angle in zip(axes, data.angles, strict=True):
        both_sides(ax, data, f"{angle.name}_deg")
        for side in SIDES:
            mark_toe_off(ax, data, side)
        ax.set_title(title(data, angle))
    axes[0].set_ylabel("Angle (°)")
    legend_above(fig, axes[0])
    return Drawing(
        fig,
        f"Both legs, {both_sides_text(data)}; degrees, flexion, dorsiflexion and anterior tilt positive. Dotted: mean "
        "toe-off.",
    )


@figure("joint_moment_power", title="Joint moments and powers of the muscles", category=KINETICS)
def joint_moment_power(data: RunData) -> Drawing:
    """Moments above, powers below."""
    rows = (("muscle_moment_nm_kg", "Moment (N·m/kg)"), ("muscle_power_w_kg", "Power (W/kg)"))
    fig, axes = panels(data.settings, 6, columns=3, aspect=0.75)
    columns = 2 if data.settings.width == "single" else 3
    parts = [(row, angle) for row in rows for angle in LEG_ANGLES]
    for i, (ax, ((suffix, label), angle)) in enumerate(zip(axes, parts, strict=True)):
        zero_line(ax)
        both_sides(ax, data, f"{angle.name}_{suffix}", label=i >= len(axes) - columns)
        ax.set_title(title(data, angle))
        if i % columns == 0 or columns == 2:
            ax.set_ylabel(label)
    legend_above(fig, axes[0])
    return Drawing(
        fig,
        "Moments (flexion positive) and powers (generation positive) of the muscles, per kg of body mass, "
        f"{both_sides_text(data)}. Joint limits, contact and device are not in them.",
    )


@figure("kinematics_by_speed", title="Joint angles by speed", category=KINEMATICS)
def kinematics_by_speed(data: RunData) -> Drawing:
    """Every cycle, coloured by the speed of its stride."""
    if not data.has_cycles:
        return nothing(data, f"{data.no_cycle_text}: nothing to colour by speed")
    fig, axes = panels(data.settings, 3, columns=3, aspect=0.8, extra=0.02)
    limit = 60
    speeds = np.concatenate([data.strides(side)["speed_m_s"].to_numpy(float) for side in SIDES])
    low, high = speeds.min(), speeds.max()
    if high - low < 0.05:
        low, high = (low + high) / 2 - 0.025, (low + high) / 2 + 0.025
    scale = Normalize(low, high)
    colors = matplotlib.colormaps[SEQUENTIAL]
    for ax, angle in zip(axes, LEG_ANGLES, strict=True):
        for side, style in zip(SIDES, ("-", "--"), strict=True):
            own = data.strides(side)["speed_m_s"].to_numpy(float)
            curves = data.curves(side, f"{angle.name}_deg")
            for k in np.unique(np.linspace(0, len(own) - 1, min(len(own), limit)).astype(int)):
                ax.plot(PERCENT, curves[k], style, color=colors(scale(own[k])), linewidth=0.6, label=SIDE_NAMES[side])
        ax.set_title(title(data, angle))
        percent_axis(ax)
    axes[0].set_ylabel("Angle (°)")
    mappable = matplotlib.cm.ScalarMappable(scale, SEQUENTIAL)
    fig.colorbar(mappable, ax=axes, label="Stride speed (m/s)", aspect=25, pad=0.02)
    return Drawing(
        fig,
        f"Single cycles coloured by the mean speed of their stride ({data.n_text}; at most {limit} a side are "
        "drawn, evenly chosen). Solid: right, dashed: left. Degrees, flexion and dorsiflexion positive.",
    )


@figure("phase_portraits", title="Phase portraits", category=KINEMATICS)
def phase_portraits(data: RunData) -> Drawing:
    """Angular velocity over angle."""
    fig, axes = panels(data.settings, 3, columns=3, aspect=0.85)
    for ax, angle in zip(axes, LEG_ANGLES, strict=True):
        zero_line(ax)
        for side in SIDES:
            position = data.curves(side, f"{angle.name}_deg")
            velocity = data.curves(side, f"{angle.name}_velocity_deg_s")
            color = SIDE_COLORS[side]
            if len(position):
                ax.plot(position[:40].T, velocity[:40].T, color=color, linewidth=0.3, alpha=0.35)
                ax.plot(position.mean(axis=0), velocity.mean(axis=0), color=color, label=f"{SIDE_NAMES[side]}, mean")
            elif data.trial is not None:
                curves = data.trial.curves[side]
                x, y = curves[f"{angle.name}_deg"], curves[f"{angle.name}_velocity_deg_s"]
                ax.plot(x, y, color=color, label=f"{SIDE_NAMES[side]}, longest episode")
                ax.plot(x[0], y[0], "o", color=color, markersize=3)
        if data.settings.show_reference:
            curve = data.reference_curves["r"][angle.name]
            step = data.reference.stride_time_s / (len(curve) - 1)
            periodic = np.concatenate([curve[-2:-1], curve, curve[1:2]])
            ax.plot(curve, (periodic[2:] - periodic[:-2]) / (2 * step), label="reference, right", **REFERENCE_STYLE)
        ax.set_title(title(data, angle))
        ax.set_xlabel("Angle (°)")
    axes[0].set_ylabel("Angular velocity (°/s)")
    legend_above(fig, axes[0])
    text = (
        f"thin: single cycles (at most 40 a side), thick: mean cycle; {data.n_text}"
        if data.has_cycles
        else f"the longest episode from its start (dot) to its end; {data.no_cycle_text}"
    )
    return Drawing(fig, f"Angular velocity over angle: {text}. Dashed: the reference's right leg.")
