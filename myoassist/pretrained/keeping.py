"""Trained policies that travel with the project: a folder each, with all that tells where it comes from.

`<name>/experiment.json` is the complete experiment, `model_<steps>.zip` the checkpoint without the optimiser's moments,
`train_log_<steps>.json` the logs of all its segments as one, `README.md` the model card.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from myoassist.config.base import read_json
from myoassist.config.plan import Plan
from myoassist.config.run import Run
from myoassist.errors import InputError
from myoassist.formats.checkpoint import check_checkpoint, write_without_moments
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document, write_document
from myoassist.formats.files import sha256
from myoassist.pretrained.card import model_card


def keep(plan: Plan, run: Run, *, results: Path, output: Path) -> Path:
    """Copy a run's final checkpoint into a folder of its own, with experiment, log and model card.

    Args:
        plan: the matrix.
        run: one of its runs, trained and evaluated.
        results: folder of the matrix' results.
        output: folder in which the run's folder is made; one that is there already is replaced.

    Returns:
        The run's folder.

    Raises:
        InputError: if the run is not complete, or its checkpoint is damaged.
    """
    steps = run.final_steps
    trained = results / "runs" / run.id / "trained_models"
    checkpoint = trained / f"model_{steps}.zip"
    log = merged_log(
        [read_document(trained / f"train_log_{end}.json", TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION) for end in run.segments]
    )
    info = check_checkpoint(checkpoint, log)
    metrics = {
        (other.id, scenario): read_json(path)
        for other in plan.runs.values()
        if other.name == run.name
        for scenario in other.scenarios
        for path in [results / "runs" / other.id / "evaluation" / str(other.final_steps) / scenario / "metrics.json"]
        if path.is_file()
    }
    if not any(key[0] == run.id for key in metrics):
        raise InputError(f"{results}: run {run.id} has not been evaluated at {steps} steps")
    experiment = json.dumps(run.experiment.plain(), indent=2, ensure_ascii=False) + "\n"
    before = [(other.id, until, _seconds(other, until, results=results)) for other, until in _started_from(plan, run)]
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{run.id}.", dir=output) as temporary:
        folder = Path(temporary) / run.id
        folder.mkdir()
        (folder / "experiment.json").write_text(experiment, encoding="utf-8")
        write_without_moments(folder / checkpoint.name, checkpoint)
        digest, trained_digest = sha256(folder / checkpoint.name), sha256(checkpoint)
        log |= {"checkpoint_sha256": digest, "trained_sha256": trained_digest}
        write_document(folder / f"train_log_{steps}.json", TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, log)
        card = model_card(run, info, log, metrics, digest=digest, trained_digest=trained_digest, before=before)
        (folder / "README.md").write_text(card, encoding="utf-8")
        if (output / run.id).exists():
            os.replace(output / run.id, Path(temporary) / "before")
        os.replace(folder, output / run.id)
    return output / run.id


def _started_from(plan: Plan, run: Run) -> Iterator[tuple[Run, int]]:
    """Runs of the matrix that a run started from, and the steps of their checkpoints, the nearest first."""
    link = plan.warm_start(run)
    while link is not None:
        yield link
        link = plan.warm_start(link[0])


def _seconds(run: Run, until: int, *, results: Path) -> float:
    """How long a run trained up to a number of steps."""
    folder = results / "runs" / run.id / "trained_models"
    logs = [folder / f"train_log_{end}.json" for end in run.segments if end <= until]
    return sum(read_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)["wall_s"] for path in logs)


def merged_log(logs: list[dict[str, Any]]) -> dict[str, Any]:
    """Join the logs of a chain of segments, in their order, to one that covers all of them.

    What holds for one segment alone is told of the last; what the first has besides is about how it all began.
    """
    first, last = logs[0], logs[-1]
    return {
        **first,
        **last,
        "start_steps": first["start_steps"],
        "wall_s": sum(log["wall_s"] for log in logs),
        "threads": max(log["threads"] for log in logs),
        "rollouts": [record for log in logs for record in log["rollouts"]],
    }
