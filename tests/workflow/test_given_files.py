"""Policies that no rule of the matrix makes: one that was trained before, and one that a training starts from."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from made_once import made_once
from test_staleness import ACROSS, EVALUATION, TRAINING, rows
from tiny_project import EXPERIMENTS, Project

KEPT, KEPT_RUN = Path("pretrained/amble-s2"), "amble-pretrained-s2"
START = Path("given/start.zip")
REPLACED = {
    KEPT / "model_128.zip": rows(("pretrained", *EVALUATION), {KEPT_RUN}) | ACROSS,
    KEPT / "train_log_128.json": rows(("pretrained", *EVALUATION), {KEPT_RUN}) | ACROSS,
    START: rows(TRAINING, {"trot-s1"}) | ACROSS,
}
"""File -> what is stale when there is another one in its place."""


@pytest.fixture(scope="session")
def first_given(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = made_once(tmp_path_factory, "given", lambda folder: make_given(finished.copy(folder / "project")))
    return Project(folder / "project", finished.snakemake)


def make_given(project: Project) -> None:
    for path in REPLACED:
        (project.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / path).write_text(f"{path.name} as it was\n")
    (project.folder / KEPT / "experiment.json").write_text(json.dumps(EXPERIMENTS["walk"]))
    trot = {"extends": "walk.json", "training": {"warm_start": {"file": str(START)}}}
    (project.folder / "configs/experiments/trot.json").write_text(json.dumps(trot))
    project.edit("configs/matrices/tiny.yaml", "stroll, course]", f"trot]\npretrained: [{KEPT.name}]")
    project.run("report")


@pytest.fixture
def given(first_given: Project, tmp_path: Path) -> Project:
    """The tiny project with a policy that was trained before and a run that starts from a file."""
    return first_given.copy(tmp_path / "project")


def test_given_policies_are_taken_and_up_to_date(given: Project) -> None:
    assert given.stale() == {}
    taken = given.folder / "results/tiny/runs" / KEPT_RUN / "trained_models"
    assert {path.name for path in taken.iterdir()} == {"model_128.zip", "train_log_128.json"}
    for path in REPLACED:
        os.utime(given.folder / path)
    assert given.stale() == {}


@pytest.mark.parametrize("path", REPLACED, ids=str)
def test_an_older_file_in_its_place_makes_exactly_these_stages_stale(given: Project, path: Path) -> None:
    (given.folder / path).write_text("another one\n")
    os.utime(given.folder / path, (1e9, 1e9))
    assert given.stale() == REPLACED[path]


def test_code_that_takes_a_policy_makes_it_stale(given: Project) -> None:
    with (given.folder / "myoassist/pretrained/taking.py").open("a") as file:
        file.write("\n\ndef _new():\n    return 1\n")
    assert given.stale() == rows(("pretrained", *EVALUATION), {KEPT_RUN}) | ACROSS


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (START, "field 'training.warm_start.file': file given/start.zip not found"),
        (KEPT / "train_log_128.json", "pretrained/amble-s2/train_log_128.json: file not found"),
        (KEPT / "model_128.zip", "pretrained/amble-s2: expected one checkpoint"),
        (Path("reference_data/normative_kinematics.csv"), "Missing input files for rule analyze:"),
        (Path("reference_data/myosuite_stride.csv"), "field 'reference.source': file reference_data/myosuite_str"),
    ],
    ids=str,
)
def test_a_missing_one_is_named(given: Project, path: Path, said: str) -> None:
    (given.folder / path).unlink()
    shutil.rmtree(given.folder / "results")
    status, text = given.call("report", "--dry-run")
    assert status != 0
    assert said in text
    assert path.name in text or "model_<steps>.zip" in text
    assert "Traceback" not in text


NASTY = "$(touch pwned)'; touch pwned2; \" `touch pwned3`\n"
"""Words that a shell would run."""


def test_what_files_are_called_is_never_run(project: Project) -> None:
    source, start = f"reference_data/{NASTY}.csv", f"reference_data/{NASTY}.zip"
    shutil.copyfile(project.folder / "reference_data/myosuite_stride.csv", project.folder / source)
    (project.folder / start).write_text("a policy\n")
    trot = {
        "extends": "walk.json",
        "reference": {"source": source},
        "training": {"warm_start": {"file": start}},
    }
    (project.folder / "configs/experiments/trot.json").write_text(json.dumps(trot))
    project.edit("configs/matrices/tiny.yaml", "course]", "course, trot]")
    (project.folder / "made.txt").unlink()
    project.run("results/tiny/runs/trot-s1/trained_models/model_64.zip")
    made = [line.split()[0] for line in (project.folder / "made.txt").read_text().splitlines()]
    assert sorted(made) == ["preprocess", "retarget", "train"]
    assert list(project.folder.rglob("pwned*")) == []
    assert project.stale("results/tiny/runs/trot-s1/trained_models/model_64.zip") == {}
