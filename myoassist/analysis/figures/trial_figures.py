"""Figures that can show single episodes as they ran: kinematics over time, ground force, muscles, device."""

from __future__ import annotations

import numpy as np

from myoassist.analysis.conventions import SIDE_NAMES, SIDES, base_of, side_of
from myoassist.analysis.figures.data import RunData
from myoassist.analysis.figures.panels import both_sides, both_sides_text, episode_text, nothing, shown_rows, time_axis
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import (
    REFERENCE_STYLE,
    SIDE_COLORS,
    STANCE_COLOR,
    legend_above,
    new_figure,
    panels,
    zero_line,
)
from myoassist.analysis.gait_events import Events
from myoassist.analysis.kinematics import at_phase


def stances(events: Events, start_s: float, end_s: float) -> list[tuple[float, float]]:
    """Times of contact of one foot within a span, also those cut by its ends."""
    return [(max(a, start_s), min(b, end_s)) for a, b in events.contacts if b > start_s and a < end_s]


@figure("whole_trial_kinematics", title="Whole-trial kinematics", category="Kinematics")
def whole_trial_kinematics(data: RunData) -> Drawing:
    """Angles over time, one column a side, stance shaded."""
    trial, phase = data.trial, data.trial_phase
    if trial is None:
        return nothing(data, "no episode has two states")
    rows = shown_rows(data, trial)
    time = trial.time[rows]
    look = {**REFERENCE_STYLE, "linewidth": 0.8, "zorder": 3}
    single = data.settings.width == "single"
    fig = new_figure(data.settings, (0.34 if not single else 0.55) * len(data.angles) / 2 + 0.15)
    grid = fig.subplots(len(data.angles), 2, sharex=True, sharey="row", squeeze=False)
    for row, angle in enumerate(data.angles):
        for column, side in enumerate(SIDES):
            ax = grid[row, column]
            for begin, end in stances(trial.events[side], time[0], time[-1]):
                ax.axvspan(begin, end, color=STANCE_COLOR, linewidth=0, zorder=0)
            name = angle.column(data.reference.joint_names, side)
            if phase is not None and name is not None and data.settings.show_reference:
                target = angle.sign * np.degrees(at_phase(data.reference.qpos[:, name], phase[rows]))
                ax.plot(time, target, label="reference at the same phase", **look)
            ax.plot(time, trial.curves[side][f"{angle.name}_deg"][rows], color=SIDE_COLORS[side])
            if row == 0:
                ax.set_title(SIDE_NAMES[side].capitalize())
            time_axis(ax, time, label=row == len(data.angles) - 1)
        first, _, rest = angle.label.partition(" (")
        grid[row, 0].set_ylabel(f"{first}\n{'(' + rest if rest else ''} (°)" if rest else f"{first}\n(°)")
    fig.align_ylabels(grid[:, 0])
    legend_above(fig, grid[0, 0])
    cut = f", its first {time[-1] - time[0]:.1f} s" if len(time) < len(trial.time) else ""
    return Drawing(
        fig,
        f"The longest episode ({episode_text(data, trial)}{cut}): right leg left, left leg right; degrees, flexion, "
        "dorsiflexion and anterior tilt positive. Shaded: stance by vertical ground force. Dashed: the reference at "
        "the phase that the policy was told.",
    )


@figure("ground_reaction_force", title="Ground reaction force", category="Kinetics")
def ground_reaction_force(data: RunData) -> Drawing:
    """Vertical and fore-aft force."""
    fig, axes = panels(data.settings, 2, columns=2, aspect=0.62, extra=0.05)
    parts = (("grf_vertical_bw", "Vertical"), ("grf_fore_bw", "Fore-aft (forward +)"))
    for ax, (name, title) in zip(axes, parts, strict=True):
        zero_line(ax)
        both_sides(ax, data, name)
        ax.set_title(title)
    axes[0].axhline(1, color="#999999", linewidth=0.5, linestyle=":", zorder=0)
    axes[0].set_ylabel("Force (body weights)")
    legend_above(fig, axes[0])
    return Drawing(
        fig,
        f"Ground reaction force {both_sides_text(data)}. In body weights of body and device, unfiltered; dotted: one "
        "body weight.",
    )


def _muscles(data: RunData, column: str, ylabel: str, what: str, *, fixed: bool) -> Drawing:
    """Draw a quantity of every muscle, both sides in one panel."""
    names = [base_of(m) for m in data.model.muscles if side_of(m) == "r"]
    if not names:
        return nothing(data, "no muscle of this model has a side")
    columns = 2 if data.settings.width == "single" else 4
    fig, axes = panels(data.settings, len(names), columns=columns, aspect=0.72, extra=0.05)
    columns = min(columns, len(names))
    for i, (ax, name) in enumerate(zip(axes, names, strict=True)):
        both_sides(ax, data, column.format(name), label=i + columns >= len(names))
        ax.set_title(name)
        ax.set_ylim(0, 1) if fixed else ax.set_ylim(bottom=0)
        if i % columns == 0:
            ax.set_ylabel(ylabel)
    legend_above(fig, axes[0])
    return Drawing(fig, f"{what} {both_sides_text(data)}.")


@figure("muscle_activation", title="Muscle activation", category="Muscles")
def muscle_activation(data: RunData) -> Drawing:
    """Activation of every muscle."""
    return _muscles(data, "activation_{}", "Activation", "Muscle activation (0 to 1)", fixed=True)


@figure("muscle_force", title="Muscle force", category="Muscles")
def muscle_force(data: RunData) -> Drawing:
    """Force of every muscle."""
    return _muscles(data, "force_{}_n", "Force (N)", "Muscle-tendon force in newtons", fixed=False)
