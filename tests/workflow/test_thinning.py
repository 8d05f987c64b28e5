"""Old checkpoints can go without making anything stale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_once import made_once
from tiny_project import ROOT, Project

CHECKPOINTS = {64, 128, 192, 256, 320}


def thin(project: Project, *words: str) -> tuple[int, str]:
    """Run the real command in the project's folder; return its status and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "myoassist.cli", "matrix", "thin", "configs/matrices/tiny.yaml", *words],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def kept(project: Project, run: str = "walk-s1") -> set[int]:
    folder = project.folder / "results/tiny/runs" / run / "trained_models"
    names = {path.stem.removeprefix("model_") for path in folder.glob("model_*.zip")}
    return {int(name) for name in names - {"best"}}


def trained(project: Project) -> set[int]:
    """Steps of the segments of walk that were trained since the file of what was made was last deleted."""
    lines = (project.folder / "made.txt").read_text().splitlines()
    return {int(line[:-4].rsplit("_")[-1]) for line in lines if line.startswith("train ") and "/walk-s1/" in line}


@pytest.fixture(scope="session")
def first_long(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = made_once(tmp_path_factory, "long", lambda folder: make_long(finished.copy(folder / "project")))
    return Project(folder / "project", finished.snakemake)


def make_long(project: Project) -> None:
    rewards = {"64": 1, "128": 5, "192": 2, "256": 3, "320": 4, "384": 4}
    (project.folder / "rewards.json").write_text(json.dumps(rewards))
    trot = {"extends": "walk.json", "training": {"warm_start": {"experiment": "walk", "steps": 192}}}
    (project.folder / "configs/experiments/trot.json").write_text(json.dumps(trot))
    project.edit("configs/matrices/tiny.yaml", "stroll, course]", "trot]\ncheckpoints: [final, best]")
    project.change_experiment("walk", "training.total_steps", 320)
    project.change_experiment("walk", "training.parameters.learning_rate", 1e-4)  # all again, with these rewards
    project.run("report")
    (project.folder / "made.txt").unlink()


@pytest.fixture
def long(first_long: Project, tmp_path: Path) -> Project:
    """The tiny project with five segments each; the best is the second, and another run starts from the third."""
    return first_long.copy(tmp_path / "project")


def test_thinned_matrix_is_up_to_date_and_trains_only_added_segments(long: Project) -> None:
    assert thin(long, "--dry-run")[0] == 0
    assert kept(long) == CHECKPOINTS
    status, text = thin(long)
    assert status == 0
    assert "walk-s1: checkpoints at 64, 256 steps" in text
    assert "deleted, 0.0 MB" in text
    assert kept(long) == {128, 192, 320}  # best, another run's start, final
    assert long.stale() == {}
    assert "Nothing to be done" in long.run("report")
    assert "0 checkpoints deleted" in thin(long)[1]

    long.change_experiment("walk", "training.total_steps", 384)
    long.run("report")
    assert trained(long) == {384}
    assert kept(long) == {128, 192, 320, 384}
    assert long.stale() == {}


def test_what_is_evaluated_or_named_stays(long: Project) -> None:
    assert thin(long, "--keep", "every 4")[0] == 0
    assert kept(long) == {128, 192, 256, 320}
    long.edit("configs/matrices/tiny.yaml", "best]", "best, 256]\nretention: [all]")
    long.edit("configs/matrices/tiny.yaml", "walk, trot", "walk")
    assert thin(long)[0] == 0
    assert kept(long) == {128, 192, 256, 320}
    long.edit("configs/matrices/tiny.yaml", "[all]", "[final]")
    assert thin(long)[0] == 0
    assert kept(long) == {128, 256, 320}


def test_incomplete_run_keeps_everything(long: Project) -> None:
    (long.folder / "results/tiny/runs/walk-s1/trained_models/train_log_320.json").unlink()
    status, text = thin(long)
    assert status == 0
    assert "walk-s1: everything is kept, the run is not complete" in text
    assert kept(long) == CHECKPOINTS
    assert kept(long, "trot-s1") == {128, 320}


@pytest.mark.parametrize(
    ("digest", "status", "said", "left_of_the_other"),
    [
        (True, 2, "best.json: damaged or edited (field 'sha256'", CHECKPOINTS),
        (False, 0, "best.json names a checkpoint at 138 steps, where no segment ends", {128, 320}),
    ],
    ids=["another digit", "no segment's end"],
)
def test_nothing_is_deleted_by_a_wrong_choice(
    long: Project, digest: bool, status: int, said: str, left_of_the_other: set[int]
) -> None:
    choice = long.folder / "results/tiny/runs/walk-s1/trained_models/best.json"
    content = json.loads(choice.read_text().replace('"steps": 128', '"steps": 138', 1))
    if not digest:  # as earlier versions wrote it
        del content["sha256"]
    choice.write_text(json.dumps(content))
    found, text = thin(long)
    assert (found, said in text) == (status, True), text
    assert kept(long) == CHECKPOINTS
    assert kept(long, "trot-s1") == left_of_the_other


def test_running_workflow_and_wrong_names_are_refused(long: Project) -> None:
    locks = long.folder / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("x\n")
    assert thin(long)[0] == 2
    assert "a workflow is running here" in thin(long)[1]
    assert thin(long, "--dry-run")[0] == 0
    (locks / "0.output.lock").unlink()
    assert "field 'retention.0': expected 'final'" in thin(long, "--keep", "some")[1]
    assert "field 'retention': run walk-s1 has no checkpoint at 65 steps" in thin(long, "--keep", "65")[1]
    assert kept(long) == CHECKPOINTS
