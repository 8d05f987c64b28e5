"""Commands run as processes of their own, what they took, and the spread of repeated measurements."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from myoassist.errors import InputError


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes:
        wall_s: time on the clock.
        cpu_s: processor time, user and system.
        peak_mb: its largest memory.
        said: its output, errors included.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    said: str


def run_measured(command: Sequence[str], *, failure: str, folder: Path | None = None) -> Measured:
    """Run a command and measure it.

    Args:
        command: its words.
        failure: begins the message if it fails.
        folder: where it runs; None for here.

    Raises:
        InputError: if it fails, with the end of what it said.
    """
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        output.seek(0)
        said = output.read().decode(errors="replace")
    if process.returncode:
        raise InputError(f"{failure}: {said[-300:]}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, best (smallest) and worst of measurements, to the millisecond."""
    return {
        "median": round(statistics.median(values), 3),
        "best": round(min(values), 3),
        "worst": round(max(values), 3),
    }
