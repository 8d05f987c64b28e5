"""Settings of training: which algorithm learns, with what network, over how many steps, in which segments."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from myoassist.config.base import Settings, shorten
from myoassist.config.curriculum import PhaseSettings, SegmentCurriculum, check_phases, segment_curricula
from myoassist.config.environment import EnvironmentSettings
from myoassist.config.policy import NetworkName, PolicySettings
from myoassist.config.schedule import Schedule

DEFAULT_N_STEPS = 128
LONGEST_ROLLOUT = 1_000_000
OFF_POLICY = ("SAC", "TD3", "DDPG", "TQC", "CrossQ")
"""Algorithms that learn from a replay buffer; their rollout is `train_freq` steps of each environment."""


Parameter = bool | int | float | str | None | Schedule


class TransferSettings(Settings):
    """What is taken over from another training's checkpoint; everything else starts afresh.

    Schedules, steps and curriculum always start from their beginning.
    """

    networks: dict[NetworkName, NetworkName] | None = None
    """Network here -> network there; null: all, each from the one with the same name."""
    statistics: bool = True
    """Observation statistics, number by number; those that are new start afresh."""
    log_std: bool = True
    """Action noise of the actors that are taken over."""
    optimizer: bool = False
    """The optimiser's moments; only where the whole policy is the same."""


class WarmStartSettings(TransferSettings):
    """Where a training starts from: a checkpoint's file, or another experiment of the matrix with the same seed."""

    file: str | None = Field(None, min_length=1, max_length=1000)
    """A checkpoint, relative to the working folder."""
    experiment: str | None = Field(None, pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")
    """Name of an experiment of the same matrix; its run with the same axis values and seed."""
    steps: Literal["final"] | Annotated[int, Field(ge=1)] = "final"
    """With `experiment`: which of its checkpoints."""

    @model_validator(mode="after")
    def _one_source(self) -> WarmStartSettings:
        if (self.file is None) == (self.experiment is None):
            raise ValueError("either file or experiment says where to start from")
        if self.file is not None and self.steps != "final":
            raise ValueError("steps: only together with experiment")
        return self

    @property
    def transfer(self) -> TransferSettings:
        """What is taken over, without where from."""
        return TransferSettings(
            networks=self.networks, statistics=self.statistics, log_std=self.log_std, optimizer=self.optimizer
        )


class TrainingSettings(Settings):
    """A whole training: what one segment depends on, and how far to go."""

    algorithm: str = Field("PPO", pattern=r"^[A-Za-z0-9_]+$")
    parameters: dict[str, Parameter] = {}
    """Keyword arguments of the algorithm's constructor, checked against its signature; null takes its default.
    `n_steps` of an on-policy algorithm is 128 unless given."""
    policy: PolicySettings = PolicySettings()
    mirror: bool = False
    """Whether one policy serves both halves of the gait cycle and acts in the mirror in the second."""
    warm_start: WarmStartSettings | None = None
    curriculum: tuple[PhaseSettings, ...] = ()
    """Phases in their order; without any, the experiment's environment is used throughout."""
    n_envs: int = Field(64, ge=1, le=4096)
    env_threads: int | None = Field(None, ge=1, le=1024)
    """Physics threads of `myoassist train --experiment` and of the workflow's training jobs; null: the CPUs that the
    process may use, and 2 in the workflow. Any number gives the same bytes, so it makes nothing stale."""
    torch_threads: int = Field(1, ge=1, le=1024)
    """Threads of the gradient steps; part of the result, since sums are taken in another order."""
    overlap: bool = False
    """Whether the next rollout is collected while the last one is learned from, by the policy of one update before
    (PPO only, one torch thread); part of the result, for any number of threads."""
    total_steps: int = Field(5_000_000, ge=1)
    """Rounded up to whole segments."""
    segment_steps: int = Field(1_000_000, ge=1)
    """Rounded up to whole rollouts."""

    @property
    def rollout_steps(self) -> int:
        """Environment steps between two updates."""
        if self.algorithm in OFF_POLICY:
            return self.n_envs * int(self.parameters.get("train_freq", 1))
        return self.n_envs * int(self.parameters.get("n_steps", DEFAULT_N_STEPS))

    @field_validator("parameters")
    @classmethod
    def _defaults_left_out(cls, value: dict[str, Parameter]) -> dict[str, Parameter]:
        return {name: item for name, item in value.items() if item is not None}

    @model_validator(mode="after")
    def _whole_rollouts(self) -> TrainingSettings:
        for name in ("n_steps", "train_freq"):
            value = self.parameters.get(name, 1)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_ROLLOUT:
                raise ValueError(
                    f"parameters.{name} must be a whole number >= 1 and <= {LONGEST_ROLLOUT:,} (found {shorten(value)})"
                )
        check_phases(self.curriculum)
        return self

    @model_validator(mode="after")
    def _overlap_fits(self) -> TrainingSettings:
        if self.overlap and self.algorithm != "PPO":
            raise ValueError(
                f"overlap: only PPO's clipping bounds what learning from an older policy's rollout does "
                f"(algorithm is {self.algorithm})"
            )
        if self.overlap and self.torch_threads != 1:
            raise ValueError(
                f"overlap: gradient steps have one thread beside the physics (torch_threads is {self.torch_threads})"
            )
        return self

    @property
    def segment_length(self) -> int:
        """Steps of one segment: whole rollouts."""
        return math.ceil(self.segment_steps / self.rollout_steps) * self.rollout_steps

    def checkpoint_steps(self) -> list[int]:
        """Steps at which segments end, ascending; the last is `final`."""
        length = self.segment_length
        return [length * (k + 1) for k in range(math.ceil(self.total_steps / length))]

    def segments(self, environment: EnvironmentSettings, seed: int) -> list[SegmentSettings]:
        """Cut the training into segments; each one's settings hold what it depends on and no more.

        Raises:
            InputError: if a phase of the curriculum changes the environment into something that is not valid.
        """
        learner = LearnerSettings(
            algorithm=self.algorithm,
            parameters=self.parameters,
            policy=self.policy,
            mirror=self.mirror,
            n_envs=self.n_envs,
            torch_threads=self.torch_threads,
            overlap=self.overlap,
        )
        stops = self.checkpoint_steps()
        starts = [0, *stops[:-1]]
        curricula: list[SegmentCurriculum] | list[None] = [None] * len(stops)
        if self.curriculum:
            curricula = segment_curricula(
                self.curriculum, environment, count=len(stops), segment_length=self.segment_length
            )
        return [
            SegmentSettings(
                environment=environment if curriculum is None else curriculum.phases[0].environment,
                curriculum=curriculum,
                learner=learner,
                seed=seed,
                segment=index,
                start_steps=start,
                stop_steps=stop,
                warm_start=self.warm_start.transfer if self.warm_start is not None and index == 0 else None,
            )
            for index, (start, stop, curriculum) in enumerate(zip(starts, stops, curricula, strict=True))
        ]


class LearnerSettings(Settings):
    """What of the training's settings a segment's result depends on.

    Not the totals (more steps must not touch earlier segments), nor the number of physics threads
    (any number gives the same bytes).
    """

    algorithm: str
    parameters: dict[str, Parameter]
    policy: PolicySettings
    mirror: bool = False
    n_envs: int
    torch_threads: int
    overlap: bool = False


class SegmentSettings(Settings):
    """Everything one segment depends on."""

    environment: EnvironmentSettings
    """With a curriculum: that of the first phase it could be in."""
    learner: LearnerSettings
    curriculum: SegmentCurriculum | None = None
    seed: int = Field(ge=0, lt=2**31)
    segment: int = Field(ge=0)
    start_steps: int = Field(ge=0)
    stop_steps: int = Field(ge=1)
    warm_start: TransferSettings | None = None
    """In the first segment of a training that starts from a checkpoint: what is taken over from it."""
