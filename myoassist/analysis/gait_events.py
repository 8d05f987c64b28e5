"""Heel strikes and toe-offs from the vertical ground force of one foot."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from myoassist.config.analysis import EventSettings

SHORT_SWING = "gap shorter than the shortest swing"
SHORT_STANCE = "contact shorter than the shortest stance"
STARTS_LOADED = "contact already present at the start"
ENDS_LOADED = "contact still present at the end"


@dataclass(frozen=True)
class Events:
    """Events of one foot.

    Attributes:
        heel_strikes: times in s, rising.
        toe_offs: times in s, rising.
        rejected: reason -> number of force crossings that were no event.
        contacts: (begin, end) of every contact in s; -inf where it was there from the start, inf where until the end.
    """

    heel_strikes: np.ndarray
    toe_offs: np.ndarray
    rejected: dict[str, int] = field(default_factory=dict)
    contacts: tuple[tuple[float, float], ...] = ()


def detect_events(time: np.ndarray, force: np.ndarray, settings: EventSettings) -> Events:
    """Find heel strikes and toe-offs.

    A contact begins where the force rises through ``contact_on_bw`` and ends where it then falls through
    ``contact_off_bw``; times are interpolated between samples. Gaps shorter than ``min_swing_s`` are closed
    first, then contacts shorter than ``min_stance_s`` removed. A contact that is already there in the first
    sample has no heel strike, one that is still there in the last no toe-off.

    Args:
        time: shape (n,) s, rising.
        force: shape (n,) vertical force in body weights.
        settings: thresholds.
    """
    contacts = _contacts(time, np.asarray(force, dtype=float), settings)
    rejected: dict[str, int] = {}
    merged: list[tuple[float, float]] = []
    for begin, end in contacts:
        if merged and begin - merged[-1][1] < settings.min_swing_s:
            merged[-1] = (merged[-1][0], end)
            rejected[SHORT_SWING] = rejected.get(SHORT_SWING, 0) + 2
        else:
            merged.append((begin, end))
    strikes, offs, kept = [], [], []
    for begin, end in merged:
        if np.isfinite(begin) and np.isfinite(end) and end - begin < settings.min_stance_s:
            rejected[SHORT_STANCE] = rejected.get(SHORT_STANCE, 0) + 2
            continue
        kept.append((begin, end))
        if np.isfinite(begin):
            strikes.append(begin)
        else:
            rejected[STARTS_LOADED] = rejected.get(STARTS_LOADED, 0) + 1
        if np.isfinite(end):
            offs.append(end)
        else:
            rejected[ENDS_LOADED] = rejected.get(ENDS_LOADED, 0) + 1
    return Events(np.array(strikes), np.array(offs), rejected, tuple(kept))


def _contacts(time: np.ndarray, force: np.ndarray, settings: EventSettings) -> list[tuple[float, float]]:
    """Pairs (begin, end) in s; -inf: before the first sample, inf: after the last."""
    on, off = settings.contact_on_bw, settings.contact_off_bw
    if not len(force):
        return []
    # Samples that decide the state; those between the thresholds keep the one before.
    decided = np.where(force >= on, 1, np.where(force < off, 0, -1))
    if decided[0] < 0:
        decided[0] = 0
    known = np.maximum.accumulate(np.where(decided >= 0, np.arange(len(force)), 0))
    loaded = decided[known] == 1
    changes = np.flatnonzero(np.diff(loaded.astype(int))) + 1
    contacts: list[tuple[float, float]] = []
    begin = -np.inf
    for index in changes:
        level = on if loaded[index] else off
        instant = _crossing(time, force, index, level)
        if loaded[index]:
            begin = instant
        else:
            contacts.append((begin, instant))
    if loaded[-1]:
        contacts.append((begin, np.inf))
    return contacts


def _crossing(time: np.ndarray, force: np.ndarray, index: int, level: float) -> float:
    before, after = force[index - 1], force[index]
    share = (level - before) / (after - before) if after != before else 1.0
    return float(time[index - 1] + np.clip(share, 0, 1) * (time[index] - time[index - 1]))
