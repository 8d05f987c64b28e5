"""A matrix in words: one line a condition, then how experiments and axis values differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from myoassist.config.plan import Plan
from myoassist.config.run import Run
from myoassist.errors import InputError
from myoassist.report.differences import ABSENT, Change, describe_changes, describe_value

_UNLIMITED = 1_000_000


def describe_matrix(plan: Plan, *, width: int | None) -> str:
    """Say what a matrix runs, and how its experiments and axis values differ.

    Args:
        plan: the matrix.
        width: characters of a line; None cuts nothing.
    """
    runs = list(plan.runs.values())
    segments = sum(len(run.segments) for run in runs if run.kept is None)
    evaluations = sum(_evaluations(run) for run in runs)
    counts = f"{_count(len(runs), 'run')}, {_count(segments, 'segment')} to train"
    counts += f", {_count(evaluations, 'evaluation')}"
    lines = [f"{plan.matrix.title or plan.name}: {counts}; results/{plan.name}", ""]
    lines += _table(_rows(plan))
    longest = _UNLIMITED if width is None else max(width // 3, 16)
    for title, changes in _experiment_blocks(plan, longest):
        lines += ["", title, *_block(changes)]
    for axis, values in plan.matrix.axes.items():
        lines += ["", f"axis {axis}"]
        for name, fields in values.items():
            words = [f"{field} = {describe_value(value, longest=longest)}" for field, value in fields.items()]
            lines += [f"  {name if index == 0 else '':<16} {word}" for index, word in enumerate(words or ["nothing"])]
    return "\n".join(line.rstrip() if width is None else _cut(line.rstrip(), width) for line in lines)


def describe_fields(plan: Plan, pattern: str, *, width: int | None) -> str:
    """Say what values some fields have, and in which runs.

    Args:
        plan: the matrix.
        pattern: of dotted fields, such as `training.*`; `*` stands for any text, dots included.
        width: characters of a line; None cuts nothing.

    Raises:
        InputError: if no run has such a field.
    """
    groups = list(_conditions(plan).values())
    trees = [dict(_leaves(group[0].experiment.plain())) for group in groups]
    fields = [name for name in dict.fromkeys(name for tree in trees for name in tree) if fnmatchcase(name, pattern)]
    if not fields:
        raise InputError(f"--field: no run of {plan.path} has a field '{pattern}'")
    longest = _UNLIMITED if width is None else max(width // 2, 16)
    lines = []
    for field in fields:
        users: dict[str, list[str]] = {}
        for group, tree in zip(groups, trees, strict=True):
            users.setdefault(describe_value(tree.get(field), longest=longest), []).append(_label(group))
        lines.append(field)
        for value, labels in users.items():
            lines.append(f"  {value}" if len(users) == 1 else f"  {value}   {', '.join(labels)}")
    return "\n".join(line if width is None else _cut(line, width) for line in lines)


def plain_matrix(plan: Plan) -> list[dict[str, Any]]:
    """Return all runs as plain data, with every difference."""
    return [
        {
            "id": run.id,
            "experiment": run.name,
            "seed": run.seed,
            "axes": dict(run.values),
            "segments": len(run.segments),
            "steps": run.final_steps,
            "checkpoints": list(run.checkpoints),
            "scenarios": list(run.scenarios),
            "starts_from": _start(plan, run),
            "differences": plan.differences(run),
        }
        for run in plan.runs.values()
    ]


def _conditions(plan: Plan) -> dict[tuple[Any, ...], list[Run]]:
    """Runs that are the same but for their seed."""
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in plan.runs.values():
        groups.setdefault((run.name, *run.values.values()), []).append(run)
    return groups


def _label(group: Sequence[Run]) -> str:
    """Name runs that differ in the seed only: `walk-s{1,2}`."""
    first = group[0]
    if len(group) == 1:
        return first.id
    return f"{first.id.removesuffix(str(first.seed))}{{{','.join(str(run.seed) for run in group)}}}"


def _rows(plan: Plan) -> Iterator[dict[str, str]]:
    groups = list(_conditions(plan).values())
    for group in groups:
        run = group[0]
        yield {
            "run": _label(group),
            **{axis: run.values.get(axis, ABSENT) for axis in plan.matrix.axes},
            "segments": ABSENT if run.kept else str(len(run.segments)),
            "steps": f"{run.final_steps:,}",
            "evaluated at": ", ".join(f"{step:,}" if isinstance(step, int) else step for step in run.checkpoints),
            "scenarios": str(len(run.scenarios)),
            "starts from": _start(plan, run) or ABSENT,
        }


def _start(plan: Plan, run: Run) -> str | None:
    """Say what a run starts from; None if from nothing."""
    if run.kept is not None:
        return "pretrained"
    source = plan.warm_start(run)
    if source is not None:
        return f"{source[0].name} at {source[1]:,}"
    start = run.experiment.training.warm_start
    return None if start is None else start.file


def _evaluations(run: Run) -> int:
    return len(run.checkpoints) * len(run.scenarios)


def _table(rows: Iterator[dict[str, str]]) -> Iterator[str]:
    """Lay out columns; those without anything in them are left out."""
    listed = list(rows)
    names = [name for name in listed[0] if any(row[name] != ABSENT for row in listed)]
    numbers = {"segments", "steps", "scenarios"}
    widths = {name: max(len(name), *(len(row[name]) for row in listed)) for name in names}
    for row in ({name: name for name in names}, *listed):
        cells = [
            f"{row[name]:>{widths[name]}}" if name in numbers else f"{row[name]:<{widths[name]}}" for name in names
        ]
        yield "  ".join(cells)


def _experiment_blocks(plan: Plan, longest: int) -> Iterator[tuple[str, list[Change]]]:
    """For each experiment but the first: a heading, and how its first run differs from that of the first."""
    firsts: dict[str, Run] = {}
    for run in plan.runs.values():
        firsts.setdefault(run.name, run)
    runs = list(firsts.values())
    differences = [_without_axes(plan.differences(run), run, runs[0]) for run in runs]
    for run, changes in zip(runs[1:], describe_changes(differences, longest=longest)[1:], strict=True):
        yield f"{run.name}, where it differs from {runs[0].name}", changes


def _without_axes(differences: Mapping[str, Any], run: Run, first: Run) -> dict[str, Any]:
    """Leave out what a value of an axis has set: the axis tells it."""
    axes = {*run.differences, *first.differences}
    return {field: value for field, value in differences.items() if field not in axes}


def _block(changes: Sequence[Change]) -> Iterator[str]:
    """Lines `field: before -> after`, the section before its first."""
    section = None
    for change in changes:
        shown = "" if change.section == section else change.section
        section = change.section
        yield f"  {shown:<12} {change.field}: {change.before} -> {change.after}"
    if not changes:
        yield "  nowhere"


def _leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
