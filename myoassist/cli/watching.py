"""Watching a training from outside: TensorBoard and preview films. Nothing here can stop a training."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loguru import logger


def tensorboard(folder: Path | None, checkpoint: Path) -> Callable[[dict[str, Any]], None] | None:
    """Return what writes each rollout's record for TensorBoard, or None if that is not wanted or not installed.

    Args:
        folder: where to; None takes `MYOASSIST_TENSORBOARD`, below which each run gets a folder.
        checkpoint: that the training will write; the folder above its own names the run.
    """
    if folder is None and os.environ.get("MYOASSIST_TENSORBOARD"):
        folder = Path(os.environ["MYOASSIST_TENSORBOARD"]) / checkpoint.resolve().parents[1].name
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(folder))
    except ImportError:
        logger.warning("no files for TensorBoard: the package 'tensorboard' is missing (the extra 'tensorboard')")
        return None
    except OSError as error:
        logger.warning("no files for TensorBoard: {}", error)
        return None

    def write(record: dict[str, Any]) -> None:
        for name, value in numbers(record):
            writer.add_scalar(name, value, record["steps"])
        writer.flush()

    return write


def numbers(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Flatten a record to the numbers in it, by names such as `reward_terms/alive/raw`."""
    found: list[tuple[str, float]] = []
    for name, value in record.items():
        if isinstance(value, Mapping):
            found += numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "steps":
            found.append((f"{prefix}{name}", float(value)))
    return found


def preview(
    film: Path | None,
    *,
    checkpoint: Path,
    model: Sequence[Path],
    manifest: Sequence[Path],
    reference: Sequence[Path],
) -> subprocess.Popen[bytes] | None:
    """Start filming a few seconds of a checkpoint in a process of its own, and do not wait for it.

    It ends itself after `filming.PATIENCE_S`. What goes wrong stands in a log beside the film and nowhere else.

    Args:
        film: where to (.mp4); None writes one beside the checkpoint if `MYOASSIST_PREVIEW` is set.
        checkpoint: whose policy walks.
        model: models that it may have been trained on.
        manifest: theirs.
        reference: references fitted to them.

    Returns:
        The process; None if none was asked for or it could not be started.
    """
    if film is None:
        if not os.environ.get("MYOASSIST_PREVIEW"):
            return None
        film = checkpoint.with_name(checkpoint.stem.replace("model", "preview") + ".mp4")
    log = film.with_suffix(".log")
    command = [sys.executable, "-m", "myoassist.cli.filming", str(film), str(checkpoint)]
    command += [str(path) for body in zip(model, manifest, reference, strict=True) for path in body]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
    except OSError as error:
        logger.warning("no preview of {}: {}", checkpoint, error)
        return None
    logger.info("preview: filming {}, what goes wrong is in {}", film, log)
    return process
