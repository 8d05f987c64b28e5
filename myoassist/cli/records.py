"""Commands about what the workflow has done and would do."""

from __future__ import annotations

import sys
from pathlib import Path

from tyro.conf import Positional

from myoassist.cli.options import File, Folder
from myoassist.errors import InputError

_SHOWN = 6


def why(
    run: Positional[str],
    *,
    matrix: File = Path("configs/matrices/demo.yaml"),
    profile: Folder = Path("workflow/profiles/default"),
    all: bool = False,
) -> None:
    """Say in words why results would be made again, or that they are up to date.

    Args:
        run: a run, an experiment, a target such as report, or a file of the results.
        matrix: matrix file (.yaml) that it belongs to.
        profile: workflow profile (folder) that is used to run the workflow.
        all: name every job, not only the first few of those with the same reasons.
    """
    if not Path("workflow/Snakefile").is_file():
        raise InputError("workflow/Snakefile: file not found; run this in the project's folder")
    if not (profile / "profile.yaml").is_file():
        raise InputError(f"--profile: file {profile / 'profile.yaml'} not found")
    from myoassist.staleness import why as ask

    stale = ask(run, matrix=matrix, profile=profile)
    if not stale:
        print(f"{run}: everything is up to date")
        return
    count = sum(len(group.jobs) for group in stale)
    print(f"{run}: {count} job{'' if count == 1 else 's'} would run")
    for group in stale:
        print()
        shown = group.jobs if all else group.jobs[:_SHOWN]
        for job in shown:
            print(job)
        if len(group.jobs) > len(shown):
            print(f"and {len(group.jobs) - len(shown)} more (--all names them)")
        for cause in group.causes or ("follows from the jobs above",):
            print(f"    {cause}")
    sys.stdout.flush()
