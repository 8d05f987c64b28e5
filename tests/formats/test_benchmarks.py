"""Benchmark files of Snakemake: seconds, memory, and the slowest of several jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from myoassist.errors import InputError
from myoassist.formats.benchmarks import read_benchmark, slowest

HEAD = "s\th:m:s\tmax_rss\tmax_vms\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_seconds_and_memory_are_read(tmp_path: Path) -> None:
    assert read_benchmark(write(tmp_path / "a.tsv", f"{HEAD}12.5\t0:00:12\t801.2\t1\n")) == (12.5, 801.2)
    assert read_benchmark(write(tmp_path / "b.tsv", f"{HEAD}0.1\t0:00:00\tNA\tNA\n")) == (0.1, None)


@pytest.mark.parametrize("text", ["", HEAD, "a\tb\n1\t2\n", f"{HEAD}soon\t0\t1\t1\n", "\x00"])
def test_what_is_no_benchmark_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"a\.tsv"):
        read_benchmark(write(tmp_path / "a.tsv", text))


def test_the_slowest_counts_and_what_was_not_measured_does_not(tmp_path: Path) -> None:
    quick = write(tmp_path / "quick.tsv", f"{HEAD}10\t0\t1\t1\n")
    slow = write(tmp_path / "slow.tsv", f"{HEAD}40\t0\t1\t1\n")
    damaged = write(tmp_path / "damaged.tsv", "x")
    assert slowest([(quick, 1000), (slow, 2000), (damaged, 1), (tmp_path / "none.tsv", 1)]) == 50
    assert slowest([(damaged, 1), (tmp_path / "none.tsv", 1)]) is None
