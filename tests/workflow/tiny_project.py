"""A copy of the workflow in a folder of its own, with a tiny matrix and a stand-in for the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
    "course": {
        "extends": "walk.json",
        "description": "with a device, an own class and a curriculum",
        "model": {"device": "DephyExoBoot_L1"},
        "environment": {"environment_class": "my_rewards.py:Mine"},
        "training": {
            "total_steps": 256,
            "curriculum": [
                {"name": "stand", "steps": 64, "environment": {"episode_s": 2.0}},
                {"name": "step", "steps": 64, "environment": {"episode_s": 3.0}},
                {"name": "walk", "steps": 64, "environment": {"episode_s": 4.0}},
                {"name": "far"},
            ],
        },
    },
}
MATRIX = "experiments: [walk, stroll, course]\nseeds: [1]\n"
OWN_CLASS = "class Mine:\n    factor = 1\n"


class Snakemake:
    """Snakemake, imported once and forked for every call."""

    def __init__(self, folder: Path) -> None:
        self._output = folder / "output"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking_snakemake.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, folder: Path, arguments: list[str]) -> tuple[int, str]:
        """Run it in a folder; return exit status and everything that it printed."""
        request = {"folder": str(folder), "arguments": arguments, "output": str(self._output)}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        return status, self._output.read_text()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)


@dataclass
class Project:
    """A folder with the package, the workflow, a matrix and its results."""

    folder: Path
    snakemake: Snakemake

    def copy(self, folder: Path) -> Project:
        """Copy the project to a new folder, results and Snakemake's records included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, self.snakemake)

    def run(self, *arguments: str) -> str:
        """Run the workflow; return what it said."""
        status, text = self.call(*arguments)
        assert status == 0, text
        return text

    def call(self, *arguments: str) -> tuple[int, str]:
        """Run the workflow; return its exit status and what it said."""
        profile = ["--workflow-profile", "workflow/profiles/default"]
        matrix = ["--config", "matrix=configs/matrices/tiny.yaml", "--cores", "2"]
        return self.snakemake.call(self.folder, [*profile, *matrix, *arguments])

    def stale(self, *arguments: str) -> dict[str, set[str]]:
        """Read Snakemake's summary: rule -> runs (or ``*``) whose files it would make again."""
        found: dict[str, set[str]] = {}
        for path, rule in self.stale_files(*arguments).items():
            parts = path.parts
            found.setdefault(rule, set()).add(parts[parts.index("runs") + 1] if "runs" in parts else "*")
        return found

    def stale_files(self, *arguments: str) -> dict[Path, str]:
        """Read Snakemake's summary: files that it would make again -> their rules."""
        rows = self.summary(*(arguments or ("report",)))
        return {
            Path(cells["output_file"]): cells["rule"] for cells in rows if cells.get("plan") not in (None, "no update")
        }

    def summary(self, *arguments: str) -> list[dict[str, str]]:
        """Return the rows of Snakemake's summary, one for each file that a rule makes for some targets."""
        lines = self.run("--summary", *arguments).splitlines()
        start = next(index for index, line in enumerate(lines) if line.startswith("output_file\t"))
        header = lines[start].split("\t")
        return [dict(zip(header, line.split("\t"), strict=False)) for line in lines[start + 1 :]]

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


def new_project(folder: Path, snakemake: Snakemake) -> Project:
    """Copy the package and the workflow into an empty folder."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("myoassist", "workflow", "reference_data"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.rmtree(folder / "myoassist" / "cli")
    shutil.copy(Path(__file__).with_name("stand_in_cli.py"), folder / "myoassist" / "cli.py")
    experiments = folder / "configs" / "experiments"
    experiments.mkdir(parents=True)
    for name, content in EXPERIMENTS.items():
        (experiments / f"{name}.json").write_text(json.dumps(content))
    (folder / "configs" / "matrices").mkdir()
    (folder / "configs" / "matrices" / "tiny.yaml").write_text(MATRIX)
    (folder / "my_rewards.py").write_text(OWN_CLASS)
    return Project(folder, snakemake)
