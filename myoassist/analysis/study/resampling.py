"""Means and differences with bootstrap confidence intervals that are the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

SEED = 20
"""Of the resampling: every interval is drawn anew from it, so that none depends on what was drawn before."""
_BATCH_NUMBERS = 2_000_000
"""Numbers that are resampled at once; bounds the memory."""


@dataclass(frozen=True)
class Estimate:
    """A number, or a curve, with its interval; NaN where there is none.

    Attributes:
        value: of the sample.
        low: lower end.
        high: upper end.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


NOTHING = Estimate(*[np.array(np.nan)] * 3)
"""A number that is not defined."""


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    The percentile method (Efron and Tibshirani 1993, chapter 13): it gives an interval of zero width where all
    values are equal, as for a device that is off, where the bias-corrected one is undefined. With few units any
    bootstrap interval is too narrow; tables give their number.

    Attributes:
        confidence: of the interval, 0 to 1.
        count: resamples.
    """

    confidence: float = 0.95
    count: int = 2000

    def mean(self, values: np.ndarray) -> Estimate:
        """Estimate the mean over units.

        Args:
            values: shape (units,) or (units, points), finite. The interval of points is pointwise.
        """
        return self._estimate((values,), _mean, paired=False)

    def difference(self, baseline: np.ndarray, condition: np.ndarray, *, paired: bool) -> Estimate:
        """Estimate the difference of the means, condition less baseline.

        Args:
            baseline: shape (units,) or (units, points), finite.
            condition: likewise; paired, unit by unit of the baseline.
            paired: whether units are resampled in pairs or each sample by itself.
        """
        return self._estimate((baseline, condition), _difference, paired=paired)

    def change_percent(self, baseline: np.ndarray, condition: np.ndarray, *, paired: bool) -> Estimate:
        """Estimate the difference of the means in percent of the baseline's absolute mean; NaN where that is 0.

        Args:
            baseline: shape (units,), finite.
            condition: likewise.
            paired: as for `difference`.
        """
        if not np.any(baseline):
            return NOTHING
        return self._estimate((baseline, condition), _change, paired=paired)

    def _estimate(
        self, samples: tuple[np.ndarray, ...], statistic: Callable[..., np.ndarray], paired: bool
    ) -> Estimate:
        samples = tuple(np.asarray(sample, dtype=float) for sample in samples)
        value = statistic(*samples, axis=0)
        if min(len(sample) for sample in samples) < 2:
            nothing = np.full(np.shape(value), np.nan)
            return Estimate(value, nothing, nothing)
        result = bootstrap(
            samples,
            statistic,
            n_resamples=self.count,
            batch=max(1, _BATCH_NUMBERS // max(sample.size for sample in samples)),
            vectorized=True,
            paired=paired,
            axis=0,
            confidence_level=self.confidence,
            method="percentile",
            rng=np.random.default_rng(SEED),
        ).confidence_interval
        return Estimate(value, result.low, result.high)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    return np.mean(values, axis=axis)


def _difference(baseline: np.ndarray, condition: np.ndarray, axis: int) -> np.ndarray:
    return np.mean(condition, axis=axis) - np.mean(baseline, axis=axis)


def _change(baseline: np.ndarray, condition: np.ndarray, axis: int) -> np.ndarray:
    before = np.mean(baseline, axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100.0 * (np.mean(condition, axis=axis) - before) / np.abs(before)
