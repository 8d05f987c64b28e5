"""Pretended SLURM programs, so that every answer of a cluster can be tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CONFIGURATION = "SLURM_VERSION = 23.11.4\nMinJobAge               = 300 sec\n"
ANSWERS = {
    "sbatch": "",
    "srun": "",
    "squeue": "",
    "scancel": "",
    "sinfo": """\
short*|2:00:00|4|16000
long|5-00:00:00|32+|128000+
long|5-00:00:00|64|256000
endless|infinite|64|256000
""",
    "scontrol": CONFIGURATION,
    "sacct": "",
    "sacctmgr": "lab\nteaching\n",
}


@pytest.fixture
def slurm_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put programs on the path that print what they are told; None makes one fail."""

    def install(**changes: str | None) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, answer in (ANSWERS | changes).items():
            text = f"echo '{name} does not work' >&2\nexit 1" if answer is None else f"cat <<'END'\n{answer}END"
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return install
