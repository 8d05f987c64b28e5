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
    """

    def __init__(self, settings: TargetVelocitySettings, *, num_envs: int, episode_s: float):
        self.settings = settings
        levels = int(np.ceil(episode_s / settings.period_s)) + 1 if settings.mode == "step" else 1
        self.value = np.full(num_envs, settings.minimum_m_s)
        self._levels = np.tile(self.value[:, None], (1, levels))
        self._start = np.zeros(num_envs)
        self._fixed = np.zeros(num_envs, dtype=bool)

    def reset(self, index: int, stream: np.random.Generator, *, fixed: float | None = None) -> None:
        """Start a new episode of one environment.

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
        self.update(np.zeros(len(self.value)), only=index)

    def update(self, time: np.ndarray, *, only: int | None = None) -> np.ndarray:
        """Set the targets to those of the given episode times.

        Args:
            time: (N,) s since each episode's start.
            only: update this environment alone.

        Returns:
            (N,) targets (m/s).
        """
        rows = slice(None) if only is None else slice(only, only + 1)
        mode = self.settings.mode
        if mode == "uniform":
            value = self._levels[rows, 0]
        elif mode == "step":
            level = np.minimum((time[rows] / self.settings.period_s).astype(np.intp), self._levels.shape[1] - 1)
            value = np.take_along_axis(self._levels[rows], level[:, None], axis=1)[:, 0]
        else:
            low, high = self.settings.minimum_m_s, self.settings.maximum_m_s
            angle = 2 * np.pi * (time[rows] / self.settings.period_s + self._start[rows])
            wave = (low + high) / 2 + (high - low) / 2 * np.sin(angle)
            value = np.where(self._fixed[rows], self._levels[rows, 0], wave)
        self.value[rows] = value
        return self.value
