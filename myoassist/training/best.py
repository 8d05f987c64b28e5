"""Which checkpoint of a run is the best, by what the logs of its segments measured."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loguru import logger

from myoassist.config.base import shorten
from myoassist.config.evaluation import BestSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import check_checkpoint
from myoassist.formats.documents import (
    BEST_FORMAT,
    BEST_VERSION,
    TRAIN_LOG_FORMAT,
    TRAIN_LOG_VERSION,
    read_document,
    write_document,
)
from myoassist.formats.files import atomic_output, sha256


def choose(settings: BestSettings, logs: Sequence[Path]) -> tuple[Path, dict[str, Any]]:
    """Compare the segments of a run by their train logs.

    With a curriculum, only segments in the phase of the last one compete: the same metric means something else in
    another phase. Of equal values the earliest counts, so that added segments change the choice only if they are
    better.

    Args:
        settings: the metric and which of its values is the best.
        logs: train logs of all segments, each beside its checkpoint.

    Returns:
        The checkpoint, and what `best.json` says about the choice.

    Raises:
        InputError: if a log is missing, damaged or did not measure the metric.
    """
    found = sorted((_read(path) for path in logs), key=lambda entry: entry["steps"])
    if not found:
        raise InputError("--logs: at least one train log is needed")
    phase = found[-1]["phase"]
    candidates = [entry for entry in found if entry["phase"] == phase]
    for entry in candidates:
        if settings.metric not in entry["measured"]:
            known = ", ".join(sorted(entry["measured"])) or "none"
            raise InputError(f"{entry['path']}: '{settings.metric}' was not measured (known: {known})")
        entry["value"] = entry["measured"][settings.metric]
        if isinstance(entry["value"], bool) or not isinstance(entry["value"], int | float):
            raise InputError(
                f"{entry['path']}: '{settings.metric}': expected a number (found {shorten(entry['value'])})"
            )
    sign = 1.0 if settings.goal == "highest" else -1.0
    best = max(candidates, key=lambda entry: (sign * entry["value"], -entry["steps"]))
    return best["path"].with_name(f"model_{best['steps']}.zip"), {
        "steps": best["steps"],
        "metric": settings.metric,
        "goal": settings.goal,
        "value": best["value"],
        "phase": phase,
        "candidates": [{"steps": entry["steps"], "value": entry["value"]} for entry in candidates],
    }


def select_best(settings: BestSettings, *, logs: Sequence[Path], checkpoint: Path, choice: Path) -> None:
    """Copy a run's best checkpoint, byte for byte, and write down why it is the best.

    Args:
        settings: the metric and which of its values is the best.
        logs: train logs of all segments, each beside its checkpoint.
        checkpoint: where the copy goes.
        choice: where the choice goes (JSON): steps, metric, value, and those of all candidates.

    Raises:
        InputError: if a log is missing or damaged, did not measure the metric, or the best checkpoint is not there,
            damaged or not the one that the log tells of.
    """
    source, described = choose(settings, logs)
    if not source.is_file():
        log = f"train_log_{described['steps']}.json"
        raise InputError(
            f"{source}: file not found, the best checkpoint by '{settings.metric}'; if it was thinned out, delete "
            f"{log} beside it to train that segment again"
        )
    check_checkpoint(source, _read_log(source.with_name(f"train_log_{described['steps']}.json")))
    with atomic_output(checkpoint) as temporary:
        shutil.copyfile(source, temporary)
    write_document(choice, BEST_FORMAT, BEST_VERSION, {**described, "checkpoint_sha256": sha256(checkpoint)})
    logger.info("best: {} steps, {} {:.4g}", described["steps"], settings.metric, described["value"])


def _read(path: Path) -> dict[str, Any]:
    """Return a segment's last step, phase and measurements."""
    log = _read_log(path)
    return {"path": path, "steps": log["stop_steps"], "phase": log.get("phase", ""), "measured": log["measured"]}


def _read_log(path: Path) -> dict[str, Any]:
    log = read_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)
    if not isinstance(log.get("measured"), dict) or not isinstance(log.get("stop_steps"), int):
        raise InputError(f"{path}: not a whole train log (fields 'stop_steps' and 'measured' are needed)")
    return log
