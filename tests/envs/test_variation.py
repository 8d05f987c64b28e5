"""Bodies and grounds that differ within a batch: each its own, drawn from the seed, and nothing at all when off."""

import mujoco
import numpy as np
import pytest

from myoassist.config.environment import VariationSettings
from myoassist.config.experiment import Experiment
from myoassist.envs.variation import draw_variant
from myoassist.errors import InputError
from myoassist.formats.compiled_model import load_model

EVERYTHING = {
    "seed": 3,
    "mass_factor": [0.8, 1.2],
    "strength_factor": [0.6, 1.0],
    "strength_factors": {"soleus": [0.2, 1.0], "tibant_l": [0.5, 0.5]},
    "slope_deg": [-6.0, 6.0],
}


@pytest.fixture(scope="module")
def rough_assets(assets_of):
    ground = {"terrain": "random", "amplitude_m": 0.04, "extent_m": 12.0, "resolution": 96}
    return assets_of(Experiment.parse({"model": {"ground": ground}}))


def states(batch, steps: int = 20) -> np.ndarray:
    """All states of a batch under fixed actions, (steps, N, nstate)."""
    rng = np.random.default_rng(0)
    batch.reset(seed=7)
    rows = []
    for _ in range(steps):
        batch.step(rng.uniform(-1, 1, (8, 22))[: batch.num_envs])
        rows.append(batch.simulation.state.copy())
    batch.close()
    return np.array(rows)


def test_variation_that_is_off_changes_no_bit(assets, make_handler):
    plain = states(make_handler(assets).make_batch(3))
    off = states(make_handler(assets, variation={"seed": 99, "mass_factor": [1.0, 1.0]}).make_batch(3))
    np.testing.assert_array_equal(plain, off)
    shared = make_handler(assets).make_batch(3)
    assert len({id(model) for model in shared.simulation.models}) == 1


def test_an_environment_does_not_depend_on_how_many_there_are(assets, make_handler):
    handler = make_handler(assets, variation=EVERYTHING)
    many = states(handler.make_batch(6, threads=2))
    np.testing.assert_array_equal(many[:, :2], states(handler.make_batch(2, threads=1)))
    assert not np.array_equal(many[0, 0], many[0, 1])


def test_models_differ_as_drawn(assets, make_handler):
    handler = make_handler(assets, variation=EVERYTHING)
    batch, manifest = handler.make_batch(4), handler.manifest
    one = make_handler(assets).make_batch(1).simulation.model
    for index, model in enumerate(batch.simulation.models):
        variant = draw_variant(batch.settings.variation, manifest, index)
        assert 0.8 <= variant.mass_factor <= 1.2
        assert model.body_mass.sum() == pytest.approx(variant.mass_factor * one.body_mass.sum())
        np.testing.assert_allclose(model.dof_M0, variant.mass_factor * one.dof_M0, rtol=0.02)
        assert batch.reader.body_weight_n[index] == pytest.approx(model.body_mass.sum() * 9.81, rel=1e-3)
        actuators = [muscle.actuator for muscle in manifest.muscles]
        ratio = model.actuator_gainprm[actuators, 2] / one.actuator_gainprm[actuators, 2]
        np.testing.assert_allclose(ratio, variant.strength_factors)
        strength = dict(zip(manifest.muscle_names, variant.strength_factors, strict=True))
        assert strength["soleus_r"] == strength["soleus_l"] < strength["vasti_r"]
        assert strength["tibant_l"] == pytest.approx(0.5 * strength["tibant_r"])
    assert len(set(batch.reader.body_weight_n)) == 4


def test_one_range_does_not_change_what_is_drawn_for_another(assets, make_handler):
    manifest = make_handler(assets).manifest
    all_of_it = draw_variant(VariationSettings.parse(EVERYTHING), manifest, 5)
    only_mass = draw_variant(VariationSettings.parse({"seed": 3, "mass_factor": [0.8, 1.2]}), manifest, 5)
    assert only_mass.mass_factor == all_of_it.mass_factor
    assert only_mass.slope_deg is None


def test_loads_are_in_the_bodys_own_weight(assets, make_handler):
    batch = make_handler(assets, variation={"mass_factor": [0.5, 2.0]}).make_batch(5)
    batch.reset(seed=0, options={"phase": 0.3})
    feet = [batch.manifest.feet[side].sensor_foot + 3 for side in "rl"]
    newtons = -batch.simulation.sensordata[:, -1][:, feet].sum(axis=1)
    weights = np.array([model.body_mass.sum() for model in batch.simulation.models]) * batch.manifest.gravity_m_s2
    np.testing.assert_allclose(batch.step_result.foot_force.sum(axis=1), newtons / weights)


def drop(model, x: float) -> float:
    """Height of the ground found by a ray from above."""
    data = mujoco.MjData(model)
    data.qpos[0] = 1e4
    mujoco.mj_kinematics(model, data)
    found = np.zeros(1, dtype=np.int32)
    down = np.array([0.0, 0.0, -1.0])
    return 10.0 - mujoco.mj_ray(model, data, np.array([x, 0.0, 10.0]), down, None, 1, -1, found)


def test_every_body_stands_on_its_own_slope(assets, make_handler):
    groups = [{"name": "terrain_heights"}]
    handler = make_handler(assets, variation={"slope_deg": [-8.0, 8.0]}, observation={"groups": groups})
    batch = handler.make_batch(6)
    observations, _ = batch.reset(seed=0)
    slopes = [draw_variant(batch.settings.variation, batch.manifest, index).slope_deg for index in range(6)]
    rise = np.tan(np.radians(slopes))
    assert len(set(slopes)) == 6
    for index, model in enumerate(batch.simulation.models):
        assert drop(model, 2.0) == pytest.approx(2.0 * rise[index], abs=1e-6)
        assert -0.005 < batch.simulation.sole_height(index) < 0.03
    np.testing.assert_allclose(observations[:, -1], rise, atol=1e-6)
    batch.simulation.qpos[:, 0] += 50.0
    batch.simulation.qpos[:, 1] += 50.0 * rise
    moved = batch._gather(np.arange(6), np.zeros(6, dtype=bool))
    np.testing.assert_allclose(moved.pelvis_height, batch.step_result.pelvis_height, atol=1e-9)


def test_every_body_walks_on_its_own_rough_ground(rough_assets, make_handler):
    batch = make_handler(rough_assets, variation={"ground_realisations": True, "seed": 1}).make_batch(3)
    batch.reset(seed=0)
    places = np.linspace(-4.0, 4.0, 41)
    profiles = []
    for index, model in enumerate(batch.simulation.models):
        felt = np.array([drop(model, x) for x in places])
        np.testing.assert_allclose(batch.simulation.ground.height(places, index), felt, atol=0.004)
        assert 0.01 < np.ptp(felt) <= 0.041
        profiles.append(felt)
    assert np.abs(profiles[0] - profiles[1]).max() > 0.005
    one = make_handler(rough_assets).make_batch(3)
    assert len({id(model) for model in one.simulation.models}) == 1


def test_each_environment_owns_a_model_without_visuals(assets, make_handler):
    batch = make_handler(assets, variation={"mass_factor": [0.9, 1.1]}).make_batch(2)
    full, _ = load_model(assets.model, assets.manifest)
    own = batch.simulation.models
    assert own[0] is not own[1]
    assert mujoco.mj_sizeModel(own[0]) < 0.3 * mujoco.mj_sizeModel(full)


@pytest.mark.parametrize(
    ("variation", "message"),
    [
        ({"strength_factors": {"soleuss": [0.5, 1.0]}}, "unknown muscle or group 'soleuss'"),
        ({"ground_realisations": True}, "needs random ground"),
        ({"mass_factor": [1.2, 0.8]}, "lowest value must not exceed the highest"),
    ],
)
def test_impossible_variations_are_refused(variation, message, assets, make_handler):
    with pytest.raises(InputError, match=message):
        make_handler(assets, variation=variation).make_batch(2)


def test_rough_ground_has_no_slope_to_vary(rough_assets, make_handler):
    with pytest.raises(InputError, match="needs flat or sloped ground"):
        make_handler(rough_assets, variation={"slope_deg": [0.0, 1.0]}).make_batch(2)
