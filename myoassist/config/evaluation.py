"""What an evaluation runs (scenario) and what its replay shows (video)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from myoassist.config.base import Settings
from myoassist.config.curriculum import METRIC
from myoassist.config.environment import (
    EnvironmentSettings,
    PushSettings,
    TargetVelocitySettings,
)

InsetCurve = Literal["vertical_force", "fore_aft_force", "hip_angle", "knee_angle", "ankle_angle", "device_torque"]
"""What can be drawn below a film."""


class ScenarioSettings(Settings):
    """Seeded episodes of one checkpoint under one condition."""

    episodes: int = Field(8, ge=1, le=100_000, description="number of episodes")
    duration_s: float = Field(10.0, gt=0, le=3600, description="longest duration of an episode")
    batch_size: int = Field(64, ge=1, le=4096, description="episodes simulated at once; bounds the memory")
    phases: Literal["spread", "random"] | Annotated[float, Field(ge=0, lt=1)] = Field(
        "spread", description="starting phases: spread evenly over the gait cycle, drawn, or one phase for all"
    )
    initial_position_noise_rad: float | None = Field(
        None, ge=0, le=0.5, description="SD of the noise on starting angles; null: as in training"
    )
    initial_velocity_noise_rad_s: float | None = Field(
        None, ge=0, le=5, description="SD of the noise on starting angular velocities; null: as in training"
    )
    target_velocity: TargetVelocitySettings | None = Field(None, description="null: as in training")
    device_enabled: bool | None = Field(
        None, description="whether a worn device acts; null: as in training; false: carried, without torque"
    )
    device_torque_scale: float | None = Field(
        None,
        ge=0,
        le=2,
        description="factor on a worn device's torque at equal actions and gait: on its limits of torque, torque rate "
        "and power, so that what a policy sees of it, as a share of the limit, stays as in training; null: 1",
    )
    push: PushSettings | None = Field(None, description="pushes at the pelvis; null: as in training")
    deterministic: bool = Field(True, description="act with the policy's mean rather than a sample")
    state_rate_hz: float = Field(250.0, ge=250, le=2000, description="rate at which states are stored")

    @model_validator(mode="after")
    def _one_device(self) -> Self:
        if self.device_enabled is False and self.device_torque_scale is not None:
            raise ValueError("device_torque_scale: a device that is not enabled has no torque to scale")
        return self


class Scenario(ScenarioSettings):
    """A scenario as an experiment names it: with the ground that is walked on and how it is filmed.

    Neither is a setting of the stage `evaluate`: the ground comes with the model, the film after the episodes.
    """

    ground: dict[str, Any] = Field({}, description="fields of model.ground that are different in this scenario")
    video: dict[str, Any] = Field({}, description="fields of evaluation.video that are different in this scenario")

    def settings(self) -> ScenarioSettings:
        """Return what the stage `evaluate` depends on."""
        return ScenarioSettings.model_validate(self.model_dump(exclude={"ground", "video"}))


class EvaluationStage(Settings):
    """Everything an evaluation depends on, besides its input files."""

    environment: EnvironmentSettings
    scenario: ScenarioSettings
    seed: int = Field(0, ge=0, lt=2**31)


class BestSettings(Settings):
    """Which checkpoint of a run is called its best, by what its train log measured at the end of each segment."""

    metric: str = Field(
        "reward_per_step",
        pattern=METRIC,
        description="measured over the second half of each segment, as for a curriculum: mean reward; mean length of "
        "episodes; simulated seconds per fall; mean distance of the speed from its target; a reward term's raw mean",
    )
    goal: Literal["highest", "lowest"] = Field("highest", description="which value of the metric is the best")


class VideoSettings(Settings):
    """The replay video of a rollout file: at most eight seconds, made from stored states."""

    episode: Literal["longest", "first", "sequence"] | int = Field(
        "longest", description="which episode: the longest, the first, its index, or all one after another"
    )
    start_s: float = Field(0.0, ge=0, le=3600, description="where in the episode the video starts")
    duration_s: float = Field(8.0, gt=0, le=8, description="longest duration of the video")
    playback_speed: float = Field(1.0, ge=0.05, le=4, description="1 is real time, 0.5 half speed")
    fps: int = Field(25, ge=5, le=60)
    width: int = Field(640, ge=64, le=1920, multiple_of=16)
    height: int = Field(368, ge=64, le=1088, multiple_of=16)
    camera: Literal["follow", "fixed"] = Field("follow", description="move with the pelvis, or stand still")
    azimuth_deg: float = Field(90.0, ge=-360, le=360, description="90: from the right side, so walking is to the right")
    elevation_deg: float = Field(-8.0, ge=-90, le=90)
    distance_m: float = Field(3.0, ge=0.5, le=50, description="from the camera to the body")
    inset: tuple[InsetCurve, ...] = Field(
        (), max_length=4, description="curves of both sides below the picture, with a moving cursor"
    )
    inset_window_s: float = Field(2.5, ge=0.5, le=20, description="time that a panel of curves covers")
    overlay: bool = Field(True, description="write time, speed and episode into the picture")
    renderer: Literal["auto", "opengl", "drawing"] = Field(
        "auto", description="OpenGL, a two-dimensional drawing that needs none, or OpenGL where it works"
    )

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if isinstance(self.episode, int) and self.episode < 0:
            raise ValueError("episode must be 0 or more")
        if len(set(self.inset)) < len(self.inset):
            raise ValueError("inset: a curve is listed twice")
        return self


class ContactSheetSettings(Settings):
    """A still of one gait cycle for print: the body at equal percentages from heel strike, to scale."""

    frames: int = Field(10, ge=4, le=20, description="pictures: at 0, 100/frames, … percent of the cycle")
    columns: int = Field(5, ge=2, le=20, description="pictures in a row")
    side: Literal["r", "l"] = Field("r", description="whose heel strike is 0 %")
    episode: int | None = Field(None, ge=0, description="null: whichever has the most typical cycle")
    cycle: int | None = Field(
        None, ge=0, description="its number as the analysis counts; null: the one whose duration is nearest the median"
    )
    force_arrows: bool = Field(True, description="ground reaction forces at their centres of pressure")
    width_mm: float = Field(175.0, ge=40, le=400, description="of the printed page: 85 is one column, 175 are two")
    dpi: int = Field(300, ge=50, le=600)
    renderer: Literal["auto", "opengl", "drawing"] = Field("auto", description="as for the film")
