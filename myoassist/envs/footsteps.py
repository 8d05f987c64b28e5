"""Footsteps as the reward needs them: foot strikes and means between them, per environment."""

from __future__ import annotations

import numpy as np


class Footsteps:
    """Detects foot strikes at control rate and accumulates effort and speed from one to the next.

    A foot is down above `LOADED` body weights and up below `UNLOADED`; a footstep shorter than `SHORTEST_S` is a
    bounce and goes on. An episode starts somewhere within a footstep: that one is not reported, because its duration
    would tell where the episode started, not how the body walks.

    Attributes:
        down: (N, 2) bool, which feet are on the ground.
        time: (N,) s since the last foot strike, or since the start.
        strike: (N,) bool, where a whole footstep ended in the last update.
        ended_time: (N,) duration of the last whole footstep (s).
        ended_effort: (N,) its mean effort.
        ended_error: (N,) its mean velocity error (m/s).
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
        self.ended_time = np.zeros(num_envs)
        self.ended_effort = np.zeros(num_envs)
        self.ended_error = np.zeros(num_envs)

    def reset(self, rows: np.ndarray, load: np.ndarray) -> None:
        """Start episodes of some environments, the feet loaded by (n, 2) body weights."""
        self.down[rows] = load > self.LOADED
        for whole in (self._whole, self.strike):
            whole[rows] = False
        for total in (self.time, self._effort, self._error, self.ended_time, self.ended_effort, self.ended_error):
            total[rows] = 0.0

    def update(self, load: np.ndarray, effort: np.ndarray, velocity_error: np.ndarray) -> None:
        """Account for one control step.

        Args:
            load: (N, 2) vertical load of the right and left foot, body weights.
            effort: (N,) mean squared activation.
            velocity_error: (N,) speed minus target (m/s).
        """
        down = np.where(self.down, load > self.UNLOADED, load > self.LOADED)
        self.time += self.control_s
        self._effort += effort
        self._error += velocity_error
        met = (down & ~self.down).any(axis=1) & ((self.time >= self.SHORTEST_S) | ~self._whole)
        self.strike = met & self._whole
        self.down = down
        if met.any():
            steps = self.time / self.control_s
            np.copyto(self.ended_time, self.time, where=self.strike)
            np.copyto(self.ended_effort, self._effort / steps, where=self.strike)
            np.copyto(self.ended_error, self._error / steps, where=self.strike)
            self._whole |= met
            for total in (self.time, self._effort, self._error):
                total[met] = 0.0
