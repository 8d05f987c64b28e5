"""The training of a run as its logs tell it, all segments joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myoassist.errors import InputError
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document

RETURN = "episode_return"


@dataclass(frozen=True)
class TrainLog:
    """The training of one run, all segments joined.

    Attributes:
        run: its name.
        condition: its name without the seed.
        seed: its seed.
        rollouts: entries of the log, in order of steps.
        untrained_reward: mean reward per step of the untrained policy; None if not measured.
    """

    run: str
    condition: str
    seed: int
    rollouts: list[dict[str, Any]]
    untrained_reward: float | None

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and a number per rollout, where it is known."""
        pairs = [(r["steps"], r[name]) for r in self.rollouts if r.get(name) is not None]
        return np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], float)

    def terms(self, kind: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Steps, and each reward term (kind ``raw`` or ``weighted``) per rollout; NaN where it was not there."""
        names = list(dict.fromkeys(name for r in self.rollouts for name in r.get("reward_terms") or {}))
        steps = np.array([r["steps"] for r in self.rollouts], float)
        values = {}
        for name in names:
            entries = [(r.get("reward_terms") or {}).get(name) or {} for r in self.rollouts]
            values[name] = np.array([np.nan if (v := e.get(kind)) is None else v for e in entries], float)
        return steps, values

    def shares(self, kind: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Steps, and the share of each term's magnitude in that of all terms (%), per rollout; NaN if all are 0."""
        steps, terms = self.terms(kind)
        total = np.nansum([np.abs(values) for values in terms.values()], axis=0) if terms else np.empty(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = {name: np.where(total > 0, 100 * np.abs(v) / total, np.nan) for name, v in terms.items()}
        return steps, shares


def read_train_logs(paths: Sequence[Path], *, run: str, condition: str, seed: int) -> TrainLog:
    """Join the train logs of a run's segments.

    Logs that do not hold the return of the episodes get an estimate of it: mean reward per step times mean length of
    the episodes that ended in the rollout.

    Args:
        paths: of all segments, in any order.
        run: name of the run.
        condition: its name without the seed.
        seed: of the run.

    Raises:
        InputError: if one is missing, damaged or of an unknown version.
    """
    segments = []
    for path in paths:
        value = read_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)
        entries = value.get("rollouts")
        if not isinstance(entries, list) or any(not isinstance(e, dict) or "steps" not in e for e in entries):
            raise InputError(f"{path}: field 'rollouts': expected a list of objects with 'steps'")
        segments.append((value.get("start_steps", 0), value))
    segments.sort(key=lambda item: item[0])
    untrained = [v["untrained_reward_per_step"] for _, v in segments if "untrained_reward_per_step" in v]
    rollouts = [
        _with_return(entry, value.get("control_rate_hz")) for _, value in segments for entry in value["rollouts"]
    ]
    return TrainLog(
        run=run,
        condition=condition,
        seed=seed,
        rollouts=sorted(rollouts, key=lambda entry: entry["steps"]),
        untrained_reward=untrained[0] if untrained else None,
    )


def _with_return(entry: dict[str, Any], rate_hz: float | None) -> dict[str, Any]:
    reward, length = entry.get("reward_per_step"), entry.get("episode_length_s")
    if RETURN in entry or None in (rate_hz, reward, length):
        return entry
    return {**entry, RETURN: reward * length * rate_hz}
