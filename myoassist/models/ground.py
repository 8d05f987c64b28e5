"""The ground: `myoassist-terrains` builds the surface, we make its motion visible and place it."""

from __future__ import annotations

from typing import Any

import mujoco
from myoassist_terrains import build_terrain
from myoassist_terrains.config import config_from_dict

from myoassist.config.model import GroundSettings
from myoassist.errors import InputError
from myoassist.formats.terrain import package_form

PREFIX = "ground_"
TILE_M = 0.5


def terrain_config(settings: GroundSettings) -> Any:
    """Translate our settings into the terrain package's own configuration object.

    Raises:
        InputError: if the package refuses the values (its message is passed on).
    """
    try:
        return config_from_dict(package_form(settings))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"settings: field 'ground': {error}") from None


def attach_ground(spec: mujoco.MjSpec, settings: GroundSettings) -> list[str]:
    """Attach the terrain to a body's spec.

    Args:
        spec: the body; changed in place.
        settings: which ground.

    Returns:
        Names of the ground's geoms in the compiled model.

    Raises:
        InputError: if the terrain package refuses the settings.
    """
    terrain = build_terrain(terrain_config(settings))
    terrain.add_texture(
        name="checker",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.86, 0.87, 0.88],
        rgb2=[0.72, 0.74, 0.77],
        width=64,
        height=64,
    )
    # Uniform repetition makes the pattern a scale: every square is TILE_M wide whatever the ground's size.
    material = terrain.add_material(
        name="checker", texrepeat=[0.5 / TILE_M, 0.5 / TILE_M], texuniform=True, reflectance=0.0
    )
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "checker"
    for index, geom in enumerate(terrain.geoms):
        if not geom.name:
            geom.name = f"tile_{index}"
        if geom.type in (mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_HFIELD):
            geom.material = "checker"
        geom.friction[0] = settings.friction
    names = [PREFIX + geom.name for geom in terrain.geoms]
    spec.attach(terrain, frame=spec.worldbody.add_frame(), prefix=PREFIX)
    return names
