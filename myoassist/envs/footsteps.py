"""Footsteps as the reward needs them: foot strikes and means between them, per environment."""

from __future__ import annotations

import numpy as np

from myoassist.envs.compiling import compiled


class Footsteps:
    """Detects foot strikes at control rate and accumulates effort and speed from one to the next.

    A foot is down above `LOADED` body weights and up below `UNLOADED`; a footstep shorter than `SHORTEST_S` is a
    bounce and goes on. An episode starts somewhere within a footstep: that one is not reported, because its duration
    would tell where the episode started, not how the body walks.

    Attributes:
        down: (N, 2) bool, which feet are on the ground.
        time: (N,) s since the last foot strike, or since the start.
        strike: (N,) bool, where a whole footstep ended in the last update.
        ended: (3, N) of the last whole footstep: duration (s), mean effort, mean velocity error (m/s).
    """

    LOADED, UNLOADED, SHORTEST_S = 0.05, 0.02, 0.15

    def __init__(self, *, num_envs: int, control_s: float):
        self.control_s = control_s
        self.down = np.zeros((num_envs, 2), dtype=bool)
        self.time = np.zeros(num_envs)
        self._whole = np.zeros(num_envs, dtype=bool)
        self._effort = np.zeros(num_envs)
        self._error = np.zeros(num_envs)
        self.strike = np.zeros(num_envs, dtype=bool)
        self.ended = np.zeros((3, num_envs))

    def reset(self, rows: np.ndarray, load: np.ndarray) -> None:
        """Start episodes of some environments, the feet loaded by (n, 2) body weights."""
        self.down[rows] = load > self.LOADED
        for whole in (self._whole, self.strike):
            whole[rows] = False
        for total in (self.time, self._effort, self._error):
            total[rows] = 0.0
        self.ended[:, rows] = 0.0

    def update(self, load: np.ndarray, effort: np.ndarray, velocity: np.ndarray, target: np.ndarray) -> None:
        """Account for one control step.

        Args:
            load: (N, 2) vertical load of the right and left foot, body weights.
            effort: (N,) mean squared activation.
            velocity: (N,) of the pelvis, forward (m/s).
            target: (N,) that is wanted (m/s).
        """
        _update(
            load,
            effort,
            velocity,
            target,
            self.control_s,
            (self.LOADED, self.UNLOADED, self.SHORTEST_S),
            (self.down, self._whole, self.strike),
            (self.time, self._effort, self._error),
            self.ended,
        )


@compiled
def _update(
    load: np.ndarray,
    effort: np.ndarray,
    velocity: np.ndarray,
    target: np.ndarray,
    control_s: float,
    limits: tuple[float, float, float],
    flags: tuple[np.ndarray, np.ndarray, np.ndarray],
    totals: tuple[np.ndarray, np.ndarray, np.ndarray],
    ended: np.ndarray,
) -> None:
    loaded, unloaded, shortest_s = limits
    down, whole, strike = flags[0], flags[1], flags[2]
    time, efforts, errors = totals
    for body in range(len(time)):
        time[body] += control_s
        efforts[body] += effort[body]
        errors[body] += velocity[body] - target[body]
        met = False
        for foot in range(2):
            is_down = load[body, foot] > (unloaded if down[body, foot] else loaded)
            met |= is_down and not down[body, foot]
            down[body, foot] = is_down
        met &= time[body] >= shortest_s or not whole[body]
        strike[body] = met and whole[body]
        if strike[body]:
            steps = time[body] / control_s
            ended[0, body] = time[body]
            ended[1, body] = efforts[body] / steps
            ended[2, body] = errors[body] / steps
        if met:
            whole[body] = True
            time[body] = efforts[body] = errors[body] = 0.0
