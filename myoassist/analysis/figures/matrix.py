"""Figures across runs: how the trained policies compare."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from myoassist.analysis.figures.data import MatrixData
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import CONDITION_COLORS, panels

MARKERS = ("o", "s", "^", "D", "v", "P")


def palette(data: MatrixData) -> dict[str, str]:
    """Colour of every group of runs that differ in their seed only."""
    return {name: CONDITION_COLORS[i % len(CONDITION_COLORS)] for i, name in enumerate(data.groups)}


@figure("overview", title="Comparison of the runs", category="Overview", kind="matrix")
def overview(data: MatrixData) -> Drawing:
    """Fall-free share, episode length and speed, one point a seed."""
    measures = (
        ("Without a fall (%)", lambda m: _times(m["fall_free_fraction"], 100)),
        ("Episode length (s)", lambda m: m["episodes"]["duration_s"]["median"]),
        ("Forward speed (m/s)", lambda m: m["speed_mean"]),
        ("Hip error (°)", lambda m: m["tracking_rmse_deg"].get("hip_flexion")),
        ("Knee error (°)", lambda m: m["tracking_rmse_deg"].get("knee_flexion")),
        ("Mean activation", lambda m: m["activation_mean"]),
    )
    fig, axes = panels(data.settings, len(measures), columns=3, aspect=0.8)
    colors = palette(data)
    for ax, (title, measure) in zip(axes, measures, strict=True):
        for k, scenario in enumerate(data.scenarios):
            shift = (k - (len(data.scenarios) - 1) / 2) * 0.22
            for i, group in enumerate(data.groups):
                values = [
                    measure(data.metrics[run.run, scenario])
                    for run in data.runs
                    if run.group == group and (run.run, scenario) in data.metrics
                ]
                values = [v for v in values if v is not None]
                if not values:
                    continue
                spread = np.linspace(-0.06, 0.06, len(values)) if len(values) > 1 else np.zeros(len(values))
                ax.plot(
                    i + shift + spread, values, MARKERS[k % 6], color=colors[group], markersize=4,
                    markerfacecolor="none" if k % 2 else None, clip_on=False,
                )  # fmt: skip
                if len(values) > 1:
                    mean = float(np.mean(values))
                    ax.plot([i + shift - 0.1, i + shift + 0.1], [mean, mean], color=colors[group])
        ax.set_title(title)
        ax.set_xlim(-0.5, max(len(data.groups), 1) - 0.5)
        ax.set_xticks(range(len(data.groups)), [""] * len(data.groups))
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    axes[0].set_ylim(0, 100)
    handles = [Patch(color=color, label=group) for group, color in colors.items()]
    if len(data.scenarios) > 1:
        handles += [
            Line2D([], [], color="black", linestyle="", marker=MARKERS[k % 6], label=scenario, markersize=4,
                   markerfacecolor="none" if k % 2 else None)
            for k, scenario in enumerate(data.scenarios)
        ]  # fmt: skip
    if handles:
        fig.legend(handles=handles, loc="outside upper center", ncols=1 if data.settings.width == "single" else 4)
    seeds = len({run.seed for run in data.runs})
    return Drawing(
        fig,
        f"The trained policies: each point is one seed ({len(data.runs)} runs, {seeds} seeds), each bar the mean over "
        f"seeds, markers are scenarios ({', '.join(data.scenarios) or 'none'}). Episodes without a fall; median length "
        "of an episode; mean forward speed; root-mean-square difference of hip and knee from the reference at the same "
        "phase, over all states and both legs; mean muscle activation (0 to 1).",
    )


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value
