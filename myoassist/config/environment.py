"""Settings of the environment: what is seen, what is done, what is rewarded, when it ends, how it starts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from myoassist.config.base import Settings

ENVIRONMENT_IDS = ("myoAssistLeg-v0", "myoAssistLegImitation-v0", "myoAssistLegImitationExo-v0")
BASE_ID = ENVIRONMENT_IDS[0]

SLOWEST_M_S, FASTEST_M_S = 0.3, 3.0
"""Target velocities that the laws of speed scaling are meant for."""

Positive = Annotated[float, Field(gt=0.0)]
Reward = Annotated[float, Field(ge=0.0, le=1000.0)]
Cost = Annotated[float, Field(ge=-1000.0, le=0.0)]

ObservationName = Literal[
    "joint_positions",
    "joint_velocities",
    "muscle_activations",
    "foot_forces",
    "target_velocity",
    "phase",
    "device_torque",
    "previous_action",
    "terrain_heights",
]


class ObservationGroup(Settings):
    """One named block of the observation: observed = clip(scale x value)."""

    name: ObservationName
    scale: float = Field(1.0, gt=0.0, le=1000.0)


class ObservationSettings(Settings):
    """The observation's blocks in their order, and the finite bound that all values are clipped to."""

    groups: tuple[ObservationGroup, ...] = (
        ObservationGroup(name="joint_positions"),
        ObservationGroup(name="joint_velocities", scale=0.1),
        ObservationGroup(name="muscle_activations"),
        ObservationGroup(name="foot_forces"),
        ObservationGroup(name="target_velocity"),
        ObservationGroup(name="phase"),
    )
    clip: float = Field(10.0, gt=0.0, le=1000.0)
    terrain_ahead_m: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """Distances ahead of the pelvis at which `terrain_heights` looks."""

    @model_validator(mode="after")
    def _distinct(self) -> ObservationSettings:
        names = [group.name for group in self.groups]
        if not names:
            raise ValueError("at least one observation group is needed")
        if len(set(names)) < len(names):
            raise ValueError("an observation group is listed twice")
        return self


class DeviceActionSettings(Settings):
    """Limits of a device's motors, whatever a policy asks for; that of power holds as far as speeds are foreseen."""

    enabled: bool = True
    """A device that is worn but off is carried and makes no torque."""
    torque_limit_n_m: float = Field(30.0, gt=0.0, le=500.0)
    torque_rate_n_m_s: float = Field(500.0, gt=0.0, le=100000.0)
    power_limit_w: float = Field(500.0, gt=0.0, le=10000.0)


class ActionSettings(Settings):
    """From the action in [-1, 1] to muscle excitations and device torques."""

    neutral_excitation: float = Field(0.1, ge=0.0, le=0.5)
    """Excitation at action 0; -1 is none, +1 is full, linear on either side."""
    baseline: Literal["constant", "reference"] = "constant"
    """`reference`: action 0 means the excitation that follows the fitted reference's activation at this phase."""
    residual_range: float = Field(1.0, gt=0.0, le=1.0)
    """With baseline `reference`: change of excitation at action ±1 (clipped to [0, 1])."""
    device: DeviceActionSettings = DeviceActionSettings()


class AliveTerm(Settings):
    """1 for every step."""

    weight: Reward = 0.0


class ForwardVelocityTerm(Settings):
    """exp(-((v - v_target - fluctuation of the reference)/scale)^2); no fluctuation where nothing is imitated."""

    weight: Reward
    scale_m_s: Positive = 0.3


class ImitationTerm(Settings):
    """Closeness to the reference.

    `exp_sum` (DeepMimic's form) is exp(-sum_j (e_j/scale_j)^2), averaged over `sharpness`; `mean_exp` is
    the mean over joints of exp(-(e_j/scale_j)^2). Sharpness factors multiply the squared error, so several of
    them pay both a rough and an exact likeness.
    """

    weight: Reward
    form: Literal["exp_sum", "mean_exp"] = "exp_sum"
    sharpness: tuple[Positive, ...] = Field((1.0,), min_length=1, max_length=8)


class JointPositionTerm(ImitationTerm):
    """Likeness of joint angles; scales in rad per joint (or joint group without side suffix)."""

    scale_rad: Positive = 0.5
    scales_rad: dict[str, Positive] = {}


class JointVelocityTerm(ImitationTerm):
    """Likeness of joint velocities; scales in rad/s per joint (or joint group without side suffix)."""

    scale_rad_s: Positive = 5.0
    scales_rad_s: dict[str, Positive] = {}


class FootPositionTerm(ImitationTerm):
    """Likeness of the feet's positions relative to the pelvis."""

    scale_m: Positive = 0.15


class PelvisHeightTerm(ImitationTerm):
    """Likeness of the pelvis's height over the ground."""

    scale_m: Positive = 0.1


class MuscleEffortTerm(Settings):
    """Mean over muscles of activation^power."""

    weight: Cost
    power: float = Field(2.0, ge=1.0, le=5.0)


class CostTerm(Settings):
    """A cost without parameters of its own."""

    weight: Cost


class StanceTimingTerm(Settings):
    """Agreement of the feet's loads with the reference's stance and swing, 1 is best.

    A foot that shall stand counts as far as it is loaded, up to `loaded_bw`; one that shall swing as far as it is not.
    """

    weight: Reward
    loaded_bw: Positive = 0.05


class FootForceTerm(Settings):
    """Sum over feet of the vertical force's excess over the threshold, in body weights."""

    weight: Cost
    threshold_bw: Positive = 1.3


class LimitTorqueTerm(Settings):
    """Mean over limited joints of |joint-limit torque| / scale."""

    weight: Cost
    scale_n_m: Positive = 10.0


class FootstepVelocityTerm(Settings):
    """At a foot strike: |mean speed over the step - mean target| in m/s."""

    weight: Cost


class FootstepDurationTerm(Settings):
    """At a foot strike: |duration of the step - half the reference's stride time| in s."""

    weight: Cost


class RewardSettings(Settings):
    """All terms; one that is null is neither computed nor logged. Costs carry weights <= 0.

    A reward that is given stands for itself: default terms that it does not name are null.
    """

    alive: AliveTerm | None = None
    forward_velocity: ForwardVelocityTerm | None = None
    joint_position_imitation: JointPositionTerm | None = None
    joint_velocity_imitation: JointVelocityTerm | None = None
    foot_position_imitation: FootPositionTerm | None = None
    pelvis_height_imitation: PelvisHeightTerm | None = None
    stance_timing: StanceTimingTerm | None = None
    muscle_effort: MuscleEffortTerm | None = None
    activation_smoothness: CostTerm | None = None
    foot_force_excess: FootForceTerm | None = None
    joint_limit_torque: LimitTorqueTerm | None = None
    footstep_effort: CostTerm | None = None
    footstep_velocity: FootstepVelocityTerm | None = None
    footstep_duration: FootstepDurationTerm | None = None
    own: dict[str, float] = {}
    """Weights of terms that a subclass's `_calculate_reward` adds."""


class TerminationSettings(Settings):
    """When an episode ends early. Thresholds that are null do not end anything."""

    pelvis_height_min_m: float | None = Field(0.65, gt=0.0, le=2.0)
    """Height of the pelvis over the ground."""
    trunk_lean_max_rad: float | None = Field(0.8, gt=0.0, le=3.2)
    joint_deviation_rad: dict[str, Positive] = {}
    """Largest deviation from the reference per joint (or joint group without side suffix)."""
    pelvis_height_deviation_m: float | None = Field(None, gt=0.0, le=2.0)
    """Largest deviation of the pelvis's height over the ground from the reference's."""
    speed_deviation_m_s: float | None = Field(None, gt=0.0, le=10.0)
    """Largest difference between speed and target at any instant, fluctuation within the stride included."""
    velocity_limit: float = Field(200.0, gt=10.0, le=10000.0)
    """Any |qvel| beyond it counts as divergence (rad/s or m/s)."""


class ResetSettings(Settings):
    """How an episode starts."""

    phase: Literal["random"] | Annotated[float, Field(ge=0.0, lt=1.0)] = "random"
    """Phase of the gait cycle (0 = right heel strike)."""
    position_noise_rad: float = Field(0.0, ge=0.0, le=0.5)
    """Standard deviation of the noise on hinge angles."""
    velocity_noise_rad_s: float = Field(0.0, ge=0.0, le=5.0)
    """Standard deviation of the noise on hinge velocities."""


class TargetVelocitySettings(Settings):
    """The forward velocity that is asked for, over an episode.

    `uniform` draws one value an episode, `sinusoidal` oscillates over the range with the period, `step` draws
    a new value from the range every period.
    """

    mode: Literal["uniform", "sinusoidal", "step"] = "uniform"
    minimum_m_s: float = Field(1.25, ge=SLOWEST_M_S, le=FASTEST_M_S)
    maximum_m_s: float = Field(1.25, ge=SLOWEST_M_S, le=FASTEST_M_S)
    period_s: float = Field(10.0, gt=0.1, le=1000.0)

    @model_validator(mode="after")
    def _ordered(self) -> TargetVelocitySettings:
        if self.minimum_m_s > self.maximum_m_s:
            raise ValueError("minimum_m_s must not exceed maximum_m_s")
        return self


class SpeedScalingSettings(Settings):
    """How the reference follows the target speed v (reference speed v0), both exponents of v/v0.

    Stride time falls with (v/v0)^-cadence_exponent and joint excursions grow with
    (v/v0)^excursion_exponent; with 0.5 and 0.5 stride length x cadence grows like v.
    """

    cadence_exponent: float = Field(0.5, ge=0.0, le=1.0)
    excursion_exponent: float = Field(0.5, ge=0.0, le=1.0)


MassRange = tuple[Annotated[float, Field(gt=0.2, lt=5.0)], Annotated[float, Field(gt=0.2, lt=5.0)]]
StrengthRange = tuple[Annotated[float, Field(gt=0.0, le=10.0)], Annotated[float, Field(gt=0.0, le=10.0)]]
SlopeRange = tuple[Annotated[float, Field(gt=-45.0, lt=45.0)], Annotated[float, Field(gt=-45.0, lt=45.0)]]


class VariationSettings(Settings):
    """How the environments of one batch differ from each other; ranges (lowest, highest) are drawn from evenly.

    Environment i's values come from a stream of (seed, i), whatever the number of environments. They are factors on
    the compiled model, which has been built with factors of its own. The defaults vary nothing.
    """

    seed: int = Field(0, ge=0, lt=2**31)
    mass_factor: MassRange = (1.0, 1.0)
    """On every body's mass and inertia."""
    strength_factor: StrengthRange = (1.0, 1.0)
    """On the maximum isometric force of all muscles together."""
    strength_factors: dict[str, StrengthRange] = {}
    """Further factors per muscle, or per group if the name has no side suffix (both sides alike)."""
    slope_deg: SlopeRange | None = None
    """Slope of the ground (positive climbs); only on flat or sloped ground, whose own slope it replaces."""
    ground_realisations: bool = False
    """Whether every environment walks on its own realisation of random ground; only with terrain "random"."""

    @model_validator(mode="after")
    def _ordered(self) -> VariationSettings:
        ranges = {"mass_factor": self.mass_factor, "strength_factor": self.strength_factor}
        ranges |= {f"strength_factors.{name}": value for name, value in self.strength_factors.items()}
        if self.slope_deg is not None:
            ranges["slope_deg"] = self.slope_deg
        for name, (low, high) in ranges.items():
            if low > high:
                raise ValueError(f"{name}: the lowest value must not exceed the highest")
        return self


class PelvisSupportSettings(Settings):
    """Springs and dampers that hold the pelvis where the reference has it: a help at the beginning of a training.

    A curriculum takes them back phase by phase. They act in every episode, in evaluations too, unless left out.
    """

    height_stiffness_n_m: float = Field(0.0, ge=0.0, le=20_000.0)
    height_damping_n_s_m: float = Field(0.0, ge=0.0, le=1_000.0)
    tilt_stiffness_n_m_rad: float = Field(0.0, ge=0.0, le=2_000.0)
    tilt_damping_n_m_s_rad: float = Field(0.0, ge=0.0, le=100.0)
    forward_damping_n_s_m: float = Field(0.0, ge=0.0, le=1_000.0)
    """Towards the target speed."""
    force_max_n: float = Field(1_000.0, gt=0.0, le=10_000.0)
    moment_max_n_m: float = Field(200.0, gt=0.0, le=2_000.0)


class PushSettings(Settings):
    """A horizontal push at the pelvis, once an episode or repeatedly, at a time of the episode's own random stream."""

    force_n: float = Field(..., ge=-2_000.0, le=2_000.0)
    """Forward positive."""
    duration_s: float = Field(0.2, gt=0.0, le=10.0)
    """Rounded to whole control steps, at least one."""
    window_s: tuple[float, float] = (2.0, 4.0)
    """The first push begins within this time after the episode's start, drawn uniformly."""
    repeat_s: float | None = Field(None, gt=0.0, le=3600.0)
    """From the beginning of one push to that of the next; null pushes once."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        earliest, latest = self.window_s
        if not 0.0 <= earliest <= latest <= 3600.0:
            raise ValueError("window_s: expected 0 <= earliest <= latest <= 3600")
        if self.repeat_s is not None and self.repeat_s <= self.duration_s:
            raise ValueError("repeat_s: expected more than duration_s")
        return self


REWARD_WITHOUT_REFERENCE = RewardSettings(
    alive=AliveTerm(weight=0.2),
    forward_velocity=ForwardVelocityTerm(weight=1.0),
    muscle_effort=MuscleEffortTerm(weight=-0.5),
)
"""The default reward of the base environment, which imitates nothing."""
OBSERVATION_WITHOUT_REFERENCE = ObservationSettings(
    groups=tuple(group for group in ObservationSettings().groups if group.name != "phase")
)
"""The default observation of the base environment, which may have no gait cycle to be in."""


class EnvironmentSettings(Settings):
    """Everything an environment depends on besides its model and its reference."""

    id: Literal["myoAssistLeg-v0", "myoAssistLegImitation-v0", "myoAssistLegImitationExo-v0"] = (
        "myoAssistLegImitation-v0"
    )
    environment_class: str | None = Field(None, pattern=r"^[\w./-]+:[A-Za-z_]\w*$")
    """An own subclass as `file.py:Class` or `package.module:Class`; null takes the id's class.

    The file is looked for beside the experiment file that names it, then from the working folder.
    """
    control_rate_hz: float = Field(50.0, ge=1.0, le=1000.0)
    episode_s: float = Field(10.0, gt=0.0, le=3600.0)
    """Time limit of an episode (truncation)."""
    observation: ObservationSettings = ObservationSettings()  # without imitation, `OBSERVATION_WITHOUT_REFERENCE`
    action: ActionSettings = ActionSettings()
    reward: RewardSettings = RewardSettings(  # of imitation; without one, `REWARD_WITHOUT_REFERENCE`
        forward_velocity=ForwardVelocityTerm(weight=0.2),
        joint_position_imitation=JointPositionTerm(weight=0.6),
        joint_velocity_imitation=JointVelocityTerm(weight=0.1),
        foot_position_imitation=FootPositionTerm(weight=0.1),
        muscle_effort=MuscleEffortTerm(weight=-0.1),
    )
    termination: TerminationSettings = TerminationSettings()
    reset: ResetSettings = ResetSettings()
    target_velocity: TargetVelocitySettings = TargetVelocitySettings()
    speed_scaling: SpeedScalingSettings = SpeedScalingSettings()
    variation: VariationSettings = VariationSettings()
    pelvis_support: PelvisSupportSettings | None = None
    push: PushSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_id(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("id") == BASE_ID:
            return {"reward": REWARD_WITHOUT_REFERENCE, "observation": OBSERVATION_WITHOUT_REFERENCE, **data}
        return data
