"""Targets by run and by experiment, and the report of a matrix in which something fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_project import Project

REPORT = Path("results/tiny/report.html")


def planned(project: Project, *targets: str) -> set[str]:
    """Runs whose evaluations would be analysed, and the rules across runs that would run."""
    stale = project.stale(*targets)
    return stale.get("analyze", set()) | {name for name in ("matrix_figures", "report") if name in stale}


def attempt(project: Project, *arguments: str) -> tuple[int, str]:
    """Run the workflow, whether it succeeds or not."""
    profile = ["--workflow-profile", "workflow/profiles/default"]
    matrix = ["--config", "matrix=configs/matrices/tiny.yaml", "--cores", "2"]
    return project.snakemake.call(project.folder, [*profile, *matrix, *arguments])


FITTED = {"build", "preprocess", "retarget"}
TRAINED = FITTED | {"train"}
ANALYZED = TRAINED | {"evaluate", "analyze", "matrix_tables"}
DRAWN = ANALYZED | {"run_figures", "contact_sheet", "matrix_figures"}
TARGETS = {
    "models": {"build"},
    "reference": FITTED,
    "validated": FITTED | {"validate"},
    "trained": TRAINED,
    "evaluated": TRAINED | {"evaluate", "replay"},
    "analyzed": ANALYZED,
    "figures": DRAWN,
    "report": DRAWN | {"preprocess_figure", "retarget_figure", "validate", "replay", "report"},
}
"""Target -> the rules that make files for it; each of all runs, or of all bodies and references."""


def rules_of(project: Project, target: str) -> dict[str, str]:
    """File that is made for a target -> its rule."""
    return {row["output_file"]: row["rule"] for row in project.summary(target) if row.get("rule")}


@pytest.fixture(scope="module")
def unchanged(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, str]]:
    """A finished project that nothing changes, and all its files with their rules."""
    project = finished.copy(tmp_path_factory.mktemp("unchanged") / "project")
    return project, rules_of(project, "report")


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_its_part_of_the_chain_of_all_runs(unchanged: tuple[Project, dict[str, str]], target: str) -> None:
    project, everything = unchanged
    found = rules_of(project, target)
    assert set(found.values()) == TARGETS[target]
    assert found == {path: rule for path, rule in everything.items() if rule in TARGETS[target]}


def test_a_run_and_an_experiment_are_targets(project: Project) -> None:
    project.edit("configs/matrices/tiny.yaml", "[1]", "[2, 3]")
    assert planned(project, "walk-s2") == {"walk-s2"}
    assert planned(project, "walk") == {"walk-s2", "walk-s3"}
    assert planned(project, "walk-s3", "stroll") == {"walk-s3", "stroll-s2", "stroll-s3"}
    runs = {f"{name}-s{seed}" for name in ("walk", "stroll", "course") for seed in (2, 3)}
    assert planned(project, "report") == {*runs, "matrix_figures", "report"}
    project.run("walk-s2")
    assert planned(project, "walk-s2") == set()
    assert (project.folder / "results/tiny/runs/walk-s2/evaluation/128/level/replay.mp4").is_file()


@pytest.mark.parametrize("name", ["trained", "evaluate"])
def test_an_experiment_cannot_be_called_like_a_rule(project: Project, name: str) -> None:
    experiments = project.folder / "configs" / "experiments"
    (experiments / f"{name}.json").write_text(json.dumps({"extends": "walk.json"}))
    project.edit("configs/matrices/tiny.yaml", "course]", f"course, {name}]")
    status, text = attempt(project, "report", "--dry-run")
    assert status != 0
    assert f"tiny.yaml: field 'experiments': '{name}' is the name of a rule" in text


def test_report_of_what_there_is_if_something_fails(project: Project) -> None:
    for name in ("walk", "stroll"):
        project.change_experiment(name, "training.parameters.learning_rate", 1e-4)
    whole = (project.folder / REPORT).read_bytes()
    (project.folder / "broken").write_text("walk-s1/trained_models/model_64")
    status, text = attempt(project, "report")
    assert status != 0
    assert "results/tiny/report.html shows what there is" in text
    assert (project.folder / REPORT).read_bytes() != whole
    assert "train" not in project.stale("stroll-s1")  # the other run went on

    (project.folder / "broken").unlink()
    assert "report" in project.stale()
    (project.folder / "made.txt").unlink()
    project.run("report")
    assert (project.folder / "made.txt").read_text().splitlines()[-1] == f"report {REPORT}"
    assert project.stale() == {}


def test_partial_report_never_passes_for_the_finished_one(project: Project) -> None:
    """Not even if what failed is taken back, so that everything else is as it was before."""
    project.change_experiment("walk", "figures.dpi", 100)
    (project.folder / "broken").write_text("figures/learning_curves")
    assert attempt(project, "report")[0] != 0
    (project.folder / "broken").unlink()
    project.change_experiment("walk", "figures.dpi", 200)
    assert "report" in project.stale()


def test_no_partial_report_if_none_was_asked_for(project: Project) -> None:
    project.change_experiment("walk", "training.parameters.learning_rate", 1e-4)
    whole = (project.folder / REPORT).read_bytes()
    (project.folder / "broken").write_text("walk-s1/trained_models/model_64")
    status, text = attempt(project, "trained")
    assert status != 0
    assert "shows what there is" not in text
    assert (project.folder / REPORT).read_bytes() == whole
