import mujoco
import numpy as np
import pytest

from myoassist.config.reference import RetargetSettings
from myoassist.errors import InputError
from myoassist.formats.files import sha256
from myoassist.formats.reference_motion import SIDES
from myoassist.reference import cyclic
from myoassist.reference.body import PlanarBody
from myoassist.reference.retarget import main_contact, retarget
from myoassist.reference.static_optimization import load_share


def lowest_vertices(model, manifest, qpos):
    """Lowest mesh vertex of each foot, straight from the model (independent of the fit's outlines)."""
    data = mujoco.MjData(model)
    heights = np.empty((len(qpos), 2))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        for side, letter in enumerate(SIDES):
            low = []
            for geom in range(model.ngeom):
                owner = model.body(model.geom_bodyid[geom]).name
                if owner not in manifest.feet[letter].bodies or not model.geom_conaffinity[geom]:
                    continue
                mesh = model.geom_dataid[geom]
                start = model.mesh_vertadr[mesh]
                vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]]
                low.append((vertices @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom])[:, 2].min())
            heights[k, side] = min(low)
    return heights


def test_the_stance_foot_rests_on_the_ground_and_the_swing_foot_clears_it(fitted, body_model):
    height = lowest_vertices(*body_model, fitted.qpos)
    np.testing.assert_allclose(height, fitted.sole_height, atol=1e-6)
    for side in range(2):
        stance = fitted.contact[:, side]
        assert np.sqrt((height[stance, side] ** 2).mean()) <= 0.003
        assert 0.55 < stance.mean() < 0.68
        own = np.roll(height[:, side], -round(0.5 * side * fitted.frames))
        middle = own[round(0.70 * fitted.frames) : round(0.92 * fitted.frames)]
        assert middle.min() >= 0.010
    assert height.min() > -0.002
    assert fitted.quality["stance_height_rms_m"] <= 0.003
    assert fitted.quality["clearance_min_m"] >= 0.010


def test_the_planted_foot_does_not_slip(fitted, body_model):
    model, manifest = body_model
    body = PlanarBody(model, manifest)
    index = [fitted.joint_names.index(name) for name in body.names]
    feet = body.feet(fitted.qpos[:, index], jacobian=False)
    step = fitted.stride_time_s / fitted.frames
    for side, foot in enumerate(feet):
        planted = fitted.contact[:, side] & np.roll(fitted.contact[:, side], -1)
        planted[-1] = False  # its next frame lies one stride ahead
        frames = np.flatnonzero(planted)
        touching = foot.position[frames, :, 1].argmin(axis=1)
        way = foot.position[frames + 1, touching, 0] - foot.position[frames, touching, 0]
        assert np.sqrt((way**2).mean()) / step < 0.05
    assert fitted.quality["slip_rms_m_s"] <= 0.05


def test_angles_keep_half_a_degree_from_their_limits(fitted, body_model):
    for joint in body_model[1].independent_joints:
        if joint.range is None:
            continue
        values = fitted.qpos[:, joint.qpos]
        assert values.min() >= joint.range[0] + np.deg2rad(0.499), joint.name
        assert values.max() <= joint.range[1] - np.deg2rad(0.499), joint.name


def test_coupled_joints_are_at_their_coupled_values_and_velocities(fitted, body_model):
    model, manifest = body_model
    for coupling in manifest.couplings:
        driven, driver = manifest.joint(coupling.dependent), manifest.joint(coupling.independent)
        x = fitted.qpos[:, driver.qpos] - model.qpos0[driver.qpos]
        polynomial = np.polynomial.Polynomial(coupling.polynomial)
        wanted = model.qpos0[driven.qpos] + polynomial(x)
        assert np.abs(fitted.qpos[:, driven.qpos] - wanted).max() < 1e-9, coupling.dependent
        speed = polynomial.deriv()(x) * fitted.qvel[:, driver.dof]
        assert np.abs(fitted.qvel[:, driven.dof] - speed).max() < 1e-9, coupling.dependent


def test_velocities_are_the_derivative_of_positions_and_the_pelvis_advances_one_stride(fitted):
    periodic = fitted.qpos.copy()
    forward = fitted.column("pelvis_tx")
    phase = cyclic.grid(fitted.frames)
    assert fitted.qpos[0, forward] == pytest.approx(0, abs=1e-9)
    periodic[:, forward] -= phase * fitted.stride_length_m
    slope = cyclic.evaluate(cyclic.coefficients(periodic), phase, 1) / fitted.stride_time_s
    slope[:, forward] += fitted.speed_m_s
    np.testing.assert_allclose(fitted.qvel, slope, atol=1e-6)
    assert fitted.qvel[:, forward].mean() == pytest.approx(fitted.speed_m_s, rel=1e-9)


def test_phase_zero_is_right_heel_strike(fitted):
    right = fitted.contact[:, 0]
    assert right[0] or right[1]
    assert not right[-2]
    assert fitted.foot_position[0, 0, 0] > fitted.foot_position[0, 1, 0]


def test_foot_positions_are_those_of_the_heels(fitted, body_model):
    model, _ = body_model
    data = mujoco.MjData(model)
    for frame in (0, 77):
        data.qpos[:] = fitted.qpos[frame]
        mujoco.mj_kinematics(model, data)
        for side, letter in enumerate(SIDES):
            wanted = data.body(f"calcn_{letter}").xpos - data.body("pelvis").xpos
            np.testing.assert_allclose(fitted.foot_position[frame, side], wanted, atol=1e-9)


def test_a_symmetric_reference_gives_a_symmetric_fit(fitted):
    half = fitted.frames // 2
    for name in ("hip_flexion", "knee_angle", "ankle_angle", "mtp_angle"):
        right, left = (fitted.qpos[:, fitted.column(f"{name}_{side}")] for side in SIDES)
        np.testing.assert_allclose(np.roll(left, half), right, atol=1e-9)


def test_every_change_is_reported_as_it_is(fitted):
    for name in ("knee_angle_r", "pelvis_tilt"):
        change = fitted.qpos[:, fitted.column(name)] - fitted.reference_position[:, fitted.independent.index(name)]
        report = fitted.change[name]
        assert report["offset_rad"] == pytest.approx(change.mean())
        assert report["rms_change_rad"] == pytest.approx(change.std())
        assert report["max_change_rad"] == pytest.approx(np.abs(change).max())
        assert np.rad2deg(report["rms_change_rad"]) < 3
    assert set(fitted.change) == set(fitted.independent) - {"pelvis_tx", "pelvis_ty"}


def test_activations_and_ground_forces_are_those_of_walking(fitted, body_model):
    manifest = body_model[1]
    weight = manifest.total_mass_kg * manifest.gravity_m_s2
    assert fitted.activation.min() >= 0
    assert fitted.activation.max() <= 1
    vertical = fitted.ground_reaction_force[..., 2]
    assert vertical.min() >= -1e-9
    assert vertical.sum(axis=1).mean() / weight == pytest.approx(1, abs=0.01)
    assert vertical.max() < 1.5 * weight
    assert not vertical[~fitted.contact].any()
    # residuals after Hicks et al. (2015): 5 % of the body weight, 1 % of weight times height of the mass
    residual = fitted.root_residual
    assert np.sqrt((residual[:, :2] ** 2).sum(axis=1).mean()) < 0.01 * weight
    assert np.abs(residual[:, :2]).max() < 0.05 * weight
    assert np.sqrt((residual[:, 2] ** 2).mean()) < 0.01 * weight * 0.95
    big = [fitted.independent.index(f"{name}_r") for name in ("hip_flexion", "knee_angle", "ankle_angle")]
    assert np.abs(fitted.reserve_moment[:, big]).max() < 1.0


@pytest.mark.parametrize(("muscle", "phases"), [("soleus_r", (0.30, 0.50)), ("vasti_r", (0.05, 0.25))])
def test_muscles_work_when_they_do_in_people(fitted, muscle, phases):
    activity = fitted.activation[:, fitted.muscle_names.index(muscle)]
    first, last = (round(phase * fitted.frames) for phase in phases)
    swing = activity[round(0.7 * fitted.frames) : round(0.9 * fitted.frames)]
    assert activity[first:last].mean() > 3 * swing.mean()


def test_vertical_force_balances_in_an_independent_calculation(fitted, body_model):
    """Force on the feet = mass times (gravity + acceleration of the centre of mass, by differences)."""
    model, manifest = body_model
    data = mujoco.MjData(model)
    height = np.empty(fitted.frames)
    for k, pose in enumerate(fitted.qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        height[k] = data.subtree_com[0, 2]
    step = fitted.stride_time_s / fitted.frames
    acceleration = (np.roll(height, -1) - 2 * height + np.roll(height, 1)) / step**2
    wanted = manifest.total_mass_kg * (manifest.gravity_m_s2 + acceleration)
    force = fitted.ground_reaction_force[..., 2].sum(axis=1)
    assert np.abs(force + fitted.root_residual[:, 1] - wanted).max() < 10


def test_episodes_start_gently_from_every_phase(fitted, body_model):
    """50 ms with the activations held: no launch, no fall through the ground."""
    model, manifest = body_model
    data = mujoco.MjData(model)
    weight = manifest.total_mass_kg * manifest.gravity_m_s2
    pelvis = fitted.column("pelvis_ty")
    steps = round(0.05 / model.opt.timestep)
    ahead = round(0.05 / fitted.stride_time_s * fitted.frames)
    for k in range(0, fitted.frames, 10):
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:] = fitted.qpos[k], fitted.qvel[k]
        for muscle, activation in zip(manifest.muscles, fitted.activation[k], strict=True):
            data.act[muscle.activation] = data.ctrl[muscle.actuator] = activation
        force = []
        for _ in range(steps):
            mujoco.mj_step(model, data)
            force.append(sum(np.abs(data.sensordata[manifest.feet[side].sensor_foot + 3]) for side in SIDES) / weight)
        assert max(force) < 2.5, k
        assert 0.6 < np.mean(force) < 1.4, k
        expected = fitted.qpos[(k + ahead) % fitted.frames, pelvis]
        assert abs(data.qpos[pelvis] - expected) < 0.01, k


def test_equal_input_gives_equal_bytes(tmp_path, reference_files):
    retarget(
        RetargetSettings(),
        reference=reference_files["reference"],
        model=reference_files["model"],
        manifest=reference_files["manifest"],
        output=tmp_path / "again.h5",
    )
    assert sha256(tmp_path / "again.h5") == sha256(reference_files["fitted"])


def test_a_promise_that_cannot_be_kept_is_refused_and_nothing_is_written(tmp_path, reference_files):
    settings = RetargetSettings.parse({"stance_rms_m": 1e-6, "frames": 50, "fit": {"iterations": 5, "fit_frames": 40}})
    with pytest.raises(InputError, match=r"stance_height_rms_m is .* \(retarget\.stance_rms_m\)"):
        retarget(
            settings,
            reference=reference_files["reference"],
            model=reference_files["model"],
            manifest=reference_files["manifest"],
            output=tmp_path / "out.h5",
        )
    assert not list(tmp_path.iterdir())


def test_short_touches_are_not_stance():
    touching = np.zeros((100, 2), dtype=bool)
    touching[[90, 91, 0, 1, 2, 3, 5, 6, 7, 8], 0] = True
    touching[:, 1] = True
    contact = main_contact(touching)
    assert np.flatnonzero(contact[:, 0]).tolist() == list(range(9))
    assert contact[:, 1].all()


def test_load_goes_smoothly_from_foot_to_foot():
    contact = np.zeros((100, 2), dtype=bool)
    contact[:60, 0] = True
    contact[(np.arange(60) + 50) % 100, 1] = True
    share = load_share(contact, 0.1)
    assert not share[~contact].any()
    assert share[30, 0] == 1
    assert np.abs(np.diff(share, axis=0)).max() < 0.2
