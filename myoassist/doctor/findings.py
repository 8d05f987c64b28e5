"""What a check says, and how programs are asked."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "fail"]
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Finding:
    """One line of the list."""

    area: str
    check: str
    status: Status
    found: str
    remedy: str = ""

    def __post_init__(self) -> None:
        assert bool(self.remedy) == (self.status != "ok"), f"{self.check}: a remedy belongs to what is not ok"


@dataclass(frozen=True)
class Answer:
    """What a program said."""

    worked: bool
    output: str
    error: str
    """Its last line of complaint, or why there is none."""


def ask(command: Sequence[str], environment: dict[str, str] | None = None) -> Answer:
    """Run a program for at most `PATIENCE_S`."""
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return Answer(False, "", f"no answer within {PATIENCE_S:.0f} s")
    except OSError as error:
        return Answer(False, "", str(error.strerror))
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    complaint = " ".join(lines[-1].split())[:200] if lines else f"exit status {done.returncode}"
    return Answer(done.returncode == 0, done.stdout, "" if done.returncode == 0 else complaint)
