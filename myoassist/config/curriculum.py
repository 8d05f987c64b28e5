"""A curriculum as data: phases of a training, each with its own environment, and when one gives way to the next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, model_validator

from myoassist.config.base import Settings
from myoassist.config.environment import EnvironmentSettings
from myoassist.errors import InputError

CHANGEABLE = (
    "episode_s",
    "action",
    "reward",
    "termination",
    "reset",
    "target_velocity",
    "speed_scaling",
    "pelvis_support",
    "variation",
)
"""Fields of the environment that a phase may change: none that a policy's inputs and outputs depend on."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=48)]


METRIC = r"^(reward_per_step|episode_length_s|seconds_per_fall|speed_error_m_s|reward_terms\.[A-Za-z_]\w*)$"
"""Names of what is measured over the second half of a segment."""


class Condition(Settings):
    """Something measured over the second half of a segment, and the value at which the phase has done its work."""

    metric: str = Field(
        pattern=METRIC,
        description="mean reward; mean length of episodes; simulated seconds per episode that did not reach its time "
        "limit; mean distance of the speed from its target; mean raw value of a reward term",
    )
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Condition:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("either at_least or at_most is needed")
        return self


class PhaseSettings(Settings):
    """One phase: how it differs from the experiment, and how long it lasts.

    The last phase lasts until the training ends. Every other one ends after `steps`, or at the first segment end at
    which `until` holds, but not before `smallest_segments` and not after `largest_segments`.
    """

    name: Name
    environment: dict[str, Any] = Field({}, description="fields of the environment that are different in this phase")
    ground: dict[str, Any] = Field({}, description="fields of model.ground that are different in this phase")
    steps: int | None = Field(None, ge=1, description="rounded up to whole segments")
    until: Condition | None = None
    smallest_segments: int = Field(1, ge=1, le=10_000)
    largest_segments: int | None = Field(None, ge=1, le=10_000)

    @model_validator(mode="after")
    def _consistent(self) -> PhaseSettings:
        if self.steps is not None and self.until is not None:
            raise ValueError("either steps or until says how long a phase lasts")
        if (self.until is None) != (self.largest_segments is None):
            raise ValueError("largest_segments goes together with until")
        if self.largest_segments is not None and self.smallest_segments > self.largest_segments:
            raise ValueError("smallest_segments must not exceed largest_segments")
        if self.until is None and self.smallest_segments != 1:
            raise ValueError("smallest_segments goes together with until")
        fixed = sorted(set(self.environment) - set(CHANGEABLE))
        if fixed:
            raise ValueError(f"environment: a phase cannot change '{fixed[0]}' (only {', '.join(CHANGEABLE)})")
        return self

    def span(self, segment_length: int) -> tuple[int, int]:
        """Return the smallest and the largest number of segments, for a phase that ends."""
        if self.steps is not None:
            exactly = math.ceil(self.steps / segment_length)
            return exactly, exactly
        assert self.largest_segments is not None
        return self.smallest_segments, self.largest_segments


def check_phases(phases: Sequence[PhaseSettings]) -> None:
    """Check that phases have different names, and that all but the last one end.

    Raises:
        ValueError: naming the phase.
    """
    names = [phase.name for phase in phases]
    if len(set(names)) < len(names):
        raise ValueError("curriculum: two phases have the same name")
    for phase in phases[:-1]:
        if phase.steps is None and phase.until is None:
            raise ValueError(f"curriculum: phase '{phase.name}' needs steps or until (only the last one has no end)")
    if phases and (phases[-1].steps is not None or phases[-1].until is not None):
        raise ValueError(f"curriculum: phase '{phases[-1].name}' is the last one and ends with the training")


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge objects field by field; everything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        result[key] = merged(old, value) if nested else value
    return result


def phase_environment(phase: PhaseSettings, environment: EnvironmentSettings) -> EnvironmentSettings:
    """Return the environment as a phase changes it.

    Raises:
        InputError: naming phase and field.
    """
    where = f"training.curriculum: phase '{phase.name}'"
    plain = merged(environment.model_dump(mode="json", by_alias=True), phase.environment)
    changed = EnvironmentSettings.parse(plain, where=f"{where}: environment")
    if phase.until is not None and phase.until.metric.startswith("reward_terms."):
        term = phase.until.metric.removeprefix("reward_terms.")
        if getattr(changed.reward, term, None) is None and term not in changed.reward.own:
            raise InputError(f"{where}: until.metric: the environment has no reward term '{term}'")
    return changed


class SegmentPhase(Settings):
    """A phase that a segment could be in.

    `body` says which of the segment's bodies (model, manifest and reference) it walks with.
    """

    name: str
    environment: EnvironmentSettings
    body: int = 0


class PhaseChange(Settings):
    """How one phase may have given way to the next just before a segment."""

    leaves: str
    enters: str
    smallest_segments: int
    largest_segments: int
    until: Condition | None


class SegmentCurriculum(Settings):
    """What a segment needs to know of a curriculum: the phases it could be in, and the changes just before it."""

    phases: tuple[SegmentPhase, ...]
    changes: tuple[PhaseChange, ...] = ()


def segment_curricula(
    phases: Sequence[PhaseSettings], environment: EnvironmentSettings, *, count: int, segment_length: int
) -> list[SegmentCurriculum]:
    """Return what each of `count` segments needs to know.

    Raises:
        InputError: naming phase and field.
    """
    environments = [phase_environment(phase, environment) for phase in phases]
    spans = [phase.span(segment_length) for phase in phases[:-1]]
    first, last = [0], [0]  # the earliest and the latest segment that a phase may begin with
    for smallest, largest in spans:
        first.append(first[-1] + smallest)
        last.append(last[-1] + largest)
    curricula = []
    for segment in range(count):
        possible = [
            index
            for index in range(len(phases))
            if first[index] <= segment and (index == len(spans) or segment < last[index] + spans[index][1])
        ]
        grounds: list[dict[str, Any]] = []
        for index in possible:
            if phases[index].ground not in grounds:
                grounds.append(phases[index].ground)
        curricula.append(
            SegmentCurriculum(
                phases=tuple(
                    SegmentPhase(
                        name=phases[index].name,
                        environment=environments[index],
                        body=grounds.index(phases[index].ground),
                    )
                    for index in possible
                ),
                changes=tuple(
                    PhaseChange(
                        leaves=phases[index].name,
                        enters=phases[index + 1].name,
                        smallest_segments=smallest,
                        largest_segments=largest,
                        until=phases[index].until,
                    )
                    for index, (smallest, largest) in enumerate(spans)
                    if first[index] + smallest <= segment <= last[index] + largest
                ),
            )
        )
    return curricula
