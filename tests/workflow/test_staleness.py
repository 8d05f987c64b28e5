"""Which change makes which stage of which run stale: no more and no less, read from Snakemake's summary."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tiny_project import Project, new_project

WALK, STROLL, COURSE = "walk-s1", "stroll-s1", "course-s1"
ALL = {WALK, STROLL, COURSE}
ANALYSIS = ("analyze", "contact_sheet", "run_figures")
EVALUATION = ("evaluate", "replay", *ANALYSIS)
TRAINING = ("train", *EVALUATION)
ENVIRONMENT = ("validate", *TRAINING)
REPORT = {"report": {"*"}}
DRAWN_ACROSS = {"matrix_figures": {"*"}} | REPORT
ACROSS = {"matrix_tables": {"*"}} | DRAWN_ACROSS


def rows(stages: tuple[str, ...], runs: set[str]) -> dict[str, set[str]]:
    return {stage: runs for stage in stages}


def append(path: str, text: str):
    def change(project: Project) -> None:
        with (project.folder / path).open("a") as file:
            file.write(text)

    return change


def setting(experiment: str, field: str, value: object):
    return lambda project: project.change_experiment(experiment, field, value)


STRIDE, NORM = "reference_data/myosuite_stride.csv", "reference_data/normative_kinematics.csv"
MATRIX_FILE, CAPTION = "configs/matrices/tiny.yaml", "workflow/report/validation.rst"


def longer(path: str, *, older: bool = False):
    """Add an empty line to a file; with the date of long ago, as of a file that came from elsewhere."""

    def change(project: Project) -> None:
        append(path, "\n")(project)
        if older:
            os.utime(project.folder / path, (1e9, 1e9))

    return change


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


def two_at_once_in_two_runs(project: Project) -> None:
    project.change_experiment("stroll", "environment.reward.muscle_effort.weight", -0.3)
    project.change_experiment("course", "analysis.events.contact_on_bw", 0.06)


def phase_three_of_four(project: Project) -> None:
    project.edit("configs/experiments/course.json", '"episode_s": 4.0', '"episode_s": 5.0')


def comparison(project: Project) -> None:
    file = project.folder / "configs" / "matrices" / "tiny.yaml"
    sides = "{baseline: {experiment: walk, scenario: level}, conditions: [{experiment: course, scenario: level}]}"
    file.write_text(file.read_text() + f"comparisons:\n  worn: {sides}\n")


def own_class(text: str):
    return lambda project: (project.folder / "my_rewards.py").write_text(text)


def version(package: str):
    """Let another version of a package be found first on Python's path."""

    def change(project: Project) -> None:
        folder = project.folder / f"{package.replace('-', '_')}-99.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 99.0\n")

    return change


def nothing(project: Project) -> None:
    pass


DRAWN = rows(("preprocess_figure", "retarget_figure"), {"*"})
FROM_FIT = rows(("retarget", "retarget_figure"), {"*"}) | rows(ENVIRONMENT, ALL) | ACROSS
FROM_REFERENCE = rows(("preprocess", "preprocess_figure"), {"*"}) | FROM_FIT
FROM_NORM = rows(ANALYSIS, ALL) | ACROSS
NEW_FUNCTION = "\n\ndef _new():\n    return 1\n"

TABLE = {
    "nothing": (nothing, {}),
    "raw data": (longer(STRIDE), FROM_REFERENCE),
    "raw data, older than the results": (longer(STRIDE, older=True), FROM_REFERENCE),
    "norm": (longer(NORM), FROM_NORM),
    "norm, older than the results": (longer(NORM, older=True), FROM_NORM),
    "reference setting": (setting("walk", "reference.cutoff_hz", 7), FROM_REFERENCE),
    "retargeting setting": (setting("walk", "retarget.frames", 100), FROM_FIT),
    "body": (setting("walk", "model.body", "myolegs26"), {"build": {"*"}} | FROM_FIT),
    "mass of the body": (setting("walk", "model.mass_factor", 1.1), {"build": {"*"}} | FROM_FIT),
    "device put on": (
        setting("stroll", "model.device", "DephyExoBoot_L1"),  # model and fit are those of the other run with it
        rows(ENVIRONMENT, {STROLL}) | ACROSS,
    ),
    "device parameter": (
        setting("course", "environment.action.device.torque_limit_n_m", 20),
        rows(ENVIRONMENT, {COURSE}) | ACROSS,
    ),
    "observation": (setting("stroll", "environment.observation.clip", 5), rows(ENVIRONMENT, {STROLL}) | ACROSS),
    "physics threads": (setting("stroll", "training.env_threads", 1), REPORT),  # which shows the settings
    "validation setting": (
        setting("stroll", "validation.random_steps", 11),
        {"validate": {STROLL}} | REPORT,
    ),
    "reward weight": (
        setting("stroll", "environment.reward.muscle_effort.weight", -0.3),
        rows(ENVIRONMENT, {STROLL}) | ACROSS,
    ),
    "reward code": (append("myoassist/envs/reward_terms.py", NEW_FUNCTION), rows(ENVIRONMENT, ALL) | ACROSS),
    "code that a schedule follows": (
        append("myoassist/policies/schedules.py", NEW_FUNCTION),
        rows(TRAINING, ALL) | ACROSS,
    ),
    "code that changes phases": (
        append("myoassist/training/curriculum.py", NEW_FUNCTION),
        rows(TRAINING, ALL) | ACROSS,
    ),
    "code of scenarios": (append("myoassist/evaluation/scenario.py", NEW_FUNCTION), rows(EVALUATION, ALL) | ACROSS),
    "code of settings": (append("myoassist/config/curriculum.py", NEW_FUNCTION), {}),
    "own reward class": (own_class("class Mine:\n    factor = 2\n"), rows(ENVIRONMENT, {COURSE}) | ACROSS),
    "comment in the own class's file": (own_class("# a remark\nclass Mine:\n    factor = 1\n"), {}),
    "PPO parameter": (
        setting("stroll", "training.parameters.learning_rate", 1e-4),
        rows(TRAINING, {STROLL}) | ACROSS,
    ),
    "network": (setting("stroll", "training.policy.actor", [32, 32]), rows(TRAINING, {STROLL}) | ACROSS),
    "total steps up": (setting("stroll", "training.total_steps", 192), rows(TRAINING, {STROLL}) | ACROSS),
    "total steps down": (setting("stroll", "training.total_steps", 64), rows(EVALUATION, {STROLL}) | ACROSS),
    "curriculum phase 3 of 4": (phase_three_of_four, rows(TRAINING, {COURSE}) | ACROSS),
    "evaluation scenario": (
        setting("stroll", "evaluation.scenarios.level.episodes", 3),
        rows(EVALUATION, {STROLL}) | ACROSS,
    ),
    "scenario added": (
        setting("stroll", "evaluation.scenarios.longer", {"duration_s": 20}),
        rows(EVALUATION, {STROLL}) | ACROSS,
    ),
    "ground of a scenario": (
        setting("stroll", "evaluation.scenarios.level.ground", {"terrain": "slope", "slope_deg": 3}),
        rows(("build", "retarget"), {"*"}) | rows(EVALUATION, {STROLL}) | ACROSS,
    ),
    "torque of the device in a scenario": (
        setting("course", "evaluation.scenarios.level.device_torque_scale", 0.5),
        rows(EVALUATION, {COURSE}) | ACROSS,
    ),
    "camera": (setting("stroll", "evaluation.video.azimuth_deg", 45), {"replay": {STROLL}} | REPORT),
    "camera of a scenario": (
        setting("stroll", "evaluation.scenarios.level.video", {"camera": "fixed"}),
        {"replay": {STROLL}} | REPORT,
    ),
    "contact sheet": (
        setting("stroll", "evaluation.contact_sheet.frames", 8),
        {"contact_sheet": {STROLL}} | REPORT,
    ),
    "code of films and stills": (
        append("myoassist/evaluation/scene.py", NEW_FUNCTION),
        rows(("replay", "contact_sheet"), ALL) | REPORT,
    ),
    "gait-event threshold": (
        setting("stroll", "analysis.events.contact_on_bw", 0.06),
        rows(ANALYSIS, {STROLL}) | ACROSS,
    ),
    "metric code": (append("myoassist/analysis/kinematics.py", NEW_FUNCTION), rows(ANALYSIS, ALL) | ACROSS),
    "figure style": (setting("stroll", "figures.dpi", 100), {"run_figures": {STROLL}} | REPORT),
    "figure style of all runs": (setting("walk", "figures.dpi", 100), {"run_figures": ALL} | DRAWN_ACROSS),
    "figure code": (append("myoassist/analysis/figures/gait.py", NEW_FUNCTION), {"run_figures": ALL} | DRAWN_ACROSS),
    "code of the tables across runs": (append("myoassist/analysis/study/samples.py", NEW_FUNCTION), ACROSS),
    "comparison": (comparison, ACROSS),
    "code of the reference's picture": (
        append("myoassist/reference/preprocess_figure.py", NEW_FUNCTION),
        {"preprocess_figure": {"*"}} | REPORT,
    ),
    "code of the fit's picture": (
        append("myoassist/reference/retarget_figure.py", NEW_FUNCTION),
        {"retarget_figure": {"*"}} | REPORT,
    ),
    "code of the validation's picture": (
        append("myoassist/validation/figure.py", NEW_FUNCTION),
        {"validate": ALL} | REPORT,
    ),
    "report caption": (longer(CAPTION), REPORT),
    "report caption, older than the report": (longer(CAPTION, older=True), REPORT),
    "report template": (append("myoassist/report/page.css", "\np {}\n"), REPORT),
    "description": (setting("stroll", "description", "other words"), REPORT),
    "title of the matrix": (append(MATRIX_FILE, "title: Walking\n"), REPORT),
    "retention": (append(MATRIX_FILE, "retention: [all]\n"), {}),
    "comment and docstring": (comments_and_docstrings, {}),
    "version of mujoco": (version("mujoco"), {"build": {"*"}} | FROM_FIT),
    "version of torch": (version("torch"), rows(ENVIRONMENT, ALL) | ACROSS),
    "version of matplotlib": (version("matplotlib"), DRAWN | rows(("validate", "run_figures"), ALL) | DRAWN_ACROSS),
    "version of pillow": (version("pillow"), rows(("replay", "contact_sheet"), ALL) | REPORT),
    "two at once": (two_at_once, rows(("run_figures", "replay"), {STROLL}) | REPORT),
    "two at once in two runs": (
        two_at_once_in_two_runs,
        rows(ENVIRONMENT, {STROLL}) | rows(ANALYSIS, {STROLL, COURSE}) | ACROSS,
    ),
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


def test_dates_of_results_hide_no_edit(project: Project) -> None:
    longer(STRIDE)(project)
    for path in (project.folder / "results").rglob("*"):
        os.utime(path)
    assert project.stale() == FROM_REFERENCE


def trained_again(project: Project) -> set[str]:
    """Files of trainings that would be made again, below the folder of runs."""
    return {"/".join(path.parts[3:]) for path in project.stale_files() if "trained_models" in path.parts}


def test_more_steps_train_only_the_added_segment(project: Project) -> None:
    project.change_experiment("stroll", "training.total_steps", 192)
    folder = f"{STROLL}/trained_models"
    assert trained_again(project) == {f"{folder}/model_192.zip", f"{folder}/train_log_192.json"}


def test_a_later_phase_keeps_the_earlier_ones(project: Project) -> None:
    phase_three_of_four(project)
    folder = f"{COURSE}/trained_models"
    names = [f"{kind}_{steps}" for steps in (192, 256) for kind in ("model", "train_log")]
    assert {Path(path).with_suffix("").as_posix() for path in trained_again(project)} == {
        f"{folder}/{name}" for name in names
    }


def test_added_seed_leaves_the_others_alone(project: Project) -> None:
    project.edit("configs/matrices/tiny.yaml", "[1]", "[1, 2]")
    stale = project.stale()
    runs = {run for names in stale.values() for run in names}
    assert runs == {"walk-s2", "stroll-s2", "course-s2", "*"}
    assert not {"build", "preprocess", "retarget"} & set(stale)


def test_results_accepted_as_they_are_stay_fresh(project: Project) -> None:
    append("myoassist/envs/reward_terms.py", NEW_FUNCTION)(project)
    before = {path: path.read_bytes() for path in project.folder.glob("results/**/*.*") if path.is_file()}
    project.run("--touch", "report")
    assert project.stale() == {}
    assert {path: path.read_bytes() for path in before} == before


def test_results_copied_together_with_their_records_stay_fresh(project: Project, tmp_path: Path) -> None:
    clone = new_project(tmp_path / "clone", project.snakemake)
    for name in ("results", ".snakemake"):
        shutil.copytree(project.folder / name, clone.folder / name, copy_function=shutil.copyfile)
    assert clone.stale() == {}


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


def test_second_run_runs_nothing(project: Project) -> None:
    assert "Nothing to be done" in project.run("report")


def test_warm_start_follows_the_checkpoint_it_takes_over_from(project: Project) -> None:
    training = {"warm_start": {"experiment": "walk", "steps": 64}, "total_steps": 128}
    training["parameters"] = {"learning_rate": 1e-3}
    trot = {"extends": "walk.json", "training": training}
    (project.folder / "configs" / "experiments" / "trot.json").write_text(json.dumps(trot))
    project.edit("configs/matrices/tiny.yaml", "course]", "course, trot]")
    project.run("report")
    assert project.stale() == {}
    project.change_experiment("walk", "training.total_steps", 192)  # not the steps that it takes over from
    assert "trot-s1" not in project.stale()["train"]
    project.change_experiment("walk", "training.parameters.learning_rate", 1e-4)
    project.run("results/tiny/runs/walk-s1/trained_models/model_64.zip")
    assert "trot-s1" in project.stale()["train"]
