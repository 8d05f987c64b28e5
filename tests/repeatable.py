"""What of a result must be the same however often it is made, and how two results differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document

OF_THE_MOMENT = {"wall_s", "collect_s", "update_s", "steps_per_second", "threads"}
"""Fields of train logs that tell how fast it went, and on how many threads: any number of these gives the same rest."""


def repeatable(path: Path) -> bytes:
    """Return a file's content; of a train log, all but what is of the moment.

    Its digest is over those fields too, so it is checked and left out.
    """
    if not path.name.startswith("train_log_"):
        return path.read_bytes()
    log = read_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)
    return json.dumps(_lasting(log), sort_keys=True, indent=1).encode()


def _lasting(value: object) -> object:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in OF_THE_MOMENT}
    return [_lasting(item) for item in value] if isinstance(value, list) else value


def differences(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return the files that are not the same, with what differs: fields of JSON documents, else only the sizes."""
    missing = {path: ["is missing"] for path in expected.keys() - found.keys()}
    added = {path: ["is not expected"] for path in found.keys() - expected.keys()}
    both = [path for path in expected if path in found and found[path] != expected[path]]
    return missing | added | {path: _how(found[path], expected[path]) for path in both}


def _how(found: bytes, expected: bytes) -> list[str]:
    try:
        return list(_fields(json.loads(found), json.loads(expected)))[:20]
    except ValueError:
        return [f"{len(found)} other bytes instead of {len(expected)}"]


def _fields(found: object, expected: object, place: str = "") -> Iterator[str]:
    if isinstance(found, list) and isinstance(expected, list):
        found, expected = dict(enumerate(found)), dict(enumerate(expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in {**found, **expected}:
            yield from _fields(found.get(key), expected.get(key), f"{place}.{key}".lstrip("."))
    elif found != expected:
        yield f"{place}: {found!r} instead of {expected!r}"
