"""Settings are values: what is computed from them counts as code, so it stands where fingerprints see it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import myoassist
from myoassist import provenance
from myoassist.config.base import Settings
from myoassist.config.training import DEFAULT_N_STEPS, TrainingSettings
from myoassist.policies.learner import N_STEPS

PACKAGE = Path(myoassist.__file__).parent

PLANNING = {
    # Text in and out, and checks
    "analysis": {"table_files"},
    "base": {
        "canonical", "read_json", "read_text", "decode_json", "describe", "shorten",
        "Settings.canonical", "Settings.parse", "Settings.load",
    },
    "curriculum": {"check_phases", "merged", "phase_environment", "segment_curricula", "PhaseSettings.span"},
    "evaluation": {"Scenario.settings"},
    "figures": {"run_figure_names", "matrix_figure_names", "_files", "_known", "RunFiles.group"},
    "report": {"_relative"},
    # which runs a comparison means: the plan selects by it too, so it belongs to settings
    "study": {"_selection", "selects", "study_file_names"},
    "training": {
        "WarmStartSettings.transfer", "TrainingSettings.rollout_steps", "TrainingSettings.segment_length",
        "TrainingSettings.checkpoint_steps", "TrainingSettings.segments",
    },
}  # fmt: skip
"""Functions and methods that read and write text, check, or plan: what these compute is in a stage's settings by
value, or in the names of its outputs. A stage must not compute with any of them what goes into its results."""

TEXT = {
    "CAPTIONS", "STUDY_TABLES", "TABLES",
    "canonical", "decode_json", "describe", "read_json", "shorten",
    "LABEL", "SELECTOR_FIELDS", "Selection", "selects",
    "FASTEST_M_S", "SLOWEST_M_S",
}  # fmt: skip
"""What stages take from settings modules besides classes: names of files and fields, reading and writing of text, the
selection of runs, and bounds of what is accepted."""


def counted_modules() -> list[str]:
    """All modules of this package that are in the fingerprint of some stage."""
    return sorted({name for entries in provenance.ENTRIES.values() for name in provenance.closure(entries)})


def tree(module: str) -> ast.Module:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def taken_from_settings() -> dict[str, set[str]]:
    """Settings module -> names that counted modules import from it."""
    found: dict[str, set[str]] = {}
    for node in (node for module in counted_modules() for node in ast.walk(tree(module))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("myoassist.config"):
            found.setdefault(str(node.module).removeprefix("myoassist.config."), set()).update(
                alias.name for alias in node.names
            )
    return found


def behind(modules: set[str]) -> set[str]:
    """Settings modules, and all settings modules that these import."""
    waiting, found = list(modules), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [
                str(node.module).removeprefix("myoassist.config.")
                for node in ast.walk(tree(f"myoassist.config.{name}"))
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("myoassist.config.")
            ]
    return found


def functions(module: str) -> Iterator[str]:
    """Functions, and methods but for validators, of a settings module."""
    for node in tree(f"myoassist.config.{module}").body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not any(
                    "_validator" in ast.unparse(decorator) for decorator in member.decorator_list
                ):
                    yield f"{node.name}.{member.name}"


@pytest.mark.parametrize("module", sorted(behind(set(taken_from_settings()))))
def test_settings_of_stages_have_only_validators_and_plans(module: str) -> None:
    """A method that training or evaluation computes with belongs into training, policies, envs or evaluation."""
    assert set(functions(module)) - PLANNING.get(module, set()) == set()


@pytest.mark.parametrize("module", sorted(taken_from_settings()))
def test_stages_take_only_classes_from_settings(module: str) -> None:
    """A constant or function in a settings module can change without making anything stale."""
    classes = {
        name
        for name, value in vars(__import__(f"myoassist.config.{module}", fromlist=["x"])).items()
        if isinstance(value, type) and issubclass(value, Settings)
    }
    assert taken_from_settings()[module] - classes - TEXT == set()


def test_segments_are_planned_by_the_rollout_that_is_learned_from() -> None:
    assert N_STEPS == DEFAULT_N_STEPS
    assert TrainingSettings(n_envs=3).rollout_steps == 3 * N_STEPS
