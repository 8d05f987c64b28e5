"""Small files that the report shows parts of; what is missing or damaged is told, never raised."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from myoassist.errors import InputError

T = TypeVar("T")

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LOG_LINES, _LOG_WIDTH = 8, 220


@dataclass(frozen=True)
class Problem:
    """Something that a run lacks.

    Attributes:
        run: its id; empty if the matter concerns the matrix as a whole.
        step: label of the step that should have made it.
        what: what is missing or damaged.
        why: the reason, as far as it is known.
        log: last lines of the step's log.
        blocked: labels of the steps that could not run because of it.
    """

    run: str
    step: str
    what: str
    why: str = ""
    log: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


@dataclass
class Reader:
    """Reads files below a root and collects what went wrong."""

    root: Path
    problems: list[Problem] = field(default_factory=list)

    def read(self, path: str | None, reader: Callable[[Path], T], *, run: str, step: str) -> T | None:
        """Return what ``reader`` makes of a file, or None if there is none; damage becomes a problem."""
        if path is None or not (self.root / path).is_file():
            return None
        try:
            return reader(self.root / path)
        except InputError as error:
            message = str(error).replace(str(self.root / path), path)
            self.problems.append(Problem(run, step, f"{path} is damaged", message))
            return None

    def exists(self, path: str) -> bool:
        """Tell whether a file is there."""
        return (self.root / path).is_file()

    def log_tail(self, path: str | None) -> tuple[str, ...]:
        """Return the last lines of a log, without colours; nothing if there is no log."""
        if path is None or not (self.root / path).is_file():
            return ()
        with open(self.root / path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 20_000))
            text = file.read().decode("utf-8", errors="replace")
        lines = [_ESCAPES.sub("", line).rstrip() for line in text.splitlines()]
        return tuple(line[:_LOG_WIDTH] for line in lines if line.strip())[-_LOG_LINES:]


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a small csv (or, by its suffix, tab-separated) table as rows of text.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None


def lookup(value: Any, path: str) -> Any:
    """Return the value at a dotted path inside nested dictionaries, or None."""
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value
