"""The workflow with its real stages in a folder of its own, on the smallest numbers that make all files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from repeatable import repeatable

ROOT = Path(__file__).parents[2]
EXPERIMENT = {
    "retarget": {"frames": 50, "stance_rms_m": 0.02, "slip_rms_m_s": 0.5, "fit": {"fit_frames": 60}},
    "training": {
        "n_envs": 4,
        "policy": {"actor": [16], "critic": [16]},
        "parameters": {"n_steps": 16, "batch_size": 32, "n_epochs": 1},
        "segment_steps": 64,
        "total_steps": 128,
    },
    "evaluation": {"scenarios": {"level": {"episodes": 2, "duration_s": 0.5}}},
    "figures": {"run": ["dashboard"], "matrix": ["learning_curves"], "dpi": 60},
}
COMMAND = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
OPTIONS = ["--config", "matrix=configs/matrices/tiny.yaml", "--cores", "2"]


def new_real_project(folder: Path, *, seeds: int = 1) -> Path:
    """Copy the workflow into a folder, with a matrix of tiny runs that differ in their seeds: their jobs overlap."""
    for name in ("workflow", "reference_data"):
        shutil.copytree(ROOT / name, folder / name)
    for path, content in (
        ("experiments/tiny.json", json.dumps(EXPERIMENT)),
        ("matrices/tiny.yaml", f"experiments: [tiny]\nseeds: {list(range(1, seeds + 1))}\n"),
    ):
        file = folder / "configs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start the workflow as the leader of its own group of processes; what it says goes to the file ``said``."""
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            [*COMMAND, *OPTIONS, *arguments],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run(folder: Path, *arguments: str, status: int = 0) -> str:
    """Run the workflow to its end; return what it said."""
    found = start(folder, *arguments).wait(timeout=500)
    said = (folder / "said").read_text()
    assert found == status, said
    return said


CLOCKED = ("study/training.csv", "study/training.parquet")
"""Tables that tell how long trainings took."""


def artefacts(folder: Path) -> dict[str, bytes]:
    """What must be the same of every result whenever it is made, by its path; leftovers of killed jobs count too."""
    results = folder / "results" / "tiny"
    return {
        file.relative_to(results).as_posix(): repeatable(file)
        for file in sorted(results.rglob("*"))
        if file.is_file()
        and file.relative_to(results).parts[0] not in ("logs", "benchmarks")
        and file.relative_to(results).as_posix() not in CLOCKED
    }
