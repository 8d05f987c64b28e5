from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from myoassist.doctor.cluster import examine, minutes
from myoassist.doctor.findings import Finding

GOOD = {"partition": "long", "account": "lab", "longest_minutes": 7200}


@pytest.fixture(autouse=True)
def no_site_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MYOASSIST_SITE", raising=False)


def findings(project: Path, site: dict, *, needed: bool = True) -> dict[str, Finding]:
    file = project / "workflow" / "profiles" / "slurm" / "site.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(site))
    return {finding.check: finding for finding in examine(project, needed=needed)}


def test_a_complete_site_is_all_well(slurm_programs, tmp_path) -> None:
    slurm_programs()
    found = findings(tmp_path, GOOD)
    assert {finding.status for finding in found.values()} == {"ok"}
    assert found["SLURM"].found == "23.11.4 answers"
    assert found["account"].found == "lab"
    assert "up to 64 CPUs and 256,000 MB, at most 7,200 minutes" in found["partition"].found


def test_no_slurm_is_well_unless_it_is_needed(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert findings(tmp_path, {}, needed=False)["SLURM"].status == "ok"
    assert findings(tmp_path, {})["SLURM"].status == "fail"


def test_daemon_that_does_not_answer(slurm_programs, tmp_path) -> None:
    slurm_programs(sinfo=None)
    assert findings(tmp_path, GOOD)["SLURM"].found == "does not answer: sinfo does not work"
    assert findings(tmp_path, GOOD, needed=False)["SLURM"].status == "warning"


@pytest.mark.parametrize(
    ("changes", "status", "remedy"),
    [
        ({"partition": "lng"}, "fail", "partition: one of short, long, endless"),
        ({"partition": None, "longest_minutes": 120}, "fail", "cores: 4"),
        ({"partition": None, "longest_minutes": 120, "cores": 4}, "ok", ""),
        ({"longest_minutes": None}, "warning", "longest_minutes: 7200"),
        ({"partition": "endless", "longest_minutes": None}, "ok", ""),
        ({"memory_mb": 300_000}, "fail", "memory_mb: less than 256000"),
    ],
)
def test_partition_is_compared_with_its_nodes(slurm_programs, tmp_path, changes, status, remedy) -> None:
    slurm_programs()
    found = findings(tmp_path, GOOD | changes)["partition"]
    assert found.status == status
    assert remedy in found.remedy


def test_sacct_without_accounting_would_wait_for_ever(slurm_programs, tmp_path) -> None:
    slurm_programs(sacct=None)
    found = findings(tmp_path, GOOD)["status command"]
    assert found.status == "fail"
    assert "status_command: squeue" in found.remedy
    assert findings(tmp_path, GOOD | {"status_command": "squeue"})["status command"].status == "ok"


def test_squeue_needs_ended_jobs_to_show_for_long(slurm_programs, tmp_path) -> None:
    slurm_programs()
    site = GOOD | {"status_command": "squeue"}
    assert findings(tmp_path, site | {"status_seconds": 100})["status command"].status == "ok"
    found = findings(tmp_path, site | {"status_seconds": 101})["status command"]
    assert found.status == "fail"
    assert "status_seconds: at most 100 or site file: status_command: sacct" in found.remedy


def test_account_of_others(slurm_programs, tmp_path) -> None:
    slurm_programs()
    found = findings(tmp_path, GOOD | {"account": "theirs"})["account"]
    assert found.status == "fail"
    assert "account: one of lab, teaching" in found.remedy


def test_mistake_in_the_site_file_is_named(tmp_path) -> None:
    found = findings(tmp_path, {"partitoin": "long"})["site file"]
    assert "site.yaml: field 'partitoin': unknown field" in found.found


def test_time_limits_are_compared_with_past_trainings(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    logs = tmp_path / "results" / "walk" / "runs" / "walk-s1" / "trained_models"
    logs.mkdir(parents=True)
    for number, wall_s in enumerate((100.0, 2200.0, 1.0)):  # the last is too short to count
        log = {"start_steps": 0, "stop_steps": 1_000_000, "wall_s": wall_s}
        (logs / f"train_log_{number}.json").write_text(json.dumps(log))
        os.utime(logs / f"train_log_{number}.json", (number, number))
    found = findings(tmp_path, {}, needed=False)["training speed"]
    assert found.status == "warning"
    assert found.found.startswith("slowest of 2 past segments: 455 steps/s")
    assert found.remedy.endswith("training_steps_per_second: 450")
    assert findings(tmp_path, {"training_steps_per_second": 450}, needed=False)["training speed"].status == "ok"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("infinite", None), ("30:00", 30), ("2:00:00", 120), ("1-12:30:00", 2190), ("00:00", 0), ("n/a", None)],
)
def test_time_limits_are_read_as_slurm_writes_them(text, expected) -> None:
    assert minutes(text) == expected
