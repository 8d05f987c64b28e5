"""A finished tiny project, made once, of which every test changes a copy."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_project import Project, Snakemake, new_project


@pytest.fixture(scope="session")
def snakemake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snakemake]:
    process = Snakemake(tmp_path_factory.mktemp("snakemake"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, snakemake: Snakemake) -> Project:
    """A project whose report is made, once for all test processes. Tests change copies of it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return Project(folder, snakemake)
        making = shared / "unfinished"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        new_project(making, snakemake).run("report")
        making.rename(folder)
    return Project(folder, snakemake)


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project, results and Snakemake's records included."""
    return finished.copy(tmp_path / "project")
