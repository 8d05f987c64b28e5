"""Tables of differences between a baseline and the conditions compared with it, numbers and curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.study.conditions import describe, known_measures
from myoassist.analysis.study.measures import curve_unit
from myoassist.analysis.study.resampling import NOTHING, Estimate, Resampling
from myoassist.analysis.study.samples import Evaluated, pair, sample
from myoassist.config.study import LABEL, SELECTOR_FIELDS, ComparisonSettings, Selection, selects
from myoassist.formats.study_tables import COLUMNS

BASELINE, CONDITION = "baseline", "condition"


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        label: what tables and figures call it.
        selection: as the matrix has it.
        members: its evaluations.
    """

    label: str
    selection: Selection
    members: list[Evaluated]

    @property
    def fixed(self) -> frozenset[str]:
        """Axes that the selection fixes."""
        return frozenset(self.selection) - {*SELECTOR_FIELDS, LABEL}


def sides_of(comparisons: Mapping[str, ComparisonSettings], evaluated: Sequence[Evaluated]) -> dict[str, list[Side]]:
    """Return baseline and conditions of every comparison, in this order; equal selections have equal labels."""
    flat = [selection for settings in comparisons.values() for selection in (settings.baseline, *settings.conditions)]
    named = iter(labels(flat))
    return {
        name: [
            Side(next(named), selection, [e for e in evaluated if _selects(selection, e)])
            for selection in (settings.baseline, *settings.conditions)
        ]
        for name, settings in comparisons.items()
    }


def _selects(selection: Selection, member: Evaluated) -> bool:
    source = member.source
    return selects(selection, experiment=source.experiment, scenario=source.scenario, values=source.values)


def labels(selections: Sequence[Mapping[str, str]]) -> list[str]:
    """Name selections by their label, or else by what is not the same in all of them (everything if nothing is)."""
    names = list(dict.fromkeys(name for selection in selections for name in selection if name != LABEL))
    differing = [name for name in names if len({selection.get(name) for selection in selections}) > 1] or names
    return [
        selection.get(LABEL) or ", ".join(selection[name] for name in differing if name in selection)
        for selection in selections
    ]


def comparisons_table(
    comparisons: Mapping[str, ComparisonSettings], evaluated: Sequence[Evaluated], resampling: Resampling
) -> pd.DataFrame:
    """One row a comparison, condition and measure: difference and change in percent, each with its interval."""
    rows = []
    for name, baseline, condition in _each(comparisons, evaluated):
        known = known_measures([*baseline.members, *condition.members])
        for measure in known.values():
            found = pair(
                baseline.members,
                condition.members,
                lambda measured, m=measure: measured.values(m),
                fixed=baseline.fixed | condition.fixed,
                whole=measure.whole,
            )
            if not found.n:
                continue
            before, after = found.baseline, found.condition
            difference = resampling.difference(before, after, paired=found.paired)
            change = NOTHING
            if measure.ratio:
                change = resampling.change_percent(before, after, paired=found.paired)
            place = {"comparison": name, "condition": condition.label, "baseline": baseline.label}
            numbers = {
                "baseline_mean": before.mean(),
                "condition_mean": after.mean(),
                **_interval(difference, "difference", "difference_ci_low", "difference_ci_high"),
                **_interval(change, "change_percent", "change_ci_low_percent", "change_ci_high_percent"),
            }
            how = {"n": found.n, "resampled": found.resampled, "paired": found.paired, "seeds": found.seeds}
            rows.append({**place, **describe(measure), **numbers, **how})
    return pd.DataFrame(rows, columns=list(COLUMNS["comparisons"]))


def curves_table(
    comparisons: Mapping[str, ComparisonSettings], evaluated: Sequence[Evaluated], resampling: Resampling
) -> pd.DataFrame:
    """One row a comparison, side of it, quantity and percent: mean cycle and difference, with pointwise intervals."""
    parts = []
    for name, (baseline, *conditions) in sides_of(comparisons, evaluated).items():
        for side in (baseline, *conditions):
            role = BASELINE if side is baseline else CONDITION
            for quantity in dict.fromkeys(q for e in side.members for q in e.measured.curves):
                part = _curve(baseline, side, quantity, resampling)
                if part is not None:
                    place = {"comparison": name, "condition": side.label, "role": role}
                    parts.append(pd.DataFrame({**place, "quantity": quantity, "unit": curve_unit(quantity), **part}))
    columns = list(COLUMNS["curves"])
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _curve(baseline: Side, side: Side, quantity: str, resampling: Resampling) -> dict[str, Any] | None:
    def curve(measured: Any) -> np.ndarray:
        return measured.curve(quantity)

    found = sample(side.members, curve)
    if not len(found.values):
        return None
    points = found.values.shape[1]
    nothing = np.full(points, np.nan)
    columns: dict[str, Any] = {
        "percent": np.linspace(0, 100, points),
        **_interval(resampling.mean(found.values), "mean", "ci_low", "ci_high"),
        "n": len(found.values),
        "resampled": found.resampled,
    }
    names = ("difference", "difference_ci_low", "difference_ci_high")
    columns |= dict.fromkeys(names, nothing) | {"paired": False}
    if side is not baseline:
        both = pair(baseline.members, side.members, curve, fixed=baseline.fixed | side.fixed)
        if both.n:
            columns |= _interval(resampling.difference(both.baseline, both.condition, paired=both.paired), *names)
            columns["paired"] = both.paired
    return columns


def _each(
    comparisons: Mapping[str, ComparisonSettings], evaluated: Sequence[Evaluated]
) -> Iterator[tuple[str, Side, Side]]:
    for name, (baseline, *conditions) in sides_of(comparisons, evaluated).items():
        for condition in conditions:
            yield name, baseline, condition


def _interval(estimate: Estimate, value: str, low: str, high: str) -> dict[str, Any]:
    return {value: estimate.value, low: estimate.low, high: estimate.high}
