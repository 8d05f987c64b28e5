"""Fingerprints: what changes them, what does not, and that every stage's code is in its own."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest

from myoassist import provenance
from myoassist.errors import InputError

CODE = '''
"""A module."""
import math

FACTOR = 2.0
"""What it is."""


class Thing:
    """A thing."""

    size: int = 3

    def area(self) -> float:
        """The area."""
        return math.pi * self.size ** 2  # of a circle
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # of a circle", ""),
        ("The area.", "The area, in square metres."),
        ('        """The area."""\n', ""),
        ('"""What it is."""\n', ""),
        ("FACTOR = 2.0\n", "\n\nFACTOR = (\n    2.0\n)\n"),
        ("self.size ** 2", "(self.size**2)"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(old: str, new: str) -> None:
    assert old in CODE
    assert provenance.syntax_hash(CODE.replace(old, new)) == provenance.syntax_hash(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2.0", "2"),
        ("** 2", "** 3"),
        ("math.pi", "math.tau"),
        ("size: int = 3", "size: float = 3"),
        ("FACTOR", "factor"),
        ("return math", "yield math"),
        ("import math", "import math as m"),
    ],
)
def test_any_change_of_code_changes_the_hash(old: str, new: str) -> None:
    assert old in CODE
    assert provenance.syntax_hash(CODE.replace(old, new)) != provenance.syntax_hash(CODE)


def test_figures_and_metrics_are_apart() -> None:
    analyze = provenance.closure(provenance.ENTRIES["analyze"])
    report = provenance.closure(provenance.ENTRIES["report"])
    assert not [name for name in analyze if name.startswith("myoassist.analysis.figures")]
    assert not [name for name in report if name.startswith("myoassist.analysis")]


def test_training_does_not_depend_on_what_comes_after_or_on_settings() -> None:
    code = provenance.closure(provenance.ENTRIES["train"])
    assert "myoassist.envs.reward_terms" in code
    for package in ("analysis", "report", "evaluation", "validation", "config", "reference", "models"):
        assert not [name for name in code if name.startswith(f"myoassist.{package}")], package


DO_NOT_COMPUTE = {
    "loguru": "says what happens",
    "rich": "draws the progress",
    "threadpoolctl": "limits threads, of which any number gives the same bytes",
    "pydantic": "checks settings",
}
"""Packages that any stage may import without their versions making its results stale, and why."""

READ_NOTHING_WITH = {
    "retarget_figure": {"mujoco": "reads the manifest, and loads no model"},
    "pretrained": {name: "copies the checkpoint as it is" for name in ("stable-baselines3", "torch", "gymnasium")},
    "best": {name: "copies the checkpoint as it is" for name in ("stable-baselines3", "torch", "gymnasium")},
    "report": {name: "reads no table but metrics.json" for name in ("numpy", "pandas", "pyarrow")},
}
"""Stage -> packages that a module in its closure imports for other stages, and why this one does without."""

NOT_IMPORTED = {
    "myo-sim": "bodies of assist-sim",
    "pygments": "docutils colours with it",
    "sb3-contrib": "algorithms that an experiment names",
    "torch": "stable-baselines3 computes with it",
}
"""Packages that a stage computes with although none of its modules has an import statement for them."""


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(
        "myoassist", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def imported_distributions(stage: str) -> set[str]:
    """Third-party distributions that the modules of a stage import, at their top or inside a function."""
    modules = provenance.closure(provenance.ENTRIES[stage])
    names = {name for module in modules for name in imports().find_modules_directly_imported_by(module)}
    outside = {name for name in names if name.split(".")[0] not in {"myoassist", *sys.stdlib_module_names}}
    distributions = importlib.metadata.packages_distributions()
    return {distributions[name.split(".")[0]][0].lower().replace("_", "-") for name in outside}


@pytest.mark.parametrize("stage", provenance.ENTRIES)
def test_packages_are_those_that_a_stage_computes_with(stage: str) -> None:
    imported, named = imported_distributions(stage), set(provenance.PACKAGES[stage])
    assert imported - named == (imported & set(DO_NOT_COMPUTE)) | set(READ_NOTHING_WITH.get(stage, {}))
    assert named - imported <= set(NOT_IMPORTED)


@pytest.mark.parametrize("stage", provenance.ENTRIES)
def test_versions_are_those_installed(stage: str) -> None:
    versions = provenance.versions(stage)
    assert "none" not in versions.values()
    words = provenance.fingerprint(stage).split()
    assert words[0].startswith("code=")
    assert words[1:] == [f"{name}={version}" for name, version in versions.items()]


def test_own_class_is_found_by_file_and_by_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pack").mkdir()
    file = tmp_path / "pack" / "rewards.py"
    file.write_text("class Mine: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert provenance.class_file("pack.rewards:Mine") == file
    assert provenance.class_file(f"{file}:Mine") == file
    plain = provenance.fingerprint("train")
    own = provenance.fingerprint("train", [f"{file}:Mine"])
    assert plain != own
    assert provenance.fingerprint("train", ["myoassist.envs.myoassist_leg_base:MyoAssistLegBase"]) == plain


@pytest.mark.parametrize("name", ["nowhere.py:Mine", "no.such.module:Mine", "rewards.Mine", "rewards.py"])
def test_unknown_class_is_named(name: str) -> None:
    with pytest.raises(InputError, match=name.split(":")[0].replace(".", r"\.")):
        provenance.class_file(name)


def test_reading_fingerprints_imports_nothing_heavy() -> None:
    program = (
        "import sys; from myoassist import provenance;"
        "[provenance.fingerprint(stage) for stage in provenance.ENTRIES];"
        "print(sorted({'torch', 'mujoco', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
