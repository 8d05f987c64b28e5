"""The forward velocity that is asked for: constant, oscillating or stepping, per environment."""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import TargetVelocitySettings


class TargetVelocity:
    """Targets of N environments over time.

    Every draw comes from the environment's own stream, so a target does not depend on the neighbours. `step` draws
    all its levels at the reset: as many as fit the longest episode.

    Attributes:
        value: (N,) the current targets (m/s).
        varies: whether targets change within an episode.
    """

    def __init__(self, settings: TargetVelocitySettings, *, num_envs: int, episode_s: float):
        self.settings = settings
        self.varies = settings.mode != "uniform"
        levels = int(np.ceil(episode_s / settings.period_s)) + 1 if settings.mode == "step" else 1
        self.value = np.full(num_envs, settings.minimum_m_s)
        self._levels = np.tile(self.value[:, None], (1, levels))
        self._start = np.zeros(num_envs)
        self._fixed = np.zeros(num_envs, dtype=bool)

    def reset(self, index: int, stream: np.random.Generator, *, fixed: float | None = None) -> None:
        """Start a new episode of one environment at time 0.

        Args:
            index: which environment.
            stream: its random stream.
            fixed: a constant target (m/s) that overrides the mode.
        """
        low, high = self.settings.minimum_m_s, self.settings.maximum_m_s
        self._levels[index] = stream.uniform(low, high, size=self._levels.shape[1])
        self._start[index] = stream.uniform() if self.settings.mode == "sinusoidal" else 0.0
        self._fixed[index] = fixed is not None
        if fixed is not None:
            self._levels[index] = fixed
        self.value[index] = self._at(np.zeros(1), slice(index, index + 1))[0]

    def update(self, time: np.ndarray) -> None:
        """Set the targets to those of the given episode times, (N,) s since each episode's start."""
        if self.varies:
            self.value[:] = self._at(time, slice(None))

    def _at(self, time: np.ndarray, rows: slice) -> np.ndarray:
        mode = self.settings.mode
        if mode == "uniform":
            value = self._levels[rows, 0]
        elif mode == "step":
            # a whole number of control steps may come out a rounding error short of the period
            period = (time / self.settings.period_s + 1e-9).astype(np.intp)
            level = np.minimum(period, self._levels.shape[1] - 1)
            value = np.take_along_axis(self._levels[rows], level[:, None], axis=1)[:, 0]
        else:
            low, high = self.settings.minimum_m_s, self.settings.maximum_m_s
            angle = 2 * np.pi * (time / self.settings.period_s + self._start[rows])
            wave = (low + high) / 2 + (high - low) / 2 * np.sin(angle)
            value = np.where(self._fixed[rows], self._levels[rows, 0], wave)
        return value
