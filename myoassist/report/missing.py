"""Which files of a run are not there, which step should have made them, and why it did not."""

from __future__ import annotations

from pathlib import PurePosixPath

from myoassist.config.report import ReportRun
from myoassist.report.reading import Problem, Reader


def missing_files(run: ReportRun, reader: Reader) -> list[Problem]:
    """List what a run lacks, one entry per step, in the order of the steps.

    Args:
        run: its expected files.
        reader: knows the root, and finds the logs.

    Returns:
        One problem for each step that failed by itself, with the steps that could not run because of it.
    """
    roots: dict[str, list[str]] = {}
    causes: dict[str, str] = {}
    absent_files: dict[str, list[str]] = {}
    for step, needs, paths in _steps(run):
        absent = [path for path in paths if not reader.exists(path)]
        if not absent:
            continue
        blocking = next((causes[need] for need in needs if need in causes), None)
        causes[step] = blocking or step
        if blocking:
            roots[blocking].append(step)
        else:
            roots[step] = []
            absent_files[step] = absent
    problems = []
    for step, blocked in roots.items():
        absent, log = absent_files[step], reader.log_tail(_path_of(run.logs, step))
        what = f"{absent[0]} is missing" if len(absent) == 1 else f"{absent[0]} and {len(absent) - 1} more are missing"
        why = "the step did not finish; its log ends with" if log else "the step has not run, or left no log"
        problems.append(Problem(run.id, step, what, why, log, tuple(blocked)))
    return problems


def _path_of(table: dict[str, str], step: str) -> str | None:
    if step in table:
        return table[step]
    return next((path for label, path in table.items() if label.split(" ")[0] == step.split(" ")[0]), None)


def _steps(run: ReportRun) -> list[tuple[str, list[str], list[str]]]:
    """Steps in order: label, labels of the steps that it needs, files that it makes."""
    drawn: dict[str, list[str]] = {"preprocess_qc": [], "retarget_qc": [], "validation": []}
    for figure in run.figures:
        drawn.get(figure.name, drawn["validation"]).append(figure.path)
    steps = [
        ("build", [], [run.model_manifest] if run.model_manifest else []),
        ("preprocess", [], [run.reference] if run.reference else []),
        ("preprocess_figure", ["preprocess"], drawn["preprocess_qc"]),
        ("retarget", ["build", "preprocess"], [run.fitted_reference] if run.fitted_reference else []),
        ("retarget_figure", ["build", "preprocess", "retarget"], drawn["retarget_qc"]),
        ("validate", ["build", "retarget"], [*([run.validation] if run.validation else []), *drawn["validation"]]),
    ]
    needs = ["build", "retarget"]
    for path in run.train_logs:
        label = f"train to {PurePosixPath(path).stem.rsplit('_', 1)[-1]}"
        steps.append((label, needs, [path]))
        needs = [*needs, label]
    chosen: dict[str, tuple[str, list[str], list[str]]] = {}
    evaluated: list[tuple[str, list[str], list[str]]] = []
    for entry in run.evaluations:
        place = f"{entry.scenario} at {entry.steps}"
        if entry.choice is None:
            trained = [*needs[:2], *(need for need in needs[2:] if int(need.rsplit(" ", 1)[-1]) <= int(entry.steps))]
        else:
            trained = [*needs, "best"]
            chosen.setdefault("best", ("best", needs, [entry.choice]))
        evaluate, analyze = f"evaluate {place}", f"analyze {place}"
        analyzed = [path for path in (entry.metrics, entry.spatiotemporal) if path]
        evaluated += [
            (evaluate, trained, [entry.rollouts]),
            (f"replay {place}", [*trained, evaluate], [entry.video] if entry.video else []),
            (analyze, [*trained, evaluate], analyzed),
            (
                f"contact_sheet {place}",
                [*trained, evaluate, analyze],
                [entry.contact_sheet] if entry.contact_sheet else [],
            ),
            (f"figures {place}", [*trained, evaluate, analyze], [figure.path for figure in entry.figures]),
        ]
    return [*steps, *chosen.values(), *evaluated]
