"""A policy that travels with the project takes the place of a training."""

from __future__ import annotations

import shutil
from pathlib import Path

from myoassist.formats.checkpoint import check_checkpoint
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document
from myoassist.formats.files import atomic_output


def take(*, checkpoint: Path, log: Path, output: Path, output_log: Path) -> None:
    """Copy checkpoint and train log, byte for byte, once both are seen to be whole and to belong together.

    Args:
        checkpoint: that was trained before.
        log: its train log.
        output: where the checkpoint goes.
        output_log: where the log goes.

    Raises:
        InputError: naming the file that is missing, damaged or of another training.
    """
    check_checkpoint(checkpoint, read_document(log, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION))
    for source, target in ((checkpoint, output), (log, output_log)):
        with atomic_output(target) as temporary:
            shutil.copyfile(source, temporary)
