"""In which fields plain experiments differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Field = tuple[str, ...]


def differing_fields(experiments: Sequence[Mapping[str, Any]]) -> list[Field]:
    """Return the fields that are not the same in all, in the order in which they first appear.

    What is absent, or null, in some of them is one field, whatever it holds in the others. Only if these others differ
    among themselves, the fields in which they do follow it.
    """
    keys = dict.fromkeys(key for experiment in experiments for key in experiment)
    return [field for key in keys for field in _differing([item.get(key) for item in experiments], (key,))]


def value_at(experiment: Mapping[str, Any], field: Field) -> Any:
    """Return a field's value, or None where the experiment does not have it."""
    value: Any = experiment
    for key in field:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def _differing(values: Sequence[Any], place: Field) -> Iterator[Field]:
    if all(value == values[0] for value in values[1:]):
        return
    objects = [value for value in values if isinstance(value, Mapping) and value]
    if len(objects) < len(values):
        yield place
    for key in dict.fromkeys(key for item in objects for key in item):
        yield from _differing([item.get(key) for item in objects], (*place, key))
