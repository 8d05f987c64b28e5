"""What many panels share: both sides of a quantity over the gait cycle, or over time where there is no cycle."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from myoassist.analysis.conventions import SIDE_NAMES, SIDES, Angle
from myoassist.analysis.figures.data import PERCENT, RunData
from myoassist.analysis.figures.registry import Drawing
from myoassist.analysis.figures.style import SIDE_COLORS, SIDE_LINES, band, empty, panels, percent_axis
from myoassist.analysis.trial import Trial


def title(data: RunData, angle: Angle) -> str:
    """Name an angle as shortly as the width of the figure asks for; captions tell the rest."""
    return angle.short.capitalize() if data.settings.width == "single" else angle.label


def both_sides(axes: Axes, data: RunData, column: str, *, label: bool = True) -> None:
    """Draw both sides of a quantity, and set the horizontal axis.

    Mean cycle ± SD if there is any gait cycle, else the longest episode over time.

    Args:
        axes: panel.
        data: run.
        column: name of the quantity in the cycles table.
        label: whether to write the label of the horizontal axis.
    """
    trial = data.trial
    for side in SIDES:
        found = data.mean_sd(side, column)
        if found:
            name = f"{SIDE_NAMES[side]}, mean ± SD"
            band(axes, PERCENT, *found, SIDE_COLORS[side], name, linestyle=SIDE_LINES[side])
        elif not data.has_cycles and trial is not None and column in trial.curves[side]:
            rows = shown_rows(data, trial)
            values = trial.curves[side][column][rows]
            axes.plot(trial.time[rows], values, color=SIDE_COLORS[side], label=SIDE_NAMES[side])
    if data.has_cycles:
        percent_axis(axes, label=label)
    elif trial is not None:
        time_axis(axes, trial.time[shown_rows(data, trial)], label=label)


def both_sides_text(data: RunData) -> str:
    """Say for a caption what `both_sides` drew."""
    if data.has_cycles:
        return f"mean ± SD over own-side gait cycles ({data.n_text})"
    if data.trial is None:
        return "nothing drawn, since no episode has two states"
    return f"over time in the longest episode ({episode_text(data, data.trial)}), since there is {data.no_cycle_text}"


def shown_rows(data: RunData, trial: Trial) -> slice:
    """Rows of the longest episode that whole-trial figures show: its first seconds."""
    return slice(0, int(np.searchsorted(trial.time, trial.time[0] + data.settings.trial_duration_s)) + 1)


def time_axis(axes: Axes, time: np.ndarray, *, label: bool = True) -> None:
    """Make the horizontal axis that of time."""
    axes.set_xlim(time[0], time[-1])
    if label:
        axes.set_xlabel("Time (s)")


def episode_text(data: RunData, trial: Trial) -> str:
    """Name the episode that is shown, its length and end."""
    info = data.rollouts[trial.index].info
    return f"episode {info.index}, {info.duration_s:.2f} s, ended by {info.termination.replace('_', ' ')}"


def nothing(data: RunData, why: str) -> Drawing:
    """Say why there is nothing to draw."""
    fig, axes = panels(data.settings, 1, columns=1, aspect=0.12, extra=0)
    empty(axes[0], why)
    return Drawing(fig, f"{why[0].upper()}{why[1:]}.")
