"""Constants of each muscle that metabolic models need, from a rollouts file and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from myoassist.analysis.conventions import base_of
from myoassist.analysis.energetics.slow_twitch import DEFAULT, slow_twitch_share
from myoassist.config.analysis import EnergeticsSettings
from myoassist.formats.rollout_columns import RolloutModel

_GAIN_PARAMETERS = 9


@dataclass(frozen=True)
class Muscles:
    """Constants of all muscles, arrays of shape (nmuscle,).

    Attributes:
        names: with side.
        max_force_n: largest isometric force.
        optimal_length_m: fibre length at which it is reached.
        max_velocity_m_s: fastest shortening of the unloaded fibre.
        mass_kg: from the specific tension, see `muscle_mass`.
        slow_twitch: share of slow-twitch fibres, 0 to 1.
        assumed: names of the muscles whose share of slow-twitch fibres is not known.
        shortest: fibre length, in optimal lengths, below which the muscle has no active force.
        longest: the same above; passive force is stiffest from half-way between 1 and this length on.
        passive_force: passive force at ``longest`` is about 1.5 times this share of the largest isometric force.
    """

    names: tuple[str, ...]
    max_force_n: np.ndarray
    optimal_length_m: np.ndarray
    max_velocity_m_s: np.ndarray
    mass_kg: np.ndarray
    slow_twitch: np.ndarray
    assumed: tuple[str, ...]
    shortest: np.ndarray
    longest: np.ndarray
    passive_force: np.ndarray

    @property
    def max_velocity(self) -> np.ndarray:
        """Fastest shortening in optimal lengths per second, shape (nmuscle,)."""
        return self.max_velocity_m_s / self.optimal_length_m


def muscle_mass(
    max_force_n: np.ndarray, optimal_length_m: np.ndarray, *, specific_tension_pa: float, density_kg_m3: float
) -> np.ndarray:
    """Return each muscle's mass in kg: density times cross-section times fibre length.

    m = rho L_opt F_max / sigma; Umberger, Gerritsen and Martin (2003), Comput Methods Biomech Biomed Engin
    6:99-111, with PCSA = F_max / sigma.

    Args:
        max_force_n: largest isometric force, shape (nmuscle,).
        optimal_length_m: shape (nmuscle,).
        specific_tension_pa: the one that the forces were derived with, above 0.
        density_kg_m3: of muscle, above 0.
    """
    return density_kg_m3 * np.asarray(optimal_length_m) * np.asarray(max_force_n) / specific_tension_pa


def read_muscles(model: RolloutModel, settings: EnergeticsSettings) -> Muscles | None:
    """Collect the constants of a model's muscles; None if the file does not tell their force-length curves.

    Args:
        model: names, constants and manifest of the body.
        settings: specific tension, density, shares of slow-twitch fibres that replace the table's.
    """
    described: Mapping[str, Any] = {
        muscle.get("name", ""): muscle.get("gain_parameters", ()) for muscle in model.manifest.get("muscles", ())
    }
    gains = [described.get(name, ()) for name in model.muscles]
    if any(len(gain) < _GAIN_PARAMETERS for gain in gains):
        return None
    # MuJoCo's order: range (2), force, scale, lmin, lmax, vmax, fpmax, fvmax
    curves = np.array(gains, float).reshape(len(gains), -1)[:, :_GAIN_PARAMETERS].reshape(-1, _GAIN_PARAMETERS)
    constants = {name: np.asarray(values, float) for name, values in model.muscle_constants.items()}
    force, length = constants["max_isometric_force_n"], constants["optimal_fiber_length_m"]
    own = settings.slow_twitch_shares
    shares = [own.get(base_of(name), slow_twitch_share(base_of(name))) for name in model.muscles]
    return Muscles(
        names=tuple(model.muscles),
        max_force_n=force,
        optimal_length_m=length,
        max_velocity_m_s=constants["max_contraction_velocity_m_s"],
        mass_kg=muscle_mass(
            force,
            length,
            specific_tension_pa=1e6 * settings.specific_tension_mpa,
            density_kg_m3=settings.muscle_density_kg_m3,
        ),
        slow_twitch=np.array([DEFAULT if share is None else share for share in shares], float),
        assumed=tuple(name for name, share in zip(model.muscles, shares, strict=True) if share is None),
        shortest=curves[:, 4],
        longest=curves[:, 5],
        passive_force=curves[:, 7],
    )
