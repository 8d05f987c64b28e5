"""The table of training: learning curves of each condition, mean over seeds with interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from myoassist.analysis.study.resampling import Resampling
from myoassist.analysis.study.samples import SEED
from myoassist.analysis.train_logs import RETURN, TrainLog
from myoassist.formats.study_tables import COLUMNS

QUANTITIES = {
    RETURN: "1",
    "reward_per_step": "1",
    "episode_length_s": "s",
    "speed_m_s": "m/s",
    "speed_error_m_s": "m/s",
    "approx_kl": "1",
    "explained_variance": "1",
    "clip_fraction": "1",
    "policy_std": "1",
    "learning_rate": "1",
    "steps_per_second": "1/s",
}
"""Numbers of a log's entries -> unit."""
TERM_QUANTITIES = {
    "reward_term_raw": "1",
    "reward_term_weighted": "1",
    "reward_share_raw_percent": "%",
    "reward_share_weighted_percent": "%",
}
"""The same of each reward term."""

Series = tuple[np.ndarray, np.ndarray]


def training_table(logs: Sequence[TrainLog], resampling: Resampling) -> pd.DataFrame:
    """One row a condition, quantity (and reward term) and number of steps: mean and interval over seeds.

    Curves are joined at all steps of any seed that lie within the curves of all seeds, straight between the entries
    of a log. A single seed has no interval.
    """
    parts = []
    for condition in dict.fromkeys(log.condition for log in logs):
        own = [log for log in logs if log.condition == condition]
        for quantity, term, unit, pick in _quantities(own):
            joined = join([pick(log) for log in own])
            if joined is None:
                continue
            steps, values = joined
            estimate = resampling.mean(values)
            columns = {
                "steps": steps.astype(np.int64),
                "mean": estimate.value,
                "ci_low": estimate.low,
                "ci_high": estimate.high,
                "n": len(values),
                "resampled": SEED if len(values) > 1 else "",
            }
            place = {"condition": condition, "quantity": quantity, "term": term, "unit": unit}
            parts.append(pd.DataFrame({**place, **columns}))
    columns = list(COLUMNS["training"])
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def join(series: Sequence[Series]) -> Series | None:
    """Bring curves to common steps; None if they have none.

    Args:
        series: steps and values, each shape (n,), steps rising; curves without an entry are left out.

    Returns:
        steps, shape (m,), and values, shape (curves, m).
    """
    known = [(steps, values) for steps, values in series if len(steps)]
    if not known:
        return None
    low, high = max(steps[0] for steps, _ in known), min(steps[-1] for steps, _ in known)
    at = np.unique(np.concatenate([steps for steps, _ in known]))
    at = at[(at >= low) & (at <= high)]
    return (at, np.stack([np.interp(at, steps, values) for steps, values in known])) if len(at) else None


def _quantities(logs: Sequence[TrainLog]) -> Iterator[tuple[str, str, str, Callable[[TrainLog], Series]]]:
    """Yield quantity, term, unit, and how the series is taken from a log."""
    for quantity, unit in QUANTITIES.items():
        yield quantity, "", unit, lambda log, name=quantity: log.series(name)
    names = list(dict.fromkeys(name for log in logs for name in log.terms("raw")[1]))
    for quantity, unit in TERM_QUANTITIES.items():
        for name in names:
            yield quantity, name, unit, lambda log, q=quantity, n=name: _term(log, q, n)


def _term(log: TrainLog, quantity: str, name: str) -> Series:
    kind = "weighted" if "weighted" in quantity else "raw"
    steps, values = log.shares(kind) if "share" in quantity else log.terms(kind)
    own = values.get(name, np.full(len(steps), np.nan))
    return steps[np.isfinite(own)], own[np.isfinite(own)]
