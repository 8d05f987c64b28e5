"""The compiled model's twin without visual meshes and textures, which environments step."""

from __future__ import annotations

import mujoco
import numpy as np

_PIXELS = {mujoco.mjtTexture.mjTEXTURE_2D: (1, 1)}
_CUBE_PIXELS = (1, 6)


def without_visuals(spec: mujoco.MjSpec, compiled: mujoco.MjModel) -> mujoco.MjSpec:
    """Return a copy of a spec without what is only looked at; it moves exactly like the original.

    Geoms that collide with nothing go, with their meshes; textures shrink to a pixel. Bodies whose mass comes from
    their geoms get that mass written down first.

    Args:
        spec: of the full model; left as it is.
        compiled: the full model compiled from it.
    """
    slim = spec.copy()
    for body in slim.bodies:
        if body.name == "world":
            continue
        index = compiled.body(body.name).id
        body.explicitinertial = True
        body.mass = compiled.body_mass[index]
        body.inertia = compiled.body_inertia[index]
        body.ipos, body.iquat = compiled.body_ipos[index], compiled.body_iquat[index]
        body.fullinertia = [np.nan] * 6
    wrapped = _wrapped_geoms(compiled)
    for geom in list(slim.geoms):
        if not (geom.contype or geom.conaffinity or geom.name in wrapped):
            slim.delete(geom)
    shapes = {geom.meshname for geom in slim.geoms}
    for mesh in list(slim.meshes):
        if mesh.name not in shapes:
            slim.delete(mesh)
    for texture in slim.textures:
        texture.file, texture.builtin = "", mujoco.mjtBuiltin.mjBUILTIN_FLAT
        texture.width, texture.height = _PIXELS.get(texture.type, _CUBE_PIXELS)
    return slim


def _wrapped_geoms(model: mujoco.MjModel) -> set[str]:
    """Names of geoms that tendons bend around: they collide with nothing, but they move muscles."""
    around = (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER)
    return {model.geom(model.wrap_objid[i]).name for i in range(model.nwrap) if model.wrap_type[i] in around}
