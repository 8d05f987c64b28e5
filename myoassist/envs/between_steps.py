"""The arithmetic of a control step that belongs to no quantity in particular, compiled."""

from __future__ import annotations

import numpy as np

from myoassist.envs.compiling import compiled


@compiled
def advance(steps: np.ndarray, phase: np.ndarray, stride_time: np.ndarray, control_s: float) -> None:
    """Let one control step pass in episodes (N,)."""
    for row in range(len(steps)):
        steps[row] += 1
        later = phase[row] + control_s / stride_time[row]
        phase[row] = later - np.floor(later)


@compiled
def of_rows(
    rows: np.ndarray,
    qpos: np.ndarray,
    target: np.ndarray,
    phase: np.ndarray,
    stride_time: np.ndarray,
    torque: np.ndarray,
    strike: np.ndarray,
    ended: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Copy what some environments (n,) have: each array's rows, and each of the three rows of `ended` (3, N)."""
    return (
        qpos[rows],
        target[rows],
        phase[rows],
        stride_time[rows],
        torque[rows],
        strike[rows],
        ended[0][rows],
        ended[1][rows],
        ended[2][rows],
    )
