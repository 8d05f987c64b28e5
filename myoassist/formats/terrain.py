"""The ground in the configuration format of `myoassist-terrains` (plain data)."""

from __future__ import annotations

from typing import Any

from myoassist.config.model import GroundSettings


def package_form(ground: GroundSettings) -> dict[str, Any]:
    """Return the ground as `myoassist_terrains.config.config_from_dict` reads it."""
    if ground.terrain == "grid":
        return dict(ground.grid or {}, terrain_name="course")
    form: dict[str, Any] = {"terrain": ground.terrain, "terrain_name": "surface"}
    if ground.terrain == "slope":
        form["deg"] = ground.slope_deg
    if ground.terrain in ("random", "sinusoidal"):
        form |= {
            "amplitude": ground.amplitude_m,
            "extent": ground.extent_m,
            "resolution": ground.resolution,
            "safe_zone_radius": ground.safe_zone_radius_m,
            "seed": ground.seed,
        }
    if ground.terrain == "sinusoidal":
        form["period"] = ground.period_m
    return form
