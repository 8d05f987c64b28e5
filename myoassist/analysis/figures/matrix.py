"""Figures across runs: learning curves, reward terms, and how the trained policies compare."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from myoassist.analysis.figures.data import MatrixData, TrainLog
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import (
    CONDITION_COLORS,
    legend_above,
    new_figure,
    panels,
    say,
)

LINE_STYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P")


def colors(data: MatrixData) -> dict[str, str]:
    """Colour of every experiment."""
    return {e: CONDITION_COLORS[i % len(CONDITION_COLORS)] for i, e in enumerate(data.experiments)}


def mean_over_seeds(series: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean of curves where all of them are defined, at the union of their steps."""
    series = [(x, y) for x, y in series if len(x)]
    if len(series) < 2:
        return None
    low, high = max(x[0] for x, _ in series), min(x[-1] for x, _ in series)
    steps = np.unique(np.concatenate([x for x, _ in series]))
    steps = steps[(steps >= low) & (steps <= high)]
    return (steps, np.mean([np.interp(steps, x, y) for x, y in series], axis=0)) if len(steps) else None


def draw_series(ax: Axes, logs: list[TrainLog], name: str, palette: dict[str, str]) -> None:
    """Draw a number of the logs: thin lines the seeds, thick their mean."""
    for experiment, color in palette.items():
        own = [log.series(name) for log in logs if log.experiment == experiment]
        mean = mean_over_seeds(own)
        for steps, values in own:
            style = {"linewidth": 0.6, "alpha": 0.6} if mean else {"label": experiment}
            ax.plot(steps / 1000, values, color=color, marker="." if len(steps) < 3 else None, **style)
        if mean:
            ax.plot(mean[0] / 1000, mean[1], color=color, linewidth=1.8, label=experiment)
    ax.set_xlim(left=0)


@figure("learning_curves", title="Learning curves", category="Training", kind="matrix")
def learning_curves(data: MatrixData) -> Drawing:
    """Reward, episode length, speed and diagnostics over training steps."""
    names = (
        ("reward_per_step", "Reward per step"),
        ("episode_length_s", "Episode length (s)"),
        ("speed_m_s", "Forward speed (m/s)"),
        ("approx_kl", "KL divergence"),
        ("explained_variance", "Explained variance"),
        ("steps_per_second", "Steps per second"),
    )
    fig, axes = panels(data.settings, len(names), columns=3, aspect=0.72)
    palette = colors(data)
    for ax, (name, title) in zip(axes, names, strict=True):
        draw_series(ax, data.logs, name, palette)
        ax.set_title(title)
        ax.set_xlabel("Steps (thousand)")
        if not data.logs:
            say(ax, "no train log")
    untrained = [log for log in data.logs if log.untrained_reward is not None]
    for log in untrained:
        axes[0].axhline(log.untrained_reward, color=palette[log.experiment], linewidth=0.6, linestyle=":")
    legend_above(fig, axes[0], columns=3)
    return Drawing(
        fig,
        f"Training of {len(data.logs)} runs: means over the episodes that ended in each rollout. Thin: single seeds, "
        "thick: their mean. Dotted: mean reward per step of the untrained policy. Reward, KL divergence and explained "
        "variance have no unit.",
    )


@figure("reward_terms", title="Reward terms", category="Training", kind="matrix")
def reward_terms(data: MatrixData) -> Drawing:
    """Weighted and raw terms over training steps, one column an experiment."""
    logs = [log for log in data.logs if any(log.terms("weighted")[1])]
    experiments = [e for e in data.experiments if any(log.experiment == e for log in logs)]
    if not experiments:
        fig, axes = panels(data.settings, 1, columns=1, aspect=0.2)
        axes[0].set_axis_off()
        say(axes[0], "no reward terms in the train logs")
        return Drawing(fig, "The train logs hold no reward terms.")
    names = list(dict.fromkeys(name for log in logs for name in log.terms("weighted")[1]))
    looks = {
        name: {"color": CONDITION_COLORS[i % 7], "linestyle": LINE_STYLES[i // 7 % 4]} for i, name in enumerate(names)
    }
    single = data.settings.width == "single"
    shown = experiments[: 2 if single else 4]
    fig = new_figure(data.settings, 0.85 if not single else 1.3)
    grid = fig.subplots(2, len(shown), squeeze=False, sharex="col", sharey="row")
    for column, experiment in enumerate(shown):
        for row, kind in enumerate(("weighted", "raw")):
            ax = grid[row, column]
            for name in names:
                series = []
                for log in (log for log in logs if log.experiment == experiment):
                    steps, terms = log.terms(kind)
                    if name in terms:
                        known = np.isfinite(terms[name])
                        series.append((steps[known], terms[name][known]))
                mean = mean_over_seeds(series)
                for steps, values in series:
                    style = {"linewidth": 0.4, "alpha": 0.5} if mean else {"label": name}
                    ax.plot(steps / 1000, values, **looks[name], **style)
                if mean:
                    ax.plot(mean[0] / 1000, mean[1], **looks[name], label=name)
            ax.set_xlim(left=0)
            if row == 0:
                ax.set_title(experiment)
            else:
                ax.set_xlabel("Steps (thousand)")
            if column == 0:
                ax.set_ylabel(f"{kind.capitalize()} term per step")
    handles = {}
    for ax in grid.flat:
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    fig.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=2 if single else 5)
    more = f" {len(experiments) - len(shown)} more experiments are not drawn." if len(shown) < len(experiments) else ""
    return Drawing(
        fig,
        "Mean of each reward term per control step (no unit): above times its weight, below before it. Thin: single "
        f"seeds, thick: their mean ({len(logs)} runs).{more}",
    )


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
    palette = colors(data)
    for ax, (title, measure) in zip(axes, measures, strict=True):
        for k, scenario in enumerate(data.scenarios):
            shift = (k - (len(data.scenarios) - 1) / 2) * 0.22
            for i, experiment in enumerate(data.experiments):
                values = [
                    measure(data.metrics[run.run, scenario])
                    for run in data.runs
                    if run.experiment == experiment and (run.run, scenario) in data.metrics
                ]
                values = [v for v in values if v is not None]
                spread = np.linspace(-0.06, 0.06, len(values)) if len(values) > 1 else np.zeros(len(values))
                ax.plot(
                    i + shift + spread, values, MARKERS[k % 6], color=palette[experiment], markersize=4,
                    markerfacecolor="none" if k % 2 else None, clip_on=False,
                )  # fmt: skip
                if len(values) > 1:
                    mean = float(np.mean(values))
                    ax.plot([i + shift - 0.1, i + shift + 0.1], [mean, mean], color=palette[experiment])
        ax.set_title(title)
        ax.set_xlim(-0.5, max(len(data.experiments), 1) - 0.5)
        ax.set_xticks(range(len(data.experiments)), [""] * len(data.experiments))
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    axes[0].set_ylim(0, 100)
    handles = [Patch(color=color, label=experiment) for experiment, color in palette.items()]
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
