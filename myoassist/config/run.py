"""One run of a matrix: its settings, its segments and the checkpoints of it that are evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from myoassist.config.base import canonical, shorten
from myoassist.config.experiment import Experiment
from myoassist.config.kept import KeptFiles
from myoassist.config.matrix import BEST
from myoassist.config.training import SegmentSettings
from myoassist.errors import InputError


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
