"""How the feet move: clearance in swing, slip in stance."""

from __future__ import annotations

import numpy as np

from myoassist.analysis.conventions import SIDES
from myoassist.analysis.cycles import Cycle
from myoassist.analysis.trial import Trial

NAN = float("nan")
STANDING = (0.5, 0.9)
"""Share of a stance in which the toe stands: the foot is flat or rolls over the toes, and does not leave yet."""
MIDDLE = (0.25, 0.75)
"""Share of a swing in which the smallest clearance is looked for."""


def sliding_speed(trial: Trial) -> np.ndarray:
    """Horizontal speed of the heel or the toe of each foot, whichever is slower, shape (n, 2) m/s.

    A foot rolls over its heel, lies flat and rolls over its toes. At any time one of the two points is (nearly) the
    place of contact, which moves only if the foot slides.
    """
    heel, toe = (
        np.linalg.norm(np.gradient(place[:, :, :2], trial.time, axis=0), axis=2) for place in (trial.heel, trial.toe)
    )
    return np.minimum(heel, toe)


def slip_m(trial: Trial, cycle: Cycle, speed: np.ndarray) -> float:
    """Way that the foot slides in one stance, m.

    Args:
        trial: the episode.
        cycle: of it.
        speed: as from `sliding_speed`.
    """
    rows = (trial.time >= cycle.start_s) & (trial.time <= cycle.toe_off_s)
    return float(np.trapezoid(speed[rows, SIDES.index(cycle.side)], trial.time[rows]))


def clearance_numbers(trial: Trial, cycle: Cycle) -> dict[str, float]:
    """Minimum foot clearance of one stride, named as in `myoassist.formats.stride_columns`.

    The toe is the lowest front point of the foot. Its height counts from the straight line through the places where
    the same toe stood before and stands after the swing, so that neither a slope nor the height of that point in a
    standing foot enter. In mid-swing the toe passes a minimum (Winter 1992, Phys Ther 72:45-53). A gait whose toe
    rises all the way has none: then its height at its largest forward speed is given, which is when the minimum
    otherwise occurs.
    """
    own = SIDES.index(cycle.side)
    toe, time = trial.toe[:, own], trial.time
    before = _standing(toe, time, cycle.start_s, cycle.toe_off_s)
    if before is None:
        return {"toe_clearance_m": NAN, "toe_clearance_dips": NAN}
    offs = trial.events[cycle.side].toe_offs
    offs = offs[offs > cycle.end_s]
    after = _standing(toe, time, cycle.end_s, float(offs[0])) if len(offs) else None
    swing = (time >= cycle.toe_off_s) & (time <= cycle.end_s)
    x, z, t = toe[swing, 0], toe[swing, 2], time[swing]
    if after is None or after[0] - before[0] < 1e-3:
        height = z - before[1]
    else:
        height = z - before[1] - (after[1] - before[1]) * (x - before[0]) / (after[0] - before[0])
    share = (t - cycle.toe_off_s) / (cycle.end_s - cycle.toe_off_s)
    lowest = np.flatnonzero((height[1:-1] <= height[:-2]) & (height[1:-1] < height[2:])) + 1
    lowest = lowest[(share[lowest] >= MIDDLE[0]) & (share[lowest] <= MIDDLE[1])]
    if len(lowest):
        return {"toe_clearance_m": float(height[lowest].min()), "toe_clearance_dips": 1.0}
    if len(t) < 3:
        return {"toe_clearance_m": NAN, "toe_clearance_dips": NAN}
    return {"toe_clearance_m": float(height[np.argmax(np.gradient(x, t))]), "toe_clearance_dips": 0.0}


def _standing(toe: np.ndarray, time: np.ndarray, begin: float, end: float) -> tuple[float, float] | None:
    """Median place (x, z) of the toe while it stands in a stance; None if no state lies there."""
    first, last = (begin + share * (end - begin) for share in STANDING)
    rows = slice(np.searchsorted(time, first), np.searchsorted(time, last, side="right"))
    if rows.start == rows.stop:
        return None
    return float(np.median(toe[rows, 0])), float(np.median(toe[rows, 2]))
