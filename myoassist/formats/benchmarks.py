"""The small tables in which Snakemake leaves how long a job took (its directive `benchmark`)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from myoassist.errors import InputError


def read_benchmark(path: Path) -> tuple[float, float | None]:
    """Return seconds (wall clock) and largest memory (MB, None if not measured) from a benchmark file.

    Raises:
        InputError: if it is no such file.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        seconds = float(row["s"])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    except (StopIteration, KeyError, TypeError, ValueError):
        raise InputError(f"{path}: not a Snakemake benchmark file") from None
    try:
        return seconds, float(row.get("max_rss") or "")
    except ValueError:
        return seconds, None


def slowest(jobs: Iterable[tuple[Path, float]]) -> float | None:
    """Return the lowest speed among jobs that were measured.

    Args:
        jobs: for each job its benchmark file, which need not be there, and how much work it did, such as steps.

    Returns:
        Work per second, starting of programs included; None if none was measured. Damaged files do not count.
    """
    speeds = []
    for path, work in jobs:
        if not path.is_file():
            continue
        try:
            seconds, _ = read_benchmark(path)
        except InputError:
            continue  # the report tells of it
        if seconds > 0:
            speeds.append(work / seconds)
    return min(speeds, default=None)
