"""Tables of single evaluations, and of conditions aggregated over seeds and axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.study.measures import Measure
from myoassist.analysis.study.resampling import Resampling
from myoassist.analysis.study.samples import Evaluated, sample
from myoassist.formats.study_tables import AXIS, COLUMNS

ALL_VALUES = "all"
"""In the column of an axis: averaged over its values."""


def known_measures(members: Sequence[Evaluated]) -> dict[str, Measure]:
    """Measures that any of the evaluations has, in order of appearance."""
    return {name: measure for member in members for name, measure in member.measured.measures.items()}


def describe(measure: Measure) -> dict[str, str]:
    """Cells of the columns that say what a row is about."""
    return {"group": measure.group, "measure": measure.name, "label": measure.label, "unit": measure.unit}


def axes_of(members: Sequence[Evaluated]) -> list[str]:
    """Axes that any of the evaluations has, in order of appearance."""
    return list(dict.fromkeys(axis for member in members for axis in member.source.values))


def evaluations_table(members: Sequence[Evaluated]) -> pd.DataFrame:
    """One row an evaluation and measure: mean and SD over its episodes; no row where no episode has a value."""
    axes, rows = axes_of(members), []
    for member in members:
        source = member.source
        place = source.model_dump(include={"run", "experiment", "condition", "seed", "scenario"})
        place |= {"steps": str(source.steps), **{AXIS + axis: source.values.get(axis, "") for axis in axes}}
        for measure in member.measured.measures.values():
            values = member.measured.values(measure)
            values = values[np.isfinite(values)]
            if len(values):
                numbers = {"value": values.mean(), "sd": _sd(values), "episodes": len(values)}
                if measure.whole:
                    numbers |= {"sd": np.nan, "episodes": len(member.measured.episodes)}
                rows.append({**place, **describe(measure), **numbers})
    return _table("evaluations", rows, axes)


def conditions_table(members: Sequence[Evaluated], resampling: Resampling) -> pd.DataFrame:
    """One row a condition, scenario and measure: mean, SD and interval over seeds, or over episodes of one seed.

    Conditions are the choices of axis values, and, with two axes or more, each value of an axis averaged over the
    others; so is an experiment as a whole over all its axes.
    """
    axes, rows = axes_of(members), []
    for place, group in _conditions(members, axes):
        for measure in known_measures(group).values():
            found = sample(group, lambda measured, m=measure: measured.values(m), whole=measure.whole)
            if not len(found.values):
                continue
            estimate = resampling.mean(found.values)
            numbers = {
                "mean": float(estimate.value),
                "sd": _sd(found.values),
                "ci_low": float(estimate.low),
                "ci_high": float(estimate.high),
                "n": len(found.values),
                "resampled": found.resampled,
                "seeds": found.seeds,
                "seeds_left_out": found.seeds_left_out,
            }
            rows.append({**place, **describe(measure), **numbers})
    return _table("conditions", rows, axes)


def _conditions(members: Sequence[Evaluated], axes: list[str]) -> Iterator[tuple[dict[str, str], list[Evaluated]]]:
    """Yield each condition's cells, and its evaluations."""
    places = list(dict.fromkeys((m.source.experiment, m.source.scenario) for m in members))
    for experiment, scenario in places:
        here = [m for m in members if (m.source.experiment, m.source.scenario) == (experiment, scenario)]
        choices = list(dict.fromkeys(tuple(sorted(m.source.values.items())) for m in here))
        varied = [axis for axis in axes if len({m.source.values.get(axis) for m in here}) > 1]
        if len(varied) > 1:
            choices += [((axis, name),) for axis in varied for name in _names(here, axis)]
        if varied:
            choices.append(())
        for choice in choices:
            wanted = dict(choice)
            chosen = [m for m in here if wanted.items() <= m.source.values.items()]
            cells = {}
            for axis in axes:
                names = _names(chosen, axis)
                cells[AXIS + axis] = "" if not names else names[0] if len(names) == 1 else ALL_VALUES
            yield {"experiment": experiment, "scenario": scenario, **cells}, chosen


def _names(members: Sequence[Evaluated], axis: str) -> list[str]:
    return list(dict.fromkeys(m.source.values[axis] for m in members if axis in m.source.values))


def _sd(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _table(name: str, rows: list[dict[str, Any]], axes: list[str]) -> pd.DataFrame:
    place = COLUMNS[name].index("scenario") + 1
    columns = [*COLUMNS[name][:place], *(AXIS + axis for axis in axes), *COLUMNS[name][place:]]
    return pd.DataFrame(rows, columns=columns)
