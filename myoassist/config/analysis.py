"""How gait events are found, cycles chosen and the gate judged."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from myoassist.config.base import Settings

TABLES = ("strides", "summary", "curves", "scores")
"""Tidy tables of an evaluation; each is a Parquet and a CSV file of that name (docs/analysis.md)."""


def table_files() -> tuple[str, ...]:
    """Name the files of the tidy tables."""
    return tuple(f"{name}.{kind}" for name in TABLES for kind in ("parquet", "csv"))


class EventSettings(Settings):
    """Foot contact from vertical ground force: hysteresis and shortest durations."""

    contact_on_bw: float = Field(0.05, gt=0, le=0.5, description="force that begins a contact")
    contact_off_bw: float = Field(0.03, gt=0, le=0.5, description="force that ends it")
    min_stance_s: float = Field(0.10, ge=0, le=1, description="shorter contacts are rejected")
    min_swing_s: float = Field(0.10, ge=0, le=1, description="shorter gaps between contacts are rejected")

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.contact_off_bw > self.contact_on_bw:
            raise ValueError("contact_off_bw must not be above contact_on_bw")
        return self


class CycleSettings(Settings):
    """Which heel strikes make a gait cycle, and which cycles count."""

    min_duration_s: float = Field(0.4, gt=0, le=5, description="shorter cycles are rejected")
    max_duration_s: float = Field(2.5, gt=0, le=10, description="longer cycles are rejected")
    drop_first: int = Field(1, ge=0, le=20, description="cycles left out at the start, per side and episode")
    drop_last: int = Field(1, ge=0, le=20, description="cycles left out at the end, per side and episode")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_duration_s <= self.min_duration_s:
            raise ValueError("max_duration_s must be above min_duration_s")
        return self


class GateSettings(Settings):
    """Bounds that a policy has to hold to be called walking."""

    min_episodes: int = Field(20, ge=1)
    min_episode_s: float = Field(20.0, ge=0, description="longest episode, which shows the time limit")
    min_fall_free_fraction: float = Field(0.95, ge=0, le=1)
    max_speed_error_m_s: float = Field(0.10, ge=0, description="stride-averaged speed against the target")
    max_speed_tracking_m_s: float = Field(
        0.10, ge=0, description="RMS of stride-averaged speed against a target that changes"
    )
    max_rmse_hip_deg: float = Field(6.0, ge=0)
    max_rmse_knee_deg: float = Field(9.0, ge=0)
    max_rmse_ankle_deg: float = Field(6.0, ge=0)
    min_r_hip: float = Field(0.93, ge=-1, le=1)
    min_r_knee: float = Field(0.90, ge=-1, le=1)
    min_r_ankle: float = Field(0.80, ge=-1, le=1)
    max_rmse_trunk_lean_deg: float = Field(4.0, ge=0)
    max_stride_time_error_percent: float = Field(8.0, ge=0)
    max_step_time_asymmetry_percent: float = Field(10.0, ge=0)
    min_toe_off_percent: float = Field(57.0, ge=0, le=100)
    max_toe_off_percent: float = Field(66.0, ge=0, le=100)
    min_force_peak_bw: float = Field(0.95, ge=0)
    max_force_peak_bw: float = Field(1.4, ge=0)
    max_raw_force_peak_bw: float = Field(2.5, ge=0)
    max_activation: float = Field(0.20, ge=0, le=1)
    max_limit_moment_nm: float = Field(5.0, ge=0)


class EnergeticsSettings(Settings):
    """Constants of the metabolic models; ``docs/energetics.md`` tells where each comes from."""

    specific_tension_mpa: float = Field(
        0.6, gt=0, le=5, description="with which the model's largest forces were derived; gives each muscle's mass"
    )
    muscle_density_kg_m3: float = Field(1059.7, gt=500, le=2000, description="Mendez and Keys (1960)")
    basal_rate_w_kg: float = Field(1.2, ge=0, le=5, description="what a standing body spends, per kg of its mass")
    aerobic_factor: float = Field(1.5, ge=1, le=1.5, description="heat of aerobic work over that of anaerobic work")
    least_heat_w_kg: float = Field(1.0, ge=0, le=10, description="heat of a muscle at rest, per kg of muscle")
    recruitment: Literal["orderly", "fixed"] = Field(
        "orderly", description="slow-twitch fibres first (Uchida et al. 2016), or all in proportion"
    )
    negative_work: Literal["published", "included", "excluded"] = Field(
        "published", description="work done on a stretched muscle: as each model was published, or in all or none"
    )
    slow_twitch_shares: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {}, description="muscle without side -> share of slow-twitch fibres, instead of the table's"
    )


class AnalysisSettings(Settings):
    """Everything the analysis of a rollouts file depends on."""

    events: EventSettings = EventSettings()
    cycles: CycleSettings = CycleSettings()
    gate: GateSettings = GateSettings()
    energetics: EnergeticsSettings = EnergeticsSettings()
    peak_cutoff_hz: float = Field(20.0, gt=0, le=100, description="low-pass for the peaks of ground force")
    loading_rate_cutoff_hz: float = Field(50.0, gt=0, le=120, description="low-pass for the loading rate")
