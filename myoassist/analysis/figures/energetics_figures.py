"""Figures of metabolic power: whole body, each muscle, and over the gait cycle."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from myoassist.analysis.conventions import SIDES, base_of
from myoassist.analysis.energetics.summary import CYCLES
from myoassist.analysis.figures.data import RunData
from myoassist.analysis.figures.gait import mark_toe_off
from myoassist.analysis.figures.panels import both_sides, both_sides_text, nothing
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import (
    GREEN,
    NORM_COLOR,
    ORANGE,
    PURPLE,
    SEQUENTIAL,
    SKY,
    new_figure,
    room,
    zero_line,
)

MODEL_NAMES = {
    "umberger_2010": ("Umberger 2010", "Umberger\n2010"),
    "bhargava_2004": ("Bhargava 2004", "Bhargava\n2004"),
    "minetti_alexander_1997": ("Minetti & Alexander 1997", "Minetti &\nAlexander\n1997"),
}
"""Model -> name in a line, name under a bar."""
PART_STYLES = {
    "basal": ("basal rate", NORM_COLOR),
    "activation": ("activation, maintenance", SKY),
    "shortening": ("shortening, lengthening", ORANGE),
    "work": ("work", GREEN),
    "undivided": ("not divided", PURPLE),
}


@figure("energetics", title="Metabolic power", category="Energetics")
def energetics(data: RunData) -> Drawing:
    """Whole-body bars by model and part, one leg over the cycle, bars of each muscle."""
    found: dict[str, Any] = data.metrics.get("energetics") or {}
    if not found.get("models"):
        return nothing(data, f"no metabolic power: {found.get('reason') or 'these metrics do not have it'}")
    narrow = data.settings.width == "single"
    fig = new_figure(data.settings, 2.3 if narrow else 0.86)
    layout = [["body"], ["cycle"], ["muscles"]] if narrow else [["body", "cycle"], ["muscles", "muscles"]]
    axes = fig.subplot_mosaic(
        layout, **({} if narrow else {"width_ratios": [1, 1.25]}), height_ratios=[1.1, *([0.9] * (len(layout) - 1))]
    )
    _body(axes["body"], found)
    zero_line(axes["cycle"])
    both_sides(axes["cycle"], data, "metabolic_umberger_2010_w_kg")
    for side in SIDES if data.has_cycles else ():
        mark_toe_off(axes["cycle"], data, side)
    axes["cycle"].set_title("One leg, Umberger 2010")
    axes["cycle"].set_ylabel("Metabolic power (W/kg)")
    room(axes["cycle"], above=0.18)
    # With a ground, so that the lines of toe-off do not run through the words.
    ground: dict[str, Any] = {"frameon": True, "facecolor": "white", "edgecolor": "none", "framealpha": 1.0}
    axes["cycle"].legend(loc="upper right", ncols=2, handlelength=1.2, columnspacing=1.0, **ground)
    _muscles(axes["muscles"], found)
    return Drawing(fig, _caption(data, found))


def _body(axes: Axes, found: dict[str, Any]) -> None:
    models = list(found["models"])
    parts = {name: np.zeros(len(models)) for name in PART_STYLES}
    for i, model in enumerate(models):
        numbers = found["models"][model]
        parts["basal"][i] = found["basal_w_kg"]
        divided = numbers["parts_w_kg"]
        for part, value in (divided or {"undivided": numbers["net_w_kg"]}).items():
            parts[part][i] = value
    # What is negative (work of a body that is lowered) hangs below zero, so that no bar hides another.
    above, below = np.zeros(len(models)), np.zeros(len(models))
    for part, (label, color) in PART_STYLES.items():
        height = parts[part]
        if not height.any():
            continue
        bottom = np.where(height >= 0, above, below)
        axes.bar(range(len(models)), height, bottom=bottom, color=color, width=0.62, label=label)
        above, below = above + np.maximum(height, 0), below + np.minimum(height, 0)
    for i, model in enumerate(models):
        gross, sd = (found["models"][model][key] for key in ("gross_w_kg", "net_sd_w_kg"))
        axes.errorbar(i, above[i], yerr=sd or 0.0, color="black", linewidth=0.8, capsize=2)
        axes.annotate(f"{gross:.1f}", (i, above[i] + (sd or 0.0)), ha="center", va="bottom", fontsize="small")
    zero_line(axes)
    axes.set_xticks(range(len(models)), [MODEL_NAMES[model][1] for model in models])
    axes.tick_params(axis="x", length=0)
    axes.set_title("Whole body")
    axes.set_ylabel("Metabolic power (W/kg)")
    axes.set_ylim(min(below.min() * 1.1, 0), above.max() * 1.5)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, loc="upper left", ncols=2, handlelength=1.0, columnspacing=1.0)


def _muscles(axes: Axes, found: dict[str, Any]) -> None:
    models = list(found["models"])
    names = list(dict.fromkeys(base_of(name) for name in found["muscles"]["mass_kg"]))
    shades = matplotlib.colormaps[SEQUENTIAL](np.linspace(0.05, 0.85, len(models)))
    width = 0.8 / len(models)
    for k, (model, shade) in enumerate(zip(models, shades, strict=True)):
        spent = found["models"][model]["muscles_w_kg"]
        both = [sum(spent.get(key) or 0.0 for key in (name, *(f"{name}_{s}" for s in SIDES))) for name in names]
        at = np.arange(len(names)) + (k - (len(models) - 1) / 2) * width
        axes.bar(at, both, width=width, color=shade, label=MODEL_NAMES[model][0])
    narrow = axes.get_figure(root=True).get_figwidth() < 5
    if narrow or len(names) > 14:
        axes.set_xticks(range(len(names)), names, rotation=50, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_title("Muscles, both legs together")
    axes.set_ylabel("Metabolic power (W/kg)")
    room(axes, above=0.42 if narrow else 0.12)
    axes.legend(loc="upper right", handlelength=1.0)


def _caption(data: RunData, found: dict[str, Any]) -> str:
    if found["over"] == CYCLES:
        over = f"{found['count']} gait cycles of the {'right' if found['side_of_cycles'] == 'r' else 'left'} leg"
    else:
        over = f"{found['count']} whole episodes, since there is {data.no_cycle_text}"
    costs = [
        f"{MODEL_NAMES[name][0]} {cost:.2f}"
        for name, numbers in found["models"].items()
        if (cost := numbers["gross_cost_of_transport_j_kg_m"]) is not None
    ]
    transport = f" Gross cost of transport in J/(kg m): {', '.join(costs)}." if costs else ""
    return (
        f"Mean metabolic power per kg of body mass, over {over}, {found['speed_m_s']:.2f} m/s; numbers over "
        f"the bars: gross, whiskers: SD. Basal rate {found['basal_w_kg']:g} W/kg.{transport} The leg's power is "
        f"without the basal rate, {both_sides_text(data)}; dotted: mean toe-off. Tendons are rigid and the trunk has "
        "no muscles: read differences between conditions, not absolute values."
    )
