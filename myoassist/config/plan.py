"""The runs that a matrix file stands for, spelt out and checked against each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from myoassist.config.base import shorten
from myoassist.config.differing import differing_fields, value_at
from myoassist.config.experiment import Experiment, Layers, check_name, normal_path
from myoassist.config.kept import find_kept
from myoassist.config.matrix import LONGEST_ID, Matrix, pretrained_name
from myoassist.config.run import Run
from myoassist.config.study import selects
from myoassist.config.yaml_files import read_yaml
from myoassist.errors import InputError


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
