"""`make figures` draws from what is there, and never trains or simulates."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tiny_project import ROOT, Project

MATRIX = "configs/matrices/tiny.yaml"
NEVER = {"build", "preprocess", "retarget", "validate", "train", "pretrained", "best", "evaluate", "replay"}


def in_project(project: Project, *command: str) -> subprocess.CompletedProcess:
    """Run a command in the project's folder, with its own package and the commands of this installation."""
    environment = {**os.environ, "PYTHONPATH": str(project.folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True)


def make_figures(project: Project) -> subprocess.CompletedProcess:
    """Run the shipped Makefile's target, whose installation is taken as done."""
    programs = Path(sys.executable).parent
    words = ["--file", str(ROOT / "Makefile"), "--old-file", "install", f"BIN={programs}", f"MATRIX={MATRIX}"]
    return in_project(project, "make", *words, "CORES=2", "figures")


def made(project: Project) -> set[str]:
    """Stages that were really made since the last call."""
    file = project.folder / "made.txt"
    lines = file.read_text().splitlines() if file.is_file() else []
    file.unlink(missing_ok=True)
    return {line.split()[0] for line in lines}


def test_figures_are_drawn_again_and_nothing_is_trained(project: Project) -> None:
    made(project)
    project.change_experiment("stroll", "training.parameters.learning_rate", 1e-4)
    project.change_experiment("stroll", "analysis.events.contact_on_bw", 0.06)
    project.change_experiment("walk", "figures.dpi", 100)
    assert "train" in project.stale()
    checkpoints = {path: path.read_bytes() for path in project.folder.glob("results/**/model_*.zip")}
    done = make_figures(project)
    assert done.returncode == 0, done.stdout + done.stderr
    stages = made(project)
    assert {"analyze", "figures", "report"} <= stages
    assert stages & NEVER == set()
    assert {path: path.read_bytes() for path in checkpoints} == checkpoints
    left = project.stale()
    assert "train" in left, "the changed training waits for the next whole run"
    assert WALK_IS_DRAWN not in left.get("run_figures", set())


WALK_IS_DRAWN = "walk-s1"


def test_drawing_rules_are_all_that_neither_simulate_nor_learn(project: Project) -> None:
    """A rule that is new in those files is drawn by `make figures`; the Makefile names none."""
    project.edit("workflow/rules/report.smk", "rule report:", NEW_RULE + "rule report:")
    done = in_project(project, sys.executable, "workflow/drawing_rules.py", MATRIX)
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.split())
    listed = in_project(project, sys.executable, "-m", "snakemake", "--config", f"matrix={MATRIX}", "--list-rules")
    rules = {line.split()[0] for line in listed.stdout.splitlines() if line and not line.startswith(" ")}
    assert rules >= NEVER
    assert found & NEVER == set()
    assert {"analyze", "run_figures", "matrix_figures", "report", "postcard"} <= found
    targets = {"all", "models", "reference", "validated", "trained", "evaluated", "analyzed", "figures"}
    assert rules - NEVER - found - targets == {"walk", "stroll", "course", "walk-s1", "stroll-s1", "course-s1"}


NEW_RULE = """rule postcard:
    input:
        rules.matrix_figures.output,
    output:
        f"{RESULTS}/postcard.png",
    shell:
        "cp {input[0]} {output}"


"""
