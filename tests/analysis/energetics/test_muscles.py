"""Mass, fibre types and the split of forces, on the real body and against MuJoCo."""

import dataclasses

import mujoco
import numpy as np
import pytest
from one_muscle import muscles

from myoassist.analysis.energetics.contraction import contraction, force_length, passive_force
from myoassist.analysis.energetics.muscles import muscle_mass, read_muscles
from myoassist.analysis.energetics.slow_twitch import MERGED, SHARES, VOLUME_PERCENT, slow_twitch_share
from myoassist.config.analysis import EnergeticsSettings
from myoassist.config.model import ModelSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import read_manifest
from myoassist.formats.rollout_columns import RolloutModel
from myoassist.models.build import build


@pytest.fixture(scope="module")
def body(tmp_path_factory):
    """The planar 22-muscle body as a rollouts file describes it."""
    folder = tmp_path_factory.mktemp("body")
    build(ModelSettings(), model=folder / "model.mjb", manifest=folder / "manifest.json")
    manifest = read_manifest(folder / "manifest.json")
    constants = {
        "max_isometric_force_n": [m.max_isometric_force_n for m in manifest.muscles],
        "optimal_fiber_length_m": [m.optimal_fiber_length_m for m in manifest.muscles],
        "tendon_slack_length_m": [m.tendon_slack_length_m for m in manifest.muscles],
        "max_contraction_velocity_m_s": [
            m.max_shortening_velocity * m.optimal_fiber_length_m for m in manifest.muscles
        ],
    }
    return RolloutModel(
        total_mass_kg=manifest.total_mass_kg,
        device_mass_kg=manifest.device_mass_kg,
        gravity_m_s2=9.81,
        leg_length_m=1.0,
        state_rate_hz=250.0,
        control_rate_hz=50.0,
        coordinates=(),
        dofs=(),
        joints=(),
        muscles=tuple(manifest.muscle_names),
        devices=(),
        device_joints=(),
        actions=(),
        reward_terms=(),
        muscle_constants={name: np.array(values) for name, values in constants.items()},
        manifest=dataclasses.asdict(manifest),
    )


def test_the_mass_of_a_muscle_by_hand():
    # 1000 N at 0.6 MPa: 16.67 cm2; times 10 cm: 166.7 cm3; times 1.0597 g/cm3: 176.6 g
    mass = muscle_mass(np.array([1000.0]), np.array([0.1]), specific_tension_pa=6e5, density_kg_m3=1059.7)
    assert mass.item() == pytest.approx(0.17662, abs=1e-5)


def test_leg_muscle_is_a_fifth_of_the_body_and_would_not_be_with_another_specific_tension(body):
    def share(tension):
        found = read_muscles(body, EnergeticsSettings(specific_tension_mpa=tension))
        return found.mass_kg.sum() / body.total_mass_kg

    assert 0.15 < share(EnergeticsSettings().specific_tension_mpa) < 0.25
    assert share(0.6) == pytest.approx(0.181, abs=0.001)
    assert share(0.25) * body.total_mass_kg == pytest.approx(33.9, abs=0.1)


def test_every_muscle_of_the_body_has_a_share_of_slow_twitch_fibres(body):
    found = read_muscles(body, EnergeticsSettings())
    assert found.assumed == ()
    assert ((found.slow_twitch > 0.3) & (found.slow_twitch < 0.9)).all()
    right, left = (
        {name[:-2]: s for name, s in zip(found.names, found.slow_twitch, strict=True) if name.endswith(side)}
        for side in ("_r", "_l")
    )
    assert right == left
    assert max(right, key=right.get) == "soleus"


def test_merged_muscles_have_the_mean_of_their_parts_by_volume():
    vasti = (0.503 * 6.06 + 0.543 * 3.84 + 0.455 * 11.66) / (6.06 + 3.84 + 11.66)
    assert slow_twitch_share("vasti") == pytest.approx(vasti)
    assert slow_twitch_share("glutmax") == SHARES["glmax"]
    assert {part for parts in MERGED.values() for part in parts} == set(VOLUME_PERCENT) <= set(SHARES)


def test_parts_of_a_muscle_have_its_share_and_strangers_none():
    assert slow_twitch_share("glmax2") == SHARES["glmax"]
    assert slow_twitch_share("addmagDist") == SHARES["addmag"]
    assert slow_twitch_share("tongue") is None


def test_a_stranger_counts_as_half_and_is_named(body):
    names = ("tongue_r", *body.muscles[1:])
    manifest = {"muscles": [{**m, "name": n} for m, n in zip(body.manifest["muscles"], names, strict=True)]}
    strange = dataclasses.replace(body, muscles=names, manifest=manifest)
    found = read_muscles(strange, EnergeticsSettings())
    assert found.assumed == ("tongue_r",)
    assert found.slow_twitch[0] == 0.5
    told = read_muscles(strange, EnergeticsSettings(slow_twitch_shares={"tongue": 0.2, "soleus": 0.9}))
    assert told.assumed == ()
    assert told.slow_twitch[0] == 0.2
    assert told.slow_twitch[names.index("soleus_l")] == 0.9


@pytest.mark.parametrize("manifest", [{}, {"muscles": []}, {"muscles": [{"name": "soleus_r"}]}])
def test_a_file_without_force_length_curves_has_no_energetics(body, manifest):
    assert read_muscles(dataclasses.replace(body, manifest=manifest), EnergeticsSettings()) is None


def test_the_active_force_is_mujocos_gain_and_the_rest_its_bias(body):
    found = read_muscles(body, EnergeticsSettings())
    rng = np.random.default_rng(0)
    shape = (200, len(found.names))
    length = rng.uniform(0.2, 1.9, shape) * found.optimal_length_m
    velocity = rng.uniform(-1.2, 1.2, shape) * found.max_velocity_m_s
    activation = rng.uniform(0, 1, shape)
    gain, bias = np.zeros(shape), np.zeros(shape)
    for m, muscle in enumerate(body.manifest["muscles"]):
        limits, parameters = np.array(muscle["length_range_m"]), np.array(muscle["gain_parameters"])
        for row in range(shape[0]):
            unit = length[row, m] + muscle["tendon_slack_length_m"]
            gain[row, m] = -mujoco.mju_muscleGain(unit, velocity[row, m], limits, 1.0, parameters)
            bias[row, m] = -mujoco.mju_muscleBias(unit, limits, 1.0, parameters)
    state = contraction(
        found,
        excitation=activation,
        activation=activation,
        force_n=activation * gain + bias,
        fiber_length_m=length,
        fiber_velocity_m_s=velocity,
    )
    np.testing.assert_allclose(passive_force(state.length, found), bias, atol=1e-6)
    np.testing.assert_allclose(state.active_force_n, activation * gain, atol=1e-6)
    assert bias.max() > 100


def test_the_force_length_curve_by_hand():
    one = muscles()  # from 0.5 over 1 to 1.6
    length = np.array([[0.4], [0.5], [0.75], [1.0], [1.3], [1.45], [1.6], [2.0]])
    np.testing.assert_allclose(force_length(length, one)[:, 0], [0, 0, 0.5, 1, 0.5, 0.125, 0, 0], atol=1e-12)
    np.testing.assert_allclose(
        passive_force(length, one)[:, 0], [0, 0, 0, 0, 600, 1200, 1800, 1200 * (1 / 0.3 - 0.5)], atol=1e-9
    )


@pytest.mark.parametrize(
    "wrong",
    [{"specific_tension_mpa": 0}, {"slow_twitch_shares": {"soleus": 1.2}}, {"recruitment": "random"}, {"tension": 1}],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        EnergeticsSettings.parse(wrong)
