"""The target velocity: period of the sinusoid, instant of the step, targets that are fixed from outside."""

import numpy as np
import pytest

from myoassist.config.environment import TargetVelocitySettings
from myoassist.envs.target_velocity import TargetVelocity

CONTROL_S = 0.02


def targets(mode: str, seconds: float, *, fixed: float | None = None, period_s: float = 2.0) -> np.ndarray:
    """(steps + 1, 3) targets at every control step, of three environments with streams of their own."""
    settings = TargetVelocitySettings(mode=mode, minimum_m_s=0.8, maximum_m_s=1.6, period_s=period_s)
    target = TargetVelocity(settings, num_envs=3, episode_s=seconds)
    for index in range(3):
        target.reset(index, np.random.default_rng(index), fixed=fixed)
    values = [target.value.copy()]
    for step in range(1, round(seconds / CONTROL_S) + 1):
        target.update(np.full(3, step * CONTROL_S))
        values.append(target.value.copy())
    return np.array(values)


def test_a_sinusoid_has_the_period_and_fills_the_range():
    seen = targets("sinusoidal", 6.0)
    period = round(2.0 / CONTROL_S)
    np.testing.assert_allclose(seen[period:], seen[:-period], atol=1e-12)
    # half a period later it is as far on the other side of the middle
    np.testing.assert_allclose(seen[period // 2 :] - 1.2, 1.2 - seen[: -(period // 2)], atol=1e-12)
    np.testing.assert_allclose(seen.max(axis=0), 1.6, atol=1e-3)
    np.testing.assert_allclose(seen.min(axis=0), 0.8, atol=1e-3)
    # a sinusoid and nothing else: its second difference is proportional to its distance from the middle
    bend = seen[2:] - 2 * seen[1:-1] + seen[:-2]
    factor = 2 * np.cos(2 * np.pi * CONTROL_S / 2.0) - 2
    np.testing.assert_allclose(bend, factor * (seen[1:-1] - 1.2), atol=1e-12)
    assert len(set(seen[0])) == 3


@pytest.mark.parametrize("period_s", [0.14, 0.3, 1.0])
def test_steps_fall_on_whole_periods_and_nowhere_else(period_s):
    seen = targets("step", 6.0, period_s=period_s)
    changes = np.flatnonzero((np.diff(seen, axis=0) != 0).all(axis=1)) + 1
    steps = np.arange(1, len(seen))
    assert changes.tolist() == steps[steps % round(period_s / CONTROL_S) == 0].tolist()
    between = np.setdiff1d(steps, changes)
    assert (seen[between] == seen[between - 1]).all()
    assert seen.min() >= 0.8
    assert seen.max() <= 1.6


@pytest.mark.parametrize("mode", ["uniform", "sinusoidal", "step"])
def test_a_fixed_target_stays_whatever_the_mode(mode):
    assert (targets(mode, 5.0, fixed=1.1) == 1.1).all()


@pytest.mark.parametrize("mode", ["sinusoidal", "step"])
def test_a_target_fixed_at_the_start_is_what_is_seen_and_asked_for(mode, assets, make_handler):
    never = {"pelvis_height_min_m": None, "trunk_lean_max_rad": None}
    target = {"mode": mode, "minimum_m_s": 0.9, "maximum_m_s": 1.4, "period_s": 0.12}
    batch = make_handler(assets, target_velocity=target, termination=never).make_batch(3)
    column = batch.observation_layout.block("target_velocity").slice
    observations, _ = batch.reset(seed=0, options={"target_velocity": [0.7, 1.0, 1.3]})
    for _ in range(15):
        assert observations[:, column].ravel().tolist() == np.array([0.7, 1.0, 1.3], np.float32).tolist()
        observations, *_ = batch.step(np.zeros((3, 22)))
    batch.reset()
    assert not set(batch.target.value) & {0.7, 1.0, 1.3}
