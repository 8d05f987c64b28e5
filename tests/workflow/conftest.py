"""A copy of the workflow in a folder of its own, with a tiny matrix and a stand-in for the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

EXPERIMENTS = {
    "walk": {
        "training": {
            "n_envs": 4,
            "parameters": {"n_steps": 8},
            "segment_steps": 64,
            "total_steps": 128,
        },
        "evaluation": {"scenarios": {"level": {"episodes": 2}}},
        "figures": {"run": ["dashboard"], "matrix": ["learning_curves"]},
    },
    "stroll": {"extends": "walk.json", "description": "the same, slower"},
}
MATRIX = "experiments: [walk, stroll]\nseeds: [1]\n"


@dataclass
class Project:
    """A folder with the package, the workflow, a matrix and its results."""

    folder: Path

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [*command, "--config", "matrix=configs/matrices/tiny.yaml", "--cores", "2", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def run(self, *arguments: str) -> str:
        """Run the workflow; return what it said."""
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def stale(self, *arguments: str) -> dict[str, set[str]]:
        """Read Snakemake's summary: rule -> runs (or ``*``) whose files it would make again."""
        lines = self.run("--summary", *(arguments or ("report",))).splitlines()
        start = next(index for index, line in enumerate(lines) if line.startswith("output_file\t"))
        header = lines[start].split("\t")
        found: dict[str, set[str]] = {}
        for line in lines[start + 1 :]:
            cells = dict(zip(header, line.split("\t"), strict=False))
            if cells.get("plan") not in (None, "no update"):
                parts = Path(cells["output_file"]).parts
                run = parts[parts.index("runs") + 1] if "runs" in parts else "*"
                found.setdefault(self.rule_of(cells["output_file"], cells["rule"]), set()).add(run)
        return found

    @staticmethod
    def rule_of(file: str, rule: str) -> str:
        return rule if rule not in ("", "-") else file

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file of the copy."""
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))

    def change_experiment(self, name: str, field: str, value: object) -> None:
        """Set a dotted field in an experiment file."""
        file = self.folder / "configs" / "experiments" / f"{name}.json"
        data = json.loads(file.read_text())
        *parents, last = field.split(".")
        place = data
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
        file.write_text(json.dumps(data))


def new_project(folder: Path) -> Project:
    """Copy the package and the workflow into an empty folder."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("myoassist", "workflow", "reference_data"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy(Path(__file__).with_name("stand_in_cli.py"), folder / "myoassist" / "cli.py")
    experiments = folder / "configs" / "experiments"
    experiments.mkdir(parents=True)
    for name, content in EXPERIMENTS.items():
        (experiments / f"{name}.json").write_text(json.dumps(content))
    (folder / "configs" / "matrices").mkdir()
    (folder / "configs" / "matrices" / "tiny.yaml").write_text(MATRIX)
    return Project(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose report is made. Tests change copies of it."""
    project = new_project(tmp_path_factory.mktemp("finished"))
    project.run("report")
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project, results and Snakemake's records included."""
    copy = tmp_path / "project"
    shutil.copytree(finished.folder, copy, symlinks=True)
    return Project(copy)
