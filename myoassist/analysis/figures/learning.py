"""Figures of training: learning curves with bands over seeds, reward terms and their shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from myoassist.analysis.figures.data import MatrixData
from myoassist.analysis.figures.matrix import palette
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import (
    CONDITION_COLORS,
    LINE_STYLES,
    interval,
    legend_of_all,
    new_figure,
    panels,
    say,
)

MILLION = 1e6


def series(table: pd.DataFrame, condition: str, quantity: str, term: str = "") -> pd.DataFrame:
    """Rows of one curve of the training table, in order of steps."""
    own = (table["condition"] == condition) & (table["quantity"] == quantity) & (table["term"] == term)
    return table[own]


def draw_band(ax: Axes, rows: pd.DataFrame, *, label: str, **look: Any) -> None:
    """Draw a mean over training steps in its interval."""
    steps = rows["steps"].to_numpy(float) / MILLION
    values = [rows[column].to_numpy(float) for column in ("mean", "ci_low", "ci_high")]
    interval(ax, steps, *values, label=label, marker="." if len(rows) < 3 else None, **look)


def seeds_text(table: pd.DataFrame) -> str:
    """Say how many seeds are behind the curves and what the bands are."""
    seeds = table.groupby("condition", sort=False)["n"].max() if len(table) else pd.Series(dtype=int)
    count = f"{seeds.min()}" if seeds.nunique() == 1 else f"{seeds.min()} to {seeds.max()}" if len(seeds) else "0"
    bands = "lines: mean over seeds, bands: bootstrap 95 % confidence interval" if (seeds > 1).any() else "no band"
    return f"{len(seeds)} conditions with {count} seed{'' if count == '1' else 's'} each; {bands}"


@figure("learning_curves", title="Learning curves", category="Training", kind="matrix")
def learning_curves(data: MatrixData) -> Drawing:
    """Return, episode length, speed and diagnostics over training steps."""
    names = (
        ("episode_return", "Return per episode"),
        ("episode_length_s", "Episode length (s)"),
        ("speed_m_s", "Forward speed (m/s)"),
        ("reward_per_step", "Reward per step"),
        ("approx_kl", "KL divergence"),
        ("explained_variance", "Explained variance"),
    )
    table, colors = data.table("training"), palette(data)
    single = data.settings.width == "single"
    fig, axes = panels(data.settings, len(names), columns=3, aspect=0.85 if single else 0.74, extra=0.08)
    for ax, (name, title) in zip(axes, names, strict=True):
        for log in data.logs:
            steps, values = log.series(name)
            if len(series(table, log.condition, name)) and sum(o.condition == log.condition for o in data.logs) > 1:
                ax.plot(steps / MILLION, values, color=colors[log.condition], linewidth=0.4, alpha=0.5)
        for condition, color in colors.items():
            rows = series(table, condition, name)
            if len(rows):
                draw_band(ax, rows, label=condition, color=color, linewidth=1.0)
        ax.set_title(title)
        ax.set_xlabel("Steps (million)")
        ax.set_xlim(left=0)
        if not len(table):
            say(ax, "no train log")
    for log in data.logs:
        if log.untrained_reward is not None:
            axes[3].axhline(log.untrained_reward, color=colors[log.condition], linewidth=0.6, linestyle=":")
    legend_of_all(fig, axes, columns=1 if single else 4)
    return Drawing(
        fig,
        f"Training of {len(data.logs)} runs ({seeds_text(table)}), thin: single seeds. Means over the episodes that "
        "ended in each rollout; where a log holds no returns, the return is estimated as mean reward per step times "
        "mean length of the episodes. Dotted: mean reward per step of the untrained policy. Reward, KL divergence and "
        "explained variance have no unit.",
    )


def _grid(data: MatrixData, kinds: tuple[tuple[str, str], ...], height: float):
    """Make one column of panels for each condition that has reward terms; None if none has."""
    table = data.table("training")
    conditions = [c for c in palette(data) if len(series_of_terms(table, c, kinds[0][0]))]
    if not conditions:
        fig, axes = panels(data.settings, 1, columns=1, aspect=0.2)
        axes[0].set_axis_off()
        say(axes[0], "no reward terms in the train logs")
        return fig, None, [], ""
    single = data.settings.width == "single"
    shown = conditions[: 2 if single else 4]
    fig = new_figure(data.settings, height * (1.5 if single else 1.0))
    grid = fig.subplots(len(kinds), len(shown), squeeze=False, sharex="col", sharey="row")
    more = len(conditions) - len(shown)
    return fig, grid, shown, f" {more} more conditions are not drawn." if more else ""


def series_of_terms(table: pd.DataFrame, condition: str, quantity: str) -> pd.DataFrame:
    """Rows of all reward terms of one quantity."""
    return table[(table["condition"] == condition) & (table["quantity"] == quantity)]


def _term_names(table: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(table["term"]) if name]


@figure("reward_terms", title="Reward terms", category="Training", kind="matrix")
def reward_terms(data: MatrixData) -> Drawing:
    """Weighted and raw terms over training steps, one column a condition."""
    kinds = (("reward_term_weighted", "Weighted term per step"), ("reward_term_raw", "Raw term per step"))
    fig, grid, shown, more = _grid(data, kinds, 0.85)
    if grid is None:
        return Drawing(fig, "The train logs hold no reward terms.")
    table = data.table("training")
    looks = {
        name: {"color": CONDITION_COLORS[i % 7], "linestyle": LINE_STYLES[i // 7 % 4]}
        for i, name in enumerate(_term_names(table))
    }
    for column, condition in enumerate(shown):
        for row, (kind, label) in enumerate(kinds):
            ax = grid[row, column]
            for name, look in looks.items():
                rows = series(table, condition, kind, name)
                if len(rows):
                    draw_band(ax, rows, label=name.replace("_", " "), linewidth=0.9, **look)
            _label(ax, row, column, len(kinds), condition, label)
    legend_of_all(fig, grid.flat, columns=2 if data.settings.width == "single" else 4)
    return Drawing(
        fig,
        "Mean of each reward term per control step (no unit): above times its weight, below before it "
        f"({seeds_text(table)}).{more}",
    )


@figure("reward_shares", title="Shares of the reward terms", category="Training", kind="matrix")
def reward_shares(data: MatrixData) -> Drawing:
    """Share of each term's magnitude in that of all terms, stacked, one column a condition."""
    kinds = (
        ("reward_share_weighted_percent", "Weighted share (%)"),
        ("reward_share_raw_percent", "Raw share (%)"),
    )
    fig, grid, shown, more = _grid(data, kinds, 0.85)
    if grid is None:
        return Drawing(fig, "The train logs hold no reward terms.")
    table = data.table("training")
    names = _term_names(table)
    hatches = ("", "////", "....", "xxxx")
    for column, condition in enumerate(shown):
        for row, (kind, label) in enumerate(kinds):
            ax = grid[row, column]
            known = [(i, name, series(table, condition, kind, name)) for i, name in enumerate(names)]
            known = [(i, name, rows) for i, name, rows in known if len(rows)]
            steps = np.unique(np.concatenate([rows["steps"].to_numpy(float) for _, _, rows in known]))
            stacked = [np.interp(steps, rows["steps"], rows["mean"]) for _, _, rows in known]
            layers = ax.stackplot(
                steps / MILLION,
                stacked,
                colors=[CONDITION_COLORS[i % 7] for i, _, _ in known],
                labels=[name.replace("_", " ") for _, name, _ in known],
                alpha=0.75,
            )
            for layer, (i, _, _) in zip(layers, known, strict=True):
                layer.set(edgecolor="white", linewidth=0.3, hatch=hatches[i // 7 % 4])
            ax.set_ylim(0, 100)
            ax.set_xlim(steps[0] / MILLION, steps[-1] / MILLION)
            _label(ax, row, column, len(kinds), condition, label)
    legend_of_all(fig, grid.flat, columns=2 if data.settings.width == "single" else 4)
    return Drawing(
        fig,
        "Share of each reward term's magnitude in the sum of all magnitudes, per control step: above times its weight, "
        f"below before it; means over seeds.{more}",
    )


def _label(ax: Axes, row: int, column: int, rows: int, condition: str, label: str) -> None:
    if row == 0:
        ax.set_title(condition)
    if row == rows - 1:
        ax.set_xlabel("Steps (million)")
    if column == 0:
        ax.set_ylabel(label)
