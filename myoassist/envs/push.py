"""Pushes at the pelvis: a disturbance with a known impulse at a seeded time."""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import PushSettings


class Push:
    """When N bodies are pushed. Times are whole control steps, so every push has the same impulse.

    Attributes:
        first: (N,) control step of the episode in which the first push begins.
    """

    def __init__(self, settings: PushSettings, *, num_envs: int, control_s: float):
        self.settings = settings
        self.control_s = control_s
        self.first = np.zeros(num_envs, dtype=np.int64)
        self._steps = max(1, round(settings.duration_s / control_s))
        self._period = None if settings.repeat_s is None else max(self._steps + 1, round(settings.repeat_s / control_s))

    def reset(self, index: int, stream: np.random.Generator) -> None:
        """Draw when the next episode of one environment is pushed, from its own stream."""
        self.first[index] = round(stream.uniform(*self.settings.window_s) / self.control_s)

    def force(self, steps: np.ndarray) -> np.ndarray:
        """Horizontal force on the pelvis.

        Args:
            steps: (N,) control steps done in the episode.

        Returns:
            (N,) N, forward positive, over the next control step.
        """
        since = steps - self.first
        if self._period is not None:
            since = np.where(since < 0, since, since % self._period)
        return np.where((since >= 0) & (since < self._steps), self.settings.force_n, 0.0)
