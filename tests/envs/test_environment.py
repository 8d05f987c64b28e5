"""The environment family: one view and many, hand-computed rewards, endings, starts, refusals."""

import gymnasium
import mujoco
import numpy as np
import pytest
from all_rewards import ALL_REWARDS

from myoassist.envs.kinematics import PlanarLegs
from myoassist.errors import InputError
from myoassist.formats.compiled_model import load_model
from myoassist.formats.reference_motion import read_fitted_reference


def test_other_seeds_start_elsewhere_and_streams_do_not_overlap(assets, make_handler):
    batch = make_handler(assets).make_batch(4)
    first, _ = batch.reset(seed=1)
    second, _ = batch.reset(seed=2)
    assert len({row.tobytes() for row in np.concatenate([first, second])}) == 8
    again, _ = batch.reset(seed=1)
    assert again.tobytes() == first.tobytes()


def test_single_and_batched_views_agree(assets, make_handler):
    handler = make_handler(assets, reward=ALL_REWARDS)
    single, batch = handler.make_single(), handler.make_batch(1)
    one, _ = single.reset(seed=5)
    many, _ = batch.reset(seed=5)
    assert one.tobytes() == many[0].tobytes()
    rng = np.random.default_rng(0)
    for _ in range(100):
        action = rng.uniform(-1, 1, batch.action_layout.size).astype(np.float32)
        one, reward, terminated, truncated, info = single.step(action)
        many, rewards, *_, infos = batch.step(action[None])
        assert reward == rewards[0]
        if terminated or truncated:
            assert one.tobytes() == infos["final_obs"][0].tobytes()
            assert info["termination"] == infos["termination"][0]
            break
        assert one.tobytes() == many[0].tobytes()
    else:
        pytest.fail("no episode ended under random actions")


def test_a_reference_frame_with_no_time_elapsed_is_perfect_imitation(assets, make_handler):
    reference = read_fitted_reference(assets.reference)
    batch = make_handler(assets, reward=ALL_REWARDS).make_batch(reference.frames)
    phases = np.arange(reference.frames) / reference.frames
    batch.reset(seed=0, options={"phase": phases, "target_velocity": reference.speed_m_s})
    terms = batch._calculate_reward(batch.step_result)
    likeness = [name for name in batch.imitation_terms if name != "stance_timing"]  # about forces, which need time
    for name in (*likeness, "forward_velocity"):
        np.testing.assert_allclose(terms[name], 1.0, atol=1e-9)
    np.testing.assert_allclose(batch.simulation.qpos[:, 1:], reference.qpos[:, 1:], atol=1e-9)
    np.testing.assert_allclose(batch.simulation.activation, reference.activation, atol=1e-12)


@pytest.mark.parametrize(("speed", "joints", "feet", "height"), [(0.8, 1.0, 1.0, 0.94), (1.6, 0.99, 1.0, 0.98)])
def test_starts_at_other_speeds_are_nearly_perfect_imitation(assets, make_handler, speed, joints, feet, height):
    """What docs/environments.md tells of starts away from the reference's own speed, with the default scales."""
    reward = {**ALL_REWARDS, "joint_position_imitation": {"weight": 1.0}, "joint_velocity_imitation": {"weight": 1.0}}
    batch = make_handler(assets, reward=reward).make_batch(100)
    batch.reset(seed=0, options={"phase": np.arange(100) / 100, "target_velocity": speed})
    terms = batch._calculate_reward(batch.step_result)
    for name in ("forward_velocity", "joint_velocity_imitation"):
        np.testing.assert_allclose(terms[name], 1.0, atol=1e-9)
    for name, least in (("joint_position", joints), ("foot_position", feet), ("pelvis_height", height)):
        assert terms[f"{name}_imitation"].min() == pytest.approx(least, abs=0.006), name
    assert terms["pelvis_height_imitation"].min() < 0.99  # its soles are put onto the ground


def test_rewards_match_hand_computed_values(assets, make_handler):
    batch = make_handler(assets, reward=ALL_REWARDS).make_batch(2)
    batch.reset(seed=0, options={"phase": 0.25})
    step = batch.step_result
    step.positions = step.reference_positions + 0.1
    step.velocities = step.reference_velocities + 1.0
    step.forward_velocity = step.target_velocity + step.reference_fluctuation + 0.3
    step.foot_position = step.reference_foot_position + 0.15
    step.activations = np.full((2, 22), 0.5)
    step.activation_change = np.full((2, 22), 0.1)
    step.foot_force = np.array([[0.02, 0.0, 0.0, 0.03], [0.5, 0.5, 0.0, 0.0]])
    step.reference_contact = np.array([[True, False], [True, True]])
    step.foot_force_peak = np.array([[1.5, 1.0], [2.3, 1.4]])
    step.limit_torque = np.array([[10.0, -30.0] + [0.0] * 6] * 2)
    step.foot_strike = np.array([True, False])
    step.footstep_effort = np.array([0.3, 9.0])
    step.footstep_velocity_error = np.array([-0.2, 9.0])
    step.footstep_time = step.stride_time / 2 + 0.05
    terms = batch._calculate_reward(step)
    angles = 9  # pelvis_tilt and four joints a leg
    expected = {
        "alive": [1.0, 1.0],
        "forward_velocity": [np.exp(-1.0)] * 2,
        "joint_position_imitation": [(np.exp(-0.3 * angles * 0.04) + np.exp(-angles * 0.04)) / 2] * 2,
        "joint_velocity_imitation": [np.exp(-0.04)] * 2,
        "foot_position_imitation": [np.exp(-4.0)] * 2,
        "pelvis_height_imitation": [np.exp(-1.0)] * 2,
        "stance_timing": [0.4, 0.5],
        "muscle_effort": [0.25] * 2,
        "activation_smoothness": [0.01] * 2,
        "foot_force_excess": [0.2, 1.1],
        "joint_limit_torque": [0.5] * 2,
        "footstep_effort": [0.3, 0.0],
        "footstep_velocity": [0.2, 0.0],
        "footstep_duration": [0.05, 0.0],
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, atol=1e-9, err_msg=name)


def test_every_weight_is_applied_exactly_once(assets, make_handler):
    batch = make_handler(assets, reward=ALL_REWARDS).make_batch(3)
    batch.reset(seed=0)
    _, rewards, *_ = batch.step(np.zeros((3, 22)))
    weights = np.array([ALL_REWARDS[name]["weight"] for name in batch.reward_terms])
    np.testing.assert_allclose(rewards, (weights[:, None] * batch.raw_terms).sum(axis=0), atol=1e-12)


def test_a_term_without_weight_is_refused(assets, make_handler):
    batch = make_handler(assets, reward={"alive": {"weight": 1.0}, "own": {"ghost": 1.0}}).make_batch(1)
    batch.reset(seed=0)
    with pytest.raises(InputError, match=r"without value: \['ghost'\]"):
        batch.step(np.zeros((1, 22)))


def test_the_first_observation_feels_the_ground(assets, make_handler):
    groups = [{"name": "foot_forces"}]
    batch = make_handler(assets, observation={"groups": groups}).make_batch(8)
    observations, _ = batch.reset(seed=0, options={"phase": np.arange(8) / 8})
    model, manifest = load_model(assets.model, assets.manifest)
    weight = manifest.total_mass_kg * manifest.gravity_m_s2
    data = mujoco.MjData(model)
    for row in range(8):
        data.qpos[:], data.qvel[:] = batch.simulation.qpos[row], batch.simulation.qvel[row]
        data.act[:] = batch.simulation.activation[row]
        mujoco.mj_forward(model, data)
        whole = [-data.sensordata[manifest.feet[side].sensor_foot + 3] / weight for side in "rl"]
        np.testing.assert_allclose(observations[row].reshape(2, 2).sum(axis=1), whole, atol=1e-6)
    assert observations.max() > 0.1


def test_no_observation_tells_how_far_one_has_walked(assets, make_handler):
    batch = make_handler(assets).make_batch(1)
    batch.reset(seed=0)
    before = batch.observer.observe(batch.step_result, slice(None))
    batch.simulation.qpos[:, 0] += 50.0
    step = batch._gather(np.arange(1), np.zeros(1, dtype=bool))
    assert batch.observer.observe(step, slice(None)).tobytes() == before.tobytes()


def test_a_fall_ends_the_episode_and_says_why(assets, make_handler):
    batch = make_handler(assets, termination={"pelvis_height_min_m": 0.7, "trunk_lean_max_rad": None}).make_batch(4)
    batch.reset(seed=0)
    for _ in range(200):
        _, _, terminated, truncated, info = batch.step(-np.ones((4, 22)))
        if terminated.any():
            break
    assert set(info["termination"][terminated]) == {"fall_height"}
    assert not (terminated & truncated).any()
    assert (info["final_obs"][terminated] != 0).any()


def test_feet_are_those_of_their_own_step_whenever_they_are_asked_for(assets, make_handler):
    reward = {**ALL_REWARDS, "foot_position_imitation": None}  # which would ask at once
    batch = make_handler(assets, reward=reward).make_batch(3)
    batch.reset(seed=0, options={"phase": [0.0, 0.25, 0.5], "target_velocity": batch.clip.speed_m_s})
    there = batch.legs.feet(batch.simulation.qpos)
    np.testing.assert_allclose(batch.step_result.reference_foot_position, there, atol=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(5):
        batch.step(rng.uniform(-1, 1, (3, 22)))
    step, here = batch.step_result, batch.legs.feet(batch.simulation.qpos)
    batch.step(rng.uniform(-1, 1, (3, 22)))
    assert np.abs(here - batch.legs.feet(batch.simulation.qpos)).max() > 1e-3, "nothing moved"
    np.testing.assert_array_equal(step.foot_position, here)
    assert np.abs(step.reference_foot_position - here).max() > 1e-3


def test_phases_advance_by_the_share_of_a_stride_and_begin_anew_after_one(assets, make_handler):
    batch = make_handler(assets, control_rate_hz=50).make_batch(2)
    batch.reset(seed=0)
    batch.phase[:], batch.stride_time[:] = [0.5, 0.99], [1.0, 0.5]
    batch.step(np.zeros((2, 22)))
    assert batch.steps.tolist() == [1, 1]
    np.testing.assert_allclose(batch.phase, [0.52, 0.03], atol=1e-12)


def test_the_time_limit_truncates(assets, make_handler):
    off = {"pelvis_height_min_m": None, "trunk_lean_max_rad": None}
    batch = make_handler(assets, episode_s=0.1, termination=off).make_batch(2)
    batch.reset(seed=0)
    for step in range(5):
        _, _, terminated, truncated, info = batch.step(np.zeros((2, 22)))
        assert truncated.all() == (step == 4)
    assert not terminated.any()
    assert list(info["termination"]) == ["time_limit"] * 2


def test_deviation_thresholds_have_units_and_names(assets, make_handler):
    with pytest.raises(InputError, match=r"joint_deviation_rad': unknown joint or group 'knee'"):
        make_handler(assets, termination={"joint_deviation_rad": {"knee": 0.5}}).make_batch(1)
    batch = make_handler(assets, termination={"joint_deviation_rad": {"knee_angle": 1e-4}}).make_batch(1)
    batch.reset(seed=0)
    *_, info = batch.step(np.zeros((1, 22)))
    assert str(info["termination"][0]).startswith("deviation: knee_angle_")


def test_divergence_is_contained_counted_and_named(assets, make_handler):
    batch = make_handler(assets).make_batch(3)
    batch.reset(seed=0)
    batch.simulation.qvel[1] = 1e6
    observations, rewards, terminated, _, info = batch.step(np.zeros((3, 22)))
    assert info["termination"][1] == "divergence"
    assert terminated.tolist() == [False, True, False]
    assert np.isfinite(observations).all()
    assert np.isfinite(info["final_obs"]).all()
    assert np.isfinite(rewards).all()
    assert batch.simulation.divergences == 1


def test_couplings_hold_after_noisy_resets(assets, make_handler):
    batch = make_handler(assets, reset={"position_noise_rad": 0.1, "velocity_noise_rad_s": 1.0}).make_batch(32)
    batch.reset(seed=4)
    assert batch.couplings.violation(batch.simulation.qpos).max() == 0.0
    deepest = [-batch.simulation.sole_height(index) for index in range(32)]
    assert max(deepest) <= 0.002


def test_a_control_rate_must_divide_the_physics_rate(assets, make_handler):
    with pytest.raises(
        InputError, match=r"control_rate_hz': expected a divisor of the physics rate 500 Hz \(found 60\)"
    ):
        make_handler(assets, control_rate_hz=60).make_batch(1)


def test_planar_kinematics_are_mujocos(assets):
    model, manifest = load_model(assets.model, assets.manifest)
    legs, data = PlanarLegs(model, manifest), mujoco.MjData(model)
    rng = np.random.default_rng(0)
    for _ in range(20):
        data.qpos[:] = rng.uniform(-1, 1, model.nq)
        mujoco.mj_kinematics(model, data)
        pelvis = data.body("pelvis").xpos
        expected = [(data.body(f"calcn_{side}").xpos - pelvis)[[0, 2]] for side in "rl"]
        np.testing.assert_allclose(legs.feet(data.qpos[None])[0], np.concatenate(expected), atol=1e-12)


def test_an_untrained_policy_is_gentle(exo_assets, make_handler):
    handler = make_handler(exo_assets, id="myoAssistLegImitationExo-v0", action={"neutral_excitation": 0.15})
    batch = handler.make_batch(1)
    batch.reset(seed=0)
    batch.step(np.zeros((1, batch.action_layout.size)))
    np.testing.assert_allclose(batch.actuation.excitation, 0.15)
    np.testing.assert_array_equal(batch.actuation.torque, 0.0)


def test_device_torque_keeps_its_limits_from_one_physics_step_to_the_next(exo_assets, make_handler):
    device = {"torque_limit_n_m": 20.0, "torque_rate_n_m_s": 200.0, "power_limit_w": 30.0}
    handler = make_handler(exo_assets, id="myoAssistLegImitationExo-v0", action={"device": device})
    batch = handler.make_batch(4)
    batch.reset(seed=0)
    simulation, manifest = batch.simulation, batch.manifest
    motors = [motor.actuator for motor in manifest.devices]
    gains = np.array([motor.gain for motor in manifest.devices])
    dofs = [manifest.joint(motor.joint).dof for motor in manifest.devices]
    columns = [1 + simulation.model.nq + dof for dof in dofs]
    rng, before, powers, strongest = np.random.default_rng(0), np.zeros((4, 1, 2)), [], 0.0
    for _ in range(80):
        actions = rng.normal(0.0, 0.1, (4, 24))
        actions[:, 22:] = rng.choice([-1.0, 1.0], (4, 2))
        speed = simulation.qvel[:, None, dofs].copy()
        *_, info = batch.step(actions)
        going = ~info.get("_termination", np.zeros(4, dtype=bool))
        torque = np.concatenate([before, simulation.control[:, :, motors] * gains], axis=1)[going]
        assert (np.abs(torque) <= 20.0 + 1e-9).all()
        growth = np.diff(np.abs(torque), axis=1)
        assert growth.max() <= 200.0 * manifest.timestep_s + 1e-9
        speeds = np.concatenate([speed, simulation.substates[:, :-1, columns]], axis=1)[going]
        power = np.abs(torque[:, 1:] * speeds)
        assert (power[:, 0] <= 30.0 + 1e-6).all()
        powers.append(power.ravel())
        strongest = max(strongest, np.abs(torque).max())
        np.testing.assert_allclose(batch.actuation.torque[going], torque[:, -1], atol=1e-12)
        before = batch.actuation.torque[:, None].copy()
    power = np.concatenate(powers)
    assert power.max() > 29.0
    assert np.mean(power > 30.0 + 1e-6) < 0.02  # the speed within a control step is foreseen, not known
    assert strongest == pytest.approx(20.0)


def test_a_device_that_is_off_makes_no_torque(exo_assets, make_handler):
    handler = make_handler(exo_assets, id="myoAssistLegImitationExo-v0", action={"device": {"enabled": False}})
    batch = handler.make_batch(1)
    batch.reset(seed=0)
    for _ in range(5):
        batch.step(-np.ones((1, 24)))
        assert (batch.actuation.torque == 0.0).all()


def test_an_exo_environment_needs_a_device(assets, make_handler):
    with pytest.raises(InputError, match="the model has no device with motors"):
        make_handler(assets, id="myoAssistLegImitationExo-v0").make_batch(1)


def test_a_reference_of_another_body_is_refused(assets, exo_assets, make_handler):
    mixed = type(assets)(assets.model, assets.manifest, assets.motion, exo_assets.reference)
    with pytest.raises(InputError, match="fitted to another model"):
        make_handler(mixed)


def test_target_velocities_stay_in_their_range(assets, make_handler):
    for mode in ("uniform", "sinusoidal", "step"):
        target = {"mode": mode, "minimum_m_s": 0.9, "maximum_m_s": 1.4, "period_s": 0.2}
        never = {"pelvis_height_min_m": None, "trunk_lean_max_rad": None}
        batch = make_handler(assets, target_velocity=target, termination=never).make_batch(8)
        batch.reset(seed=0)
        seen = []
        for _ in range(40):
            batch.step(np.zeros((8, 22)))
            seen.append(batch.target.value.copy())
        seen = np.array(seen)
        assert seen.min() >= 0.9
        assert seen.max() <= 1.4
        assert (np.ptp(seen, axis=0) > 0).all() == (mode != "uniform")
        assert len(set(seen[0])) == 8


def test_stride_time_and_excursion_follow_the_speed(assets, make_handler):
    batch = make_handler(assets).make_batch(2)
    v0, t0 = batch.clip.speed_m_s, batch.clip.stride_time_s
    speeds = np.array([v0, 1.44 * v0])
    np.testing.assert_allclose(batch.clip.stride_time(speeds), [t0, t0 / 1.2])
    phases = np.linspace(0, 1, 100, endpoint=False)
    slow, *_ = batch.clip.at(phases, np.full(100, v0))
    fast, fast_velocity, *_ = batch.clip.at(phases, np.full(100, 1.44 * v0))
    np.testing.assert_allclose(np.ptp(fast, axis=0), 1.2 * np.ptp(slow, axis=0))
    # velocities are the derivatives of positions at the faster cadence
    hip = batch.joint_names.index("hip_flexion_r")
    difference = np.gradient(np.tile(fast[:, hip], 3), t0 / 1.2 / 100)[100:200]
    assert np.abs(difference - fast_velocity[:, hip]).max() < 0.05 * np.abs(fast_velocity[:, hip]).max()


def test_the_base_environment_imitates_nothing(assets, make_handler):
    with pytest.raises(InputError, match=r"reward\.joint_position_imitation': myoAssistLeg-v0 imitates nothing"):
        make_handler(assets, id="myoAssistLeg-v0", reward={"joint_position_imitation": {"weight": 1.0}}).make_batch(1)
    reward = {"alive": {"weight": 1.0}}
    assert make_handler(assets, id="myoAssistLeg-v0", reward=reward).make_batch(1).reset(seed=0)


def test_layouts_name_every_number(assets, make_handler):
    batch = make_handler(assets).make_batch(1)
    assert batch.observation_layout.size == batch.single_observation_space.shape[0]
    assert batch.observation_layout.block("phase").labels == ("sin", "cos")
    assert len(set(batch.observation_layout.labels)) == batch.observation_layout.size
    assert batch.action_layout.labels[0] == "muscles/hamstrings_r"


def test_all_ids_can_be_made_and_pass_the_checkers(tmp_path_factory, monkeypatch, recwarn):
    monkeypatch.setenv("MYOASSIST_CACHE", str(tmp_path_factory.mktemp("cache")))
    from gymnasium.utils.env_checker import check_env as check_gymnasium
    from stable_baselines3.common.env_checker import check_env as check_sb3

    import myoassist

    for name in myoassist.ENVIRONMENT_IDS:
        env = gymnasium.make(name)
        check_gymnasium(env.unwrapped, skip_render_check=True)
        check_sb3(env.unwrapped, skip_render_check=True)
        env.close()
        batch = gymnasium.make_vec(name, num_envs=3)
        assert batch.reset(seed=0)[0].shape == (3, *env.observation_space.shape)
        batch.close()
    assert [str(warning.message) for warning in recwarn] == []
