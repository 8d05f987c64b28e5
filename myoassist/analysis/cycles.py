"""Own-side gait cycles: from one heel strike to the next of the same foot, at 101 points."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.gait_events import Events
from myoassist.config.analysis import CycleSettings
from myoassist.formats.gait_tables import POINTS

TOO_SHORT = "shorter than the shortest cycle"
TOO_LONG = "longer than the longest cycle"
NO_TOE_OFF = "not exactly one toe-off between the heel strikes"


@dataclass(frozen=True)
class Cycle:
    """One gait cycle.

    Attributes:
        side: r or l.
        number: number within episode and side, as found.
        start_s: own heel strike.
        end_s: next own heel strike.
        toe_off_s: own toe-off between them.
    """

    side: str
    number: int
    start_s: float
    end_s: float
    toe_off_s: float

    @property
    def duration_s(self) -> float:
        """Stride time."""
        return self.end_s - self.start_s

    @property
    def toe_off_percent(self) -> float:
        """Own toe-off in percent of the cycle, which is the share of stance."""
        return 100.0 * (self.toe_off_s - self.start_s) / self.duration_s


@dataclass(frozen=True)
class CycleSelection:
    """Cycles of one side of one episode.

    Attributes:
        used: complete cycles that count.
        found: number of complete cycles, before the first and last are dropped.
        dropped: number of complete cycles left out as first or last.
        rejected: reason -> number of heel strike pairs that make no cycle.
    """

    used: list[Cycle]
    found: int
    dropped: int
    rejected: dict[str, int] = field(default_factory=dict)


def select_cycles(events: Events, side: str, settings: CycleSettings) -> CycleSelection:
    """Choose the cycles of one side of one episode.

    A cycle needs exactly one toe-off between its heel strikes and a duration within bounds. Of the complete
    cycles the first ``drop_first`` and the last ``drop_last`` are left out: the walker is still settling, or
    already falling.

    Args:
        events: of that foot.
        side: r or l.
        settings: bounds.
    """
    if side not in SIDES:
        raise ValueError(f"side '{side}': expected r or l")
    rejected: dict[str, int] = {}
    complete = []
    for number, (start, end) in enumerate(zip(events.heel_strikes[:-1], events.heel_strikes[1:], strict=True)):
        offs = events.toe_offs[(events.toe_offs > start) & (events.toe_offs < end)]
        reason = None
        if end - start < settings.min_duration_s:
            reason = TOO_SHORT
        elif end - start > settings.max_duration_s:
            reason = TOO_LONG
        elif len(offs) != 1:
            reason = NO_TOE_OFF
        if reason:
            rejected[reason] = rejected.get(reason, 0) + 1
        else:
            complete.append(Cycle(side, number, float(start), float(end), float(offs[0])))
    used = complete[settings.drop_first : len(complete) - settings.drop_last]
    return CycleSelection(used, len(complete), len(complete) - len(used), rejected)


def normalise(time: np.ndarray, values: np.ndarray, start_s: float, end_s: float, points: int = POINTS) -> np.ndarray:
    """Resample columns to equally spaced points from start to end, both included (linear interpolation).

    Args:
        time: shape (n,) s, rising.
        values: shape (n, columns).
        start_s: time of the first point, at least ``time[0]``.
        end_s: time of the last point, at most ``time[-1]``.
        points: number of points.

    Returns:
        shape (points, columns).
    """
    at = np.linspace(start_s, end_s, points)
    right = np.clip(np.searchsorted(time, at), 1, len(time) - 1)
    share = ((at - time[right - 1]) / (time[right] - time[right - 1]))[:, None]
    return values[right - 1] * (1 - share) + values[right] * share
