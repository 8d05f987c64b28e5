"""Why a run's results would be made again, in words, from what Snakemake has recorded and decides itself."""

from __future__ import annotations

import ast
import contextlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myoassist.config.base import canonical, read_json, shorten
from myoassist.config.packed import MARKS, unpack
from myoassist.config.plan import Plan
from myoassist.errors import InputError
from myoassist.formats.files import write_json
from myoassist.provenance import ENTRIES, code_hashes, code_of, fingerprint

FILES = "files:"
"""How a parameter begins that holds the digests of input files which no rule makes, as canonical JSON."""

CODE_FOLDER = Path(".snakemake", "myoassist", "code")
"""One small file for each fingerprint that was ever worked with: module -> hash. Parameters hold the sum only."""


@dataclass
class Stale:
    """Jobs that would run for the same reasons.

    Attributes:
        jobs: what they do, such as `train walk-s1 to 128 steps`.
        causes: reasons of their own; empty if they only follow from others.
    """

    jobs: list[str] = field(default_factory=list)
    causes: tuple[str, ...] = ()


def remember_code(plan: Plan, folder: Path = CODE_FOLDER) -> None:
    """Write down which modules each stage's fingerprint stands for now, so that a later change can be named.

    Args:
        plan: the matrix; its runs' own classes are in the fingerprints.
        folder: where to; what is there stays.
    """
    for key, hashes in _current_code(plan).items():
        if not (file := folder / f"{key}.json").is_file():
            write_json(file, hashes)


def describe_files(digests: Mapping[str, str]) -> str:
    """Return the parameter that makes a result depend on the content of some files, whatever their dates.

    Args:
        digests: path -> hash of the file's content.
    """
    return FILES + canonical(dict(digests))


def why(target: str, *, matrix: Path, profile: Path, snakefile: Path = Path("workflow/Snakefile")) -> list[Stale]:
    """Ask Snakemake what it would run for a target, and why.

    Args:
        target: a run, an experiment, a target rule or a file.
        matrix: matrix file.
        profile: folder of the workflow profile, whose rerun triggers count.
        snakefile: the workflow.

    Returns:
        Jobs in the order in which they would run, those with the same causes together; empty if all is up to date.

    Raises:
        InputError: if the matrix or the target is wrong.
    """
    plan = Plan.load(matrix)
    workflow = _dry_run(target, matrix=matrix, profile=profile, snakefile=snakefile)
    current = _current_code(plan)
    found: dict[tuple[str, ...], Stale] = {}
    order = {job: index for index, level in enumerate(workflow.dag.toposorted()) for job in level}
    jobs = [job for job in workflow.dag.needrun_jobs(exclude_finished=False) if not job.is_norun]
    for job in sorted(jobs, key=lambda job: (order.get(job, 0), job.rule.name, str(job.output))):
        causes = tuple(dict.fromkeys(_causes(job, workflow, current)))  # a changed file can be seen in two ways
        found.setdefault(causes, Stale(causes=causes)).jobs.append(str(job.message or job.rule.name))
    return sorted(found.values(), key=lambda stale: not stale.causes)


def _dry_run(target: str, *, matrix: Path, profile: Path, snakefile: Path) -> Any:
    """Return Snakemake's workflow after a dry run."""
    from snakemake.api import SnakemakeApi
    from snakemake.cli import parse_args
    from snakemake.exceptions import RuleException, WorkflowError
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
        StorageSettings,
    )

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        _, chosen = parse_args(["--workflow-profile", str(profile), "--snakefile", str(snakefile)])
        try:
            with SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api:
                workflow = api.workflow(
                    resource_settings=ResourceSettings(cores=1),
                    config_settings=ConfigSettings(config={"matrix": str(matrix)}),
                    storage_settings=StorageSettings(),
                    snakefile=snakefile,
                )
                dag = workflow.dag(
                    DAGSettings(
                        targets=frozenset({target}),
                        rerun_triggers=chosen.rerun_triggers,
                        max_checksum_file_size=chosen.max_checksum_file_size,
                        force_incomplete=chosen.rerun_incomplete,
                    )
                )
                dag.execute_workflow(executor="dryrun")
                return workflow._workflow
        except (WorkflowError, RuleException) as error:
            raise InputError(f"{target}: {' '.join(str(error).split())}") from None


def _causes(job: Any, workflow: Any, current: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Say what is not as it was when a job ran last. A job that only follows from others has no such cause."""
    records, reason = workflow.persistence, workflow.dag.reason(job)
    before_it = records.metadata(job.output[0])
    missing = [str(path) for path in job.output if not Path(path).exists()]
    if reason.forced or (missing and before_it is not None and _failed(job, before_it)):
        yield "its last attempt failed or was interrupted"
        return
    if missing and before_it is None:
        yield "not made yet"
        return
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield f"{missing[0]}{more} {'do' if more else 'does'} not exist"
        return
    for path in sorted(map(str, set(reason.updated_input) - set(reason.updated_input_run))):
        yield f"content of {path} has changed"
    before, now = set(records.input(job.output[0]) or ()), set(map(str, job.input))
    if any(records.input_changed(job)):
        yield from (f"{path} is a new input" for path in sorted(now - before))
        yield from (f"{path} is no input any more" for path in sorted(before - now))
    change = records.params_changed(job)
    if change:
        yield from describe_parameters(change.only_old, change.only_new, current)


def _failed(job: Any, record: Any) -> bool:
    """Whether the attempt that left this record failed: Snakemake writes one for failures too, but no benchmark."""
    if not job.benchmark:
        return False
    benchmark = Path(job.benchmark)
    return not benchmark.exists() or benchmark.stat().st_mtime < record.starttime


def describe_parameters(
    old: Iterable[str], new: Iterable[str], current: Mapping[str, Mapping[str, str]], folder: Path = CODE_FOLDER
) -> Iterator[str]:
    """Say how parameters differ that Snakemake has recorded.

    Args:
        old: recorded parameters that are no longer there, as Python literals.
        new: those that have come instead.
        current: hash of code -> its modules' hashes, for the code as it is now.
        folder: where the modules of earlier code were written down.
    """
    before, now = list(map(_text, old)), list(map(_text, new))
    settings = [[json.loads(unpack(text)) for text in texts if _is_settings(text)] for texts in (before, now)]
    if all(settings):
        yield from _different_fields(settings[0][0], settings[1][0])
    codes = [[text for text in texts if text.startswith("code=")] for texts in (before, now)]
    if all(codes):
        yield from _different_code(codes[0][0], codes[1][0], current, folder)
    files = [
        [json.loads(text.removeprefix(FILES)) for text in texts if text.startswith(FILES)] for texts in (before, now)
    ]
    if files[1]:
        yield from _different_content(files[0][0] if files[0] else None, files[1][0])
    if not all(settings) and not all(codes) and not files[1]:
        yield f"parameters were {shorten(', '.join(before))} and are {shorten(', '.join(now))}"


def _text(literal: str) -> str:
    return str(ast.literal_eval(literal))


def _is_settings(text: str) -> bool:
    return text.startswith(("{", *MARKS))


def _different_fields(before: Any, now: Any, place: str = "") -> Iterator[str]:
    """Compare settings field by field, and lists of equal length item by item."""
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        before, now = (dict(enumerate(value)) for value in (before, now))
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            here = f"{place}.{key}" if place else str(key)
            if key not in before:
                yield f"setting {here} is new: {_word(now[key])}"
            elif key not in now:
                yield f"setting {here} is gone, it was {_word(before[key])}"
            else:
                yield from _different_fields(before[key], now[key], here)
    elif before != now:
        yield f"setting {place} changed from {_word(before)} to {_word(now)}"


def _different_content(before: Mapping[str, str] | None, now: Mapping[str, str]) -> Iterator[str]:
    """Compare the digests of files, if any are on record. The inputs tell which files are new or no inputs any more."""
    if before is None:
        yield from (f"content of {path} is not on record" for path in sorted(now))
        return
    yield from (f"content of {path} has changed" for path in sorted(now) if before.get(path, now[path]) != now[path])


def _word(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def _different_code(before: str, now: str, current: Mapping[str, Mapping[str, str]], folder: Path) -> Iterator[str]:
    """Compare two fingerprints: versions by name, code by module where the old modules are on record."""
    old, new = (dict(word.partition("=")[::2] for word in line.split(" ")) for line in (before, now))
    for package in sorted({*old, *new} - {"code"}):
        if old.get(package) != new.get(package):
            yield f"version of {package} changed from {old.get(package, 'none')} to {new.get(package, 'none')}"
    if old["code"] == new["code"]:
        return
    record = folder / f"{old['code']}.json"
    if not record.is_file() or new["code"] not in current:
        yield "code of this stage changed (in which module is not on record)"
        return
    then, today = read_json(record), current[new["code"]]
    yield from (f"code of {name} changed" for name in today if name in then and then[name] != today[name])
    yield from (f"code of {name} is used now" for name in today if name not in then)
    yield from (f"code of {name} is not used any more" for name in then if name not in today)


def _current_code(plan: Plan) -> dict[str, dict[str, str]]:
    """Hash of code -> its modules' hashes, for every stage and every choice of own classes."""
    choices = {(), *(run.experiment.classes() for run in plan.runs.values())}
    return {
        code_of(fingerprint(stage, classes)): code_hashes(stage, classes) for stage in ENTRIES for classes in choices
    }
