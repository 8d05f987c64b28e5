"""Settings of the validation: how hard an environment is tried before it is trained on."""

from __future__ import annotations

from pydantic import Field

from myoassist.config.base import Settings
from myoassist.config.environment import EnvironmentSettings


class ValidationSettings(Settings):
    """Thresholds and effort of the checks."""

    random_steps: int = Field(200, ge=1, le=1_000_000)
    """Control steps of random actions, per environment."""
    n_envs: int = Field(8, ge=1, le=1024)
    seed: int = Field(0, ge=0)
    coupling_tolerance: float = Field(1e-6, gt=0.0, le=1e-2)
    """Largest violation of a joint coupling at reset (rad or m)."""
    penetration_max_m: float = Field(0.005, gt=0.0, le=0.05)


class ValidationStage(Settings):
    """Everything the validation stage depends on."""

    environment: EnvironmentSettings
    validation: ValidationSettings = ValidationSettings()
