"""A walk whose fibres move: what it costs by two models, against a quadrature of the formulas as docs/energetics.md has
them, written down once more."""

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import run_analysis
from synthetic_gait import MASS, SPEED

FIBER_M_S = 0.05
STRENGTH_N = 1000.0
MAX_VELOCITY_M_S = 0.5
MUSCLE_KG = 1059.7 * 0.05 * STRENGTH_N / 6e5
SLOW = np.array([0.803, 0.7, 0.803, 0.7])
"""Share of slow-twitch fibres: soleus and tibialis anterior of each leg."""
EXCITATION = 0.3


def mean(values):
    """Mean over the stride of values of each muscle, whole body (trapezoids: the ends of a stride are equal)."""
    return values[:-1].mean(axis=0).sum()


@pytest.fixture(scope="module")
def moving(tmp_path_factory, reference_file):
    folder, control = tmp_path_factory.mktemp("moving"), {"excitation": EXCITATION}
    return run_analysis(folder, reference_file, fiber_m_s=FIBER_M_S, control=control).metrics["energetics"]


class Stride:
    """One stride of all muscles at 20,000 instants."""

    strides = np.linspace(0, 1, 20_001)
    activation = synthetic_gait.activation(strides)
    velocity, _length = synthetic_gait.fiber_velocity(strides, FIBER_M_S)
    length = _length / 0.05
    # MuJoCo's curves with lmin 0.5, lmax 1.6, fpmax 1.3; lengths stay within half of the way to either end
    passive = STRENGTH_N * 1.3 * 0.5 * (np.maximum(length - 1, 0) / 0.3) ** 2
    force = np.maximum(STRENGTH_N * activation - passive, 0)
    isometric = 1 - 2 * np.where(length > 1, (length - 1) / 0.6, (1 - length) / 0.5) ** 2
    slow = SLOW * np.sin(np.pi / 2 * EXCITATION)
    fast = (1 - SLOW) * (1 - np.cos(np.pi / 2 * EXCITATION))


def bounded(activation, shortening, work):
    """Whole-body parts (W): heat is at least 1 W per kg of muscle, and heat and work together at least 0."""
    heat = np.maximum(np.maximum(activation + shortening, MUSCLE_KG), -work)
    return {"activation": mean(activation), "shortening": mean(heat - activation), "work": mean(work)}


def umberger():
    s = Stride
    share = s.slow / (s.slow + s.fast)
    state = np.where(s.activation < EXCITATION, EXCITATION, (EXCITATION + s.activation) / 2)
    beyond = s.length > 1
    activation = 1.5 * (25 * share + 153 * (1 - share)) * state**0.6 * np.where(beyond, 0.4 + 0.6 * s.isometric, 1)
    speed = np.abs(s.velocity) / 0.05  # optimal lengths per second, of which the fastest is 10
    shortens = 1.5 * state**2 * (np.minimum(100 * speed / 4, 100) * share + 153 * speed / 10 * (1 - share))
    lengthens = 1.5 * state * 0.3 * 100 * speed / 4
    moving = np.where(s.velocity < 0, shortens, lengthens) * np.where(beyond, s.isometric, 1)
    return bounded(MUSCLE_KG * activation, MUSCLE_KG * moving, np.maximum(-s.force * s.velocity, 0))


def bhargava():
    s = Stride
    held = np.interp(s.length, [0, 0.5, 1, 1.5], [0.5, 0.5, 1, 0])
    activation = MUSCLE_KG * (40 * s.slow + 133 * s.fast + (74 * s.slow + 111 * s.fast) * held)
    shortens = -(0.16 * STRENGTH_N * s.activation * s.isometric + 0.18 * s.force) * s.velocity
    moving = np.where(s.velocity < 0, shortens, -0.157 * s.force * s.velocity)
    return bounded(activation, moving, -s.force * s.velocity)


@pytest.mark.parametrize(("model", "quadrature"), [("umberger_2010", umberger), ("bhargava_2004", bhargava)])
def test_whole_body_power_is_that_of_an_independent_quadrature(moving, model, quadrature):
    parts, numbers = quadrature(), moving["models"][model]
    net = sum(parts.values())
    assert numbers["net_w_kg"] == pytest.approx(net / MASS, rel=1e-3)
    assert numbers["gross_w"] == pytest.approx(net + 1.2 * MASS, rel=1e-3)
    assert numbers["net_cost_of_transport_j_kg_m"] == pytest.approx(net / MASS / SPEED, rel=1e-3)
    for part, watts in parts.items():
        assert numbers["parts_w_kg"][part] == pytest.approx(watts / MASS, rel=3e-4)


def test_every_part_takes_a_part(moving):
    """Otherwise the numbers above would not tell formulas apart."""
    for quadrature in (umberger, bhargava):
        parts = quadrature()
        assert all(abs(watts) > 0.02 * sum(parts.values()) for watts in parts.values()), parts


def test_work_of_the_fibres_is_that_of_their_active_force(moving):
    power = -Stride.force * Stride.velocity
    assert moving["positive_fiber_work_w_kg"] == pytest.approx(mean(np.maximum(power, 0)) / MASS, rel=1e-3)
    assert moving["negative_fiber_work_w_kg"] == pytest.approx(mean(np.minimum(power, 0)) / MASS, rel=1e-3)
