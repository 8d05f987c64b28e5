"""How runs differ, short enough for a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST = 48


def describe_differences(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Word the differences of each run.

    Args:
        runs: field -> value, for each run; fields that a run does not name are left out for it.

    Returns:
        For each run: field -> text. The first part of a dotted field (its section) is dropped where that is
        unambiguous; lists of named things are told by what a run lacks of all that appear in any run.
    """
    fields = list(dict.fromkeys(field for run in runs for field in run))
    labels = {field: field.partition(".")[2] or field for field in fields}
    if len(set(labels.values())) < len(labels):
        labels = {field: field for field in fields}
    return [
        {
            labels[field]: _word(value, [other[field] for other in runs if field in other])
            for field, value in run.items()
        }
        for run in runs
    ]


def _word(value: Any, others: Sequence[Any]) -> str:
    names = [_names(other) for other in others]
    own = _names(value)
    if own is not None and all(entry is not None for entry in names):
        everything = list(dict.fromkeys(name for entry in names for name in entry or ()))
        distinct = len({json.dumps(other, sort_keys=True) for other in others})
        if distinct == len({tuple(sorted(entry or ())) for entry in names}):
            missing = [name for name in everything if name not in own]
            return f"without {', '.join(missing)}" if missing else f"all {len(everything)}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _names(value: Any) -> tuple[str, ...] | None:
    """Names of a list of named things, or None if it is something else."""
    if not isinstance(value, list | tuple) or not value:
        return None
    names = tuple(entry.get("name") if isinstance(entry, dict) else entry for entry in value)
    return names if all(isinstance(name, str) for name in names) else None
