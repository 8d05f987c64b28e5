"""What an environment refuses: actions of the wrong shape, targets out of range, steps before a start."""

import gymnasium
import numpy as np
import pytest

from myoassist.envs.sb3 import SB3VecEnv
from myoassist.errors import InputError


@pytest.mark.parametrize("shape", [(1, 22), (4, 30), (4, 21), (22,), (4, 22, 1), ()])
def test_actions_of_another_shape_are_refused_and_change_nothing(shape, assets, make_handler):
    batch, same = make_handler(assets).make_batch(4), make_handler(assets).make_batch(4)
    for env in (batch, same):
        env.reset(seed=0)
    with pytest.raises(InputError, match=r"step: expected actions of shape \(4, 22\) \(found"):
        batch.step(np.zeros(shape))
    assert batch.step(np.zeros((4, 22)))[0].tobytes() == same.step(np.zeros((4, 22)))[0].tobytes()


def test_a_single_environment_takes_one_flat_action(assets, make_handler):
    single = make_handler(assets).make_single()
    single.reset(seed=0)
    with pytest.raises(InputError, match=r"expected actions of shape \(1, 22\)"):
        single.step(np.zeros((1, 22)))
    with pytest.raises(InputError, match="expected numbers as actions"):
        single.step(["bend"] * 22)


@pytest.mark.parametrize("speed", [-1.0, 0.0, 50.0, [1.2, 0.1, 1.2]])
def test_target_velocities_out_of_range_are_refused(speed, assets, make_handler):
    batch = make_handler(assets).make_batch(3)
    with pytest.raises(InputError, match=r"option 'target_velocity': expected 0\.3 to 3 m/s"):
        batch.reset(seed=0, options={"target_velocity": speed})
    assert np.isfinite(batch.reset(seed=0, options={"target_velocity": [0.3, 1.2, 3.0]})[0]).all()


def test_options_that_are_no_numbers_are_refused(assets, make_handler):
    with pytest.raises(InputError, match="option 'phase': expected one finite number"):
        make_handler(assets).make_batch(1).reset(seed=0, options={"phase": "heel strike"})


def test_a_step_needs_a_start(assets, make_handler):
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset first"):
        make_handler(assets).make_batch(2).step(np.zeros((2, 22)))


@pytest.mark.parametrize("variation", [{}, {"mass_factor": [0.9, 1.1]}])
def test_a_batch_has_at_least_one_environment(variation, assets, make_handler):
    with pytest.raises(InputError, match=r"num_envs: expected 1 or more \(found 0\)"):
        make_handler(assets, variation=variation).make_batch(0)


@pytest.mark.parametrize("term", ["joint_position_imitation", "joint_velocity_imitation"])
def test_the_scale_of_an_angle_that_is_none_is_refused(term, assets, make_handler):
    scales = "scales_rad" if term == "joint_position_imitation" else "scales_rad_s"
    reward = {term: {"weight": 1.0, scales: {"pelvis_ty": 0.1}}}
    with pytest.raises(InputError, match=rf"reward\.{term}': 'pelvis_ty' is no angle .*pelvis_height_imitation"):
        make_handler(assets, reward=reward).make_batch(1)


@pytest.mark.parametrize("rate", [50, 500])
@pytest.mark.parametrize("field", ["qpos", "qvel", "activation"])
def test_a_broken_state_before_a_step_is_not_kept(field, rate, exo_assets, make_handler):
    handler = make_handler(
        exo_assets,
        id="myoAssistLegImitationExo-v0",
        pelvis_support={"tilt_stiffness_n_m_rad": 50.0},
        control_rate_hz=rate,
    )
    batch, sound = handler.make_batch(3), handler.make_batch(3)
    for env in (batch, sound):
        env.reset(seed=0)
    getattr(batch.simulation, field)[1] = np.nan
    for step in range(3):
        observations, rewards, _, _, info = batch.step(np.full((3, 24), 0.1))
        others, *_ = sound.step(np.full((3, 24), 0.1))
        assert np.isfinite(observations).all()
        assert np.isfinite(rewards).all()
        assert np.isfinite(batch.simulation.state).all()
        assert np.isfinite(batch.applied_force).all()
        assert observations[[0, 2]].tobytes() == others[[0, 2]].tobytes()
        if step == 0:
            assert info["termination"].tolist() == ["", "divergence", ""]
            assert np.isfinite(info["final_obs"]).all()
    assert batch.simulation.divergences == 1


def test_sb3_hands_options_to_the_next_start_and_to_no_other(assets, make_handler):
    handler = make_handler(assets)
    env, batch = SB3VecEnv(handler.make_batch(3)), handler.make_batch(3)
    env.seed(4)
    env.set_options([{"phase": value, "target_velocity": 1.1} for value in (0.1, 0.2, 0.3)])
    expected, _ = batch.reset(seed=4, options={"phase": [0.1, 0.2, 0.3], "target_velocity": 1.1})
    assert env.reset().tobytes() == expected.tobytes()
    assert env.reset().tobytes() == batch.reset()[0].tobytes()
    env.set_options({"phase": 0.5})
    env.reset()
    assert env.batch.phase.tolist() == [0.5] * 3


def test_sb3_options_are_numbers_for_every_environment(assets, make_handler):
    env = SB3VecEnv(make_handler(assets).make_batch(2))
    env.set_options([{"phase": 0.1}, {}])
    with pytest.raises(InputError, match="option 'phase': expected one number for each environment"):
        env.reset()
    env.set_options({"speed": 1.0})
    with pytest.raises(InputError, match="unknown option 'speed'"):
        env.reset()
