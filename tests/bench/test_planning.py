"""The benchmark of the workflow counts what it plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from myoassist.bench.planning import benchmark_workflow, within_budget
from myoassist.errors import InputError

ROOT = Path(__file__).parents[2]


def test_small_matrix_is_planned_and_measured() -> None:
    found = benchmark_workflow(ROOT, runs=10, segments=2, repeats=1)
    # build, preprocess, retarget; of each: validate, two segments, evaluate, replay, analyze, sheet, figures; then two
    assert found["jobs"] >= 3 + 10 * 8 + 2
    assert found["dry_run_s"]["median"] > 0
    assert found["dry_run_peak_mb"] > 50
    assert set(found["parse_cpu_s"]) == {"median", "best", "worst"}
    assert "within_budget" not in found  # which is for 500 runs


@pytest.mark.parametrize(
    ("part", "measured"), [("dry_run_s", 20.1), ("dry_run_peak_mb", 500.1), ("parse_over_empty_s", 1.01), (None, 0)]
)
def test_each_part_of_the_budget_is_told(part: str | None, measured: float) -> None:
    numbers = {"dry_run_s": 20.0, "dry_run_peak_mb": 500.0, "parse_over_empty_s": 1.0}
    if part is not None:
        numbers[part] = measured
    told = within_budget({**numbers, "dry_run_s": {"median": numbers["dry_run_s"], "best": 1.0, "worst": 99.0}})
    assert told == {name: name != part for name in numbers}


def test_wrong_folder_or_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="workflow/Snakefile: file not found"):
        benchmark_workflow(tmp_path)
    with pytest.raises(InputError, match="--runs: expected a multiple of 10"):
        benchmark_workflow(ROOT, runs=11)


@pytest.mark.slow
def test_five_hundred_runs_of_ten_segments_are_planned_in_half_a_gigabyte() -> None:
    found = benchmark_workflow(ROOT, runs=500, segments=10, repeats=1)
    # train 10, and validate, evaluate, replay, analyze and figures, of 500 runs; what they share; what compares them
    assert found["jobs"] >= 500 * (10 + 5) + 5
    assert found["within_budget"]["dry_run_peak_mb"]
