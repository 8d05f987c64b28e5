"""How runs differ from the first one, short enough to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST = 48
ABSENT, PRESENT = "\N{EN DASH}", "present"


@dataclass(frozen=True)
class Change:
    """One field that is not as in the first run.

    Attributes:
        section: of the experiment, such as `training`; empty for fields of none.
        field: the rest of the dotted name.
        before: what the first run has, in words.
        after: what this run has.
    """

    section: str
    field: str
    before: str
    after: str


def describe_changes(runs: Sequence[Mapping[str, Any]], *, longest: int = _LONGEST) -> list[list[Change]]:
    """Say how each run differs from the first.

    Args:
        runs: dotted field -> value, for each run; None is a field that a run does not have.
        longest: characters of a value, if it is not to be cut.

    Returns:
        For each run its changes, in the order of the fields; none for the first. An object is told by its values where
        these are few, else as `present`; a list of named things by what it lacks of all that appear in any run.
    """
    if not runs:
        return []
    fields = list(dict.fromkeys(field for run in runs for field in run))
    return [[change for field in fields if (change := _change(field, run, runs, longest))] for run in runs]


def _change(field: str, run: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], longest: int) -> Change | None:
    old, new = runs[0].get(field), run.get(field)
    if old == new:
        return None
    others = [other.get(field) for other in runs]
    before, after = describe_value(old, others, longest=longest), describe_value(new, others, longest=longest)
    if before == after == PRESENT:
        return None  # the fields inside tell
    section, _, rest = field.partition(".")
    return Change(section if rest else "", rest or field, before, after if after != before else f"another {after}")


def describe_value(value: Any, others: Sequence[Any] = (), *, longest: int = _LONGEST) -> str:
    """Say a value in at most so many characters.

    Args:
        value: plain data.
        others: values of the same field, by which lists of named things can be told apart.
        longest: number of characters.
    """
    if value is None:
        return ABSENT
    if isinstance(value, dict):
        words = ", ".join(f"{key} {_text(item)}" for key, item in _leaves(value))
        return words if 0 < len(words) <= longest else PRESENT if value else "{}"
    lists = [_names(other) for other in others if other is not None]
    own = _names(value)
    if own is not None and all(entry is not None for entry in lists):
        everything = list(dict.fromkeys(name for entry in lists for name in entry or ()))
        distinct = len({json.dumps(other, sort_keys=True) for other in others if other is not None})
        if distinct == len({tuple(sorted(entry or ())) for entry in lists}):
            missing = [name for name in everything if name not in own]
            return _cut(f"without {', '.join(missing)}", longest) if missing else f"all {len(everything)}"
    return _cut(_text(value), longest)


def _leaves(value: Mapping[str, Any], place: str = "") -> list[tuple[str, Any]]:
    """Values inside an object that are not null, by dotted name."""
    found: list[tuple[str, Any]] = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            found += _leaves(item, f"{place}{key}.")
        elif item is not None:
            found.append((f"{place}{key}", item))
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _names(value: Any) -> tuple[str, ...] | None:
    """Names of a list of named things, or None if it is something else."""
    if not isinstance(value, list | tuple) or not value:
        return None
    names = tuple(entry.get("name") if isinstance(entry, dict) else entry for entry in value)
    return names if all(isinstance(name, str) for name in names) else None
