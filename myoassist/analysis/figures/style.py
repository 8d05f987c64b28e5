"""One look for all figures: colours, sizes, and files whose bytes depend on their content only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from myoassist.config.figures import FiguresSettings
from myoassist.formats.files import atomic_output

# Okabe and Ito (2008): distinguishable with every kind of colour vision.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
SIDE_COLORS = {"r": BLUE, "l": VERMILLION}
SIDE_LINES: dict[str, Any] = {"r": "-", "l": (0, (5, 1.5))}
"""Where both sides are in one panel: a symmetric gait lays one on the other."""
CONDITION_COLORS = (GREEN, PURPLE, ORANGE, SKY, BLACK, BLUE, VERMILLION)
LINE_STYLES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
NORM_COLOR = "#B8B8B8"
REFERENCE_STYLE: dict[str, Any] = {"color": BLACK, "linestyle": (0, (4, 2))}
STANCE_COLOR = "#EFEFEF"
SEQUENTIAL = "cividis"

WIDTH_INCHES = {"single": 85 / 25.4, "double": 175 / 25.4}


def rc_params(settings: FiguresSettings) -> dict[str, Any]:
    """Matplotlib settings of all figures."""
    size = settings.font_size_pt
    return {
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": size - 1,
        "ytick.labelsize": size - 1,
        "legend.fontsize": size - 1,
        "figure.titlesize": size + 1,
        "lines.linewidth": settings.line_width_pt,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.axisbelow": True,
        "legend.frameon": False,
        "svg.fonttype": "path",  # glyphs travel inside the file
        "svg.hashsalt": "myoassist",
        "path.simplify": True,
        "savefig.dpi": settings.dpi,
    }


def new_figure(settings: FiguresSettings, height_share: float) -> Figure:
    """Create an empty figure of the chosen column width.

    Args:
        settings: give the width.
        height_share: height over width.
    """
    width = WIDTH_INCHES[settings.width]
    return Figure(figsize=(width, width * height_share), layout="constrained")


def panels(
    settings: FiguresSettings, count: int, *, columns: int, aspect: float = 0.8, extra: float = 0.06
) -> tuple[Figure, list[Axes]]:
    """Create a grid of panels; a single-column figure takes two columns of panels at most.

    Args:
        settings: give the width.
        count: number of panels.
        columns: panels side by side in a double-column figure.
        aspect: height over width of a panel.
        extra: room for a legend above, as a share of the width.
    """
    columns = min(columns, count, 2 if settings.width == "single" else columns)
    rows = -(-count // columns)
    figure = new_figure(settings, aspect * rows / columns + extra)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(count)]
    return figure, axes


def legend_of_all(figure: Figure, axes: Iterable[Axes], *, columns: int) -> None:
    """Put one legend of all panels above them; equal labels once."""
    handles: dict[str, Any] = {}
    for panel in axes:
        handles |= dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True))
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=min(columns, len(handles)))


def legend_above(figure: Figure, axes: Axes, *, columns: int = 6) -> None:
    """Put the legend of one panel above all panels."""
    handles, labels = axes.get_legend_handles_labels()
    width_columns = columns if figure.get_figwidth() > 5 else 2
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=min(width_columns, len(labels)))


def say(axes: Axes, text: str, *, y: float = 0.97) -> None:
    """Write a remark into a panel, where data is missing for instance."""
    axes.text(
        0.5,
        y,
        text,
        transform=axes.transAxes,
        ha="center",
        va="top",
        fontstyle="italic",
        color="#444444",
        zorder=10,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
    )


def percent_axis(axes: Axes, *, label: bool = True) -> None:
    """Make the horizontal axis that of a gait cycle."""
    axes.set_xlim(0, 100)
    narrow = axes.get_figure(root=True).get_figwidth() < 5
    axes.set_xticks([0, 50, 100] if narrow else [0, 20, 40, 60, 80, 100])
    if label:
        axes.set_xlabel("Gait cycle (%)")


def band(
    axes: Axes, x: np.ndarray, mean: np.ndarray, sd: np.ndarray, color: str, label: str | None = None, **look: Any
) -> None:
    """Draw a mean line in a band of one standard deviation."""
    axes.fill_between(x, mean - sd, mean + sd, color=color, alpha=0.2, linewidth=0)
    axes.plot(x, mean, color=color, label=label, **look)


def interval(
    axes: Axes, x: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray, *, color: str, **look: Any
) -> None:
    """Draw a mean line in a band from low to high; the line alone where there is no band."""
    if len(x) and np.isfinite(low).all() and np.isfinite(high).all():
        axes.fill_between(x, low, high, color=color, alpha=0.25, linewidth=0)
    axes.plot(x, mean, color=color, **look)


def room(axes: Axes, *, below: float = 0.0, above: float = 0.0) -> None:
    """Widen the vertical range by shares of itself, to make room for text."""
    low, high = axes.get_ylim()
    axes.set_ylim(low - below * (high - low), high + above * (high - low))


def empty(axes: Axes, text: str) -> None:
    """Turn a panel into a remark: no ticks that would suggest data."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    say(axes, text, y=0.55)


def zero_line(axes: Axes) -> None:
    """Mark zero."""
    axes.axhline(0, color="#999999", linewidth=0.5, zorder=0)


def fix_layout(figure: Figure) -> None:
    """Place everything once and for all, so that every file of the figure shows the same.

    The solver of the layout takes its unknowns in the order of their memory addresses, so that its last digits differ
    from process to process. Places are rounded to a ten-thousandth of the figure.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(_PLACE_DIGITS))
    for axes in figure.axes:
        axes.set_position(np.round(axes.get_position(original=True).bounds, _PLACE_DIGITS))


_PLACE_DIGITS = 4


def save(figure: Figure, path: Path) -> None:
    """Write a png or svg; the same figure gives the same bytes."""
    metadata = {"Software": None} if path.suffix == ".png" else {"Date": None, "Creator": None}
    with atomic_output(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], metadata=metadata)
