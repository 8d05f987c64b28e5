"""Settings of the body, the device it wears, the ground under it and the physics of both."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from myoassist.config.base import Settings

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class GroundSettings(Settings):
    """One continuous surface (flat, slope, random, sinusoidal) or a grid of tiles.

    The walking direction is +x; a positive slope climbs.
    """

    terrain: Literal["flat", "slope", "random", "sinusoidal", "grid"] = "flat"
    slope_deg: float = Field(0.0, gt=-45.0, lt=45.0)
    amplitude_m: float = Field(0.05, gt=0.0, le=1.0)
    period_m: float = Field(1.0, gt=0.0, le=100.0)
    extent_m: float = Field(60.0, gt=1.0, le=500.0)
    resolution: int = Field(512, ge=8, le=4096)
    safe_zone_radius_m: float = Field(1.5, ge=0.0, le=50.0)
    seed: int = Field(0, ge=0)
    friction: float = Field(1.0, gt=0.0, le=5.0)
    grid: dict[str, Any] | None = None
    """A tiled course in the format of `myoassist-terrains` (only with terrain "grid")."""

    @field_validator("grid")
    @classmethod
    def _only_with_grid(cls, value: dict[str, Any] | None, info: Any) -> dict[str, Any] | None:
        if (value is not None) != (info.data.get("terrain") == "grid"):
            raise ValueError('is needed with terrain "grid" and with no other')
        return value


class PhysicsSettings(Settings):
    """MuJoCo's time step and solver.

    The defaults are what is fastest among what was measured to be equivalent to the body package's own settings
    (`docs/environments.md` has the table); `implicitfast` is not: its trajectories do not converge to the others'
    with smaller time steps.
    """

    timestep_s: float = Field(0.002, ge=0.0001, le=0.01)
    integrator: Literal["Euler", "implicitfast", "implicit", "RK4"] = "Euler"
    solver_iterations: int = Field(100, ge=1, le=1000)
    jacobian: Literal["auto", "dense", "sparse"] = "sparse"
    islands: bool = False
    """Whether the solver looks for groups of joints that no constraint connects; one body on the ground has none."""
    self_collision: bool = False
    """Whether body parts collide with each other; if not, they meet only the ground."""


class ModelSettings(Settings):
    """Everything the build stage depends on."""

    body: Name = "myolegs22"
    device: Name | None = None
    ground: GroundSettings = GroundSettings()
    physics: PhysicsSettings = PhysicsSettings()
    mass_factor: float = Field(1.0, gt=0.2, lt=5.0)
    """Scales every body's mass and inertia."""
    strength_factors: dict[str, float] = Field({})
    """Factor on the maximum isometric force per muscle, or per group if the name has no side suffix."""

    @field_validator("strength_factors")
    @classmethod
    def _positive(cls, value: dict[str, float]) -> dict[str, float]:
        for name, factor in value.items():
            if not 0.0 < factor <= 10.0:
                raise ValueError(f"factor of '{name}' must lie in (0, 10]")
        return value
