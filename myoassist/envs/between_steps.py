"""The arithmetic of a control step that belongs to no quantity in particular, compiled."""

from __future__ import annotations

import numpy as np

from myoassist.envs.compiling import compiled


@compiled
def bounded(actions: np.ndarray) -> np.ndarray:
    """Clip actions (N, A) to [-1, 1], as doubles; NaN counts as 0."""
    result = np.empty(actions.shape)
    for row in range(actions.shape[0]):
        for column in range(actions.shape[1]):
            action = np.float64(actions[row, column])
            result[row, column] = 0.0 if np.isnan(action) else min(max(action, -1.0), 1.0)
    return result


@compiled
def advance(steps: np.ndarray, phase: np.ndarray, stride_time: np.ndarray, control_s: float) -> None:
    """Let one control step pass in episodes (N,)."""
    for row in range(len(steps)):
        steps[row] += 1
        later = phase[row] + control_s / stride_time[row]
        phase[row] = later - np.floor(later)


@compiled
def changes(
    activations: np.ndarray, before: np.ndarray, velocity: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return changes of activations (N, M) within a step, and how much faster than wanted bodies (N,) move (m/s)."""
    bodies, muscles = activations.shape
    change, error = np.empty((bodies, muscles)), np.empty(bodies)
    for body in range(bodies):
        for muscle in range(muscles):
            change[body, muscle] = activations[body, muscle] - before[body, muscle]
        error[body] = velocity[body] - target[body]
    return change, error


@compiled
def endings(
    reasons: np.ndarray, steps: np.ndarray, max_steps: int, time_limit: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Find where episodes (N,) end.

    Args:
        reasons: (N,) for which they end, 0 where they go on; where they reach their limit only, that is put there.
        steps: (N,) they have had.
        max_steps: they may have.
        time_limit: the reason of those that have had all.

    Returns:
        (N,) bool, terminated; (N,) bool, truncated; whether any is either.
    """
    terminated, truncated = np.empty(len(steps), dtype=np.bool_), np.empty(len(steps), dtype=np.bool_)
    ended = False
    for body in range(len(steps)):
        terminated[body] = reasons[body] != 0
        truncated[body] = not terminated[body] and steps[body] >= max_steps
        if truncated[body]:
            reasons[body] = time_limit
        ended |= terminated[body] or truncated[body]
    return terminated, truncated, ended


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
