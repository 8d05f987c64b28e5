"""Where the files of a policy lie that was trained before and travels with the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from myoassist.errors import InputError


@dataclass(frozen=True)
class KeptFiles:
    """The files of one folder.

    Attributes:
        steps: of training behind the checkpoint.
        experiment: complete experiment (JSON).
        checkpoint: the checkpoint.
        train_log: its log.
    """

    steps: int
    experiment: Path
    checkpoint: Path
    train_log: Path


def find_kept(folder: Path) -> KeptFiles:
    """Return the files of a folder.

    Raises:
        InputError: if the folder does not hold exactly one checkpoint with its log and experiment.
    """
    found = [path for path in sorted(folder.glob("model_*.zip")) if re.fullmatch(r"model_[0-9]+\.zip", path.name)]
    if len(found) != 1:
        raise InputError(f"{folder}: expected one checkpoint model_<steps>.zip (found {len(found)})")
    steps = int(found[0].stem.removeprefix("model_"))
    files = KeptFiles(steps, folder / "experiment.json", found[0], folder / f"train_log_{steps}.json")
    for path in (files.experiment, files.train_log):
        if not path.is_file():
            raise InputError(f"{path}: file not found")
    return files
