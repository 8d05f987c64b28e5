"""How fast Snakemake plans a large matrix, and how much of that is reading the workflow."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myoassist.bench.measuring import Measured, run_measured, spread
from myoassist.errors import InputError

BUDGET = {"dry_run_s": 20.0, "dry_run_peak_mb": 500.0, "parse_over_empty_s": 1.0}
"""What 500 runs with 10 segments each may take: a dry run's seconds and memory, and seconds of reading the workflow."""

SEEDS = 10
_SEGMENT_STEPS = 65_536
_OF_BUDGET = (500, 10)


def benchmark_workflow(project: Path, *, runs: int = 500, segments: int = 10, repeats: int = 5) -> dict[str, Any]:
    """Measure dry runs of a large matrix, and reading its workflow against reading an empty one, interleaved.

    Args:
        project: folder with `workflow/`, `configs/` and `reference_data/`; nothing is written there.
        runs: of the matrix, in tens.
        segments: of each run.
        repeats: how often everything is measured.

    Returns:
        Plain data: `jobs`; `dry_run_s`, `parse_s` and `empty_s` (wall clock) and the same with `_cpu_s` (user and
        system), each median, best and worst; `dry_run_peak_mb`; `parse_over_empty_s`, the difference of the medians
        of CPU time; and for the 500 runs with 10 segments that a budget is set for, `within_budget`, which tells of
        each of `BUDGET` whether the median (of memory the worst) keeps to it.

    Raises:
        InputError: if the folder holds no workflow, the number of runs is no multiple of ten, or Snakemake fails.
    """
    if not (project / "workflow" / "Snakefile").is_file():
        raise InputError(f"{project / 'workflow' / 'Snakefile'}: file not found; run this in the project's folder")
    if runs < SEEDS or runs % SEEDS:
        raise InputError(f"--runs: expected a multiple of {SEEDS} (found {runs})")
    with tempfile.TemporaryDirectory() as name:
        large, empty = Path(name, "large"), Path(name, "empty")
        _write_matrix(project, large, runs, segments)
        empty.mkdir()
        (empty / "Snakefile").write_text("rule all:\n    input: []\n")
        matrix = ["--workflow-profile", "workflow/profiles/default", "--config", "matrix=configs/matrices/large.yaml"]
        measured: dict[str, list[Measured]] = {"dry_run": [], "parse": [], "empty": []}
        for _ in range(repeats):
            measured["empty"].append(_snakemake(empty, "--list"))
            measured["parse"].append(_snakemake(large, *matrix, "--list"))
            planned = _snakemake(large, *matrix, "--cores", "1", "--dry-run", "--quiet", "all", "--", "report")
            measured["dry_run"].append(planned)
    jobs = re.search(r"^total\s+(\d+)$", planned.said, re.MULTILINE)
    result: dict[str, Any] = {"runs": runs, "segments": segments, "jobs": int(jobs[1]) if jobs else None}
    for name, repeated in measured.items():
        result[f"{name}_s"] = spread([one.wall_s for one in repeated])
        result[f"{name}_cpu_s"] = spread([one.cpu_s for one in repeated])
    result["dry_run_peak_mb"] = round(max(one.peak_mb for one in measured["dry_run"]), 1)
    result["parse_over_empty_s"] = round(result["parse_cpu_s"]["median"] - result["empty_cpu_s"]["median"], 3)
    if (runs, segments) == _OF_BUDGET:
        result["within_budget"] = within_budget(result)
    return result


def within_budget(result: Mapping[str, Any]) -> dict[str, bool]:
    """Tell of each part of the budget whether measurements of 500 runs with 10 segments keep to it."""
    found = {**result, "dry_run_s": result["dry_run_s"]["median"]}
    return {name: found[name] <= most for name, most in BUDGET.items()}


def _write_matrix(project: Path, folder: Path, runs: int, segments: int) -> None:
    """Write a project with one experiment, an axis of one reward weight, and ten seeds."""
    for name in ("workflow", "reference_data"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to((project / name).resolve())
    for name in ("experiments", "matrices"):
        (folder / "configs" / name).mkdir(parents=True)
    base = (project / "configs" / "experiments" / "imitation.json").resolve()
    training = {"segment_steps": _SEGMENT_STEPS, "total_steps": segments * _SEGMENT_STEPS}
    experiment = {"extends": str(base), "training": training}
    (folder / "configs" / "experiments" / "walk.json").write_text(json.dumps(experiment))
    weight = "environment.reward.muscle_effort.weight"
    values = {f"e{index}": {weight: -0.001 * (index + 1)} for index in range(runs // SEEDS)}
    seeds = list(range(1, SEEDS + 1))
    matrix = {"experiments": ["walk"], "axes": {"effort": values}, "seeds": seeds, "scenarios": ["level"]}
    (folder / "configs" / "matrices" / "large.yaml").write_text(json.dumps(matrix))  # JSON is YAML, too


def _snakemake(folder: Path, *arguments: str) -> Measured:
    command = [sys.executable, "-m", "snakemake", *arguments]
    return run_measured(command, folder=folder, failure=f"snakemake failed in {folder}")
