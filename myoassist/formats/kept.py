"""Results that are made only if what they are made from has changed, although Snakemake asks for them again.

Which checkpoint is a run's best is known only after it was trained, but Snakemake plans before it: with more
segments it will ask for the evaluation of the best checkpoint even where that stays the same. It also deletes
the old outputs first. So they are kept a second time as hard links, with the hash of everything that they were
made from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loguru import logger

from myoassist.config.base import read_json
from myoassist.errors import InputError
from myoassist.formats.files import atomic_output, sha256, write_json

FOLDER = ".kept"


def make_unless_made(
    make: Callable[[], None],
    *,
    stage: str,
    made_by: str | None,
    settings: str,
    inputs: Mapping[str, Path],
    outputs: Sequence[Path],
) -> None:
    """Make outputs, or put back those that were made from the same settings, code and input content.

    Args:
        make: makes the outputs.
        stage: its name; one record a stage and folder.
        made_by: fingerprint of its code; None makes the outputs and keeps nothing.
        settings: canonical text of its settings.
        inputs: role -> file.
        outputs: files, all in one folder.
    """
    if made_by is None:
        make()
        return
    folder = outputs[0].parent / FOLDER
    record = folder / f"{stage}.json"
    words = [made_by, settings, *(f"{role}={sha256(path)}" for role, path in sorted(inputs.items()))]
    key = hashlib.sha256("\0".join(words).encode()).hexdigest()
    if _holds(record, key, outputs):
        for output in outputs:
            with atomic_output(output) as temporary:
                _link(folder / output.name, temporary)
        logger.info("{}: made from the same before, kept as it is", stage)
        return
    make()
    record.unlink(missing_ok=True)
    folder.mkdir(exist_ok=True)
    for output in outputs:
        _link(output, folder / output.name)
    write_json(record, {"made_from": key, "files": {output.name: sha256(output) for output in outputs}})


def _holds(record: Path, key: str, outputs: Sequence[Path]) -> bool:
    """Tell whether whole copies of all outputs, made from the same, are kept."""
    try:
        content = read_json(record)
        files = content["files"] if content["made_from"] == key else {}
        return all(files.get(output.name) == sha256(record.parent / output.name) for output in outputs)
    except (InputError, KeyError, TypeError, AttributeError):
        return False


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)
    os.utime(target)
