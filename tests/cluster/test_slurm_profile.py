"""A tiny matrix of real trainings through a real SLURM: what is lost there comes back to the byte."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from repeatable import differences, repeatable
from slurm_node import SlurmNode

ROOT = Path(__file__).parents[2]
EXPERIMENT = {
    "training": {
        "n_envs": 4,
        "parameters": {"n_steps": 64, "batch_size": 64, "n_epochs": 4},
        "policy": {"actor": [16], "critic": [16]},
        "segment_steps": 1024,
    },
    "evaluation": {"scenarios": {"level": {"episodes": 2, "duration_s": 1}}},
}
MATRIX = """
experiments: [tiny]
axes:
  length:
    short: {training.total_steps: 1024}
    long: {training.total_steps: 2048}
seeds: [1]
"""
SHORT, LONG = "tiny-short-s1", "tiny-long-s1"
SITE = {"partition": "debug", "status_command": "squeue", "status_seconds": 1, "cores": 1, "memory_mb": 1500}
RESULTS = Path("results/tiny")


def snakemake(folder: Path, profile: str, *words: str, environment: dict[str, str] | None = None) -> subprocess.Popen:
    program = str(Path(__file__).with_name("attentive_snakemake.py"))
    command = [sys.executable, program, *words, "--config", "matrix=configs/matrices/tiny.yaml"]
    return subprocess.Popen(
        [*command, "--workflow-profile", f"workflow/profiles/{profile}"],
        cwd=folder,
        env={**(environment or os.environ), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=None if environment else lambda: os.nice(10),  # it runs while jobs do, and shall not slow them
    )


def finish(process: subprocess.Popen) -> str:
    """Wait for a workflow; return what it said."""
    try:
        return process.communicate(timeout=540)[0]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # it cancels its jobs
            process.communicate(timeout=60)


def wait_for(condition: Callable[[], object], process: subprocess.Popen, what: str) -> object:
    """Wait until something is so; return it."""
    end = time.monotonic() + 240
    while not (found := condition()):
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"{what} did not come about: {finish(process)}")
        time.sleep(0.02)
    return found


def learning(folder: Path, run: str) -> bool:
    """Whether a run's first segment is under way: libraries are loaded, no checkpoint is there."""
    log = folder / RESULTS / "logs" / "train" / run / "1024.log"
    return log.is_file() and "training with" in log.read_text()


def training_process(folder: Path, run: str) -> int | None:
    """Process id of a run's training in this folder (not that of the shell around it)."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").resolve() == folder:
                words = (entry / "cmdline").read_text().split("\0")
                if words[1].endswith("/myoassist") and words[2] == "train" and any(f"/{run}/" in w for w in words):
                    return int(entry.name)
        except (OSError, IndexError):
            continue
    return None


def made(folder: Path) -> dict[str, bytes]:
    """What must be the same of all that runs make: checkpoints, train logs, rollouts and tables."""
    files = sorted((folder / RESULTS / "runs").rglob("*"))
    return {str(path.relative_to(folder)): repeatable(path) for path in files if path.is_file()}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with body and reference made, but no training."""
    folder = tmp_path_factory.mktemp("cluster") / "prepared"
    for name in ("workflow", "reference_data"):
        shutil.copytree(ROOT / name, folder / name)
    for name, text in (("experiments/tiny.json", json.dumps(EXPERIMENT)), ("matrices/tiny.yaml", MATRIX)):
        file = folder / "configs" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (folder / "site.json").write_text(json.dumps(SITE))
    process = snakemake(folder, "default", "reference", "--cores", "2")
    text = finish(process)
    assert process.returncode == 0, text
    return folder


def test_cancelled_and_killed_jobs_come_back_to_the_byte(slurm: SlurmNode, prepared: Path, tmp_path: Path) -> None:
    folder, undisturbed = tmp_path / "on_slurm", tmp_path / "undisturbed"
    for copy in (folder, undisturbed):
        shutil.copytree(prepared, copy)
    environment = {**slurm.environment, "MYOASSIST_SITE": str(folder / "site.json")}
    local = snakemake(undisturbed, "default", "analyzed", "--cores", "1")
    try:
        words = ("analyzed", "--latency-wait", "5")
        process = snakemake(folder, "slurm", *words, "--retries", "0", environment=environment)
        try:
            wait_for(lambda: learning(folder, LONG), process, "the long training")
            (job,) = (job for job, comment in slurm.jobs().items() if f"{LONG}_1024" in comment)
            slurm.call("scancel", job)
            wait_for(lambda: learning(folder, SHORT), process, "the short training")
            os.kill(wait_for(lambda: training_process(folder, SHORT), process, "its process"), signal.SIGKILL)
        finally:
            text = finish(process)
        assert process.returncode == 1, text
        assert not list((folder / RESULTS).glob("runs/*/trained_models/*")), "part of a killed segment was left"
        assert len(slurm.jobs()) == 2

        process = snakemake(folder, "slurm", *words, environment=environment)
        text = finish(process)
        assert process.returncode == 0, text
    finally:
        reference = finish(local)
    assert local.returncode == 0, reference

    expected, found = made(undisturbed), made(folder)
    assert differences(found, expected) == {}
    names = Counter(re.sub(r"[0-9]+", "N", Path(path).name) for path in expected)
    assert {name: names[name] for name in ("model_N.zip", "train_log_N.json", "rollouts.hN", "metrics.json")} == {
        "model_N.zip": 3,
        "train_log_N.json": 3,
        "rollouts.hN": 2,
        "metrics.json": 2,
    }

    rules = [re.match(r"rule_(train|evaluation)_", comment) for comment in slurm.jobs().values()]
    assert all(rules), slurm.jobs()
    assert len(rules) == 7


def test_doctor_tells_that_this_slurm_needs_squeue(slurm: SlurmNode, tmp_path: Path) -> None:
    def doctor(**changes: object) -> tuple[int, dict[str, dict[str, str]]]:
        (tmp_path / "site.json").write_text(json.dumps(SITE | changes))
        environment = {**slurm.environment, "MYOASSIST_SITE": str(tmp_path / "site.json")}
        command = [sys.executable, "-m", "myoassist.cli", "doctor", "--slurm", "--json"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        found = json.loads(done.stdout)
        return done.returncode, {finding["check"]: finding for finding in found if finding["area"] == "Cluster"}

    _, found = doctor()
    assert {name: finding["status"] for name, finding in found.items()} == dict.fromkeys(
        ("SLURM", "partition", "status command"), "ok"
    )
    assert found["partition"]["found"].startswith(f"debug: nodes of up to {os.cpu_count()} CPUs")
    status, found = doctor(status_command="sacct")
    assert status == 1
    assert found["status command"]["status"] == "fail"
    assert "accounting" in found["status command"]["found"]
    _, found = doctor(partition="nonsuch")
    assert "one of debug" in found["partition"]["remedy"]
