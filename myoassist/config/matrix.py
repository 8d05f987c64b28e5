"""What a workflow run covers: experiments x axes x seeds, and what is evaluated of each run."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from myoassist.config.base import Settings, canonical, shorten
from myoassist.config.differing import differing_fields, value_at
from myoassist.config.experiment import Experiment, Layers, SafeName, check_name, normal_path
from myoassist.config.figures import FiguresSettings, RunFiles
from myoassist.config.kept import KeptFiles, find_kept
from myoassist.config.report import LARGEST_PAGE_MB
from myoassist.config.study import LABEL, ComparisonSettings, selects
from myoassist.config.training import SegmentSettings
from myoassist.config.yaml_files import read_yaml
from myoassist.errors import InputError

BEST = "best"
"""Instead of a number of steps: the checkpoint that is the best by `evaluation.best` of its experiment."""

LONGEST_ID = 120
"""Characters of a run's id; it is the name of a folder and part of those of logs, and a file system takes 255 bytes."""

MATRIX_FIELDS = ("experiment", "label", "scenario", "seed")
"""Words that an axis cannot be called, since exclusions and comparisons use them."""


def _field_name(name: str) -> str:
    parts = name.split(".")
    if not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+", name) or parts[0] not in Experiment.model_fields:
        sections = ", ".join(key for key in Experiment.model_fields if key != "description")
        raise ValueError(f"'{name[:60]}' is no dotted field of an experiment (its sections: {sections})")
    return name


def _experiment_name(name: str) -> str:
    if name.endswith(".json"):
        check_name(Path(name).stem)
        return name
    return check_name(name)


def _checkpoint(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"final|best|all|every [1-9][0-9]{0,5}", value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ValueError("expected 'final', 'best', 'all', 'every N' (segments) or a number of steps")


FieldName = Annotated[str, AfterValidator(_field_name)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
RunName = Annotated[str, Field(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*-s[0-9]+$", max_length=LONGEST_ID)]


class ExperimentEntry(Settings):
    """An experiment of a matrix, with seeds of its own if it is not to have those of the matrix."""

    name: Annotated[str, AfterValidator(_experiment_name)] = Field(description="as in a list of names alone")
    seeds: tuple[Seed, ...] | None = Field(None, min_length=1, description="left out: those of the matrix")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: an entry is listed twice")
        return self


def _entry(value: Any) -> Any:
    """Read a name alone as an experiment with the seeds of the matrix."""
    return {"name": _experiment_name(value)} if isinstance(value, str) else value


Entry = Annotated[ExperimentEntry, BeforeValidator(_entry, json_schema_input_type=str | ExperimentEntry)]


class Matrix(Settings):
    """A matrix file. Its own name is that of its results folder."""

    title: str = Field("", max_length=200, description="heading of the report; left out: the file's name")
    description: str = Field("", max_length=5000, description="what the matrix is about, for the report")
    experiments: tuple[Entry, ...] = Field(
        min_length=1,
        description="names of files in ../experiments, or paths of .json files relative to the matrix file; {name,"
        " seeds} gives one seeds of its own",
    )
    pretrained: tuple[RunName, ...] = Field(
        (), description="names of folders in ../../pretrained: policies that are evaluated too, without training"
    )
    axes: dict[SafeName, dict[SafeName, dict[FieldName, Any]]] = Field(
        {},
        description="axis -> value name -> dotted fields that it overrides; axes are crossed with each other,"
        " fields of one value are linked. A value that overrides nothing does not show in run ids",
    )
    exclude: tuple[dict[str, str | int], ...] = Field(
        (), description="combinations left out, by axis (also: experiment, seed); all named parts must agree"
    )
    seeds: tuple[Seed, ...] = Field((1,), min_length=1, description="seeds of training and evaluation")
    checkpoints: tuple[Annotated[Any, AfterValidator(_checkpoint)], ...] = Field(
        ("final",), min_length=1, description="what is evaluated: final, best, all, every N (segments), or steps"
    )
    retention: tuple[Annotated[Any, AfterValidator(_checkpoint)], ...] = Field(
        (),
        description="checkpoints that `myoassist matrix thin` keeps besides the final one, those that are evaluated,"
        " the best and those that other runs start from: best, all, every N (segments), or steps",
    )
    largest_page_mb: float = Field(
        LARGEST_PAGE_MB, gt=0, description="above this, the report becomes an overview and a zip with everything"
    )
    scenarios: tuple[SafeName, ...] | None = Field(
        None, min_length=1, description="scenarios to evaluate; left out: all that an experiment has"
    )
    comparisons: dict[SafeName, ComparisonSettings] = Field(
        {}, description="name -> a baseline and the conditions that are compared with it, paired where seeds pair"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("experiments", "pretrained", "seeds", "checkpoints", "retention", "scenarios"):
            items = getattr(self, name) or ()
            if len(set(items)) < len(items):
                raise ValueError(f"{name}: an entry is listed twice")
        for axis, values in self.axes.items():
            if axis in MATRIX_FIELDS:
                raise ValueError(f"axes: '{axis}' cannot be the name of an axis")
            if not values:
                raise ValueError(f"axes.{axis}: at least one named value is needed")
        self._refuse_conflicts()
        names = {Path(entry.name).stem for entry in self.experiments}
        seeds = {*self.seeds, *(seed for entry in self.experiments for seed in entry.seeds or ())}
        if len(names) < len(self.experiments):
            raise ValueError("experiments: two files have the same name")
        for index, parts in enumerate(self.exclude):
            for key, value in parts.items():
                known: Any = {"experiment": names, "seed": seeds, **self.axes}.get(key)
                if known is None:
                    raise ValueError(f"exclude.{index}: unknown axis '{key}'")
                if value not in known:
                    raise ValueError(f"exclude.{index}.{key}: unknown value '{value}'")
        names |= {pretrained_name(entry) for entry in self.pretrained}
        for place, selection in self.selections():
            for key, value in selection.items():
                known = {"experiment": names, "scenario": self.scenarios or (value,), **self.axes}.get(key)
                if key == LABEL:
                    continue
                if known is None:
                    raise ValueError(f"{place}: unknown axis '{key}'")
                if value not in known:
                    raise ValueError(f"{place}.{key}: unknown value '{value}' (known: {', '.join(sorted(known))})")
        called: dict[str, dict[str, str]] = {}
        for place, selection in self.selections():
            label = selection.get(LABEL)
            if label is not None and called.setdefault(label, selection) != selection:
                raise ValueError(f"{place}.label: '{label}' already means something else")
        return self

    def _refuse_conflicts(self) -> None:
        """Refuse overrides of which only the last would hold: of one field, or of a field and of a part of it."""
        overrides = [
            (axis, value, field)
            for axis, values in self.axes.items()
            for value, fields in values.items()
            for field in fields
        ]
        where: dict[str, dict[str, list[str]]] = {}
        for axis, value, field in overrides:
            where.setdefault(field, {}).setdefault(axis, []).append(value)
        for axis, value, field in overrides:
            words = field.split(".")
            for whole in (".".join(words[:end]) for end in range(1, len(words) + 1)):
                for other, values in where.get(whole, {}).items():
                    if other != axis or (value in values and whole != field):  # of one axis, a run has one value
                        its = value if other == axis else values[0]
                        also = "too" if whole == field else f"overrides its part {field}"
                        raise ValueError(f"axes: {other}.{its} overrides {whole}, and {axis}.{value} {also}")

    def selections(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield every selection of the comparisons with its place in the file."""
        for name, comparison in self.comparisons.items():
            yield f"comparisons.{name}.baseline", comparison.baseline
            for index, selection in enumerate(comparison.conditions):
                yield f"comparisons.{name}.conditions.{index}", selection


class MatrixFigures(Settings):
    """Everything that the figures across the runs of a matrix depend on, besides their input files."""

    figures: FiguresSettings
    runs: tuple[RunFiles, ...]
    study: Path | None = Field(None, description="folder of the tables across runs; none: they are not drawn")


@dataclass(frozen=True)
class Run:
    """One run: one experiment with one choice of axis values, and one seed.

    Attributes:
        id: short, readable, and stable when experiments, values or seeds are added: ``walk-heavy-s1``.
        name: name of the experiment.
        experiment: the complete settings.
        seed: of training and evaluation.
        values: axis -> name of the value.
        differences: dotted field -> value, as the axes override it.
        scenarios: names of the scenarios to evaluate.
        wanted: checkpoints to evaluate, as the matrix names them.
        where: the matrix file, for messages.
        kept: files of a policy that was trained before; None for a run that is trained.
    """

    id: str
    name: str
    experiment: Experiment
    seed: int
    values: Mapping[str, str]
    differences: Mapping[str, Any]
    scenarios: tuple[str, ...]
    wanted: tuple[str | int, ...]
    where: str
    kept: KeptFiles | None = None

    @cached_property
    def segments(self) -> dict[int, SegmentSettings]:
        """Settings of each training segment by the number of steps at its end, ascending.

        Of a policy that was trained before only the last one, whose log covers all.
        """
        segments = {segment.stop_steps: segment for segment in self.experiment.segments(self.seed)}
        return segments if self.kept is None else {self.kept.steps: segments[self.kept.steps]}

    @cached_property
    def bodies(self) -> dict[int, list[Experiment]]:
        """For each segment, by its last step: the experiment with each model that the segment could train on."""
        return {
            steps: [self.experiment.with_model(model) for model in self.experiment.segment_models(segment)]
            for steps, segment in self.segments.items()
        }

    @cached_property
    def scenario_bodies(self) -> dict[str, Experiment]:
        """For each scenario: the experiment with the model that is walked with, which may be on another ground."""
        experiment = self.experiment
        return {
            name: experiment.with_model(experiment.scenario_model(name)) for name in experiment.evaluation.scenarios
        }

    @property
    def condition(self) -> str:
        """Name of the run without its seed."""
        return self.id.removesuffix(f"-s{self.seed}")

    def starts(self, scenario: str) -> str:
        """Return a short hash of what the starts of a scenario's episodes depend on, besides the seed and the body."""
        stage = self.experiment.evaluation_stage(scenario, self.seed)
        chosen, environment = stage.scenario, stage.environment
        parts = {
            "episodes": chosen.episodes,
            "phases": chosen.phases,
            "noise": (chosen.initial_position_noise_rad, chosen.initial_velocity_noise_rad_s),
            "reset": environment.reset.model_dump(mode="json"),
            "target_velocity": (chosen.target_velocity or environment.target_velocity).model_dump(mode="json"),
        }
        return hashlib.sha256(canonical(parts).encode()).hexdigest()[:10]

    @property
    def final_steps(self) -> int:
        """Number of steps of the last checkpoint."""
        return list(self.segments)[-1]

    @cached_property
    def checkpoints(self) -> tuple[int | str, ...]:
        """Steps of the checkpoints to evaluate, ascending, then `best` if that is wanted.

        Which steps `best` is, nobody knows before the run is trained.

        Raises:
            InputError: if the matrix names a number of steps at which no segment of this run ends.
        """
        steps = self.steps_of([entry for entry in self.wanted if entry != BEST], field="checkpoints")
        return (*steps, BEST) if BEST in self.wanted else steps

    @property
    def compared(self) -> int | str:
        """The checkpoint with which a run is compared with others: the last that is evaluated, `best` if no other."""
        return [*([BEST] if BEST in self.checkpoints else []), *(s for s in self.checkpoints if s != BEST)][-1]

    def steps_of(self, wanted: Iterable[str | int], *, field: str) -> tuple[int, ...]:
        """Return the steps of checkpoints named `final`, `all`, `every N` or by their steps, ascending.

        Raises:
            InputError: if a number of steps is named at which no segment of this run ends.
        """
        ends = list(self.segments)
        chosen: set[int] = set()
        for entry in wanted:
            if entry == "final":
                chosen.add(ends[-1])
            elif entry == "all":
                chosen.update(ends)
            elif isinstance(entry, str):
                step = int(entry.removeprefix("every "))
                chosen.update(ends[step - 1 :: step])
            elif entry in ends:
                chosen.add(entry)
            else:
                raise InputError(
                    f"{self.where}: field '{field}': run {self.id} has no checkpoint at {entry} steps; its"
                    f" segments end at {shorten(', '.join(map(str, ends)), 200)}"
                )
        return tuple(sorted(chosen))

    def previous(self, steps: int) -> int | None:
        """Return the steps of the checkpoint that the segment ending at ``steps`` starts from."""
        start = self.segments[steps].start_steps
        return start or None


@dataclass(frozen=True)
class Plan:
    """A matrix file with its experiments read and its runs spelt out.

    Attributes:
        name: the file's name without suffix, which is the name of the results folder.
        path: the file.
        matrix: its content.
        runs: all runs by id, in the order experiments, axes, seeds.
    """

    name: str
    path: Path
    matrix: Matrix
    runs: dict[str, Run]

    @classmethod
    def load(cls, path: Path | str) -> Plan:
        """Read a matrix file and its experiments.

        Raises:
            InputError: naming file, field and expectation.
        """
        path = Path(path)
        try:
            name = check_name(path.stem)
        except ValueError as error:
            raise InputError(f"{path}: file {error}") from None
        matrix = Matrix.parse(read_yaml(path), where=str(path))
        runs: dict[str, Run] = {}
        for run in _runs(matrix, path):
            if run.id in runs:
                raise InputError(
                    f"{path}: field 'axes': two runs would both be called {run.id}; give values other names"
                )
            if len(run.id) > LONGEST_ID:
                raise InputError(
                    f"{path}: run {run.id}: expected an id of at most {LONGEST_ID} characters (found {len(run.id)});"
                    " give values shorter names"
                )
            runs[run.id] = run
        if not runs:
            raise InputError(f"{path}: field 'exclude': no run is left")
        plan = cls(name=name, path=path, matrix=matrix, runs=runs)
        for run in runs.values():
            plan._check_warm_start(run)
        for place, selection in matrix.selections():
            if not plan.selected(selection):
                words = ", ".join(f"{key} = {value}" for key, value in selection.items())
                raise InputError(f"{path}: field '{place}': no run of the matrix is evaluated with {words}")
        return plan

    def selected(self, selection: Mapping[str, str]) -> list[Run]:
        """Return the runs that a selection of a comparison means."""
        return [
            run
            for run in self.runs.values()
            for scenario in run.scenarios
            if selects(selection, experiment=run.name, scenario=scenario, values=run.values)
        ]

    def warm_start(self, run: Run) -> tuple[Run, int] | None:
        """Return the run of this matrix that a run starts from, and the steps of its checkpoint.

        Raises:
            InputError: if the matrix has no such run, or that run no such checkpoint.
        """
        start = run.experiment.training.warm_start
        if start is None or start.experiment is None or run.kept is not None:
            return None
        field = f"{run.where}: run {run.id}: field 'training.warm_start"
        for other in self.runs.values():
            if (other.name, other.seed, other.values) == (start.experiment, run.seed, run.values):
                break
        else:
            axes = "".join(f", {axis} = {name}" for axis, name in run.values.items())
            raise InputError(
                f"{field}.experiment': the matrix has no run of '{start.experiment}' with seed {run.seed}{axes}"
            )
        steps = other.final_steps if start.steps == "final" else start.steps
        if steps not in other.segments:
            ends = shorten(", ".join(map(str, other.segments)), 200)
            raise InputError(f"{field}.steps': run {other.id} has no checkpoint at {steps} steps, only at {ends}")
        return other, steps

    def _check_warm_start(self, run: Run) -> None:
        """Follow a run's chain of warm starts.

        Raises:
            InputError: if a link is missing or the chain is a circle.
        """
        seen = [run.id]
        link = self.warm_start(run)
        while link is not None:
            if link[0].id in seen:
                circle = " from ".join([*seen, link[0].id])
                raise InputError(f"{run.where}: field 'training.warm_start': runs start in a circle ({circle})")
            seen.append(link[0].id)
            link = self.warm_start(link[0])

    def configuration(self, run: Run) -> dict[str, Any]:
        """Return a run's complete experiment as plain data, which runs with equal settings share."""
        return self._plain[id(run.experiment)]

    def differences(self, run: Run) -> dict[str, Any]:
        """Return the dotted fields of a run's experiment that are not the same in all runs, with its values.

        A field that a run's experiment does not have at all, such as a parameter left out, counts as null. What is
        null in some runs is one field with all that it holds in the others.
        """
        plain = self.configuration(run)
        return {".".join(field): value_at(plain, field) for field in self._differing}

    @cached_property
    def _plain(self) -> dict[int, dict[str, Any]]:
        experiments = {id(run.experiment): run.experiment for run in self.runs.values()}
        return {key: item.plain() for key, item in experiments.items()}

    @cached_property
    def _differing(self) -> list[tuple[str, ...]]:
        return [field for field in differing_fields(list(self._plain.values())) if field[0] != "description"]


def _runs(matrix: Matrix, path: Path) -> Iterator[Run]:
    for entry in matrix.experiments:
        file = _experiment_path(entry.name, path)
        if not file.is_file():
            raise InputError(f"{path}: field 'experiments': file {file} not found")
        base = Experiment.from_layers(Layers.read(file))
        for names in itertools.product(*matrix.axes.values()):
            values = dict(zip(matrix.axes, names, strict=True))
            seeds = [seed for seed in entry.seeds or matrix.seeds if not _excluded(matrix, file.stem, values, seed)]
            if not seeds:
                continue
            differences = {
                field: value for axis, name in values.items() for field, value in matrix.axes[axis][name].items()
            }
            label = ", ".join(f"{axis} = {name}" for axis, name in values.items())
            experiment = base.override(differences, where=f"{path}: {file.stem} with {label}")
            shown = [name for axis, name in values.items() if matrix.axes[axis][name]]
            scenarios = matrix.scenarios or tuple(experiment.evaluation.scenarios)
            for scenario in scenarios:
                if scenario not in experiment.evaluation.scenarios:
                    known = ", ".join(experiment.evaluation.scenarios)
                    raise InputError(
                        f"{path}: field 'scenarios': {file} has no scenario '{scenario}'; known are {known}"
                    )
            for seed in seeds:
                yield Run(
                    id="-".join([file.stem, *shown, f"s{seed}"]),
                    name=file.stem,
                    experiment=experiment,
                    seed=seed,
                    values=values,
                    differences=differences,
                    scenarios=scenarios,
                    wanted=matrix.checkpoints,
                    where=str(path),
                )
    for entry in matrix.pretrained:
        yield _pretrained(entry, matrix, path)


def pretrained_name(entry: str) -> str:
    """Return the name that stands for the experiment of a policy that was trained before."""
    return f"{entry.rsplit('-s', 1)[0].replace('-', '_')}_pretrained"


def _pretrained(entry: str, matrix: Matrix, path: Path) -> Run:
    """Describe a policy that was trained before: a run with one checkpoint, evaluated in the scenarios it has."""
    kept = find_kept(normal_path(path.parent / ".." / ".." / "pretrained" / entry))
    experiment = Experiment.from_file(kept.experiment)
    name, seed = entry.rsplit("-s", 1)
    wanted = matrix.scenarios or tuple(experiment.evaluation.scenarios)
    run = Run(
        id=f"{name}-pretrained-s{seed}",
        name=pretrained_name(entry),
        experiment=experiment,
        seed=int(seed),
        values={},
        differences={},
        scenarios=tuple(scenario for scenario in wanted if scenario in experiment.evaluation.scenarios),
        wanted=("final",),
        where=str(path),
        kept=kept,
    )
    if kept.steps not in {segment.stop_steps for segment in experiment.segments(int(seed))}:
        raise InputError(
            f"{kept.experiment}: its training does not end at {kept.steps} steps, as {kept.checkpoint} does"
        )
    return run


def _excluded(matrix: Matrix, experiment: str, values: Mapping[str, str], seed: int) -> bool:
    here = {"experiment": experiment, "seed": seed, **values}
    return any(all(here[key] == value for key, value in parts.items()) for parts in matrix.exclude)


def _experiment_path(entry: str, matrix: Path) -> Path:
    if entry.endswith(".json"):
        return normal_path(matrix.parent / entry)
    return normal_path(matrix.parent / ".." / "experiments" / f"{entry}.json")
