"""In words, why something would run: what Snakemake decides, with the fields, modules and files that differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tiny_project import ROOT, Project

PROGRAM = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from myoassist.staleness import why
found = why(sys.argv[1], matrix=Path("configs/matrices/tiny.yaml"), profile=Path("workflow/profiles/default"))
print(json.dumps([asdict(group) for group in found]))
"""


def ask(project: Project, target: str) -> dict[tuple[str, ...], list[str]]:
    """Causes -> jobs, as the project's own package says."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, target],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {tuple(group["causes"]): group["jobs"] for group in json.loads(done.stdout)}


def test_finished_run_is_up_to_date(project: Project) -> None:
    assert ask(project, "walk-s1") == {}


def test_two_changed_settings_are_named_with_their_values(project: Project) -> None:
    project.change_experiment("stroll", "environment.reward.muscle_effort.weight", -0.3)
    project.change_experiment("stroll", "figures.dpi", 100)
    found = ask(project, "stroll-s1")
    weight = [causes for causes in found if any("muscle_effort.weight changed from" in cause for cause in causes)]
    assert any(cause.startswith("setting environment.reward.muscle_effort") for cause in weight[0])
    assert any(cause.endswith("to -0.3") for cause in weight[0])
    jobs = {job for causes in weight for job in found[causes]}
    assert {"train stroll-s1 to 64 steps", "train stroll-s1 to 128 steps"} <= jobs
    assert found["setting dpi changed from 200 to 100",] == ["draw stroll-s1 at 128 steps: level"]
    assert "film stroll-s1 at 128 steps: level" in found[()]
    assert ask(project, "walk-s1") == {}


def test_changed_code_is_named_by_module_and_version(project: Project) -> None:
    with (project.folder / "myoassist/envs/reward_terms.py").open("a") as file:
        file.write("\n\ndef _new():\n    return 1\n")
    folder = project.folder / "mujoco-99.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mujoco\nVersion: 99.0\n")
    found = ask(project, "walk-s1")
    train = next(causes for causes, jobs in found.items() if "train walk-s1 to 64 steps" in jobs)
    assert len(train) == 2
    assert train[0].startswith("version of mujoco changed from 3.")
    assert train[0].endswith("to 99.0")
    assert train[1] == "code of myoassist.envs.reward_terms changed"
    build = next(causes for causes, jobs in found.items() if any(job.startswith("compile model") for job in jobs))
    assert build == train[:1]


def test_changed_content_added_segment_and_lost_file_are_named(project: Project) -> None:
    data = project.folder / "reference_data" / "myosuite_stride.csv"
    original = data.read_bytes()
    data.write_bytes(original + b"\n")
    assert ("content of reference_data/myosuite_stride.csv has changed",) in ask(project, "walk-s1")
    os.utime(data, (1e9, 1e9))  # as of a file that was copied with its date
    assert ("content of reference_data/myosuite_stride.csv has changed",) in ask(project, "walk-s1")
    data.write_bytes(original)
    project.change_experiment("walk", "training.total_steps", 192)
    made = ask(project, "walk-s1")["not made yet",]
    assert made[0] == "train walk-s1 to 192 steps"
    assert "evaluate walk-s1 at 192 steps: level" in made
    video = "results/tiny/runs/stroll-s1/evaluation/128/level/replay.mp4"
    (project.folder / video).unlink()
    project.change_experiment("walk", "training.total_steps", 128)
    assert ask(project, "stroll-s1") == {(f"{video} does not exist",): ["film stroll-s1 at 128 steps: level"]}


def test_failed_job_is_told_apart_from_one_that_was_never_tried(project: Project) -> None:
    project.edit("configs/matrices/tiny.yaml", "[1]", "[2]")
    (project.folder / "broken").write_text("walk-s2/trained_models/model_64")
    with pytest.raises(AssertionError):
        project.run("walk-s2")
    found = ask(project, "walk-s2")
    assert found["its last attempt failed or was interrupted",] == ["train walk-s2 to 64 steps"]
    assert "train walk-s2 to 128 steps" in found["not made yet",]


def test_many_jobs_are_named_in_short_or_all(project: Project) -> None:
    project.edit("configs/matrices/tiny.yaml", "[1]", "[1, 2]")
    words = ["walk-s2", "--matrix", "configs/matrices/tiny.yaml"]
    command = [sys.executable, "-m", "myoassist.cli", "why", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}

    def say(*more: str) -> list[str]:
        done = subprocess.run([*command, *more], cwd=project.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    short, everything = say(), say("--all")
    assert "and 2 more (--all names them)" in short
    assert short[0] == everything[0] == "walk-s2: 8 jobs would run"
    assert len([line for line in everything[1:] if line and not line.startswith(" ")]) == 8


@pytest.mark.parametrize("target", ["walk-s9", "nothing"])
def test_unknown_target_is_one_line(project: Project, target: str) -> None:
    with pytest.raises(AssertionError, match=f"InputError: {target}: .*No rule to produce {target}"):
        ask(project, target)
