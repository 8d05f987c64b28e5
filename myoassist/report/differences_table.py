"""What the report shows of the comparisons across runs: one table a comparison and condition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from myoassist.errors import InputError
from myoassist.report.overview import DASH, MINUS
from myoassist.report.reading import read_table

_FIELDS = ("comparison", "condition", "baseline", "group", "label", "unit", "n", "resampled", "paired")


@dataclass(frozen=True)
class ComparedRow:
    """One measure: what it is, means of baseline and condition, difference and change with their intervals."""

    group: str
    label: str
    unit: str
    baseline: str
    condition: str
    difference: str
    change: str
    units: str


@dataclass(frozen=True)
class Compared:
    """One condition against its baseline."""

    name: str
    condition: str
    baseline: str
    note: str
    rows: list[ComparedRow]


def read_comparisons(path: Path) -> list[Compared]:
    """Read the table of comparisons.

    Raises:
        InputError: if it is no such table.
    """
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in read_table(path):
        missing = [name for name in _FIELDS if row.get(name) is None]
        if missing:
            raise InputError(f"{path}: not a table of comparisons (column '{missing[0]}' is missing)")
        found.setdefault((row["comparison"], row["condition"]), []).append(row)
    return [
        Compared(name, condition, rows[0]["baseline"], _note(rows), [_row(row) for row in rows])
        for (name, condition), rows in found.items()
    ]


def _row(row: dict[str, str]) -> ComparedRow:
    return ComparedRow(
        group=row["group"],
        label=row["label"],
        unit="" if row["unit"] == "1" else row["unit"],
        baseline=_number(row, "baseline_mean"),
        condition=_number(row, "condition_mean"),
        difference=_interval(row, "difference", "difference_ci_low", "difference_ci_high"),
        change=_interval(row, "change_percent", "change_ci_low_percent", "change_ci_high_percent"),
        units=f"{row['n']} {row['resampled']}{'' if row['n'] == '1' else 's'}",
    )


def _note(rows: list[dict[str, str]]) -> str:
    """Say what the intervals are and what they are not."""
    paired = {row["paired"] for row in rows}
    how = "paired" if paired == {"True"} else "unpaired" if paired == {"False"} else "paired where units pair"
    text = f"Differences of the means, {how}; in brackets bootstrap 95 % confidence intervals."
    if any(row["resampled"] == "episode" for row in rows):
        text += " Over episodes of one training they say nothing about another seed."
    return text


def _interval(row: dict[str, str], value: str, low: str, high: str) -> str:
    if not row.get(value):
        return DASH
    text = _number(row, value)
    return f"{text} [{_number(row, low)}, {_number(row, high)}]" if row.get(low) and row.get(high) else text


def _number(row: dict[str, str], name: str) -> str:
    try:
        return f"{float(row[name]):.3g}".replace("-", MINUS)
    except (KeyError, ValueError):
        return DASH
