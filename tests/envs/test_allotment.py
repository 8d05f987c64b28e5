"""A job keeps to the CPUs that it was given, and says so if they are fewer than it asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from loguru import logger
from threadpoolctl import threadpool_info

from myoassist.envs import allotment
from myoassist.envs.allotment import available_cpus, keep_to_allotment

EXPERIMENT = {
    "training": {
        "n_envs": 8,
        "parameters": {"n_steps": 8, "batch_size": 32, "n_epochs": 1},
        "policy": {"actor": [16], "critic": [16]},
        "segment_steps": 64,
        "total_steps": 64,
        "torch_threads": 2,
    },
    "evaluation": {"scenarios": {"level": {"episodes": 2, "duration_s": 0.2}}},
}
PROGRAM = """
import json, os, sys
from threadpoolctl import threadpool_info
from myoassist import cli
import myoassist.envs.simulation as simulation
made, rollout = [], simulation.Rollout
def remember(*, nthread):
    made.append(nthread)
    return rollout(nthread=nthread)
simulation.Rollout = remember
for words in json.loads(sys.argv[1]):
    cli.main(words)
blas = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
print(json.dumps({"physics": made, "blas": blas}))
"""


@pytest.fixture
def messages():
    """Warnings and what else is logged, one line each."""
    lines: list[str] = []
    handler = logger.add(lambda message: lines.append(str(message).strip()), format="{level} {message}")
    yield lines
    logger.remove(handler)


def test_job_that_asked_for_eight_and_got_one_core_runs_on_one_and_warns(assets, tmp_path) -> None:
    experiment = tmp_path / "tiny.json"
    experiment.write_text(json.dumps(EXPERIMENT))
    options = ["--experiment", str(experiment), "--threads", "8"]
    options += [word for name, path in assets.files.items() for word in (f"--{name}", str(path))]
    model, log = str(tmp_path / "model.zip"), tmp_path / "log.json"
    train = ["train", *options, "--output", model, "--log", str(log)]
    evaluate = ["evaluate", *options, "--checkpoint", model, "--rollouts", str(tmp_path / "rollouts.h5")]
    core = min(os.sched_getaffinity(0))
    # As Snakemake sets them for a job with eight threads.
    pools = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([train, evaluate])],
        env={**os.environ, **pools},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = "WARNING 8 physics threads were asked for, but this process may use one CPU only"
    assert done.stderr.count(said) == 2
    assert done.stderr.count("WARNING 2 torch threads (training.torch_threads) were asked for") == 1
    used = json.loads(done.stdout.splitlines()[-1])
    assert used["physics"]
    assert set(used["physics"]) == {0}  # on the calling thread
    assert set(used["blas"]) == {1}
    assert json.loads(log.read_text())["threads"] == 1


def test_threads_follow_the_affinity_unless_fewer_are_asked_for(messages, monkeypatch) -> None:
    monkeypatch.setattr(allotment, "available_cpus", lambda: 4)
    assert keep_to_allotment(None, task="training") == 4
    assert keep_to_allotment(3, task="training") == 3
    assert not [line for line in messages if line.startswith("WARNING")]
    assert keep_to_allotment(6, task="training") == 4
    assert messages[-2:] == [
        "WARNING 6 physics threads were asked for, but this process may use 4 CPUs only",
        "INFO training with 4 physics threads (4 CPUs allowed)",
    ]


def test_linear_algebra_is_kept_to_one_thread() -> None:
    keep_to_allotment(1, task="training")
    assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {1}


def test_available_cpus_is_the_affinity() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
