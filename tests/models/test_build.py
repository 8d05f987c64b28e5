"""A compiled body: what it weighs, what its sensors feel, which names it refuses."""

import mujoco
import numpy as np
import pytest

from myoassist.config.model import ModelSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, load_model, read_manifest
from myoassist.models.build import build


def settle(model: mujoco.MjModel, manifest, seconds: float) -> np.ndarray:
    """Hold a standing body in place sideways of its own dynamics and return the feet's forces on the ground."""
    data = mujoco.MjData(model)
    data.qpos[manifest.joint("pelvis_ty").qpos] = manifest.standing_pelvis_height_m
    # stiff joints instead of muscles: what remains is a statue on soft ground
    for joint in manifest.independent_joints:
        if joint.kind == "hinge":
            model.dof_armature[joint.dof] = 1e5
    model.dof_armature[manifest.joint("pelvis_tx").dof] = 1e5
    for _ in range(round(seconds / model.opt.timestep)):
        mujoco.mj_step(model, data)
    mujoco.mj_forward(model, data)
    return np.array([data.sensordata[manifest.feet[side].sensor_foot + 1 :][:3] for side in SIDES])


def test_a_standing_body_presses_with_its_weight(assets):
    model, manifest = load_model(assets.model, assets.manifest)
    force = settle(model, manifest, 1.0)
    weight = manifest.total_mass_kg * manifest.gravity_m_s2
    assert -force[:, 2].sum() == pytest.approx(weight, rel=0.01)
    assert manifest.total_mass_kg == pytest.approx(78.09, abs=0.01)


def test_soles_of_a_device_are_felt(exo_assets):
    model, manifest = load_model(exo_assets.model, exo_assets.manifest)
    force = settle(model, manifest, 1.0)
    assert -force[:, 2].sum() == pytest.approx(manifest.total_mass_kg * manifest.gravity_m_s2, rel=0.01)
    assert [device.joint for device in manifest.devices] == ["ankle_angle_r", "ankle_angle_l"]


def test_the_manifest_describes_the_model(assets):
    model, manifest = load_model(assets.model, assets.manifest)
    assert manifest.joint_names == [model.joint(index).name for index in range(model.njnt)]
    assert len(manifest.muscles) == 22
    assert len(manifest.couplings) == 28
    assert [joint.name for joint in manifest.independent_joints] == [
        "pelvis_tx", "pelvis_ty", "pelvis_tilt",
        "hip_flexion_r", "knee_angle_r", "ankle_angle_r", "mtp_angle_r",
        "hip_flexion_l", "knee_angle_l", "ankle_angle_l", "mtp_angle_l",
    ]  # fmt: skip
    soleus = manifest.muscle("soleus_r")
    low, high = soleus.length_range_m
    assert low == pytest.approx(
        soleus.tendon_slack_length_m + soleus.gain_parameters[0] * soleus.optimal_fiber_length_m
    )
    assert high == pytest.approx(
        soleus.tendon_slack_length_m + soleus.gain_parameters[1] * soleus.optimal_fiber_length_m
    )
    with pytest.raises(InputError, match="unknown joint 'knee'"):
        manifest.joint("knee")


def test_the_same_settings_give_the_same_bytes(assets, tmp_path):
    build(ModelSettings(), model=tmp_path / "model.mjb", manifest=tmp_path / "manifest.json")
    assert (tmp_path / "model.mjb").read_bytes() == assets.model.read_bytes()
    assert (tmp_path / "manifest.json").read_bytes() == assets.manifest.read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"body": "myolegs23"}, "field 'body': unknown body 'myolegs23'"),
        ({"device": "Jetpack_L1"}, "field 'device': 'Jetpack_L1' does not fit"),
        ({"strength_factors": {"soleuss": 0.5}}, "unknown muscle or group 'soleuss'"),
        ({"ground": {"terrain": "grid", "grid": {"tiles": 3}}}, "field 'ground'"),
    ],
)
def test_unknown_parts_are_refused_and_nothing_is_written(settings, message, tmp_path):
    with pytest.raises(InputError, match=message):
        build(ModelSettings.parse(settings), model=tmp_path / "model.mjb", manifest=tmp_path / "manifest.json")
    assert list(tmp_path.iterdir()) == []


def test_weakness_and_mass_are_factors(assets, tmp_path):
    settings = ModelSettings(strength_factors={"soleus": 0.5, "tibant_l": 0.1}, mass_factor=1.2)
    weak = build(settings, model=tmp_path / "model.mjb", manifest=tmp_path / "manifest.json")
    normal = read_manifest(assets.manifest)
    ratio = {
        muscle.name: muscle.max_isometric_force_n / normal.muscle(muscle.name).max_isometric_force_n
        for muscle in weak.muscles
    }
    assert {name: round(value, 9) for name, value in ratio.items() if value != 1.0} == {
        "soleus_r": 0.5,
        "soleus_l": 0.5,
        "tibant_l": 0.1,
    }
    assert weak.total_mass_kg == pytest.approx(1.2 * normal.total_mass_kg)
    assert weak.body_mass_kg == weak.total_mass_kg


def test_the_mass_of_a_device_is_told_apart_from_the_body_s(assets, exo_assets):
    bare, worn = read_manifest(assets.manifest), read_manifest(exo_assets.manifest)
    assert bare.device_mass_kg == 0
    assert worn.device_mass_kg == pytest.approx(4.706, abs=0.001)
    assert worn.body_mass_kg == pytest.approx(bare.body_mass_kg)


def test_the_factor_on_mass_is_on_body_and_device(exo_assets, tmp_path):
    settings = ModelSettings(device="DephyExoBoot_L1", mass_factor=1.2)
    heavy = build(settings, model=tmp_path / "model.mjb", manifest=tmp_path / "manifest.json")
    normal = read_manifest(exo_assets.manifest)
    assert heavy.body_mass_kg == pytest.approx(1.2 * normal.body_mass_kg)
    assert heavy.device_mass_kg == pytest.approx(1.2 * normal.device_mass_kg)


@pytest.mark.parametrize(
    ("ground", "x", "height"),
    [({"terrain": "slope", "slope_deg": 5.0}, 2.0, 2.0 * np.tan(np.radians(5.0))), ({"terrain": "flat"}, 2.0, 0.0)],
)
def test_the_ground_is_where_it_says(ground, x, height, tmp_path):
    settings = ModelSettings.parse({"ground": ground})
    build(settings, model=tmp_path / "model.mjb", manifest=tmp_path / "manifest.json")
    model, _ = load_model(tmp_path / "model.mjb", tmp_path / "manifest.json")
    data = mujoco.MjData(model)
    data.qpos[0] = 100.0
    mujoco.mj_kinematics(model, data)
    found = np.zeros(1, dtype=np.int32)
    down = np.array([0.0, 0.0, -1.0])
    distance = mujoco.mj_ray(model, data, np.array([x, 0.0, 10.0]), down, None, 1, -1, found)
    assert 10.0 - distance == pytest.approx(height, abs=1e-3)


def test_damaged_or_mismatched_files_are_named(assets, tmp_path):
    cut = tmp_path / "model.mjb"
    cut.write_bytes(assets.model.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.mjb: damaged, or not the model"):
        load_model(cut, assets.manifest)
    half = tmp_path / "manifest.json"
    half.write_text(assets.manifest.read_text()[:500])
    with pytest.raises(InputError, match=r"manifest\.json: not valid JSON"):
        load_model(assets.model, half)
    half.write_text(assets.manifest.read_text().replace('"version": 2', '"version": 99'))
    with pytest.raises(InputError, match=r"field 'version': expected 2 \(found 99\)"):
        load_model(assets.model, half)


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ("KFoot_L1", "replaces the foot of the body"),
        ("OpenSourceLeg_A_L1", "replaces the foot of the body"),
        ("STRIDE_L2", "does not act on a joint"),
        ("UTAnkleExo_L2", "more than one degree of freedom"),
    ],
)
def test_devices_that_are_not_supported_are_refused_in_one_line(device, reason, tmp_path):
    with pytest.raises(InputError, match=reason):
        build(ModelSettings(device=device), model=tmp_path / "model.mjb", manifest=tmp_path / "manifest.json")
    assert not list(tmp_path.iterdir())
