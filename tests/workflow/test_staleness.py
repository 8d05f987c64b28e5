"""Which change makes which stage of which run stale: no more and no less, read from Snakemake's summary."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tiny_project import Project

WALK, STROLL = "walk-s1", "stroll-s1"
BOTH = {WALK, STROLL}
ANALYSIS = ("analyze", "run_figures")
EVALUATION = ("evaluate", "replay", *ANALYSIS)
ACROSS = {"figures": {"*"}, "report": {"*"}}


def rows(stages: tuple[str, ...], runs: set[str]) -> dict[str, set[str]]:
    return {stage: runs for stage in stages}


def append(path: str, text: str):
    def change(project: Project) -> None:
        with (project.folder / path).open("a") as file:
            file.write(text)

    return change


def setting(experiment: str, field: str, value: object):
    return lambda project: project.change_experiment(experiment, field, value)


def raw_data(project: Project) -> None:
    file = project.folder / "reference_data" / "myosuite_stride.csv"
    file.write_text(file.read_text() + "\n")


def comments_and_docstrings(project: Project) -> None:
    file = project.folder / "myoassist" / "envs" / "reward_terms.py"
    text = file.read_text()
    assert text.startswith('"""')
    file.write_text(
        '"""Reworded.\n\nAt length.\n"""\n# a remark\n' + text[text.index('"""', 3) + 3 :] + "\n# another\n"
    )


def two_at_once(project: Project) -> None:
    project.change_experiment("stroll", "figures.dpi", 100)
    project.change_experiment("stroll", "evaluation.video.azimuth_deg", 45)


def version(package: str):
    """Let another version of a package be found first on Python's path."""

    def change(project: Project) -> None:
        folder = project.folder / f"{package.replace('-', '_')}-99.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 99.0\n")

    return change


def nothing(project: Project) -> None:
    pass


FROM_REFERENCE = rows(("retarget",), {"*"}) | rows(("validate", "train", *EVALUATION), BOTH) | ACROSS
NEW_FUNCTION = "\n\ndef _new():\n    return 1\n"

TABLE = {
    "nothing": (nothing, {}),
    "raw data": (raw_data, {"preprocess": {"*"}} | FROM_REFERENCE),
    "reference setting": (
        setting("walk", "reference.cutoff_hz", 7),
        {"preprocess": {"*"}} | FROM_REFERENCE,
    ),
    "retargeting setting": (setting("walk", "retarget.frames", 100), FROM_REFERENCE),
    "body setting": (setting("walk", "model.mass_factor", 1.1), {"build": {"*"}} | FROM_REFERENCE),
    "validation setting": (
        setting("stroll", "validation.random_steps", 11),
        {"validate": {STROLL}, "report": {"*"}},
    ),
    "reward weight": (
        setting("stroll", "environment.reward.muscle_effort.weight", -0.3),
        rows(("validate", "train", *EVALUATION), {STROLL}) | ACROSS,
    ),
    "learning rate": (
        setting("stroll", "training.parameters.learning_rate", 1e-4),
        rows(("train", *EVALUATION), {STROLL}) | ACROSS,
    ),
    "evaluation setting": (
        setting("stroll", "evaluation.scenarios.level.episodes", 3),
        rows(EVALUATION, {STROLL}) | ACROSS,
    ),
    "camera": (
        setting("stroll", "evaluation.video.azimuth_deg", 45),
        {"replay": {STROLL}, "report": {"*"}},
    ),
    "gait event threshold": (
        setting("stroll", "analysis.events.contact_on_bw", 0.06),
        rows(ANALYSIS, {STROLL}) | ACROSS,
    ),
    "figure setting": (setting("stroll", "figures.dpi", 100), {"run_figures": {STROLL}} | ACROSS),
    "two at once": (two_at_once, rows(("run_figures", "replay"), {STROLL}) | ACROSS),
    "description": (setting("stroll", "description", "other words"), {"report": {"*"}}),
    "comment and docstring": (comments_and_docstrings, {}),
    "reward code": (
        append("myoassist/envs/reward_terms.py", NEW_FUNCTION),
        rows(("validate", "train", *EVALUATION), BOTH) | ACROSS,
    ),
    "metric code": (
        append("myoassist/analysis/kinematics.py", NEW_FUNCTION),
        rows(ANALYSIS, BOTH) | ACROSS,
    ),
    "figure code": (append("myoassist/analysis/figures/gait.py", NEW_FUNCTION), {"run_figures": BOTH} | ACROSS),
    "report caption": (append("workflow/report/validation.rst", "\nMore words.\n"), {"report": {"*"}}),
    "version of matplotlib": (version("matplotlib"), rows(("validate", "run_figures"), BOTH) | ACROSS),
    "version of torch": (version("torch"), rows(("validate", "train", *EVALUATION), BOTH) | ACROSS),
    "version of mujoco": (version("mujoco"), {"build": {"*"}} | FROM_REFERENCE),
    "report template": (append("myoassist/report/page.css", "\np {}\n"), {"report": {"*"}}),
}


@pytest.mark.parametrize("kind", TABLE)
def test_change_makes_exactly_these_stages_stale(project: Project, kind: str) -> None:
    change, expected = TABLE[kind]
    change(project)
    assert project.stale() == expected


def test_reverted_change_is_forgotten(project: Project) -> None:
    project.change_experiment("stroll", "figures.dpi", 100)
    project.change_experiment("stroll", "figures.dpi", 200)
    assert project.stale() == {}


def test_more_steps_train_only_the_added_segment(project: Project) -> None:
    project.change_experiment("stroll", "training.total_steps", 192)
    summary = project.run("--summary", "report")
    trained = [line for line in summary.splitlines() if "trained_models" in line and "no update" not in line]
    assert {Path(line.split("\t")[0]).name for line in trained} == {"model_192.zip", "train_log_192.json"}


def test_fewer_steps_train_nothing(project: Project) -> None:
    project.change_experiment("stroll", "training.total_steps", 64)
    assert "train" not in project.stale()


def test_added_seed_leaves_the_others_alone(project: Project) -> None:
    project.edit("configs/matrices/tiny.yaml", "[1]", "[1, 2]")
    stale = project.stale()
    runs = {run for names in stale.values() for run in names}
    assert runs == {"walk-s2", "stroll-s2", "*"}
    assert not {"build", "preprocess", "retarget"} & set(stale)


def test_class_in_a_users_file_counts_as_code(project: Project) -> None:
    own = project.folder / "my_rewards.py"
    own.write_text("class Mine:\n    factor = 1\n")
    project.change_experiment("stroll", "environment.environment_class", "my_rewards.py:Mine")
    project.run("report")
    own.write_text("# a remark\nclass Mine:\n    factor = 1\n")
    assert project.stale() == {}
    own.write_text("class Mine:\n    factor = 2\n")
    assert project.stale() == rows(("validate", "train", *EVALUATION), {STROLL}) | ACROSS


def test_touched_and_moved_results_stay_fresh(project: Project) -> None:
    for path in project.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path)
    shutil.move(project.folder / "results", project.folder / "elsewhere")
    (project.folder / "results").symlink_to("elsewhere")
    assert project.stale() == {}


def test_fresh_checkout_of_the_same_content_stays_fresh(project: Project) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=project.folder, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "myoassist", "configs", "workflow", "reference_data")
    git("commit", "--quiet", "--message", "state")
    shutil.rmtree(project.folder / "reference_data")
    shutil.rmtree(project.folder / "myoassist")
    git("checkout", "--", ".")
    assert project.stale() == {}


def test_figures_alone_never_touch_training(project: Project) -> None:
    project.change_experiment("stroll", "training.parameters.learning_rate", 1e-4)
    project.change_experiment("stroll", "figures.dpi", 100)
    plan = project.run("report", "--allowed-rules", "analyze", "run_figures", "figures", "report", "--dry-run")
    assert "draw stroll-s1" in plan
    assert "train stroll-s1" not in plan


def test_second_run_runs_nothing(project: Project) -> None:
    assert "Nothing to be done" in project.run("report")


def test_warm_start_follows_the_checkpoint_it_takes_over_from(project: Project) -> None:
    training = {"warm_start": {"experiment": "walk", "steps": 64}, "total_steps": 128}
    training["parameters"] = {"learning_rate": 1e-3}
    trot = {"extends": "walk.json", "training": training}
    (project.folder / "configs" / "experiments" / "trot.json").write_text(json.dumps(trot))
    project.edit("configs/matrices/tiny.yaml", "stroll]", "stroll, trot]")
    project.run("report")
    assert project.stale() == {}
    project.change_experiment("walk", "training.total_steps", 192)  # not the steps that it takes over from
    assert "trot-s1" not in project.stale()["train"]
    project.change_experiment("walk", "training.parameters.learning_rate", 1e-4)
    project.run("results/tiny/runs/walk-s1/trained_models/model_64.zip")
    assert "trot-s1" in project.stale()["train"]
