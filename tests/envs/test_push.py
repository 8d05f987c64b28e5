"""Pushes: the impulse asked for, at a time of the episode's own stream, and nothing else changes."""

import numpy as np
import pytest

from myoassist.config.environment import PushSettings
from myoassist.envs.push import Push
from myoassist.errors import InputError


def momentum(batch) -> np.ndarray:
    """Forward velocity of the pelvis (N,)."""
    return batch.simulation.qvel[:, batch.forward.dof].copy()


def test_a_push_lasts_as_many_control_steps_as_it_should():
    push = Push(PushSettings(force_n=50.0, duration_s=0.11, window_s=(0.2, 0.2)), num_envs=2, control_s=0.02)
    push.reset(0, np.random.default_rng(0))
    push.first[1] = 3
    forces = np.array([push.force(np.array([step, step])) for step in range(20)])
    assert np.flatnonzero(forces[:, 0]).tolist() == [10, 11, 12, 13, 14, 15]
    assert np.flatnonzero(forces[:, 1]).tolist() == [3, 4, 5, 6, 7, 8]
    assert set(forces.ravel()) == {0.0, 50.0}


def test_a_repeated_push_comes_again():
    settings = PushSettings(force_n=-20.0, duration_s=0.04, window_s=(0.1, 0.1), repeat_s=0.1)
    push = Push(settings, num_envs=1, control_s=0.02)
    push.reset(0, np.random.default_rng(0))
    pushed = [step for step in range(17) if push.force(np.array([step]))[0]]
    assert pushed == [5, 6, 10, 11, 15, 16]


def test_its_time_is_drawn_within_the_window_from_the_environments_own_stream(assets, make_handler):
    handler = make_handler(assets, push={"force_n": 10.0, "window_s": (0.5, 1.5)})
    few, many = handler.make_batch(2, threads=1), handler.make_batch(5, threads=1)
    few.reset(seed=3), many.reset(seed=3)
    assert few.push.first.tolist() == many.push.first.tolist()[:2]
    assert len(set(many.push.first)) > 1
    assert ((many.push.first >= 25) & (many.push.first <= 75)).all()
    few.close(), many.close()


def test_the_body_feels_it_at_that_time_and_not_before(assets, make_handler):
    bare = make_handler(assets).make_batch(3, threads=1, autoreset=False)
    pushed = make_handler(assets, push={"force_n": 200.0, "duration_s": 0.1, "window_s": (0.1, 0.1)}).make_batch(
        3, threads=2, autoreset=False
    )
    phases = {"phase": np.arange(3) / 3}
    bare.reset(seed=0, options=phases), pushed.reset(seed=0, options=phases)
    np.testing.assert_array_equal(bare.simulation.qpos, pushed.simulation.qpos)
    gained = []
    for _ in range(10):
        action = np.zeros(bare.action_space.shape)
        bare.step(action), pushed.step(action)
        gained.append(momentum(pushed) - momentum(bare))
    assert (np.array(gained[:5]) == 0).all()
    # the pelvis leads, the rest of the body follows: at least impulse over the whole mass
    mass = bare.reader.body_weight_n[0] / bare.manifest.gravity_m_s2
    assert (gained[9] > 200.0 * 0.1 / mass).all()
    bare.close(), pushed.close()


@pytest.mark.parametrize(
    "bad", [{}, {"force_n": 1, "window_s": [3, 1]}, {"force_n": 1, "duration_s": 1, "repeat_s": 0.5}]
)
def test_nonsense_is_refused(bad):
    with pytest.raises(InputError):
        PushSettings.parse(bad)
