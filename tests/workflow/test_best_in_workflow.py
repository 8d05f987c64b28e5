"""The best checkpoint: chosen after training, chosen again with every added segment, evaluated only if it changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_once import made_once
from tiny_project import Project

RUNS = Path("results/tiny/runs")
RUN = RUNS / "walk-s1"


@pytest.fixture(scope="session")
def first_judged(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = made_once(tmp_path_factory, "judged", lambda folder: make_judged(finished.copy(folder / "project")))
    return Project(folder / "project", finished.snakemake)


def make_judged(project: Project) -> None:
    (project.folder / "rewards.json").write_text(json.dumps({"64": 3.0, "128": 1.0, "192": 2.0, "256": 4.0}))
    project.edit("configs/matrices/tiny.yaml", "seeds", "checkpoints: [best]\nseeds")
    for name in ("walk", "stroll"):  # trained again, with these rewards
        project.change_experiment(name, "training.parameters.learning_rate", 1e-4)
    project.run("report")


@pytest.fixture
def judged(first_judged: Project, tmp_path: Path) -> Project:
    """The tiny project with its best checkpoints evaluated, too; that of both runs is the first of two."""
    return first_judged.copy(tmp_path / "project")


def choice(project: Project, run: str = "walk-s1") -> dict:
    return json.loads((project.folder / RUNS / run / "trained_models" / "best.json").read_text())


def made(project: Project, run: str = "walk-s1") -> set[str]:
    """Stages that were really made for a run since the last call."""
    file = project.folder / "made.txt"
    lines = file.read_text().splitlines() if file.is_file() else []
    file.unlink(missing_ok=True)
    return {line.split()[0] for line in lines if f"/{run}/" in line}


def test_best_is_a_copy_of_the_best_segment_and_says_why(judged: Project) -> None:
    models = judged.folder / RUN / "trained_models"
    assert choice(judged)["steps"] == 64
    assert choice(judged)["candidates"] == [{"steps": 64, "value": 3.0}, {"steps": 128, "value": 1.0}]
    assert (models / "model_best.zip").read_bytes() == (models / "model_64.zip").read_bytes()
    assert (judged.folder / RUN / "evaluation/best/level/metrics.json").is_file()
    assert "Nothing to be done" in judged.run("report")


def test_added_segment_that_is_no_better_evaluates_nothing(judged: Project) -> None:
    evaluated = judged.folder / RUN / "evaluation/best/level/rollouts.h5"
    before = evaluated.read_bytes()
    made(judged)
    judged.change_experiment("walk", "training.total_steps", 192)
    judged.run("report")
    assert choice(judged)["steps"] == 64
    assert made(judged) == {"train", "best"}
    assert evaluated.read_bytes() == before
    assert "Nothing to be done" in judged.run("report")


def test_added_segment_that_is_better_is_evaluated(judged: Project) -> None:
    made(judged)
    judged.change_experiment("walk", "training.total_steps", 256)
    judged.run("report")
    assert choice(judged)["steps"] == 256
    assert made(judged) == {"train", "best", "evaluate", "replay", "analyze", "contact-sheet", "figures"}


def test_criterion_and_its_goal_are_settings_of_the_choice_only(judged: Project) -> None:
    made(judged)
    judged.change_experiment("stroll", "evaluation.best", {"goal": "lowest"})
    assert judged.stale()["best"] == {"stroll-s1"}
    assert "train" not in judged.stale()
    judged.run("report")
    assert choice(judged)["steps"] == 64
    assert choice(judged, "stroll-s1")["steps"] == 128
    assert made(judged, "stroll-s1") == {"best", "evaluate", "replay", "analyze", "contact-sheet", "figures"}


def test_figures_alone_work_with_the_best_checkpoint(judged: Project) -> None:
    judged.change_experiment("stroll", "figures.dpi", 100)
    plan = judged.run("report", "--allowed-rules", "analyze", "run_figures", "matrix_figures", "report", "--dry-run")
    assert "draw stroll-s1 at best steps" in plan
    assert "train" not in plan
