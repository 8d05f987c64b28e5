"""Results that are put back instead of being made again, if what they are made from is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from myoassist.formats.kept import FOLDER, make_unless_made


class Stage:
    """Makes two outputs and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.outputs = [folder / "a.txt", folder / "b.txt"]
        self.input = folder / "input"
        self.input.write_text("1")
        self.count = 0

    def make(self) -> None:
        self.count += 1
        for output in self.outputs:
            output.write_text(f"{output.name} of {self.input.read_text()}")

    def run(self, *, made_by: str | None = "code=1", settings: str = "{}") -> int:
        """Run it as Snakemake does: without the old outputs. Return how often it was really made."""
        for output in self.outputs:
            output.unlink(missing_ok=True)
        make_unless_made(
            self.make,
            stage="stage",
            made_by=made_by,
            settings=settings,
            inputs={"input": self.input},
            outputs=self.outputs,
        )
        assert [output.read_text() for output in self.outputs] == [
            f"{name} of {self.input.read_text()}" for name in ("a.txt", "b.txt")
        ]
        return self.count


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_same_again_is_put_back(stage: Stage) -> None:
    assert [stage.run(), stage.run(), stage.run()] == [1, 1, 1]


def test_settings_code_and_content_count_but_not_dates(stage: Stage) -> None:
    stage.run()
    assert stage.run(settings='{"a":1}') == 2
    assert stage.run(settings='{"a":1}', made_by="code=2") == 3
    stage.input.touch()
    assert stage.run(settings='{"a":1}', made_by="code=2") == 3
    stage.input.write_text("2")
    assert stage.run(settings='{"a":1}', made_by="code=2") == 4


def test_damaged_copy_is_made_again(stage: Stage) -> None:
    stage.run()
    (stage.outputs[1].parent / FOLDER / "b.txt").write_text("cut off")
    assert stage.run() == 2


def test_failure_leaves_no_record(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.run()
    stage.input.write_text("2")
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "make", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stage.run()
    assert stage.run() == 2


def test_without_a_fingerprint_nothing_is_kept(stage: Stage) -> None:
    assert [stage.run(made_by=None), stage.run(made_by=None)] == [1, 2]
    assert not (stage.outputs[0].parent / FOLDER).exists()
