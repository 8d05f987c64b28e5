"""Long settings on a command line: short, equal for equal text, and whole again."""

from __future__ import annotations

import hashlib
import json

import pytest

from myoassist.config.packed import LARGEST, LONGEST, pack, unpack
from myoassist.errors import InputError

ONE_ARGUMENT = 131_072
"""Bytes that Linux takes as one argument of a command."""


def runs(count: int) -> str:
    """Settings like those of the report of a matrix: much alike, with something of its own in each run."""
    alike = {f"field_{index}": hashlib.sha256(b"%d" % index).hexdigest() for index in range(60)}
    own = [hashlib.sha256(b"run %d" % run).hexdigest()[:20] for run in range(count)]
    return json.dumps([{"id": name, "configuration": alike} for name in own])


@pytest.mark.parametrize("count", [0, 1, 5, 1000])
def test_whole_again_and_short(count: int) -> None:
    text = runs(count)
    packed = pack(text)
    assert unpack(packed) == text
    assert pack(text) == packed
    assert (packed == text) == (len(text) <= LONGEST)
    assert len(packed) < ONE_ARGUMENT / 2


def test_a_thousand_runs_need_the_wider_view() -> None:
    assert len(runs(1000)) > 3_000_000
    assert pack(runs(5)).startswith("zlib:")
    packed = pack(runs(1000))
    assert packed.startswith("lzma:")
    assert len(packed) < LARGEST


@pytest.mark.parametrize("text", ["zlib:AAAA", "lzma:AAAA", "lzma:/w==", "zlib:no base64"])
def test_damage_is_told(text: str) -> None:
    with pytest.raises(InputError, match="damaged compressed text"):
        unpack(text)
