"""What a command took is its own, and a command that fails is told with what it said."""

from __future__ import annotations

import sys

import pytest

from myoassist.bench.measuring import run_measured, spread
from myoassist.errors import InputError


def test_what_a_command_took_and_said(tmp_path):
    took = run_measured(
        [sys.executable, "-c", "import os; held = bytearray(200_000_000); print(os.getcwd())"],
        failure="python failed",
        folder=tmp_path,
    )
    assert took.said.strip() == str(tmp_path.resolve())
    assert took.peak_mb > 190
    assert took.wall_s > 0
    assert took.cpu_s > 0


def test_a_command_that_fails_is_told_with_its_last_words():
    with pytest.raises(InputError, match=r"(?s)^python failed: .*no such thing"):
        run_measured([sys.executable, "-c", "raise SystemExit('no such thing')"], failure="python failed")


def test_spread_is_median_smallest_and_largest():
    assert spread([3.0, 1.00049, 2.0, 10.0]) == {"median": 2.5, "best": 1.0, "worst": 10.0}
