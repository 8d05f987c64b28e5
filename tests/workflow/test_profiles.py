"""What becomes a cluster's job, and that neither profile nor site makes anything stale."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_project import ROOT, Project

PROFILES = ROOT / "workflow" / "profiles"


@pytest.fixture(scope="module")
def rules() -> dict[str, dict]:
    command = [sys.executable, str(Path(__file__).with_name("describe_rules.py")), "configs/matrices/demo.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_only_training_and_evaluation_become_jobs(rules) -> None:
    """A new rule has to say where it runs: with the evaluation, or where Snakemake runs."""
    places = {name: rule["runs"] for name, rule in rules.items()}
    assert {name for name, place in places.items() if place == "job"} == {"train"}
    assert {name for name, place in places.items() if place == "evaluation"} == {
        "evaluate",
        "replay",
        "analyze",
        "contact_sheet",
        "run_figures",
    }


def test_jobs_ask_for_more_memory_and_time_at_each_attempt(rules) -> None:
    # 30,720 steps and 6 episodes of 5 s at 50 Hz, with the shipped site file's speeds
    minutes = {"train": 3 + 2 * 30_720 / 1000 / 60, "evaluate": 3 + 2 * 6 * 5 * 50 / 200 / 60}
    for name, first in minutes.items():
        asked = [{"mem_mb": 2000 * attempt, "runtime": math.ceil(first * attempt)} for attempt in (1, 2, 3)]
        assert rules[name]["asks"] == asked


def test_every_rule_leaves_a_log_and_a_benchmark_and_says_what_it_does(rules) -> None:
    for name, rule in rules.items():
        if not rule["target"]:
            assert (rule["log"], rule["benchmark"], rule["message"]) == (1, True, True), name


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


def test_mistake_in_the_site_file_is_one_clear_line(project: Project) -> None:
    (project.folder / "workflow" / "profiles" / "slurm" / "site.yaml").write_text("cores: many\n")
    with pytest.raises(AssertionError, match=r"slurm/site\.yaml: field 'cores': Input should be a valid integer"):
        project.run("report", "--dry-run")
