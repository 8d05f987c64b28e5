"""Settings of the two reference stages: raw stride to periodic reference, and its fit to a body."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from myoassist.config.base import Settings


class ReferenceSettings(Settings):
    """How a recorded stride becomes a periodic, model-free reference (stage ``preprocess``)."""

    source: str = Field(
        "reference_data/myosuite_stride.csv",
        min_length=1,
        description="raw data file, relative to the repository root",
    )
    reader: Literal["myosuite_stride", "opensim_motion"] = Field(
        "myosuite_stride", description="layout of the file: MyoSuite's one-stride csv, or OpenSim .mot/.sto"
    )
    sampling_rate_hz: float | None = Field(
        208.0,
        ge=20,
        le=2000,
        description="for files without a time column (myosuite_stride); the default is the rate at which its"
        " planted feet stand still",
    )
    start_s: float | None = Field(
        None, ge=0, description="opensim_motion: start of the stride; left out = heel strikes are found"
    )
    end_s: float | None = Field(
        None, gt=0, description="opensim_motion: end of the stride, the same instant one stride later"
    )
    stride: int = Field(
        0, ge=0, le=999, description="opensim_motion: which found stride to take when no times are given"
    )
    knee_flexion_positive: bool | None = Field(
        None, description="opensim_motion: sign of knee flexion in the file; left out = the larger excursion"
    )
    speed_m_s: float | None = Field(
        None,
        ge=0.3,
        le=3.0,
        description="walking speed; left out = the mean of the file (needed on treadmills)",
    )
    cutoff_hz: float = Field(6.0, ge=2, le=20, description="-3 dB frequency of the zero-phase low-pass")
    filter_order: int = Field(4, ge=2, le=8, description="order of the zero-phase Butterworth gain (both passes)")
    frames: int = Field(200, ge=50, le=1000, description="samples a cycle, even")
    symmetric: bool = Field(
        True, description="average left and right half a cycle apart (a healthy, mirror-symmetric reference)"
    )

    @model_validator(mode="after")
    def _consistent(self) -> ReferenceSettings:
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("start_s and end_s are given together or not at all")
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError("end_s must be later than start_s")
        if self.reader == "myosuite_stride" and self.sampling_rate_hz is None:
            raise ValueError("sampling_rate_hz is needed for reader 'myosuite_stride' (it has no time column)")
        if self.reader == "myosuite_stride" and self.start_s is not None:
            raise ValueError("start_s and end_s are for reader 'opensim_motion'; the csv holds one stride")
        if self.frames % 2:
            raise ValueError("frames must be even (left and right are half a cycle apart)")
        if self.filter_order % 2:
            raise ValueError("filter_order must be even (half of it in each direction)")
        return self


class ContactFitSettings(Settings):
    """The constrained fit: what is demanded of the feet, and what changes of the reference cost."""

    fit_frames: int = Field(100, ge=40, le=400, description="phases a cycle at which demands are made, even")
    harmonics: int = Field(8, ge=1, le=12, description="of the changes of hip, knee, ankle and pelvis tilt")
    toe_harmonics: int = Field(8, ge=1, le=12, description="of the toe joint, which is not recorded")
    pelvis_harmonics: int = Field(8, ge=2, le=12, description="of the pelvis height and forward position")
    iterations: int = Field(60, ge=5, le=500, description="largest number of Gauss-Newton steps")

    stance_penetration_m: float = Field(
        0.0003, ge=0, le=0.003, description="how far a loaded sole is pressed into the soft ground"
    )
    contact_height_m: float = Field(
        0.002, ge=0, le=0.02, description="a sole point below this height counts as contact"
    )
    planted_speed: float = Field(
        0.8, ge=0.5, le=0.99, description="share of the mid-stance speed at which a foot moves with the ground"
    )
    transition: float = Field(
        0.01, ge=0, le=0.08, description="part of the cycle around heel strike and toe-off without demands"
    )
    swing_margin: float = Field(
        0.2, ge=0.05, le=0.4, description="part of the swing at its begin and end where clearance is not demanded"
    )
    swing_target_m: float = Field(0.013, ge=0, le=0.05, description="clearance that the fit aims at")
    limit_margin_rad: float = Field(0.0087266, ge=0, le=0.1, description="distance to joint limits (half a degree)")
    flat_foot: tuple[float, float] = Field(
        (0.12, 0.32), description="part of the own cycle in which heel and forefoot both rest on the ground"
    )
    flat_toes: tuple[float, float] = Field((0.32, 0.56), description="the same for toes that lie flat on the ground")

    stride_cost_m: float = Field(0.03, gt=0, le=1, description="change of stride length that costs 1")
    offset_cost_rad: float = Field(0.03, gt=0, le=1, description="constant joint offset that costs 1")
    change_cost_rad: float = Field(0.015, gt=0, le=1, description="amplitude of the first harmonic that costs 1")
    toe_cost_rad: float = Field(0.3, gt=0, le=2, description="amplitude of toe motion that costs 1")
    toe_support_m: float = Field(
        0.02, ge=0, le=0.2, description="how far ahead of the toe joint the toes help to carry the body"
    )
    fit_friction: float = Field(0.5, ge=0.1, le=2, description="largest ratio of shear to normal ground force")
    vertical_force_bw: tuple[float, float] = Field(
        (0.4, 1.25), description="range of the whole vertical ground force, in body weights"
    )
    force_weight_n: float = Field(40.0, gt=0, le=1000, description="excess of a ground force that costs 1")
    moment_weight_n_m: float = Field(
        10.0, gt=0, le=1000, description="moment of a centre of pressure outside the soles that costs 1"
    )
    progression_weight_n_m: float = Field(
        30.0,
        gt=0,
        le=1000,
        description="moment by which a centre of pressure off its way from heel to toe joint costs 1",
    )
    height_weight_m: float = Field(0.0003, gt=0, le=0.01, description="error of sole height that costs 1")
    slip_weight_m_s: float = Field(0.01, gt=0, le=0.5, description="slip of the stance foot that costs 1")
    flat_weight_m: float = Field(0.007, gt=0, le=0.05, description="error of flatness that costs 1")

    @model_validator(mode="after")
    def _consistent(self) -> ContactFitSettings:
        if not 0 <= self.vertical_force_bw[0] < 1 < self.vertical_force_bw[1] <= 5:
            raise ValueError("vertical_force_bw must be a range around 1")
        if self.fit_frames % 2:
            raise ValueError("fit_frames must be even (left and right are half a cycle apart)")
        for name in ("flat_foot", "flat_toes"):
            first, last = getattr(self, name)
            if not 0 <= first < last <= 0.7:
                raise ValueError(f"{name} must be two rising parts of the cycle within 0 … 0.7")
        return self


class StaticOptimizationSettings(Settings):
    """Ground forces and muscle activations that the fitted motion asks for."""

    friction: float = Field(0.8, ge=0.2, le=2, description="largest ratio of shear to normal force on the ground")
    load_transfer: float = Field(
        0.10, ge=0.01, le=0.2, description="part of the cycle over which a foot takes up, and gives off, its load"
    )
    sole_softness_m: float = Field(
        0.002, gt=0, le=0.02, description="height over the ground at which a sole point carries half"
    )
    root_weight: float = Field(1000.0, ge=1, le=1e6, description="weight of root residuals against load sharing")
    contact_cost: float = Field(0.3, gt=0, le=10, description="cost of a body weight on one point of the sole")
    reserve_cost_n_m: float = Field(1.0, gt=0, le=100, description="reserve moment that costs as a full activation")


class RetargetSettings(Settings):
    """How a reference is fitted to a compiled body (stage ``retarget``), and what the result must keep."""

    frames: int = Field(200, ge=50, le=1000, description="samples a cycle of the result, even")
    stance_rms_m: float = Field(0.003, gt=0, le=0.02, description="promise: stance foot on the ground, rms")
    slip_rms_m_s: float = Field(0.05, gt=0, le=0.5, description="promise: slip of the stance foot, rms")
    swing_clearance_m: float = Field(0.010, ge=0, le=0.05, description="promise: smallest height in mid-swing")
    fit: ContactFitSettings = ContactFitSettings()
    static_optimization: StaticOptimizationSettings = StaticOptimizationSettings()

    @model_validator(mode="after")
    def _consistent(self) -> RetargetSettings:
        if self.frames % 2:
            raise ValueError("frames must be even (left and right are half a cycle apart)")
        if self.fit.swing_target_m < self.swing_clearance_m:
            raise ValueError("fit.swing_target_m must be at least swing_clearance_m")
        return self
