"""Foot strikes and the footsteps between them; forces that carry exactly what moves."""

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest

from myoassist.envs.foot_slip import foot_slip
from myoassist.envs.footsteps import Footsteps

DOWN, UP = [1.0, 0.0], [0.0, 1.0]


def walk(steps: Footsteps, loads: list[list[float]], effort: float = 0.2, error: float = -0.1) -> list[tuple]:
    """Strikes as (number of the control step, duration, effort, error)."""
    found = []
    for number, load in enumerate(loads):
        steps.update(np.array([load]), np.array([effort]), np.array([1.25 + error]), np.array([1.25]))
        if steps.strike[0]:
            found.append((number, *steps.ended[:, 0]))
    return found


def test_only_whole_footsteps_count():
    steps = Footsteps(num_envs=1, control_s=0.1)
    steps.reset(np.array([0]), np.array([DOWN]))
    strikes = walk(steps, [DOWN] * 3 + [UP] * 5 + [DOWN] * 4)
    # the first strike ends a footstep that began somewhere before the episode: it only starts the clock
    assert strikes == [(8, pytest.approx(0.5), pytest.approx(0.2), pytest.approx(-0.1))]


def test_a_bounce_does_not_end_a_footstep():
    steps = Footsteps(num_envs=1, control_s=0.05)
    steps.reset(np.array([0]), np.array([DOWN]))
    strikes = walk(steps, [UP] * 6 + [DOWN, UP, DOWN, DOWN])
    assert [number for number, *_ in strikes] == [6]


def test_a_new_episode_knows_nothing_of_the_last():
    steps = Footsteps(num_envs=2, control_s=0.1)
    steps.reset(np.arange(2), np.array([DOWN, DOWN]))
    for load in [UP] * 4 + [DOWN]:
        steps.update(np.array([load, load]), np.ones(2), np.ones(2), np.ones(2))
    assert steps.strike.all()
    steps.reset(np.array([1]), np.array([DOWN]))
    assert steps.strike.tolist() == [True, False]
    assert steps.ended[0].tolist() == [pytest.approx(0.4), 0.0]


def test_forces_balance_momentum(assets, make_handler):
    """The mean vertical force is weight plus the change of momentum: over whole strides of a walk, the weight."""
    action = {"baseline": "reference"}
    never = {"pelvis_height_min_m": None, "trunk_lean_max_rad": None}
    batch = make_handler(assets, action=action, termination=never).make_batch(8)
    batch.reset(seed=0, options={"phase": np.arange(8) / 8})
    model, data = batch.simulation.model, mujoco.MjData(batch.simulation.model)

    def upward() -> np.ndarray:
        speeds = []
        for row in range(8):
            data.qpos[:], data.qvel[:] = batch.simulation.qpos[row], batch.simulation.qvel[row]
            mujoco.mj_forward(model, data)
            mujoco.mj_subtreeVel(model, data)
            speeds.append(data.subtree_linvel[0, 2])
        return np.array(speeds)

    feet = [batch.manifest.feet[side].sensor_foot + 3 for side in "rl"]
    before, loads, seconds = upward(), [], 20 * batch.control_s
    for _ in range(20):
        batch.step(np.zeros((8, 22)))
        loads.append(-batch.simulation.sensordata[:, :, feet].sum(axis=2).mean(axis=1))
    mean = np.mean(loads, axis=0) / batch.reader.body_weight_n
    expected = 1.0 + (upward() - before) / (batch.manifest.gravity_m_s2 * seconds)
    np.testing.assert_allclose(mean, expected, atol=0.01)
    assert mean.max() > 0.5


def test_the_scaled_reference_hardly_slips(assets, make_handler):
    batch = make_handler(assets).make_batch(1)
    slips = [foot_slip(batch, speed) for speed in (0.8, batch.clip.speed_m_s, 1.25, 1.6)]
    assert [slip.rms_m_s for slip in slips] == sorted(slip.rms_m_s for slip in slips)
    assert slips[-1].rms_m_s < 0.05
    # a reference whose cadence does not follow the speed skates
    stiff = make_handler(assets, speed_scaling={"cadence_exponent": 0.0, "excursion_exponent": 0.5}).make_batch(1)
    assert foot_slip(stiff, 1.6).rms_m_s > 4 * slips[-1].rms_m_s


def test_the_table_of_slip_in_the_docs_is_what_is_measured(assets, make_handler):
    text = (Path(__file__).parents[2] / "docs" / "environments.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) m/s \| ([\d.]+) s \| (\d+) mm/s \| (\d+) mm/s \|$", text, re.MULTILINE)
    assert [float(speed) for speed, *_ in rows] == [0.8, 1.25, 1.6]
    batch = make_handler(assets).make_batch(1)
    assert f"own speed\n{batch.clip.speed_m_s:.2f} m/s" in text
    for row in rows:
        speed, stride_s, rms, largest = map(float, row)
        slip = foot_slip(batch, speed)
        assert stride_s == pytest.approx(float(batch.clip.stride_time(np.array([speed]))[0]), abs=0.00501)
        assert rms == pytest.approx(1000 * slip.rms_m_s, abs=0.501)
        assert largest == pytest.approx(1000 * slip.max_m_s, abs=0.501)
