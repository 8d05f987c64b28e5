import mujoco
import numpy as np
import pytest
from falling_body import coupled

from myoassist.evaluation.biomechanics import Biomechanics, sole_points


def standing_still(body) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """A body whose joints are stiff in the standing pose, after it came to rest on the ground."""
    model = mujoco.MjModel.from_binary_path(str(body.model_path))
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_ACTUATION
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    data.qpos[:] = coupled(body, data.qpos)
    for joint in body.manifest.independent_joints:
        if joint.name not in ("pelvis_tx", "pelvis_ty"):
            index = model.joint(joint.name).id
            model.jnt_stiffness[index] = 1e5
            model.qpos_spring[joint.qpos] = data.qpos[joint.qpos]
            model.dof_damping[joint.dof] = 1e3
    for _ in range(2000):
        mujoco.mj_step(model, data)
    return model, data


def single(data: mujoco.MjData) -> tuple[np.ndarray, ...]:
    return data.qpos[None], data.qvel[None], data.act[None], data.ctrl[None]


def airborne(body, **angles: float) -> np.ndarray:
    qpos = body.model.qpos0.copy()
    for name, value in {"pelvis_ty": 1.4, **angles}.items():
        qpos[body.manifest.joint(name).qpos] = value
    return coupled(body, qpos)


def at_rest(body, qpos: np.ndarray, activation: float = 0.0) -> dict[str, np.ndarray]:
    model = body.model
    act = np.full((1, model.na), activation)
    columns = Biomechanics(model, body.manifest).compute(
        qpos[None], np.zeros((1, model.nv)), act, np.zeros((1, model.nu))
    )
    return {name: values[0] for name, values in columns.items()}


def test_the_ground_carries_the_weight_of_a_standing_body(body):
    model, data = standing_still(body)
    assert np.abs(data.qvel).max() < 5e-3
    columns = Biomechanics(model, body.manifest).compute(*single(data))
    weight = body.manifest.total_mass_kg * body.manifest.gravity_m_s2
    assert columns["ground_reaction_force"][0, :, 2].sum() == pytest.approx(weight, rel=0.01)
    assert (columns["ground_reaction_force"][0, :, 2] > 0.2 * weight).all()


def test_the_center_of_pressure_lies_under_the_foot(body):
    model, data = standing_still(body)
    columns = Biomechanics(model, body.manifest).compute(*single(data))
    pressure, heel, toe = (columns[name][0] for name in ("center_of_pressure", "heel_position", "toe_position"))
    assert (heel[:, 0] < pressure[:, 0]).all()
    assert (pressure[:, 0] < toe[:, 0]).all()
    np.testing.assert_allclose(pressure[:, 2], 0.0, atol=0.005)
    assert pressure[0, 1] < 0 < pressure[1, 1], "sides are ordered right, left, and left is +y"


def test_forces_follow_newton_while_the_body_moves(body, fallen):
    from myoassist.formats.rollouts import Rollouts

    mass, gravity = body.manifest.total_mass_kg, body.manifest.gravity_m_s2
    with Rollouts(fallen) as stored:
        for episode in stored:
            time, velocity = episode.state("time"), episode.state("center_of_mass_velocity")
            force = episode.state("ground_reaction_force").sum(axis=1)
            momentum = mass * (velocity[-1] - velocity[0])
            impulse = np.trapezoid(force - [0, 0, mass * gravity], time, axis=0)
            np.testing.assert_allclose(impulse, momentum, atol=0.02 * mass * gravity * time[-1])


def test_an_airborne_body_has_no_ground_force_and_no_center_of_pressure(body):
    columns = at_rest(body, airborne(body))
    assert (columns["ground_reaction_force"] == 0).all()
    assert np.isnan(columns["center_of_pressure"]).all()


@pytest.mark.parametrize("knee", [-0.1, -0.7, -1.3])
def test_moment_arms_equal_the_slope_of_length_over_angle(body, knee):
    biomechanics = Biomechanics(body.model, body.manifest)
    qpos = airborne(body, hip_flexion_r=0.3, knee_angle_r=knee, knee_angle_l=knee / 2, ankle_angle_l=-0.2)
    data, step = mujoco.MjData(body.model), 1e-5

    def lengths(name: str, change: float) -> np.ndarray:
        moved = qpos.copy()
        moved[body.manifest.joint(name).qpos] += change
        data.qpos[:] = coupled(body, moved)
        mujoco.mj_fwdPosition(body.model, data)
        return data.actuator_length.copy()

    slopes = [(lengths(name, step) - lengths(name, -step)) / (2 * step) for name in biomechanics.joints]
    np.testing.assert_allclose(biomechanics.moment_arms(qpos), -np.transpose(slopes), atol=1e-6)


def test_joint_moment_is_force_times_moment_arm(body):
    qpos = airborne(body, knee_angle_r=-0.6, knee_angle_l=-0.3)
    columns = at_rest(body, qpos, activation=0.4)
    arms = Biomechanics(body.model, body.manifest).moment_arms(qpos)
    np.testing.assert_allclose(columns["joint_moment"], columns["muscle_force"] @ arms, atol=1e-9)


def test_tension_is_positive_and_quadriceps_extend_the_knee(body):
    columns = at_rest(body, airborne(body, knee_angle_r=-0.6), activation=0.5)
    assert (columns["muscle_force"] > 0).all()
    biomechanics = Biomechanics(body.model, body.manifest)
    arms = biomechanics.moment_arms(airborne(body, knee_angle_r=-0.6))
    muscle = body.manifest.muscle_names.index
    knee, ankle = biomechanics.joints.index("knee_angle_r"), biomechanics.joints.index("ankle_angle_r")
    assert arms[muscle("vasti_r"), knee] > 0.02, "extension is positive in the model"
    assert arms[muscle("bifemsh_r"), knee] < -0.01
    assert arms[muscle("tibant_r"), ankle] > 0.01, "dorsiflexion is positive"
    assert arms[muscle("soleus_r"), ankle] < -0.02


@pytest.mark.parametrize(("angle", "sign"), [(0.12, -1), (-2.65, 1), (-0.5, 0)])
def test_a_joint_limit_pushes_back_towards_the_range(body, angle, sign):
    joints = Biomechanics(body.model, body.manifest).joints
    moment = at_rest(body, airborne(body, knee_angle_r=angle))["limit_moment"]
    assert np.sign(moment[joints.index("knee_angle_r")]) == sign
    assert moment[joints.index("ankle_angle_l")] == 0


def test_fiber_length_is_the_unit_less_the_rigid_tendon(body):
    qpos = airborne(body)
    data = mujoco.MjData(body.model)
    data.qpos[:] = qpos
    mujoco.mj_fwdPosition(body.model, data)
    slack = [muscle.tendon_slack_length_m for muscle in body.manifest.muscles]
    np.testing.assert_allclose(at_rest(body, qpos)["fiber_length"], data.actuator_length - slack, atol=1e-12)
    optimal = np.array([muscle.optimal_fiber_length_m for muscle in body.manifest.muscles])
    assert (at_rest(body, qpos)["fiber_length"] / optimal > 0.2).all()


def test_a_row_does_not_depend_on_the_rows_beside_it(body, fallen):
    from myoassist.formats.rollouts import Rollouts

    with Rollouts(fallen) as stored:
        episode = stored[1]
        states = [episode.state(name)[90:110] for name in ("qpos", "qvel", "activation")]
    states.append(np.zeros((20, body.model.nu)))
    biomechanics = Biomechanics(body.model, body.manifest)
    together = biomechanics.compute(*states)
    for row in (19, 3):
        alone = biomechanics.compute(*[values[row : row + 1] for values in states])
        for name, values in together.items():
            np.testing.assert_array_equal(alone[name][0], values[row], err_msg=name)


def test_an_external_push_accelerates_what_it_pushes(body):
    qpos = airborne(body)
    applied = np.zeros((1, body.model.nv))
    applied[0, body.manifest.joint(body.manifest.root["height"]).dof] = 5000.0
    zeros = [np.zeros((1, size)) for size in (body.model.nv, body.model.na, body.model.nu)]
    biomechanics = Biomechanics(body.model, body.manifest)
    pushed = biomechanics.compute(qpos[None], *zeros, applied=applied)
    still = biomechanics.compute(qpos[None], *zeros)
    np.testing.assert_array_equal(pushed["muscle_force"], still["muscle_force"])
    assert (pushed["ground_reaction_force"] == 0).all()


def test_sole_points_mirror_each_other(body):
    for right, left in zip(
        sole_points(body.model, body.manifest, "r"), sole_points(body.model, body.manifest, "l"), strict=True
    ):
        np.testing.assert_allclose(right.position, left.position * [1, 1, -1], atol=1e-6)
