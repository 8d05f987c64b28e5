"""Bodies and grounds that differ from environment to environment within one batch."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import mujoco
import numpy as np
from myoassist_terrains.config import config_from_dict
from myoassist_terrains.uniform import generate_random_field

from myoassist.config.environment import VariationSettings
from myoassist.config.model import GroundSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest
from myoassist.formats.terrain import package_form

_STREAM = 1
"""Second spawn key: keeps these streams apart from those of the episodes, which have one key."""


@dataclass(frozen=True)
class Variant:
    """What one environment's model differs in.

    Attributes:
        mass_factor: on every body's mass and inertia.
        strength_factors: (M,) on the muscles' maximum isometric forces, in the order of the manifest.
        slope_deg: of the ground; None leaves it.
        ground_seed: of the random ground; None leaves it.
    """

    mass_factor: float
    strength_factors: np.ndarray
    slope_deg: float | None
    ground_seed: int | None


def draw_variant(settings: VariationSettings, manifest: Manifest, index: int) -> Variant:
    """Draw what environment `index` differs in; neither N nor the other ranges change what is drawn for a range.

    Raises:
        InputError: for an unknown muscle, or a variation that the ground does not have.
    """
    terrain = manifest.settings["ground"]["terrain"]
    if settings.slope_deg is not None and terrain not in ("flat", "slope"):
        raise InputError(f"environment: field 'variation.slope_deg': needs flat or sloped ground (found '{terrain}')")
    if settings.ground_realisations and terrain != "random":
        raise InputError(f"environment: field 'variation.ground_realisations': needs random ground (found '{terrain}')")
    stream = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(index, _STREAM)))
    place, ground_seed = stream.uniform(size=3), int(stream.integers(2**31))
    strength = np.full(len(manifest.muscles), _between(settings.strength_factor, place[1]))
    for name in sorted(settings.strength_factors):
        strength[_muscles(name, manifest)] *= _between(settings.strength_factors[name], stream.uniform())
    return Variant(
        mass_factor=_between(settings.mass_factor, place[0]),
        strength_factors=strength,
        slope_deg=None if settings.slope_deg is None else _between(settings.slope_deg, place[2]),
        ground_seed=ground_seed if settings.ground_realisations else None,
    )


def vary(
    settings: VariationSettings, model: mujoco.MjModel, manifest: Manifest, num_envs: int
) -> mujoco.MjModel | list[mujoco.MjModel]:
    """Return a model for each environment, or the one model for all where nothing varies.

    Args:
        settings: the ranges.
        model: compiled model, best the one without visuals: every environment gets a copy.
        manifest: of the model.
        num_envs: N.

    Raises:
        InputError: for an unknown muscle, or a variation that the ground does not have.
    """
    if settings == VariationSettings(seed=settings.seed):  # nothing varies
        return model
    return [apply(draw_variant(settings, manifest, index), model, manifest) for index in range(num_envs)]


def apply(variant: Variant, model: mujoco.MjModel, manifest: Manifest) -> mujoco.MjModel:
    """Return a copy of the model with the variant's mass, strength and ground."""
    own = copy.copy(model)
    actuators = [muscle.actuator for muscle in manifest.muscles]
    own.actuator_gainprm[actuators, 2] *= variant.strength_factors
    own.actuator_biasprm[actuators, 2] *= variant.strength_factors
    if variant.mass_factor != 1.0:
        own.body_mass[:] *= variant.mass_factor
        own.body_inertia[:] *= variant.mass_factor
        mujoco.mj_setConst(own, mujoco.MjData(own))
    ground = own.geom(manifest.ground_geoms[0])
    if variant.slope_deg is not None:
        half = -np.radians(variant.slope_deg) / 2
        ground.quat[:] = [np.cos(half), 0.0, np.sin(half), 0.0]
        own.geom_sameframe[ground.id] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE
    if variant.ground_seed is not None:
        _roughen(own, int(ground.dataid[0]), manifest, variant.ground_seed)
    return own


def _roughen(model: mujoco.MjModel, field: int, manifest: Manifest, seed: int) -> None:
    """Replace the elevation by another realisation of the same random ground."""
    settings = GroundSettings.parse(manifest.settings["ground"], where="manifest: settings.ground")
    terrain = config_from_dict(package_form(settings))
    rows, columns = int(model.hfield_nrow[field]), int(model.hfield_ncol[field])
    half = terrain.extent / 2.0
    elevation = generate_random_field(rows, columns, half, half, terrain.amplitude, terrain.safe_zone_radius, seed)
    elevation -= elevation.min()
    model.hfield_size[field, 2] = elevation.max()
    start = model.hfield_adr[field]
    model.hfield_data[start : start + elevation.size] = (elevation / elevation.max()).ravel()


def _muscles(name: str, manifest: Manifest) -> list[int]:
    names = {name, *(f"{name}_{side}" for side in SIDES)}
    found = [index for index, muscle in enumerate(manifest.muscles) if muscle.name in names]
    if not found:
        raise InputError(
            f"environment: field 'variation.strength_factors': unknown muscle or group '{name}' "
            f"(known: {', '.join(manifest.muscle_names)})"
        )
    return found


def _between(bounds: tuple[float, float], place: float) -> float:
    low, high = bounds
    return low + (high - low) * float(place)
