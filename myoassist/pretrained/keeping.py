"""Trained policies that travel with the project: a folder each, with all that tells where it comes from.

`<name>/experiment.json` is the complete experiment, `model_<steps>.zip` the checkpoint, `train_log_<steps>.json` the
logs of all its segments as one, `README.md` the model card.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from myoassist.config.base import read_json
from myoassist.config.experiment import Experiment
from myoassist.config.matrix import Plan, Run
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, read_checkpoint_info
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document, write_document
from myoassist.formats.files import sha256


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
        InputError: if the run is not complete.
    """
    steps = run.final_steps
    trained = results / "runs" / run.id / "trained_models"
    checkpoint = trained / f"model_{steps}.zip"
    info = read_checkpoint_info(checkpoint)
    log = merged_log(
        [read_document(trained / f"train_log_{end}.json", TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION) for end in run.segments]
    )
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
    card = model_card(run, info, log, metrics, digest=sha256(checkpoint))
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{run.id}.", dir=output) as temporary:
        folder = Path(temporary) / run.id
        folder.mkdir()
        (folder / "experiment.json").write_text(experiment, encoding="utf-8")
        write_document(folder / f"train_log_{steps}.json", TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, log)
        (folder / "README.md").write_text(card, encoding="utf-8")
        shutil.copyfile(checkpoint, folder / checkpoint.name)
        if (output / run.id).exists():
            os.replace(output / run.id, Path(temporary) / "before")
        os.replace(folder, output / run.id)
    return output / run.id


def merged_log(logs: list[dict[str, Any]]) -> dict[str, Any]:
    """Join the logs of a chain of segments, in their order, to one that covers all of them."""
    first, last = logs[0], logs[-1]
    return {
        **first,
        "segment": last["segment"],
        "start_steps": first["start_steps"],
        "stop_steps": last["stop_steps"],
        "wall_s": sum(log["wall_s"] for log in logs),
        "threads": max(log["threads"] for log in logs),
        "measured": last["measured"],
        "rollouts": [record for log in logs for record in log["rollouts"]],
    }


def model_card(
    run: Run,
    info: CheckpointInfo,
    log: Mapping[str, Any],
    metrics: Mapping[tuple[str, str], Mapping[str, Any]],
    *,
    digest: str,
) -> str:
    """Write what a policy is, where it comes from, how well it walks and what it is not for (Markdown).

    Args:
        run: whose policy it is.
        info: what its checkpoint says.
        log: of the whole training.
        metrics: (run id, scenario) -> metrics of the final checkpoints of all runs of the same experiment.
        digest: SHA-256 of the checkpoint.
    """
    template = Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    ).from_string(resources.files(__package__).joinpath("model_card.md.j2").read_text(encoding="utf-8"))
    target = run.experiment.environment.target_velocity
    return template.render(
        run=run,
        here=run.experiment,
        info=info,
        digest=digest,
        speeds=" to ".join(f"{speed:g}" for speed in sorted({target.minimum_m_s, target.maximum_m_s})),
        simulated_h=info.steps / log["control_rate_hz"] / 3600,
        minutes=log["wall_s"] / 60,
        threads=log["threads"],
        start=_start(run.experiment),
        own={scenario: values for (name, scenario), values in metrics.items() if name == run.id},
        others={key: values for key, values in metrics.items() if key[0] != run.id},
        asked=_asked,
    )


def _start(experiment: Experiment) -> str:
    start = experiment.training.warm_start
    if start is None:
        return "scratch"
    return f"the experiment `{start.experiment}` with the same seed" if start.experiment else f"`{start.file}`"


def _asked(bound: Sequence[float | None]) -> str:
    """Put a bound in words: lowest and highest, of which one may be missing."""
    low, high = bound
    if low is None:
        return f"≤ {high:g}"
    return f"≥ {low:g}" if high is None else f"{low:g} to {high:g}"
