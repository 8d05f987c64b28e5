"""Bytes depend on seed and actions alone: not on threads, not on how many neighbours there are."""

from pathlib import Path

import numpy as np
import pytest
from all_rewards import ALL_REWARDS

from myoassist.config.experiment import Experiment

ROOT = Path(__file__).parents[2]
LARGEST = 64
STEPS = 40
VARIED = {"mode": "step", "minimum_m_s": 1.0, "maximum_m_s": 1.5, "period_s": 0.5}
NOISE = {"position_noise_rad": 0.02, "velocity_noise_rad_s": 0.1}


@pytest.fixture(scope="module")
def handler(assets, make_handler):
    return make_handler(assets, reward=ALL_REWARDS, target_velocity=VARIED, reset=NOISE, episode_s=0.5)


def trace(batch) -> list[np.ndarray]:
    """Everything a learner sees of each environment, for fixed actions: (N, bytes) a step."""
    rng = np.random.default_rng(3)
    observations, _ = batch.reset(seed=11)
    seen = [(observations,)]
    for _ in range(STEPS):
        actions = rng.uniform(-1, 1, (LARGEST, batch.action_layout.size))[: batch.num_envs]
        observations, rewards, terminated, truncated, _ = batch.step(actions)
        seen.append((observations, rewards, terminated, truncated, batch.simulation.state.copy()))
    batch.close()
    rows = [[np.ascontiguousarray(array).reshape(batch.num_envs, -1).view(np.uint8) for array in step] for step in seen]
    return [np.concatenate(row, axis=1) for row in rows]


@pytest.fixture(scope="module")
def largest(handler) -> list[np.ndarray]:
    return trace(handler.make_batch(LARGEST, threads=1))


@pytest.mark.parametrize(("num_envs", "threads"), [(1, 1), (3, 2), (7, 1), (16, 2), (33, 2), (64, 2), (64, 3)])
def test_bytes_depend_neither_on_threads_nor_on_neighbours(handler, largest, num_envs, threads):
    for step, (one, all_of_them) in enumerate(
        zip(trace(handler.make_batch(num_envs, threads=threads)), largest, strict=True)
    ):
        assert one.tobytes() == all_of_them[:num_envs].tobytes(), f"step {step}"


WITH_FORCES = {
    "target_velocity": {**VARIED, "mode": "sinusoidal", "period_s": 1.0},
    "reset": NOISE,
    "episode_s": 0.5,
    "push": {"force_n": 200.0, "window_s": [0.0, 0.2]},
    "pelvis_support": {"height_stiffness_n_m": 3000.0, "tilt_stiffness_n_m_rad": 300.0, "forward_damping_n_s_m": 50.0},
}


@pytest.mark.parametrize("kind", ["device", "reference baseline", "rough ground"])
def test_neighbours_do_not_matter_to_any_kind_of_environment(kind, assets, exo_assets, assets_of, make_handler):
    settings = {**WITH_FORCES, "reward": ALL_REWARDS}
    files = assets
    if kind == "device":
        settings["id"], files = "myoAssistLegImitationExo-v0", exo_assets
    elif kind == "reference baseline":
        settings["action"] = {"baseline": "reference"}
    else:
        rough = Experiment.from_file(ROOT / "configs" / "experiments" / "rough_ground.json")
        settings["observation"], files = rough.environment.observation.model_dump(mode="json"), assets_of(rough)
        settings["variation"] = {"ground_realisations": True, "mass_factor": [0.9, 1.1]}
    handler = make_handler(files, **settings)
    many = trace(handler.make_batch(9, threads=2))
    assert len({row.tobytes() for row in many[-1]}) == 9
    for num_envs in (1, 4):
        for step, (few, all_of_them) in enumerate(zip(trace(handler.make_batch(num_envs)), many, strict=True)):
            assert few.tobytes() == all_of_them[:num_envs].tobytes(), f"{num_envs} environments, step {step}"


def test_the_view_of_one_goes_like_its_row_of_the_batch_over_the_ends_of_episodes(handler):
    """Seeds are given as a list, so that row i starts as the single environment of that seed."""
    seeds = [7, 21, 4]
    batch = handler.make_batch(3)
    singles = [handler.make_single() for _ in seeds]
    rng = np.random.default_rng(5)
    observations, _ = batch.reset(seed=seeds)
    for row, (single, seed) in enumerate(zip(singles, seeds, strict=True)):
        assert single.reset(seed=seed)[0].tobytes() == observations[row].tobytes()
    ended = np.zeros(3, dtype=int)
    for _ in range(STEPS):
        actions = rng.uniform(-1, 1, (3, 22))
        observations, rewards, terminated, truncated, info = batch.step(actions)
        for row, single in enumerate(singles):
            seen, reward, *over, _ = single.step(actions[row])
            last = info["final_obs"][row] if any(over) else observations[row]
            assert (reward, *over) == (rewards[row], terminated[row], truncated[row])
            assert seen.tobytes() == last.tobytes()
            if any(over):
                ended[row] += 1
                assert single.reset()[0].tobytes() == observations[row].tobytes()
    assert ended.min() >= 1


def test_stable_baselines_sees_what_the_batch_does(assets, make_handler):
    handler = make_handler(
        assets, reward=ALL_REWARDS, reset=NOISE, episode_s=0.5, termination={"trunk_lean_max_rad": 0.2}
    )
    plain, adapter = handler.make_batch(4), handler.make_sb3(4)
    adapter.seed(3)
    assert adapter.reset().tobytes() == plain.reset(seed=3)[0].tobytes()
    rng, ends = np.random.default_rng(6), set()
    for _ in range(STEPS):
        actions = rng.uniform(-1, 1, (4, 22))
        observations, rewards, terminated, truncated, info = plain.step(actions)
        seen, given, dones, infos = adapter.step(actions)
        assert seen.tobytes() == observations.tobytes()
        assert given.tobytes() == rewards.astype(np.float32).tobytes()
        assert dones.tolist() == (terminated | truncated).tolist()
        for row in range(4):
            if not dones[row]:
                assert infos[row] == {}
                infos[row]["written by a wrapper"] = 1
                continue
            ends.add(infos[row]["termination"])
            assert infos[row]["TimeLimit.truncated"] == truncated[row]
            assert infos[row]["termination"] == info["termination"][row]
            assert infos[row]["episode_steps"] == info["episode_steps"][row]
            assert infos[row]["terminal_observation"].tobytes() == info["final_obs"][row].tobytes()
    assert ends == {"time_limit", "trunk_lean"}


def test_the_trace_goes_over_the_ends_of_episodes_and_differs_between_environments(largest):
    assert len({row.tobytes() for row in largest[-1]}) == LARGEST
