"""The twin without visuals that environments step: smaller, and equal in every bit of its motion."""

import mujoco
import numpy as np
import pytest

from myoassist.config.model import ModelSettings
from myoassist.formats.compiled_model import load_model, physics_only
from myoassist.models.build import build

NOT_SHAPE = ("body_", "dof_", "jnt_", "eq_", "actuator_", "tendon_", "wrap_", "sensor_", "qpos", "site_pos", "key_qpos")
INDICES = ("body_geomadr", "body_geomnum", "body_margin", "body_bvhadr", "body_bvhnum", "sensor_objid", "sensor_refid")


def fall(model: mujoco.MjModel, steps: int) -> np.ndarray:
    """States and sensors of a body that falls onto the ground with twitching muscles."""
    data, rng, rows = mujoco.MjData(model), np.random.default_rng(0), []
    data.qpos[1] = 0.95
    for _ in range(steps):
        data.ctrl[:] = rng.uniform(*model.actuator_ctrlrange.T)
        mujoco.mj_step(model, data)
        rows.append(np.concatenate([data.qpos, data.qvel, data.act, data.sensordata]))
    return np.array(rows)


@pytest.mark.parametrize("name", ["assets", "exo_assets"])
def test_it_moves_exactly_like_the_full_model(name, request):
    made = request.getfixturevalue(name)
    full, _ = load_model(made.model, made.manifest)
    slim = physics_only(full)
    assert mujoco.mj_sizeModel(slim) < 0.6 * mujoco.mj_sizeModel(full)
    assert slim.ntexdata < 1000
    np.testing.assert_array_equal(fall(full, 400), fall(slim, 400))
    for field in dir(full):
        if field.startswith(NOT_SHAPE) and field not in INDICES:
            np.testing.assert_array_equal(getattr(slim, field), getattr(full, field), err_msg=field)


def test_factors_hold_for_both(tmp_path):
    files = {"model": tmp_path / "model.mjb", "manifest": tmp_path / "manifest.json"}
    build(ModelSettings(mass_factor=1.3, strength_factors={"soleus": 0.4}), **files)
    full, _ = load_model(**files)
    slim = physics_only(full)
    assert slim.ngeom < full.ngeom
    np.testing.assert_array_equal(slim.body_mass, full.body_mass)
    np.testing.assert_array_equal(slim.actuator_gainprm, full.actuator_gainprm)
    np.testing.assert_array_equal(slim.dof_invweight0, full.dof_invweight0)


def test_a_model_without_a_twin_is_its_own():
    model = mujoco.MjModel.from_xml_string("<mujoco/>")
    assert physics_only(model) is model
