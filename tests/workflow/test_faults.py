"""What breaks in the middle goes on afterwards: same bytes at the end, and clear words in between."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from real_project import COMMAND, OPTIONS, artefacts, new_real_project, run, start
from repeatable import differences
from tiny_project import Project

TARGET = "analyzed"
VICTIMS = ("everything", "the workflow alone", "a job")
SEED = int(os.environ.get("FAULT_SEED", "1"))
"""Of the random moments. A failing test prints the one that it used."""


def running(process: subprocess.Popen) -> list[psutil.Process]:
    """Jobs of any stage that a workflow is running, not the shells around them."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for job in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                words = job.cmdline()
                if len(words) > 2 and words[1].endswith("/myoassist"):
                    found.append(job)
    return found


def wait_and_kill(process: subprocess.Popen, victim: str, rng: np.random.Generator, takes_s: float) -> bool:
    """Wait for a random moment and kill without a chance to clean up; return whether the victim was there."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=rng.uniform(0.08, 0.5) * takes_s)
    if process.poll() is not None:
        return False
    if victim == "a job":
        while not (jobs := running(process)) and process.poll() is None:
            time.sleep(0.02)
        if jobs:
            with contextlib.suppress(psutil.NoSuchProcess):
                jobs[rng.integers(len(jobs))].kill()
        return process.wait() == 1
    if victim == "everything":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()  # its jobs go on, beside those of the next workflow
    return process.wait() == -signal.SIGKILL


def disturb(folder: Path, rng: np.random.Generator, victims: list[str], takes_s: float) -> list[str]:
    """Run a project with one kill after the other until it is finished; return the victims that were hit."""
    groups, hit = [], []
    try:
        for victim in victims:
            process = start(folder, TARGET)
            groups.append(process.pid)
            if wait_and_kill(process, victim, rng, takes_s):
                hit.append(victim)
            if process.returncode == 0:
                break  # finished before
            run(folder, "--unlock")
        run(folder, TARGET)
    finally:
        for group in groups:  # jobs that outlived their workflow
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
    return hit


def disturb_until(kills: int, undisturbed: tuple[Path, float], place: Path) -> Counter[str]:
    """Kill so often, every kind of victim in turn, comparing all files whenever a project is finished."""
    finished, takes_s = undisturbed
    print(f"moments drawn with FAULT_SEED={SEED}")
    rng, hits, attempt = np.random.default_rng(SEED), Counter(), 0
    while hits.total() < kills or len(hits) < len(VICTIMS):
        assert attempt <= 2 * kills, f"too few kills hit anything: {dict(hits)}"
        rare = sorted(VICTIMS, key=lambda victim: (hits[victim], rng.random()))
        wanted = [rare[index % len(rare)] for index in range(max(kills - hits.total(), 1))]
        project = new_real_project(place / f"project{attempt}", seeds=2)
        hits.update(disturb(project, rng, wanted, takes_s))
        assert differences(artefacts(project), artefacts(finished)) == {}
        attempt += 1
    return hits


def test_killed_three_times_ends_in_the_same_files(undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    assert set(disturb_until(3, undisturbed, tmp_path)) == set(VICTIMS)


@pytest.mark.slow
def test_killed_twenty_times_ends_in_the_same_files(undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    hits = disturb_until(20, undisturbed, tmp_path)
    assert hits.total() >= 20
    assert min(hits[victim] for victim in VICTIMS) >= 3


@contextlib.contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, as large as said; the test is skipped where none can be mounted."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    with mounted(tmp_path / "small disk", "24m") as folder:
        yield folder


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system on which no checkpoint, no rollouts and no figure fit."""
    with mounted(tmp_path / "tiny disk", "8k") as folder:
        yield folder


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill(disk: Path, *, leave: int) -> Path:
    """Fill a disk up to so many bytes."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler = disk / "filler"
    filler.write_bytes(bytes(max(free - leave, 0)))
    return filler


def test_a_full_and_a_read_only_disk_are_told_and_do_no_damage(
    undisturbed: tuple[Path, float], small_disk: Path
) -> None:
    finished = artefacts(undisturbed[0])
    project = new_real_project(small_disk / "project")
    reference = next(f"results/tiny/{path}" for path in finished if path.startswith("reference/"))

    filler = fill(small_disk, leave=2_000_000)
    said = run(project, "models", reference, "--keep-going", status=1)
    assert "model.mjb: cannot be written: No space left on device" in said
    assert {path.split("/")[0] for path in artefacts(project)} == {"reference"}  # the other job went on

    filler.unlink()
    filler = fill(small_disk, leave=0)
    said = run_elsewhere(project, small_disk.parent)
    assert "No space left on device" in said
    filler.unlink()

    remount(small_disk, "ro")
    try:
        said = run_elsewhere(project, small_disk.parent)
    finally:
        remount(small_disk, "rw")
    assert "Read-only file system" in said

    run(project, "models", reference)
    made = artefacts(project)
    assert len(made) == 3
    assert made == {path: content for path, content in finished.items() if path in made}


@pytest.mark.parametrize("kind", ["checkpoint", "rollouts"])
def test_a_disk_that_becomes_read_only_under_a_job_is_named_and_nothing_is_left(
    undisturbed: tuple[Path, float], small_disk: Path, kind: str
) -> None:
    command, file = writing(kind, undisturbed[0], small_disk)
    process = start_by_hand(command, undisturbed[0])
    time.sleep(0.5)  # it reads its inputs; what it writes comes at the end
    remount(small_disk, "ro")
    assert process.poll() is None
    said = process.communicate()[1]
    assert process.returncode == 1, said
    (line,) = [line for line in said.splitlines() if line.strip()]
    assert f"{small_disk / file}: cannot be written: Read-only file system" in line
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("kind", ["checkpoint", "rollouts", "figure"])
def test_what_does_not_fit_on_the_disk_is_named_and_nothing_is_left(
    undisturbed: tuple[Path, float], tiny_disk: Path, kind: str
) -> None:
    command, file = writing(kind, undisturbed[0], tiny_disk)
    process = start_by_hand(command, undisturbed[0])
    said = process.communicate()[1]
    assert process.returncode == 1, said
    (line,) = [line for line in said.splitlines() if line.strip()]
    assert f"{tiny_disk / file}" in line
    assert "No space left on device" in line
    assert [path for path in tiny_disk.rglob("*") if path.is_file()] == []


def start_by_hand(command: list[str], project: Path) -> subprocess.Popen:
    """Start one stage with the settings of a project's experiment."""
    return subprocess.Popen(
        [sys.executable, "-m", "myoassist.cli", *command, "--experiment", "configs/experiments/tiny.json"],
        cwd=project,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MYOASSIST_LOG_LEVEL": "ERROR"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def writing(kind: str, project: Path, disk: Path) -> tuple[list[str], str]:
    """The words of a command that makes something of a finished project on another disk, and the file it fails at."""
    paths = {path.rsplit("/", 1)[-1]: f"results/tiny/{path}" for path in artefacts(project)}
    fitted = next(str(path.relative_to(project)) for path in project.glob("results/tiny/retargeted/*/reference.h5"))
    body = {"model": paths["model.mjb"], "manifest": paths["manifest.json"], "reference": fitted}
    if kind == "checkpoint":
        chosen = {**body, "output": disk / "model.zip", "log": disk / "log.json"}
        return ["train", *words(chosen)], "model.zip"
    if kind == "rollouts":
        chosen = {**body, "checkpoint": paths["model_128.zip"], "rollouts": disk / "rollouts.h5"}
        return ["evaluate", *words(chosen)], "rollouts.h5"
    chosen = {name: paths[f"{name}.{ending}"] for name, ending in TABLES.items()}
    norm = "reference_data/normative_kinematics.csv"
    return ["figures", *words({**chosen, "reference": fitted, "norm": norm, "output-dir": disk})], "dashboard.png"


TABLES = {"rollouts": "h5", "cycles": "parquet", "metrics": "json", "spatiotemporal": "csv"}


def words(options: dict[str, object]) -> list[str]:
    return [text for name, value in options.items() for text in (f"--{name}", str(value))]


def run_elsewhere(project: Path, place: Path) -> str:
    """Run the workflow of a project that cannot be written to; return what it said, which is kept elsewhere."""
    done = subprocess.run([*COMMAND, *OPTIONS, "models"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_two_workflows_at_once_are_refused_in_words_and_the_first_goes_on(project: Project) -> None:
    project.change_experiment("stroll", "figures.dpi", 100)
    command = [*COMMAND, *OPTIONS, "report"]
    slow = {**os.environ, "PYTHONPATH": str(project.folder), "STAND_IN_SECONDS": "6"}
    first = subprocess.Popen(
        command, cwd=project.folder, env=slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        locks = project.folder / ".snakemake" / "locks"
        while not (locks.is_dir() and any(locks.iterdir())):
            assert first.poll() is None
            time.sleep(0.05)
        status, said = project.call("report")
    finally:
        assert first.wait(timeout=120) == 0
    assert status == 1
    assert said.count("Error") == 1
    assert "Directory cannot be locked" in said
    assert "--unlock" in said
    assert project.stale() == {}
