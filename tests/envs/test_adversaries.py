"""Whatever the actions are, a learner sees finite numbers within bounds, and every divergence is counted."""

from pathlib import Path

import numpy as np
import pytest
from all_rewards import ALL_REWARDS

from myoassist.config.experiment import Experiment

ROOT = Path(__file__).parents[2]


def assail(batch, steps: int, *, break_every: int) -> int:
    """Step with random and adversarial actions; return how many episodes were told to end by divergence."""
    rng, told, count = np.random.default_rng(1), 0, batch.num_envs
    bound = batch.settings.observation.clip
    batch.reset(seed=0)
    for step in range(steps):
        match step // 50 % 4:
            case 0:  # random
                actions = rng.uniform(-1, 1, (count, batch.action_layout.size))
            case 1:  # all or nothing, far out of range
                actions = 1e9 * np.sign(rng.normal(size=(count, batch.action_layout.size)))
            case 2:  # small
                actions = 0.1 * rng.normal(size=(count, batch.action_layout.size))
            case _:  # every muscle at once, then none
                actions = np.full((count, batch.action_layout.size), 1.0 if step % 10 < 5 else -1.0)
        for value in (np.nan, np.inf, -np.inf):
            actions[rng.integers(count), rng.integers(actions.shape[1])] = value
        if step % break_every == break_every - 1:
            batch.simulation.qvel[step % count] = 1e6  # however hard the muscles pull, few bodies diverge by themselves
        observations, rewards, *_, info = batch.step(actions)
        assert np.abs(observations).max() <= bound  # false for NaN
        assert np.isfinite(rewards).all()
        assert np.isfinite(batch.raw_terms).all()
        if info:
            assert np.abs(info["final_obs"]).max() <= bound
            told += int((info["termination"] == "divergence").sum())
    return told


def test_3_200_adversarial_steps(assets, make_handler):
    batch = make_handler(assets, reward=ALL_REWARDS).make_batch(16)
    assert assail(batch, 200, break_every=60) == batch.simulation.divergences >= 3


def test_3_200_adversarial_steps_on_rough_ground_without_a_reference(assets_of, make_handler):
    rough = Experiment.from_file(ROOT / "configs" / "experiments" / "rough_ground.json")
    groups = [{"name": name} for name in ("joint_positions", "joint_velocities", "foot_forces", "terrain_heights")]
    batch = make_handler(assets_of(rough), id="myoAssistLeg-v0", observation={"groups": groups}).make_batch(16)
    assert assail(batch, 200, break_every=60) == batch.simulation.divergences >= 3


@pytest.mark.slow
@pytest.mark.parametrize("rate", [50, 500])
def test_200_000_adversarial_steps(rate, assets, make_handler):
    batch = make_handler(assets, reward=ALL_REWARDS, control_rate_hz=rate).make_batch(64)
    assert assail(batch, 200_000 // 64 + 1, break_every=500) == batch.simulation.divergences >= 6


@pytest.mark.slow
def test_200_000_adversarial_steps_with_a_device_and_pushes(exo_assets, make_handler):
    handler = make_handler(
        exo_assets,
        id="myoAssistLegImitationExo-v0",
        reward=ALL_REWARDS,
        push={"force_n": 300.0, "window_s": [0.0, 1.0]},
        termination={"pelvis_height_min_m": None, "trunk_lean_max_rad": None},
    )
    batch = handler.make_batch(64)
    assert assail(batch, 200_000 // 64 + 1, break_every=500) == batch.simulation.divergences >= 6
