"""A muscle whose numbers are easy to compute by hand."""

import numpy as np

from myoassist.analysis.energetics.contraction import Contraction
from myoassist.analysis.energetics.muscles import Muscles


def muscles(count=1, slow_twitch=0.5, mass_kg=0.2):
    """Largest force 1000 N, optimal length 0.1 m, 10 optimal lengths per second, 0.2 kg."""
    fill = lambda value: np.full(count, float(value))  # noqa: E731
    return Muscles(
        names=tuple(f"m{i}_r" for i in range(count)),
        max_force_n=fill(1000),
        optimal_length_m=fill(0.1),
        max_velocity_m_s=fill(1),
        mass_kg=fill(mass_kg),
        slow_twitch=fill(slow_twitch),
        assumed=(),
        shortest=fill(0.5),
        longest=fill(1.6),
        passive_force=fill(1.2),
    )


def state(excitation=0.5, activation=0.5, force=300.0, velocity=0.0, length=1.0, isometric=1.0):
    """One instant of one muscle; velocity in m/s, lengthening positive."""
    values = (excitation, activation, force, velocity, length, isometric)
    return Contraction(*(np.array([[float(value)]]) for value in values))


def random_states(rows, count, seed=0):
    rng = np.random.default_rng(seed)
    return Contraction(
        excitation=rng.uniform(0, 1, (rows, count)),
        activation=rng.uniform(0, 1, (rows, count)),
        active_force_n=rng.uniform(0, 1400, (rows, count)),
        velocity_m_s=rng.uniform(-1.5, 1.5, (rows, count)),
        length=rng.uniform(0.3, 1.8, (rows, count)),
        isometric=rng.uniform(0, 1, (rows, count)),
    )
