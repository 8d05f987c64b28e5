"""The command that looks whether a computer has what the workflow needs."""

from __future__ import annotations

import json as encoding
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

Place = Annotated[Path, arg(metavar="DIR")]
_COLORS = {"ok": "green", "warning": "yellow", "fail": "bold red"}


def doctor(*, project: Place = Path("."), slurm: bool = False, json: bool = False) -> None:
    """Check installation, computer, results folder and cluster; tell what to do about what is not well.

    The exit status is 1 if something that is needed fails, otherwise 0.

    Args:
        project: folder that the workflow is run in.
        slurm: a SLURM cluster is needed: what is missing for it fails.
        json: print the list as JSON.
    """
    from rich.console import Console

    from myoassist.doctor import examine

    if json:
        found = list(examine(project, slurm=slurm))
        print(encoding.dumps([asdict(finding) for finding in found], indent=2))
    else:
        console, found = Console(soft_wrap=True, highlight=False), []
        for finding in examine(project, slurm=slurm):
            if not found or found[-1].area != finding.area:
                console.print(f"{finding.area}", style="bold", markup=False)
            found.append(finding)
            console.print(f"  {finding.status:<8}", style=_COLORS[finding.status], end="")
            console.print(f"{finding.check:<16} {finding.found}", markup=False)
            if finding.remedy:
                console.print(f"{'':<27}-> {finding.remedy}", markup=False)
        counted = [sum(finding.status == status for finding in found) for status in _COLORS]
        print("{} ok, {} to look at, {} failed".format(*counted))
    if any(finding.status == "fail" for finding in found):
        sys.exit(1)
