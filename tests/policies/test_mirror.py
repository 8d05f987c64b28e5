"""The mirror image of a rollout: right and left change places, and the body agrees."""

import json

import numpy as np
import pytest
import torch

from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.policies.mirror import mirror_columns

LABELS = [
    "joint_positions/tilt",
    "joint_positions/hip_r",
    "joint_positions/hip_l",
    "phase/sin",
    "phase/cos",
    "a/Exo_L",
    "a/Exo_R",
]


def test_right_and_left_change_places_and_the_phase_moves_half_a_cycle():
    columns, signs = mirror_columns(LABELS)
    assert columns.tolist() == [0, 2, 1, 3, 4, 6, 5]
    assert signs.tolist() == [1, 1, 1, -1, -1, 1, 1]
    value = np.arange(7.0)
    image = value[columns] * signs
    np.testing.assert_array_equal(image[columns] * signs, value)
    with pytest.raises(InputError, match="'a/Exo_L' has no counterpart 'a/Exo_R'"):
        mirror_columns(LABELS[:-1])


def test_the_body_moves_in_the_mirror_as_the_mirror_image_does(assets, make_handler):
    """Two bodies, one the mirror image of the other, driven by mirrored actions, see mirrored observations."""
    batch = make_handler(assets).make_batch(2, threads=1, autoreset=False)
    batch.reset(seed=0, options={"phase": [0.1, 0.6]})
    names = [joint.name for joint in batch.manifest.independent_joints]
    swap, _ = mirror_columns(names)
    simulation = batch.simulation
    muscles, _ = mirror_columns(batch.manifest.muscle_names)
    for values, where in ((simulation.qpos, "qpos"), (simulation.qvel, "dof")):
        columns = np.array([getattr(joint, where) for joint in batch.manifest.independent_joints])
        values[1, columns] = values[0, columns[swap]]
    batch.couplings.apply(simulation.qpos, simulation.qvel)
    simulation.activation[1] = simulation.activation[0][muscles]
    observed, signs = mirror_columns(batch.observation_layout.labels)
    done, _ = mirror_columns(batch.action_layout.labels)
    stream = np.random.default_rng(3)
    for _ in range(5):
        action = stream.uniform(-0.5, 0.5, len(done))
        seen, *_ = batch.step(np.array([action, action[done]]))
        image = seen[0][observed] * signs
        np.testing.assert_allclose(seen[1][:10], image[:10], atol=5e-3)  # rad and m
        np.testing.assert_allclose(seen[1], image, atol=0.05)  # contact amplifies small differences
    batch.close()


def test_a_rollout_is_learned_from_twice(assets, make_handler):
    from myoassist.config.environment import EnvironmentSettings
    from myoassist.envs.sb3 import SB3VecEnv
    from myoassist.policies.learner import make_algorithm

    env = SB3VecEnv(make_handler(assets).make_batch(4, threads=1))
    settings = TrainingSettings.parse(
        {"mirror": True, "n_envs": 4, "parameters": {"n_steps": 8, "batch_size": 16}, "policy": {"actor": [8]}}
    )
    algorithm = make_algorithm(settings.segments(EnvironmentSettings(), 1)[0].learner, env, steps=0)
    _, callback = algorithm._setup_learn(32, None)
    algorithm.collect_rollouts(env, callback, algorithm.rollout_buffer, 8)
    batches = list(algorithm.rollout_buffer.get(16))
    assert [len(batch.actions) for batch in batches] == [16] * 4
    buffer = algorithm.rollout_buffer
    columns, signs = mirror_columns(env.batch.observation_layout.labels)
    np.testing.assert_array_equal(buffer.observations[32:], buffer.observations[:32][:, columns] * signs)
    np.testing.assert_array_equal(buffer.advantages[32:], buffer.advantages[:32])
    with torch.no_grad():
        _, log_prob, _ = algorithm.policy.evaluate_actions(
            torch.as_tensor(buffer.observations), torch.as_tensor(buffer.actions)
        )
    np.testing.assert_allclose(buffer.log_probs[:, 0], log_prob, atol=1e-4)  # the first ratio is 1
    env.close()


def test_a_replay_buffer_has_no_mirror(assets, make_handler):
    from myoassist.config.environment import EnvironmentSettings
    from myoassist.envs.sb3 import SB3VecEnv
    from myoassist.policies.learner import make_algorithm

    env = SB3VecEnv(make_handler(assets).make_batch(2, threads=1))
    settings = TrainingSettings.parse({"mirror": True, "algorithm": "SAC", "n_envs": 2})
    with pytest.raises(InputError, match="only for on-policy"):
        make_algorithm(settings.segments(EnvironmentSettings(), 1)[0].learner, env, steps=0)
    env.close()


def test_mirroring_is_part_of_what_a_segment_depends_on():
    from myoassist.config.environment import EnvironmentSettings

    texts = [
        json.loads(TrainingSettings.parse({"mirror": value}).segments(EnvironmentSettings(), 1)[0].canonical())
        for value in (False, True)
    ]
    assert [text["learner"]["mirror"] for text in texts] == [False, True]
