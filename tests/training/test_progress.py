"""Progress: a live bar with steps/s and time left in a terminal, plain lines in a log."""

import io

import pytest
from loguru import logger
from rich.console import Console

from myoassist.training.progress import TrainingProgress


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines():
    said: list[str] = []
    handle = logger.add(lambda message: said.append(message.record["message"]), level="INFO")
    yield said
    logger.remove(handle)


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None)


def test_a_terminal_shows_a_live_bar_with_pace_and_time_left(lines):
    console, clock = terminal(), Clock()
    progress = TrainingProgress(1_000_000, 2_000_000, console=console, clock=clock)
    clock.now = 100.0
    progress.show(1_250_000, "reward/step 0.812, episodes 9.10 s")
    shown = console.file.getvalue()
    assert "1,250,000 of 2,000,000 steps, 2,500 steps/s, 5:00 left: reward/step 0.812, episodes 9.10 s" in shown
    assert "━" in shown
    clock.now = 4000.0
    progress.show(1_300_000, "x")
    assert "75 steps/s, 2:35:33 left: x" in console.file.getvalue()
    progress.close()
    length = len(console.file.getvalue())
    progress.close()
    progress.show(2_000_000, "late")
    assert len(console.file.getvalue()) == length
    assert lines == []


def test_the_bar_counts_the_segment_only():
    console = terminal()
    progress = TrainingProgress(1_000_000, 2_000_000, console=console)
    progress.show(1_500_000, "half")
    assert progress._progress.tasks[0].percentage == 50.0
    progress.close()


def test_a_log_gets_plain_lines_now_and_then_and_at_the_end(lines):
    clock = Clock()
    console = Console(file=io.StringIO(), force_terminal=False)
    progress = TrainingProgress(0, 1000, console=console, clock=clock)
    for seconds, steps in ((1, 100), (10, 200), (16, 300), (17, 400), (20, 1000)):
        clock.now = seconds
        progress.show(steps, f"at {steps}")
    progress.close()
    assert lines == [
        "300 of 1,000 steps, 19 steps/s, 0:37 left: at 300",
        "1,000 of 1,000 steps, 50 steps/s, 0:00 left: at 1000",
    ]
    assert console.file.getvalue() == ""


def test_stderr_decides_and_stdout_stays_empty(monkeypatch, capsys):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    for name in ("NO_COLOR", "TERM", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    progress = TrainingProgress(0, 64)
    progress.show(64, "done")
    progress.close()
    assert "steps/s" in screen.getvalue()
    assert capsys.readouterr().out == ""
