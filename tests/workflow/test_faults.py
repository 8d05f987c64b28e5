"""What breaks in the middle goes on afterwards: same bytes at the end, and clear words in between."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from real_project import COMMAND, OPTIONS, artefacts, new_real_project, run, start
from tiny_project import Project

TARGET = "analyzed"
VICTIMS = ("everything", "the workflow", "a job")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A finished project that nothing happened to, and how many seconds it took."""
    folder = new_real_project(tmp_path_factory.mktemp("undisturbed") / "project")
    began = time.monotonic()
    run(folder, TARGET)
    return folder, time.monotonic() - began


def kill(process: subprocess.Popen, victim: str) -> None:
    """End the workflow with all its jobs, the workflow alone, or one of its jobs, without a chance to clean up."""
    if victim == "everything":
        os.killpg(process.pid, signal.SIGKILL)
    elif victim == "the workflow":
        process.kill()
    else:
        jobs = psutil.Process(process.pid).children(recursive=True)
        for job in jobs:
            if "python" in job.name() or "myoassist" in job.name():
                job.kill()
                break
    process.wait()


def disturb(folder: Path, rng: np.random.Generator, *, kills: int, takes_s: float) -> int:
    """Run a project with kills at random moments until it is finished; return how many hit a running workflow."""
    groups, hits = [], 0
    try:
        for _ in range(kills):
            process = start(folder, TARGET)
            groups.append(process.pid)
            try:
                process.wait(timeout=rng.uniform(0.08, 0.35) * takes_s)
                break  # finished before
            except subprocess.TimeoutExpired:
                kill(process, str(rng.choice(VICTIMS)))
                hits += 1
            run(folder, "--unlock")
        run(folder, TARGET)
    finally:
        for group in groups:  # jobs that outlived their workflow
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                continue
    return hits


def test_killed_three_times_ends_in_the_same_files(undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    folder, takes_s = undisturbed
    project = new_real_project(tmp_path / "project")
    assert disturb(project, np.random.default_rng(1), kills=3, takes_s=takes_s) >= 2
    assert artefacts(project) == artefacts(folder)


@pytest.mark.slow
def test_killed_twenty_times_ends_in_the_same_files(undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    folder, takes_s = undisturbed
    rng, hits, attempt = np.random.default_rng(2), 0, 0
    while hits < 20:
        project = new_real_project(tmp_path / f"project{attempt}")
        hits += disturb(project, rng, kills=20 - hits, takes_s=takes_s)
        assert artefacts(project) == artefacts(folder)
        attempt += 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


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
