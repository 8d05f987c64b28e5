"""What becomes a cluster's job, and that neither profile nor site makes anything stale."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_project import ROOT, Project

PROFILES = ROOT / "workflow" / "profiles"


def describe(folder: Path) -> dict[str, dict]:
    """Ask the workflow about its rules, with the demo matrix and what was measured in a folder."""
    for name in ("workflow", "configs", "reference_data", "pretrained"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    command = [sys.executable, str(Path(__file__).with_name("describe_rules.py")), "configs/matrices/demo.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    return describe(tmp_path_factory.mktemp("nothing_measured"))


def test_only_training_and_evaluation_become_jobs(rules) -> None:
    """A new rule has to say where it runs: with the evaluation, or where Snakemake runs."""
    places = {name: rule["runs"] for name, rule in rules.items()}
    assert {name for name, place in places.items() if place == "job"} == {"train"}
    together = {name.rstrip("_0123456789") for name, place in places.items() if place == "evaluation"}
    # and run_figures_2, of other choices
    assert together == {"evaluate", "replay", "analyze", "contact_sheet", "run_figures"}


def test_jobs_ask_for_more_memory_and_time_at_each_attempt(rules) -> None:
    # 30,720 steps and 6 episodes of 5 s at 50 Hz, with the shipped site file's speeds
    minutes = {"train": 3 + 2 * 30_720 / 1000 / 60, "evaluate": 3 + 2 * 6 * 5 * 50 / 200 / 60}
    for name, first in minutes.items():
        asked = [{"mem_mb": 2000 * attempt, "runtime": math.ceil(first * attempt)} for attempt in (1, 2, 3)]
        assert rules[name]["asks"] == asked


def measure(folder: Path, job: str, seconds: float) -> None:
    """Leave a benchmark file as if a job of the demo matrix had taken so long."""
    file = folder / "results/demo/benchmarks" / f"{job}.tsv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t800\n")


def test_time_limits_follow_the_slowest_that_was_measured(tmp_path: Path) -> None:
    """Of the run itself, if it has any; else of other seeds of its experiment."""
    measure(tmp_path, "train/demo_imitation-s2/30720", 600)
    measure(tmp_path, "train/demo_constant_neutral-s1/30720", 9000)
    measure(tmp_path, "evaluate/demo_imitation-s1/61440/level", 120)
    asked = {name: rule["asks"][0]["runtime"] for name, rule in describe(tmp_path).items() if rule["asks"][0]}
    assert asked["train"] == 3 + 2 * 10
    assert asked["evaluate"] == 3 + 2 * 2
    measure(tmp_path, "train/demo_imitation-s1/30720", 300)
    assert describe(tmp_path)["train"]["asks"][0]["runtime"] == 3 + 2 * 5


def test_every_rule_leaves_a_log_and_a_benchmark_and_says_what_it_does(rules) -> None:
    for name, rule in rules.items():
        if not rule["target"]:
            assert (rule["log"], rule["benchmark"], rule["message"]) == (1, True, True), name


def test_everything_that_a_rule_makes_is_in_the_docs(rules) -> None:
    table = (ROOT / "docs" / "workflow.md").read_text().split("## The chain")[1].split("## ")[0]
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    for name, rule in rules.items():
        if not rule["target"]:
            row = rows[re.sub(r"_[0-9]+$", "", name)]
            for file in rule["makes"]:
                shown = re.sub(r"\{(\w+)[^}]*\}", r"<\1>", file)
                assert f"{shown}`" in row or f"*{Path(file).suffix}`" in row, f"{name}: {shown}"


def test_both_profiles_agree_on_what_is_stale() -> None:
    default = yaml.safe_load((PROFILES / "default" / "profile.yaml").read_text())
    slurm = yaml.safe_load((PROFILES / "slurm" / "profile.yaml").read_text())
    assert default.items() <= slurm.items()
    assert not [key for key in slurm if "array" in key]


def test_cluster_and_its_site_make_nothing_stale(project: Project) -> None:
    site = project.folder / "workflow" / "profiles" / "slurm" / "site.yaml"
    site.write_text("partition: short\ncores: 3\nmemory_mb: 5000\ntraining_steps_per_second: 3\n")
    assert project.stale() == {}
    assert project.stale("report", "--workflow-profile", "workflow/profiles/slurm") == {}


def train_only_with(project: Project, memory_mb: int) -> None:
    """Let a training fail with less memory than it needs, and write down what every attempt was given."""
    given = "echo {resources.mem_mb} {resources.runtime} >> given.txt; "
    enough = f"test {{resources.mem_mb}} -ge {memory_mb} && "
    project.edit("workflow/rules/training.smk", '"myoassist train ', f'"{given}{enough}myoassist train ')


def given(project: Project) -> list[tuple[int, int]]:
    """Memory (MB) and time (minutes) of every attempt at a training."""
    lines = (project.folder / "given.txt").read_text().splitlines()
    return [(int(memory), int(minutes)) for memory, minutes in map(str.split, lines)]


def test_a_job_that_fails_is_tried_again_with_more(project: Project) -> None:
    train_only_with(project, 4000)
    project.change_experiment("walk", "training.total_steps", 192)
    project.run("walk-s1", "--retries", "2")
    (memory, minutes), (more_memory, more_minutes) = given(project)
    assert (memory, more_memory) == (2000, 4000)
    assert minutes < more_minutes <= 2 * minutes
    assert (project.folder / "results/tiny/runs/walk-s1/trained_models/model_192.zip").is_file()
    assert project.stale("walk-s1") == {}


def test_a_job_that_always_fails_is_given_up_after_its_retries(project: Project) -> None:
    train_only_with(project, 1_000_000)
    project.change_experiment("walk", "training.total_steps", 192)
    status, said = project.call("walk-s1", "--retries", "2")
    assert status == 1
    assert [memory for memory, _ in given(project)] == [2000, 4000, 6000]
    assert said.count("Error in rule train:") >= 1
    assert not (project.folder / "results/tiny/runs/walk-s1/trained_models/model_192.zip").exists()


def test_mistake_in_the_site_file_is_one_clear_line(project: Project) -> None:
    (project.folder / "workflow" / "profiles" / "slurm" / "site.yaml").write_text("cores: many\n")
    with pytest.raises(AssertionError, match=r"slurm/site\.yaml: field 'cores': Input should be a valid integer"):
        project.run("report", "--dry-run")
