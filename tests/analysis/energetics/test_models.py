"""Each model against numbers computed by hand from its published formula, and what must hold for all of them."""

import dataclasses

import numpy as np
import pytest
from one_muscle import muscles, random_states, state

from myoassist.analysis.energetics.bhargava_2004 import bhargava_2004
from myoassist.analysis.energetics.metabolic_power import MODELS
from myoassist.analysis.energetics.minetti_alexander_1997 import cost_of_velocity, minetti_alexander_1997
from myoassist.analysis.energetics.recruitment import excited_shares, recruited_slow_share
from myoassist.analysis.energetics.umberger_2010 import umberger_2010
from myoassist.config.analysis import EnergeticsSettings

FIXED = EnergeticsSettings(recruitment="fixed")
INCLUDED = EnergeticsSettings(recruitment="fixed", negative_work="included")
EXCLUDED = EnergeticsSettings(negative_work="excluded")
AM = 0.2 * 1.5 * (25 * 0.5 + 153 * 0.5) * 0.5**0.6
"""Heat of activation and maintenance of 0.2 kg, half slow-twitch, at half activation: 17.615 W."""


def watts(rate):
    return {f.name: None if (v := getattr(rate, f.name)) is None else v.item() for f in dataclasses.fields(rate)}


def test_umberger_shortening_by_hand():
    rate = watts(umberger_2010(state(velocity=-0.2), muscles(), FIXED))
    assert pytest.approx(17.615, abs=1e-3) == AM
    # 2 of 4 lengths per second of the slow fibres: 50 W/kg; 2 of 10 of the fast ones: 30.6 W/kg; A^2 = 0.25
    assert rate["activation"] == pytest.approx(AM)
    assert rate["shortening"] == pytest.approx(0.2 * 1.5 * 0.25 * (0.5 * 50 + 0.5 * 30.6))
    assert rate["work"] == pytest.approx(60)
    assert rate["total"] == pytest.approx(80.638, abs=1e-3)


def test_umberger_slow_fibres_give_100_w_per_kg_at_most():
    heat = watts(umberger_2010(state(1, 1, velocity=-0.8), muscles(slow_twitch=1.0), FIXED))["shortening"]
    assert heat == pytest.approx(0.2 * 1.5 * 100)


def test_umberger_lengthening_with_and_without_negative_work():
    without = watts(umberger_2010(state(velocity=0.2), muscles(), FIXED))
    assert without["shortening"] == pytest.approx(0.2 * 1.5 * 0.5 * 0.3 * 50)
    assert without["work"] == 0
    counted = watts(umberger_2010(state(force=20, velocity=0.2), muscles(), INCLUDED))
    assert counted["shortening"] == pytest.approx(0.2 * 1.5 * 0.5 * 4.0 * 50)
    assert counted["work"] == pytest.approx(-4)


def test_umberger_activity_is_the_excitation_while_it_rises():
    rising = watts(umberger_2010(state(excitation=0.8, activation=0.2), muscles(), FIXED))
    falling = watts(umberger_2010(state(excitation=0.2, activation=0.8), muscles(), FIXED))
    assert rising["activation"] == pytest.approx(AM * (0.8 / 0.5) ** 0.6)
    assert falling["activation"] == pytest.approx(AM)


def test_umberger_long_fibres_keep_four_tenths_of_the_heat_of_activation():
    rate = watts(umberger_2010(state(velocity=-0.2, length=1.25, isometric=0.5), muscles(), FIXED))
    assert rate["activation"] == pytest.approx(AM * (0.4 + 0.6 * 0.5))
    assert rate["shortening"] == pytest.approx(0.5 * 0.2 * 1.5 * 0.25 * 40.3)
    short = watts(umberger_2010(state(velocity=-0.2, length=0.75, isometric=0.5), muscles(), FIXED))
    assert short["activation"] == pytest.approx(AM)


@pytest.mark.parametrize(("slow_twitch", "heat"), [(1.0, 25.0), (0.0, 153.0)])
def test_umberger_published_heat_of_fully_active_fibres(slow_twitch, heat):
    settings = EnergeticsSettings(aerobic_factor=1.0)
    rate = umberger_2010(state(1, 1), muscles(slow_twitch=slow_twitch), settings)
    assert rate.total.item() == pytest.approx(0.2 * heat)


@pytest.mark.parametrize(("slow_twitch", "heat"), [(1.0, 40.0 + 74.0), (0.0, 133.0 + 111.0)])
def test_bhargava_published_heat_of_fully_excited_fibres(slow_twitch, heat):
    rate = bhargava_2004(state(1, 1), muscles(slow_twitch=slow_twitch), EnergeticsSettings())
    assert rate.total.item() == pytest.approx(0.2 * heat)


def test_bhargava_shortening_by_hand():
    rate = watts(bhargava_2004(state(velocity=-0.2), muscles(), EnergeticsSettings()))
    # u_slow = 0.5 sin 45°, u_fast = 0.5 (1 - cos 45°): 33.62 W/kg of activation, 42.42 W/kg of maintenance
    assert rate["activation"] == pytest.approx(0.2 * (33.6196 + 42.4186), abs=1e-4)
    assert rate["shortening"] == pytest.approx((0.16 * 500 + 0.18 * 300) * 0.2)
    assert rate["work"] == pytest.approx(60)
    assert rate["total"] == pytest.approx(102.0076, abs=1e-4)


def test_bhargava_lengthening_takes_heat_up():
    rate = watts(bhargava_2004(state(force=50, velocity=0.2), muscles(), EXCLUDED))
    assert rate["shortening"] == pytest.approx(-0.157 * 50 * 0.2)
    assert rate["work"] == 0
    published = watts(bhargava_2004(state(force=50, velocity=0.2), muscles(), EnergeticsSettings()))
    assert published["work"] == pytest.approx(-10)


@pytest.mark.parametrize(
    ("length", "factor"), [(0.3, 0.5), (0.5, 0.5), (0.75, 0.75), (1.0, 1.0), (1.25, 0.5), (1.7, 0)]
)
def test_bhargava_maintenance_depends_on_length(length, factor):
    rate = bhargava_2004(state(1, 1, length=length), muscles(slow_twitch=1.0), EnergeticsSettings())
    assert rate.activation.item() == pytest.approx(0.2 * (40 + 74 * factor))


def test_minetti_and_alexander_by_hand():
    isometric = minetti_alexander_1997(state(), muscles(), EnergeticsSettings())
    assert isometric.total.item() == pytest.approx(0.054 * 500)
    shortening = minetti_alexander_1997(state(velocity=-0.2), muscles(), EnergeticsSettings())
    assert shortening.total.item() == pytest.approx(500 * 0.2536 / 1.27288)
    lengthening = minetti_alexander_1997(state(velocity=0.2), muscles(), EnergeticsSettings())
    assert lengthening.total.item() == pytest.approx(500 * (0.054 - 0.1012 + 0.0984) / (1 + 0.226 + 0.512 + 0.01312))


def test_the_cost_of_velocity_is_positive_and_held_beyond_its_range():
    x = np.linspace(-1, 1, 401)
    assert cost_of_velocity(x).min() > 0
    np.testing.assert_array_equal(cost_of_velocity(np.array([-9.0, 7.7])), cost_of_velocity(np.array([-1.0, 1.0])))


def test_slow_fibres_are_recruited_first():
    excitation = np.array([[0.0], [1e-6], [0.5], [1.0]])
    share = recruited_slow_share(excitation, np.array([0.5]))
    np.testing.assert_allclose(share[:, 0], [1, 1, np.sqrt(0.5), 0.5], atol=1e-5)
    assert recruited_slow_share(np.array([[0.0, 0.0]]), np.array([0.0, 1.0])).tolist() == [[0.0, 1.0]]
    slow, fast = excited_shares(np.array([[1.0]]), np.array([0.3]))
    assert (slow.item(), fast.item()) == (pytest.approx(0.3), pytest.approx(0.7))


def test_orderly_recruitment_spares_heat_below_full_excitation():
    orderly = umberger_2010(state(), muscles(), EnergeticsSettings()).total.item()
    assert orderly < umberger_2010(state(), muscles(), FIXED).total.item()
    full = [umberger_2010(state(1, 1), muscles(), s).total.item() for s in (EnergeticsSettings(), FIXED)]
    assert full[0] == pytest.approx(full[1])


@pytest.mark.parametrize("negative_work", ["published", "included", "excluded"])
@pytest.mark.parametrize("name", MODELS)
def test_totals_are_finite_not_negative_and_the_sum_of_their_parts(name, negative_work):
    settings = EnergeticsSettings(negative_work=negative_work)
    rate = MODELS[name](random_states(500, 3), muscles(3), settings)
    assert rate.total.shape == (500, 3)
    assert np.isfinite(rate.total).all()
    assert rate.total.min() >= 0
    if rate.work is not None:
        np.testing.assert_allclose(rate.activation + rate.shortening + rate.work, rate.total, atol=1e-9)
        assert (rate.activation + rate.shortening).min() >= 0.2 * settings.least_heat_w_kg - 1e-12
        assert (rate.work.min() < 0) == (negative_work == "included" or (negative_work, name[0]) == ("published", "b"))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("velocity", [-0.5, 0.0, 0.5])
def test_a_silent_muscle_spends_its_least_heat(name, velocity):
    total = MODELS[name](state(0, 0, force=0, velocity=velocity), muscles(), EnergeticsSettings()).total.item()
    assert total == pytest.approx(0 if name.startswith("minetti") else 0.2 * 1.0)


@pytest.mark.parametrize("name", MODELS)
def test_a_muscle_that_holds_its_length_does_no_work(name):
    rate = MODELS[name](state(velocity=0), muscles(), EnergeticsSettings())
    if rate.work is not None:
        assert rate.work.item() == 0
        assert rate.shortening.item() == pytest.approx(0)


@pytest.mark.parametrize("name", MODELS)
def test_more_excitation_costs_more(name):
    totals = [
        MODELS[name](state(u, u, force=1000 * u, velocity=-0.1), muscles(), EnergeticsSettings()).total.item()
        for u in np.linspace(0.02, 1, 30)
    ]
    assert (np.diff(totals) > 0).all()


@pytest.mark.parametrize("name", ["umberger_2010", "bhargava_2004"])
def test_a_violent_stretch_costs_nothing_rather_than_giving_energy_back(name):
    settings = EnergeticsSettings(negative_work="included")
    rate = MODELS[name](state(force=1400, velocity=0.9), muscles(), settings)
    assert rate.work.item() == pytest.approx(-1260)
    assert rate.total.item() == 0


def test_heat_grows_with_mass_and_work_does_not():
    one, two = (umberger_2010(state(velocity=-0.2), muscles(mass_kg=m), FIXED) for m in (0.2, 0.4))
    assert two.activation.item() == pytest.approx(2 * one.activation.item())
    assert two.shortening.item() == pytest.approx(2 * one.shortening.item())
    assert two.work.item() == one.work.item()
