"""Does this computer have what a workflow needs, and what to do where it does not?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from myoassist.doctor import cluster, installation, machine, storage
from myoassist.doctor.findings import Finding

__all__ = ["Finding", "examine"]


def examine(project: Path, *, slurm: bool = False) -> Iterator[Finding]:
    """Look at everything that can be looked at within seconds; nothing of the project is changed.

    Args:
        project: folder that the workflow is run in, with `results` and `.snakemake`.
        slurm: whether a SLURM cluster is needed, so that what is missing for it is a failure.

    Yields:
        Findings in the order of the list, each check's as soon as all before it are there.
    """
    checks: list[Callable[[], list[Finding]]] = [
        installation.python,
        lambda: installation.packages(project / "requirements.lock"),
        installation.physics,
        installation.snakemake,
        installation.opengl,
        installation.encoder,
        machine.processors,
        machine.memory,
        lambda: storage.folder(project / "results"),
        lambda: storage.temporary(project / "results"),
        lambda: storage.records(project),
        lambda: cluster.examine(project, needed=slurm),
    ]
    with ThreadPoolExecutor(len(checks)) as pool:
        for found in [pool.submit(check) for check in checks]:
            yield from found.result()
