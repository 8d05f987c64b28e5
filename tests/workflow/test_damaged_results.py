"""A damaged result of any kind is named by the stage that reads it, and made again on request, to the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from real_project import artefacts, run
from repeatable import differences, repeatable

TARGET = "figures"
KINDS = {
    "compiled model": ("models/*/model.mjb", "retarget"),
    "HDF5": ("runs/*/evaluation/*/level/rollouts.h5", "analyze"),
    "JSON": ("runs/*/trained_models/train_log_64.json", "matrix_tables"),
    "checkpoint": ("runs/*/trained_models/model_128.zip", "evaluate"),
    "parquet": ("runs/*/evaluation/*/level/cycles.parquet", "run_figures"),
}
"""Kind of file -> one of it below the results, and a rule that reads it."""


def damage(file: Path, how: str) -> None:
    """Cut a file, or lose a block in its middle."""
    content = bytearray(file.read_bytes())
    if how == "cut":
        file.write_bytes(content[: len(content) * 6 // 10])
    else:
        middle, length = len(content) // 2, max(len(content) // 8, 32)
        content[middle : middle + length] = bytes(length)
        file.write_bytes(content)


def repeated(project: Path) -> dict[str, bytes]:
    """All results but the learning curves, which show how fast a training went."""
    return {path: content for path, content in artefacts(project).items() if not path.startswith("figures/learning")}


CASES = [
    ("compiled model", "cut", True),
    ("HDF5", "lost block", False),
    ("JSON", "cut", True),
    ("checkpoint", "lost block", False),
    ("parquet", "cut", False),
]


@pytest.mark.parametrize(("kind", "how", "deleted"), CASES)
def test_damage_is_named_by_the_reader_and_mended_on_request(
    drawn: Path, tmp_path: Path, kind: str, how: str, deleted: bool
) -> None:
    project, file = mended(drawn, tmp_path, kind, how, deleted=deleted)
    assert repeatable(project / file) == repeatable(drawn / file)


@pytest.mark.parametrize(
    ("kind", "how", "deleted"),
    [pytest.param(*case, marks=[] if case[0] == "checkpoint" else pytest.mark.slow) for case in CASES],
)
def test_all_that_follows_from_a_mended_file_is_the_same(
    drawn: Path, tmp_path: Path, kind: str, how: str, deleted: bool
) -> None:
    project, _ = mended(drawn, tmp_path, kind, how, deleted=deleted)
    run(project, TARGET)
    assert differences(repeated(project), repeated(drawn)) == {}


def mended(drawn: Path, tmp_path: Path, kind: str, how: str, *, deleted: bool) -> tuple[Path, Path]:
    """Damage a file of a copy of a project, see it named, and have it made again; return project and file."""
    project = tmp_path / "project"
    shutil.copytree(drawn, project, symlinks=True)
    pattern, reader = KINDS[kind]
    (file,) = (path.relative_to(project) for path in (project / "results" / "tiny").glob(pattern))
    damage(project / file, how)

    said = run(project, TARGET, status=1)
    assert f"Error in rule {reader}:" in said
    assert [line for line in said.splitlines() if line.startswith(f"myoassist: {file}: ")], said
    assert "Traceback" not in said

    if deleted:
        (project / file).unlink()
        run(project, str(file))
    else:
        run(project, str(file), "--forcerun", str(file))
    return project, file
