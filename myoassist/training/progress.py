"""How far a training is: a live bar in a terminal, plain lines in a log; both with steps/s and the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from loguru import logger
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

PLAIN_LINE_EVERY_S = 15.0


class TrainingProgress:
    """Shows the progress of one segment on stderr."""

    def __init__(
        self,
        start: int,
        stop: int,
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ):
        """Begin at `start` of `stop` absolute steps.

        Args:
            start: steps done before.
            stop: steps at the segment's end.
            console: where to; None takes stderr. What is no terminal gets lines through the log.
            clock: seconds since some moment.
        """
        self.start, self.stop = start, stop
        self._clock = clock
        self._began = self._last_line = clock()
        self._progress: Progress | None = None
        self._closed = False
        if console is None:  # colours that are forced make no terminal of a log
            console = Console(file=sys.stderr, force_terminal=sys.stderr.isatty())
        if console.is_terminal:
            self._progress = Progress(
                TextColumn("train"),
                BarColumn(),
                TextColumn("{task.fields[told]}"),
                console=console,
            )
            self._progress.start()
            self._task = self._progress.add_task("train", total=stop - start, told=f"{start:,} of {stop:,} steps")

    def show(self, steps: int, note: str) -> None:
        """Tell that `steps` are done, and what the last rollout was like; in a log not after every one."""
        if self._closed:
            return
        now = self._clock()
        told = f"{steps:,} of {self.stop:,} steps, {self._pace(steps, now)}: {note}"
        if self._progress is not None:
            self._progress.update(self._task, completed=steps - self.start, told=told)
            self._progress.refresh()
        elif now - self._last_line > PLAIN_LINE_EVERY_S or steps >= self.stop:
            self._last_line = now
            logger.info("{}", told)

    def _pace(self, steps: int, now: float) -> str:
        rate = (steps - self.start) / max(now - self._began, 1e-9)
        left = round((self.stop - steps) / max(rate, 1e-9))
        hours, minutes, seconds = left // 3600, left % 3600 // 60, left % 60
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return f"{rate:,.0f} steps/s, {clock} left"

    def close(self) -> None:
        """Leave the bar as it is; nothing more is shown."""
        self._closed = True
        if self._progress is not None:
            self._progress.stop()
