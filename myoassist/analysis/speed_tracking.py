"""How well strides keep to a target velocity that changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from myoassist.analysis.cycles import Cycle

JUMP_M_S = 0.05
"""A change of the target within one control step that counts as a jump, not as a swing of it."""
CHANGING_M_S = 0.02
"""A target that spans more than this within an episode changes."""
SETTLING_STRIDES = 2
"""Strides of each side that are left out after a jump, besides the one in which it happens."""


@dataclass
class SpeedTracking:
    """Differences between stride-averaged speed and stride-averaged target, over the episodes of a file.

    Attributes:
        changes: whether the target changed within any episode.
        squares: sum of squared differences, m²/s².
        strides: how many strides count.
        left_out: how many were left out after jumps of the target.
    """

    changes: bool = False
    squares: float = 0.0
    strides: int = 0
    left_out: int = 0

    @property
    def rms_m_s(self) -> float:
        """Root-mean-square difference, NaN without a stride."""
        return float(np.sqrt(self.squares / self.strides)) if self.strides else float("nan")

    def add(
        self,
        strides: Iterable[tuple[Cycle, float]],
        heel_strikes: np.ndarray,
        time: np.ndarray,
        target: np.ndarray,
    ) -> None:
        """Take one side of one episode in.

        Args:
            strides: cycles of one side and their mean speeds (m/s).
            heel_strikes: all of that side (s), rising.
            time: (k,) starts of the control steps (s).
            target: (k,) target velocity of each (m/s).
        """
        if not len(time):
            return
        self.changes |= bool(np.ptp(target) > CHANGING_M_S)
        jumps = time[1:][np.abs(np.diff(target)) > JUMP_M_S]
        for cycle, speed in strides:
            before = jumps[jumps < cycle.end_s]
            if len(before):
                # the first complete stride after the jump has number 0
                first = np.searchsorted(heel_strikes, before[-1])
                if np.searchsorted(heel_strikes, cycle.start_s) - first < SETTLING_STRIDES:
                    self.left_out += 1
                    continue
            own = (time >= cycle.start_s) & (time < cycle.end_s)
            self.squares += float((speed - target[own].mean()) ** 2)
            self.strides += 1
