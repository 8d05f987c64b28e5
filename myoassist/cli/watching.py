"""Watching a training from outside: TensorBoard and preview films. Nothing here can stop a training."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loguru import logger

PREVIEW_S = 5.0
PATIENCE_S = 180.0


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
    except (ImportError, OSError) as error:
        logger.warning("no files for TensorBoard are written ({}); it comes with the package 'tensorboard'", error)
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
) -> None:
    """Film a few seconds of a checkpoint, in processes of their own; a failure is logged and nothing else.

    Args:
        film: where to (.mp4); None writes one beside the checkpoint if `MYOASSIST_PREVIEW` is set.
        checkpoint: whose policy walks.
        model: models that it may have been trained on.
        manifest: theirs.
        reference: references fitted to them.
    """
    if film is None:
        if not os.environ.get("MYOASSIST_PREVIEW"):
            return
        film = checkpoint.with_name(checkpoint.stem.replace("model", "preview") + ".mp4")
    try:
        _film(film, checkpoint, list(zip(model, manifest, reference, strict=True)))
    except Exception as error:
        said = getattr(error, "stderr", None) or str(error)
        logger.warning("no preview of {}: {}", checkpoint, said.strip().splitlines()[-1] if said.strip() else error)
    else:
        logger.info("preview: {}", film)


def _film(film: Path, checkpoint: Path, bodies: Sequence[tuple[Path, Path, Path]]) -> None:
    from myoassist.config.evaluation import EvaluationStage, ScenarioSettings, VideoSettings
    from myoassist.formats.checkpoint import read_checkpoint_info
    from myoassist.formats.files import sha256

    info = read_checkpoint_info(checkpoint)
    model, manifest, reference = next(body for body in bodies if sha256(body[0]) == info.model_sha256)
    stage = EvaluationStage.parse(
        {"environment": info.environment, "scenario": ScenarioSettings(episodes=1, duration_s=PREVIEW_S)}
    )
    body = ["--model", str(model), "--manifest", str(manifest)]
    with tempfile.TemporaryDirectory() as folder:
        rollouts = str(Path(folder) / "rollouts.h5")
        walk = [*body, "--reference", str(reference), "--checkpoint", str(checkpoint), "--rollouts", rollouts]
        _run("evaluate", "--settings", stage.canonical(), *walk)
        _run("replay", "--settings", VideoSettings().canonical(), *body, "--rollouts", rollouts, "--video", str(film))


def _run(*words: str) -> None:
    command = [sys.executable, "-m", "myoassist.cli", *words]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S)
