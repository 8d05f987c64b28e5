"""Everything that the page shows, gathered from the runs' files as plain data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from myoassist.config.report import ReportEvaluation, ReportFigure, ReportRun, ReportSettings
from myoassist.errors import InputError
from myoassist.formats.benchmarks import read_benchmark
from myoassist.formats.documents import (
    BEST_FORMAT,
    BEST_VERSION,
    MANIFEST_FORMAT,
    MANIFEST_VERSION,
    VALIDATION_FORMAT,
    VALIDATION_VERSION,
    read_document,
)
from myoassist.formats.gait_tables import check_tables, read_metrics
from myoassist.report.captions import Caption, Captions
from myoassist.report.differences import Change, describe_changes
from myoassist.report.differences_table import Compared, read_comparisons
from myoassist.report.embedding import data_uri
from myoassist.report.missing import missing_files
from myoassist.report.overview import Training, gate_held, read_train_log, statement, summarize_training
from myoassist.report.reading import Problem, Reader, lookup, read_table

CONTACT_SHEET = "contact_sheet"
"""Name of the stills of a gait cycle, in captions and steps."""


@dataclass(frozen=True)
class Picture:
    """A figure with what is written about it."""

    title: str
    category: str
    caption: Markup
    source: str
    path: str


@dataclass
class EvaluationView:
    """One checkpoint in one scenario."""

    steps: int | str
    scenario: str
    best: bool
    heading: str
    choice: str
    anchor: str
    metrics: dict[str, Any] | None
    gate: tuple[int, int] | None
    spatiotemporal: list[dict[str, str]]
    video: str | None
    video_path: str | None
    video_caption: Caption
    pictures: dict[str, list[Picture]]


@dataclass
class RunView:
    """One run; `changes` say how it differs from the first."""

    id: str
    anchor: str
    experiment: str
    seed: int
    description: str
    changes: list[Change]
    configuration: str
    training: Training | None
    manifest: dict[str, Any] | None
    checks: list[dict[str, Any]]
    evaluations: list[EvaluationView]
    pictures: dict[str, list[Picture]]
    runtimes: list[tuple[str, float, float | None]]
    problems: list[Problem] = field(default_factory=list)


@dataclass
class SharedPicture:
    """A figure that several runs have in common, and those runs."""

    picture: Picture
    runs: list[str]


@dataclass
class Contents:
    """The whole page.

    `packed` names the archive that holds it, for the short page that stands for it beside the archive.
    """

    title: str
    description: str
    statement: list[str]
    runs: list[RunView]
    comparison: dict[str, list[Picture]]
    compared: list[Compared]
    shared: list[SharedPicture]
    problems: list[Problem]
    versions: dict[str, str]
    packed: str = ""


class Gatherer:
    """Reads the files of a report; what is missing or damaged becomes a `Problem`."""

    def __init__(self, settings: ReportSettings, root: Path, captions: Path | None) -> None:
        self._settings = settings
        self._reader = Reader(root)
        self._captions = Captions(captions)
        self._pictures: dict[str, Picture | None] = {}

    def gather(self) -> Contents:
        """Return the contents of the page."""
        settings, reader = self._settings, self._reader
        changes = describe_changes([run.differences for run in settings.runs])
        runs = [self._run(run, own) for run, own in zip(settings.runs, changes, strict=True)]
        comparison = self._gallery(settings.figures, "", "figures", {})
        absent = [figure.path for figure in settings.figures if not reader.exists(figure.path)]
        if absent:
            why = "figures across runs need the results of all runs"
            reader.problems.append(Problem("", "figures", f"{', '.join(absent)} missing", why))
        evaluations = [entry for run in runs for entry in run.evaluations]
        return Contents(
            title=settings.title,
            description=settings.description,
            statement=statement([entry.metrics for entry in evaluations], [run.training for run in runs]),
            runs=runs,
            comparison=comparison,
            compared=reader.read(settings.comparisons, read_comparisons, run="", step="compare") or [],
            shared=self._shared(),
            problems=reader.problems,
            versions=self._versions(evaluations),
        )

    def _run(self, run: ReportRun, changes: list[Change]) -> RunView:
        reader = self._reader
        before = len(reader.problems)
        reader.problems += missing_files(run, reader)
        logs = [reader.read(path, read_train_log, run=run.id, step="train") for path in run.train_logs]
        validation = reader.read(run.validation, _validation, run=run.id, step="validate")
        own = [figure for figure in run.figures if figure.path.startswith(f"runs/{run.id}/")]
        view = RunView(
            id=run.id,
            anchor=f"run-{run.id}",
            experiment=run.experiment,
            seed=run.seed,
            description=run.description,
            changes=changes,
            configuration=json.dumps(run.configuration, indent=2, ensure_ascii=False),
            training=summarize_training([log for log in logs if log is not None]),
            manifest=reader.read(run.model_manifest, _manifest, run=run.id, step="build"),
            checks=_checks(validation),
            evaluations=[self._evaluation(run, entry) for entry in run.evaluations],
            pictures=self._gallery(own, run.id, "validate", {"run": run.id}),
            runtimes=self._runtimes(run),
        )
        view.problems = reader.problems[before:]
        return view

    def _evaluation(self, run: ReportRun, entry: ReportEvaluation) -> EvaluationView:
        place = f"{entry.scenario} at {entry.steps}"
        read = self._reader.read
        metrics = read(entry.metrics, read_metrics, run=run.id, step=f"analyze {place}")
        choice = read(entry.choice, _choice, run=run.id, step="best")
        variables = {"run": run.id, "scenario": entry.scenario, "steps": entry.steps, "metrics": metrics or {}}
        sheet = [] if entry.contact_sheet is None else [ReportFigure(name=CONTACT_SHEET, path=entry.contact_sheet)]
        return EvaluationView(
            steps=_steps(entry, choice),
            scenario=entry.scenario,
            best=entry.choice is not None,
            heading=_heading(entry, choice),
            choice=_why_best(choice),
            anchor=f"run-{run.id}-{entry.steps}-{entry.scenario}",
            metrics=metrics,
            gate=gate_held(metrics),
            spatiotemporal=read(entry.spatiotemporal, _table_of(metrics), run=run.id, step=f"analyze {place}") or [],
            video=read(entry.video, data_uri, run=run.id, step=f"replay {place}"),
            video_path=entry.video,
            video_caption=self._caption("replay", entry.video or "", variables),
            pictures=self._gallery(sheet, run.id, f"{CONTACT_SHEET} {place}", variables)
            | self._gallery(entry.figures, run.id, f"figures {place}", variables),
        )

    def _gallery(
        self, figures: list[ReportFigure], run: str, step: str, variables: Mapping[str, Any]
    ) -> dict[str, list[Picture]]:
        """Figures that exist, by category in order of appearance."""
        gallery: dict[str, list[Picture]] = {}
        for figure in figures:
            picture = self._picture(figure, run, step, variables)
            if picture is not None:
                gallery.setdefault(picture.category, []).append(picture)
        return gallery

    def _picture(self, figure: ReportFigure, run: str, step: str, variables: Mapping[str, Any]) -> Picture | None:
        def make(path: Path) -> Picture:
            source = data_uri(path)
            caption = self._caption(figure.name, figure.path, variables)
            return Picture(caption.title, caption.category, caption.html, source, figure.path)

        if figure.path not in self._pictures:
            self._pictures[figure.path] = self._reader.read(figure.path, make, run=run, step=step)
        return self._pictures[figure.path]

    def _caption(self, name: str, path: str, variables: Mapping[str, Any]) -> Caption:
        """Caption of a figure; one that cannot be read becomes a problem, and the figure goes without."""
        try:
            return self._captions.find(name, self._reader.root / path, variables)
        except InputError as error:
            problem = Problem("", "captions", f"caption of {name}", str(error))
            if problem not in self._reader.problems:
                self._reader.problems.append(problem)
            return Caption(name.replace("_", " ").capitalize(), "Other", Markup())

    def _shared(self) -> list[SharedPicture]:
        """Figures of models and references, once each."""
        users: dict[str, list[str]] = {}
        figures: dict[str, ReportFigure] = {}
        for run in self._settings.runs:
            for figure in run.figures:
                if not figure.path.startswith(f"runs/{run.id}/"):
                    users.setdefault(figure.path, []).append(run.id)
                    figures[figure.path] = figure
        pictures = {path: self._picture(figure, "", figure.name, {}) for path, figure in figures.items()}
        return [SharedPicture(picture, users[path]) for path, picture in pictures.items() if picture is not None]

    def _runtimes(self, run: ReportRun) -> list[tuple[str, float, float | None]]:
        rows = []
        for label, path in run.benchmarks.items():
            numbers = self._reader.read(path, read_benchmark, run=run.id, step=label)
            if numbers is not None:
                rows.append((label, *numbers))
        return rows

    def _versions(self, evaluations: list[EvaluationView]) -> dict[str, str]:
        versions: dict[str, set[str]] = {}
        for entry in evaluations:
            for name, version in (lookup(entry.metrics, "source.versions") or {}).items():
                versions.setdefault(str(name), set()).add(str(version))
        return {name: ", ".join(sorted(found)) for name, found in sorted(versions.items())}


def _steps(entry: ReportEvaluation, choice: Any) -> int | str:
    """Number of steps of the checkpoint; for the best one as chosen, or its name if that is not known."""
    chosen = lookup(choice, "steps")
    return chosen if isinstance(chosen, int) else entry.steps


def _heading(entry: ReportEvaluation, choice: Any) -> str:
    """Say which checkpoint it is."""
    steps = _steps(entry, choice)
    if not isinstance(steps, int):
        return "of the best checkpoint"
    text = f"after {steps:,} steps".replace(",", "\N{NO-BREAK SPACE}")
    return text if entry.choice is None else f"{text}, the best checkpoint"


def _why_best(choice: Any) -> str:
    """Say in a sentence why a checkpoint is called the best; empty if that is not known."""
    candidates = lookup(choice, "candidates")
    if not isinstance(candidates, list) or not isinstance(choice.get("value"), int | float):
        return ""
    metric = str(choice.get("metric")).replace("_", " ")
    phase = f" in the phase {choice['phase']}" if choice.get("phase") else ""
    return (
        f"Of {len(candidates)} checkpoints{phase} the one at which the {metric} was {choice.get('goal')}: "
        f"{choice['value']:.4g}, over the second half of its segment."
    )


def _validation(path: Path) -> dict[str, Any]:
    return read_document(path, VALIDATION_FORMAT, VALIDATION_VERSION)


def _table_of(metrics: dict[str, Any] | None) -> Callable[[Path], list[dict[str, str]]]:
    def read(path: Path) -> list[dict[str, str]]:
        check_tables(metrics or {}, spatiotemporal=path)
        return read_table(path)

    return read


def _choice(path: Path) -> dict[str, Any]:
    return read_document(path, BEST_FORMAT, BEST_VERSION)


def _manifest(path: Path) -> dict[str, Any]:
    return read_document(path, MANIFEST_FORMAT, MANIFEST_VERSION)


def _checks(validation: Any) -> list[dict[str, Any]]:
    """Complete entries of a validation file; an empty list if it is none."""
    checks = lookup(validation, "checks")
    fields = {"name", "passed", "measured", "expected"}
    return [e for e in checks if isinstance(e, dict) and fields <= e.keys()] if isinstance(checks, list) else []
