"""Settings of training: which algorithm learns, with what network, over how many steps, in which segments."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from myoassist.config.base import Settings
from myoassist.config.environment import EnvironmentSettings

Width = Annotated[int, Field(ge=1, le=4096)]


class LinearSchedule(Settings):
    """A value that moves from one end to the other over absolute steps and stays there."""

    start: float = Field(alias="from")
    end: float = Field(alias="to")
    schedule_steps: float = Field(gt=0)

    def at(self, steps: float) -> float:
        """Return the value after so many steps of the whole training."""
        progress = min(max(steps / self.schedule_steps, 0.0), 1.0)
        return self.start + (self.end - self.start) * progress


class Schedule(Settings):
    """`{"linear": {"from": 3e-4, "to": 1e-5, "schedule_steps": 5e6}}`."""

    linear: LinearSchedule


Parameter = bool | int | float | str | None | Schedule


class PolicySettings(Settings):
    """The networks. Observation statistics live in the policy and travel with it."""

    actor: tuple[Width, ...] = (64, 64)
    critic: tuple[Width, ...] = (64, 64)
    activation: Literal["tanh", "relu", "elu", "silu"] = "tanh"
    initial_std: float = Field(0.3, gt=0.0, le=2.0)
    """Standard deviation of the action noise at the start."""
    normalize_observations: bool = True


class TrainingSettings(Settings):
    """A whole training: what one segment depends on, and how far to go."""

    algorithm: str = Field("PPO", pattern=r"^[A-Za-z0-9_]+$")
    parameters: dict[str, Parameter] = {}
    """Keyword arguments of the algorithm's constructor; unknown ones are errors."""
    policy: PolicySettings = PolicySettings()
    n_envs: int = Field(64, ge=1, le=4096)
    env_threads: int | None = Field(None, ge=1, le=1024)
    """Physics threads; null takes the CPUs this process may use."""
    torch_threads: int = Field(1, ge=1, le=1024)
    total_steps: int = Field(5_000_000, ge=1)
    """Rounded up to whole segments."""
    segment_steps: int = Field(1_000_000, ge=1)
    """Rounded up to whole rollouts."""

    @property
    def rollout_steps(self) -> int:
        """Environment steps between two updates of an on-policy algorithm (1 step of all otherwise)."""
        n_steps = self.parameters.get("n_steps", 128)
        if not isinstance(n_steps, int):
            n_steps = 1
        return self.n_envs * n_steps

    @model_validator(mode="after")
    def _whole_rollouts(self) -> TrainingSettings:
        n_steps = self.parameters.get("n_steps")
        if n_steps is not None and (isinstance(n_steps, bool) or not isinstance(n_steps, int) or n_steps < 1):
            raise ValueError("parameters.n_steps must be a whole number >= 1")
        return self

    def checkpoint_steps(self) -> list[int]:
        """Steps at which segments end, ascending; the last is `final`."""
        length = math.ceil(self.segment_steps / self.rollout_steps) * self.rollout_steps
        return [length * (k + 1) for k in range(math.ceil(self.total_steps / length))]

    def segments(self, environment: EnvironmentSettings, seed: int) -> list[SegmentSettings]:
        """Cut the training into segments; each one's settings hold what it depends on and no more."""
        learner = LearnerSettings(
            algorithm=self.algorithm,
            parameters=self.parameters,
            policy=self.policy,
            n_envs=self.n_envs,
            torch_threads=self.torch_threads,
        )
        stops = self.checkpoint_steps()
        starts = [0, *stops[:-1]]
        return [
            SegmentSettings(
                environment=environment,
                learner=learner,
                seed=seed,
                segment=index,
                start_steps=start,
                stop_steps=stop,
            )
            for index, (start, stop) in enumerate(zip(starts, stops, strict=True))
        ]


class LearnerSettings(Settings):
    """What of the training's settings a segment's result depends on.

    Not the totals (more steps must not touch earlier segments), nor the number of physics threads
    (any number gives the same bytes).
    """

    algorithm: str
    parameters: dict[str, Parameter]
    policy: PolicySettings
    n_envs: int
    torch_threads: int


class SegmentSettings(Settings):
    """Everything one segment depends on."""

    environment: EnvironmentSettings
    learner: LearnerSettings
    seed: int = Field(ge=0, lt=2**31)
    segment: int = Field(ge=0)
    start_steps: int = Field(ge=0)
    stop_steps: int = Field(ge=1)
