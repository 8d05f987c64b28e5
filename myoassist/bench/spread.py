"""Median, best and worst of repeated measurements."""

from __future__ import annotations

import statistics


def spread(values: tuple[float, ...]) -> dict[str, float]:
    """Return median, best (smallest) and worst of measurements, to the millisecond."""
    return {
        "median": round(statistics.median(values), 3),
        "best": round(min(values), 3),
        "worst": round(max(values), 3),
    }
