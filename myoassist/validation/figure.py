"""The validation's figure: the checks in words, starts over the gait cycle, and survival under random actions."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.quick_checks import Check
from myoassist.formats.files import atomic_output

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PASSED, FAILED = "#009E73", "#B00020"
RIGHT, LEFT = "#0072B2", "#D55E00"


def draw_checks(path: Path, handler: EnvironmentHandler, checks: list[Check], survival: np.ndarray) -> None:
    """Draw the figure (png, same input gives same bytes).

    Args:
        path: where it goes.
        handler: the validated environment.
        checks: outcomes.
        survival: (n,) durations of episodes under random actions, s.
    """
    figure = plt.figure(figsize=(9.0, 6.2), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[1.25, 1.0])
    _list_checks(figure.add_subplot(grid[0, :]), checks)
    _draw_loads(figure.add_subplot(grid[1, 0]), handler)
    axes = figure.add_subplot(grid[1, 1])
    axes.hist(survival, bins=20, color=RIGHT)
    axes.set(xlabel="duration of episodes under random actions (s)", ylabel="episodes")
    axes.set_title(f"Random actions: median {np.median(survival):.2f} s", fontsize=9)
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _list_checks(axes: plt.Axes, checks: list[Check]) -> None:
    axes.axis("off")
    for row, check in enumerate(checks):
        y = 1.0 - (row + 0.5) / len(checks)
        color = PASSED if check.passed else FAILED
        word = "passed" if check.passed else "FAILED"
        axes.text(0.0, y, word, color=color, weight="bold", fontsize=8, va="center", transform=axes.transAxes)
        name = check.name.replace("_", " ")
        axes.text(0.075, y, name, fontsize=8, va="center", transform=axes.transAxes)
        text = check.measured if check.passed else f"{check.measured} (expected {check.expected})"
        axes.text(0.36, y, text[:110], fontsize=8, va="center", color="0.3", transform=axes.transAxes)


def _draw_loads(axes: plt.Axes, handler: EnvironmentHandler) -> None:
    phases = np.linspace(0.0, 1.0, 51)[:-1]
    batch = handler.make_batch(len(phases))
    batch.reset(seed=0, options={"phase": phases})
    force = batch.step_result.foot_force
    batch.close()
    axes.plot(100 * phases, force[:, :2].sum(axis=1), color=RIGHT, label="right foot")
    axes.plot(100 * phases, force[:, 2:].sum(axis=1), color=LEFT, label="left foot")
    axes.axhline(1.0, color="0.6", lw=0.8)
    axes.set(xlabel="starting phase (% of the right gait cycle)", ylabel="vertical load (body weights)", xlim=(0, 100))
    axes.set_title("Ground reaction at the first instant of an episode", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
