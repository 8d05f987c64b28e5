"""Which evaluations pair, and what is resampled: seeds where there are several, episodes of one seed otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from myoassist.analysis.study.measures import Measured
from myoassist.config.study import StudyEvaluation

SEED, EPISODE = "seed", "episode"

Values = Callable[[Measured], np.ndarray]
"""Takes an evaluation, gives one row an episode: shape (episodes,) or (episodes, points)."""


@dataclass(frozen=True)
class Evaluated:
    """One evaluation: where it comes from, and what was measured."""

    source: StudyEvaluation
    measured: Measured


@dataclass(frozen=True)
class Sample:
    """Values of one condition.

    Attributes:
        values: shape (units,) or (units, points), finite.
        resampled: what a unit is, `SEED` or `EPISODE`.
        seeds: number of seeds that the values are from.
        seeds_left_out: number of seeds without a value, of which any evaluation lacks one.
    """

    values: np.ndarray
    resampled: str
    seeds: int
    seeds_left_out: int = 0


@dataclass(frozen=True)
class Pair:
    """Values of a baseline and a condition.

    Attributes:
        baseline: shape (units,) or (units, points), finite.
        condition: likewise; of the same units if paired.
        resampled: what a unit is.
        paired: whether units pair.
        seeds: number of seeds that the pairs are from; unpaired, the smaller number of the two.
    """

    baseline: np.ndarray
    condition: np.ndarray
    resampled: str
    paired: bool
    seeds: int

    @property
    def n(self) -> int:
        """Number of pairs, or of units in the smaller sample."""
        return min(len(self.baseline), len(self.condition))


def sample(members: Sequence[Evaluated], values: Values, *, whole: bool = False) -> Sample:
    """Collect the values of one condition.

    A seed counts only with a value of each of its evaluations: a mean over other values of an axis than those of the
    other seeds would not compare with theirs. Seeds left out for that are counted.

    Args:
        members: its evaluations; those of one seed, which differ in axes, are averaged.
        values: what to collect.
        whole: whether the values are of whole evaluations, so that there are no episodes to resample.
    """
    by_seed = {seed: [values(e.measured) for e in members if e.source.seed == seed] for seed in _seeds(members)}
    if len(by_seed) == 1 and not whole:
        (rows,) = by_seed.values()
        return Sample(_finite(np.concatenate(rows)), EPISODE, 1)
    means = [_mean([_episode_mean(rows) for rows in parts]) for parts in by_seed.values()]
    kept = _finite(np.stack(means)) if means else np.empty(0)
    return Sample(kept, SEED, len(kept), len(means) - len(kept))


def pair(
    baseline: Sequence[Evaluated],
    condition: Sequence[Evaluated],
    values: Values,
    *,
    fixed: frozenset[str],
    whole: bool = False,
) -> Pair:
    """Pair two conditions, by seed if they share several, by episode if they share one.

    Evaluations belong together if their seeds and their values of the axes are equal that neither condition fixes.
    Episodes pair by their number if both evaluations start them alike; else, or without a common seed, the samples
    are taken as independent.

    Args:
        baseline: evaluations of the baseline.
        condition: those that are compared with it.
        values: what to compare.
        fixed: axes that one of the conditions fixes.
        whole: whether the values are of whole evaluations, so that there are no episodes to resample.
    """
    free = _free_axes(baseline, fixed) & _free_axes(condition, fixed)
    before, after = _groups(baseline, free), _groups(condition, free)
    common = [key for key in before if key in after]
    seeds = list(dict.fromkeys(key[0] for key in common))
    if len(seeds) == 1 and not whole:
        parts = [_episodes(before[key], after[key], values) for key in common]
        if all(part is not None for part in parts):
            rows = [part for part in parts if part is not None]
            first, second = (np.concatenate([part[i] for part in rows]) for i in (0, 1))
            return Pair(first, second, EPISODE, True, 1)
    if len(seeds) > 1 or (whole and seeds):
        rows = []
        for seed in seeds:
            keys = [key for key in common if key[0] == seed]
            sides = [_mean([_group_mean(groups[key], values) for key in keys]) for groups in (before, after)]
            if all(np.isfinite(side).all() for side in sides):
                rows.append(sides)
        empty = np.empty(0)
        first, second = (np.stack([row[i] for row in rows]) if rows else empty for i in (0, 1))
        return Pair(first, second, SEED, True, len(rows))
    return _independent(baseline, condition, values, whole)


def _independent(baseline: Sequence[Evaluated], condition: Sequence[Evaluated], values: Values, whole: bool) -> Pair:
    seeds = min(len(_seeds(baseline)), len(_seeds(condition)))
    if seeds > 1 or whole:
        one, two = (sample(members, values, whole=True).values for members in (baseline, condition))
        return Pair(one, two, SEED, False, seeds)
    one, two = (_finite(np.concatenate([values(e.measured) for e in members])) for members in (baseline, condition))
    return Pair(one, two, EPISODE, False, seeds)


def _seeds(members: Sequence[Evaluated]) -> list[int]:
    return list(dict.fromkeys(e.source.seed for e in members))


def _free_axes(members: Sequence[Evaluated], fixed: frozenset[str]) -> frozenset[str]:
    """Axes that all members have and that are not fixed."""
    return frozenset.intersection(*(frozenset(e.source.values) for e in members)) - fixed


Key = tuple[int, tuple[tuple[str, str], ...]]


def _groups(members: Sequence[Evaluated], free: frozenset[str]) -> dict[Key, list[Evaluated]]:
    groups: dict[Key, list[Evaluated]] = {}
    for member in members:
        values = tuple((axis, name) for axis, name in sorted(member.source.values.items()) if axis in free)
        groups.setdefault((member.source.seed, values), []).append(member)
    return groups


def _episodes(
    before: Sequence[Evaluated], after: Sequence[Evaluated], values: Values
) -> tuple[np.ndarray, np.ndarray] | None:
    """Episodes of the same number that both have a value for; None if they do not start alike."""
    if len(before) > 1 or len(after) > 1 or before[0].source.starts != after[0].source.starts:
        return None
    one, two = values(before[0].measured), values(after[0].measured)
    if len(one) != len(two):
        return None
    known = _known(one) & _known(two)
    return one[known], two[known]


def _group_mean(members: Sequence[Evaluated], values: Values) -> np.ndarray:
    return _mean([_episode_mean(values(member.measured)) for member in members])


def _episode_mean(rows: np.ndarray) -> np.ndarray:
    """Mean over the episodes that have a value; NaN without any."""
    kept = _finite(rows)
    return kept.mean(axis=0) if len(kept) else np.full(rows.shape[1:], np.nan)


def _mean(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.mean(parts, axis=0)


def _known(rows: np.ndarray) -> np.ndarray:
    return np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)))


def _finite(rows: np.ndarray) -> np.ndarray:
    return rows[_known(rows)]
