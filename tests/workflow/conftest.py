"""A finished tiny project, made once, of which every test changes a copy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import real_project
from made_once import made_once
from tiny_project import Project, Snakemake, new_project


@pytest.fixture(scope="session")
def snakemake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snakemake]:
    process = Snakemake(tmp_path_factory.mktemp("snakemake"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, snakemake: Snakemake) -> Project:
    """A project whose report is made, once for all test processes. Tests change copies of it."""

    def make(folder: Path) -> None:
        new_project(folder, snakemake).run("report")

    return Project(made_once(tmp_path_factory, "finished", make), snakemake)


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project, results and Snakemake's records included."""
    return finished.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A project of two runs of real stages, analysed, that nothing happened to, and how many seconds it took."""

    def make(folder: Path) -> None:
        project = real_project.new_real_project(folder / "project", seeds=2)
        began = time.monotonic()
        real_project.run(project, "analyzed")
        (folder / "seconds").write_text(str(time.monotonic() - began))

    folder = made_once(tmp_path_factory, "undisturbed", make)
    return folder / "project", float((folder / "seconds").read_text())


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one run of real stages with its figures."""

    def make(folder: Path) -> None:
        real_project.run(real_project.new_real_project(folder / "project"), "figures")

    return made_once(tmp_path_factory, "drawn", make) / "project"
