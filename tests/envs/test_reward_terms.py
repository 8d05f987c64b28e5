"""Reward terms and actions against values worked out by hand, where parameters differ from their defaults."""

import numpy as np
import pytest

from myoassist.config.environment import ImitationTerm, MuscleEffortTerm
from myoassist.envs import reward_terms

ERROR = np.array([[0.1, -0.4, 0.0], [0.2, 0.0, 1.0]])
SCALES = np.array([0.1, 0.2, 0.5])
SQUARES = np.array([[1.0, 4.0, 0.0], [4.0, 0.0, 4.0]])
"""(error / scale)^2."""


def test_mean_exp_is_the_mean_of_every_joints_own_likeness():
    term = ImitationTerm(weight=1.0, form="mean_exp", sharpness=(0.5, 2.0))
    expected = [
        np.mean([(np.exp(-0.5 * square) + np.exp(-2.0 * square)) / 2 for square in row]) for row in SQUARES.tolist()
    ]
    likeness = reward_terms.Imitation(SCALES, term)(ERROR, np.zeros_like(ERROR))
    np.testing.assert_allclose(likeness, expected, atol=1e-12)
    together = np.mean([np.exp(-sharpness * SQUARES[0].mean()) for sharpness in (0.5, 2.0)])
    assert expected[0] != pytest.approx(together, abs=0.1)  # unequal errors tell the two apart


def test_exp_sum_is_one_exponential_of_all_errors():
    term = ImitationTerm(weight=1.0, form="exp_sum", sharpness=(0.5, 2.0))
    expected = [(np.exp(-0.5 * 5.0) + np.exp(-2.0 * 5.0)) / 2, (np.exp(-0.5 * 8.0) + np.exp(-2.0 * 8.0)) / 2]
    likeness = reward_terms.Imitation(SCALES, term)(np.zeros_like(ERROR), ERROR)
    np.testing.assert_allclose(likeness, expected, atol=1e-12)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 3.0])
def test_effort_is_the_mean_of_activations_to_the_power(power):
    activations = np.array([[0.25, 1.0], [0.04, 0.16]])
    expected = [(0.25**power + 1.0) / 2, (0.04**power + 0.16**power) / 2]
    term = MuscleEffortTerm(weight=-1.0, power=power)
    np.testing.assert_allclose(reward_terms.muscle_effort(activations, term), expected, atol=1e-12)


def test_the_powers_of_the_settings_reach_the_reward(assets, make_handler):
    batch = make_handler(assets, reward={"muscle_effort": {"weight": -1.0, "power": 3.0}}).make_batch(2)
    batch.reset(seed=0)
    _, rewards, *_ = batch.step(np.full((2, 22), 0.3))
    np.testing.assert_allclose(rewards, -(batch.simulation.activation**3).mean(axis=1), atol=1e-12)


def test_scales_hold_for_the_joints_that_they_name(assets, make_handler):
    reward = {
        "joint_position_imitation": {
            "weight": 1.0,
            "scale_rad": 0.5,
            "scales_rad": {"knee_angle": 0.2, "hip_flexion_l": 0.1},
        },
        "joint_velocity_imitation": {"weight": 1.0, "scale_rad_s": 5.0, "scales_rad_s": {"ankle_angle_r": 2.0}},
    }
    own = {
        "joint_position_imitation": {"knee_angle_r": 0.2, "knee_angle_l": 0.2, "hip_flexion_l": 0.1},
        "joint_velocity_imitation": {"ankle_angle_r": 2.0},
    }
    batch = make_handler(assets, reward=reward).make_batch(1)
    batch.reset(seed=0)
    step = batch.step_result
    for column, name in enumerate(batch.joint_names):
        step.positions, step.velocities = step.reference_positions.copy(), step.reference_velocities.copy()
        step.positions[0, column] += 0.15
        step.velocities[0, column] -= 1.5
        terms = batch._calculate_reward(step)
        for term, error, default in (
            ("joint_position_imitation", 0.15, 0.5),
            ("joint_velocity_imitation", 1.5, 5.0),
        ):
            scale = np.inf if name == "pelvis_ty" else own[term].get(name, default)
            np.testing.assert_allclose(
                terms[term], np.exp(-((error / scale) ** 2)), atol=1e-9, err_msg=f"{term} {name}"
            )


def test_actions_are_linear_on_either_side_of_the_neutral_excitation(assets, make_handler):
    batch = make_handler(assets, action={"neutral_excitation": 0.2}).make_batch(5)
    batch.reset(seed=0)
    batch.step(np.repeat([[-1.0], [-0.5], [0.0], [0.5], [1.0]], 22, axis=1))
    expected = np.repeat([[0.0], [0.1], [0.2], [0.6], [1.0]], 22, axis=1)
    np.testing.assert_allclose(batch.actuation.excitation, expected, atol=1e-12)


def test_actions_are_clipped_and_missing_ones_are_neutral(assets, make_handler):
    batch = make_handler(assets).make_batch(2)
    given = np.zeros((2, 22), dtype=np.float32)
    given[:, :4] = [[0.25, -3.0, np.nan, 0.5], [np.inf, -np.inf, -0.0, 1.0]]
    before = given.copy()
    batch.actuation.apply(given, None, batch.simulation.qvel, batch.simulation.qvel_before)
    clipped = batch.actuation.action
    assert clipped.dtype == np.float64
    assert np.array_equal(clipped[:, :4], [[0.25, -1.0, 0.0, 0.5], [1.0, -1.0, 0.0, 1.0]])
    assert np.array_equal(given, before, equal_nan=True)
    batch.actuation.apply(clipped, None, batch.simulation.qvel, batch.simulation.qvel_before)
    assert not np.shares_memory(batch.actuation.action, clipped)


@pytest.mark.parametrize("residual", [0.05, 0.5, 1.0])
def test_full_actions_change_the_references_excitation_by_the_residual_range(residual, assets, make_handler):
    batch = make_handler(assets, action={"baseline": "reference", "residual_range": residual}).make_batch(6)
    batch.reset(seed=0)
    before = batch.phase.copy()
    middle = before + 0.5 * 0.02 / batch.clip.stride_time(batch.target.value)
    actions = np.repeat([[-1.0], [-0.5], [0.0], [0.5], [1.0], [0.2]], 22, axis=1)
    batch.step(actions)
    baseline = batch.clip.excitation(middle)
    expected = np.clip(baseline + residual * actions, 0.0, 1.0)
    np.testing.assert_allclose(batch.actuation.excitation, expected, atol=1e-12)
    assert (np.abs(batch.actuation.excitation[2] - 0.1) > 0.05).any()
