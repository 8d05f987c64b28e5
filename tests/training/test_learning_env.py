"""A mirrored learner sees the first half of the gait cycle only, and acts on the side that it means."""

import numpy as np

from myoassist.policies.learner import load_policy
from myoassist.policies.mirror import Mirror, mirror_columns
from myoassist.training.learning_env import MirroredVecEnv


def test_a_learner_only_sees_the_first_half_and_its_actions_reach_the_right_side(assets, make_handler):
    from myoassist.envs.sb3 import SB3VecEnv

    plain = SB3VecEnv(make_handler(assets).make_batch(6, threads=1))
    env = MirroredVecEnv(SB3VecEnv(make_handler(assets).make_batch(6, threads=1)))
    labels, actions = plain.batch.observation_layout.labels, plain.batch.action_layout.labels
    mirror, sine = Mirror(labels, actions), labels.index("phase/sin")
    plain.seed(1), env.seed(1)
    bare, seen = plain.reset(), env.reset()
    stream, halves, ended = np.random.default_rng(0), set(), 0
    for _ in range(60):
        turned = bare[:, sine] < 0
        halves |= set(turned.tolist())
        np.testing.assert_array_equal(seen, mirror.show(bare, turned))
        assert (seen[:, sine] >= 0).all()
        action = stream.uniform(-1, 1, (6, len(actions))).astype(np.float32)
        bare, bare_rewards, bare_dones, bare_infos = plain.step(mirror.turn(action, turned))
        seen, rewards, dones, infos = env.step(action)
        np.testing.assert_array_equal(rewards, bare_rewards)
        np.testing.assert_array_equal(dones, bare_dones)
        for index in np.flatnonzero(dones):
            ended += 1
            last = bare_infos[index]["terminal_observation"][None]
            np.testing.assert_array_equal(
                infos[index]["terminal_observation"], mirror.show(last, mirror.in_second_half(last))[0]
            )
    assert halves == {True, False}
    assert ended > 0
    plain.close(), env.close()


def test_a_mirrored_checkpoint_acts_in_the_mirror(assets, train_all, tmp_path):
    (checkpoint,) = train_all(
        assets,
        tmp_path,
        {"mirror": True, "parameters": {"n_steps": 8, "batch_size": 16, "n_epochs": 1}, "total_steps": 64},
    )[-1:]
    policy = load_policy(checkpoint)
    labels = policy.info.observation_labels
    columns, signs = mirror_columns(labels)
    done, _ = mirror_columns(policy.info.action_labels)
    seen = np.random.default_rng(0).uniform(-1, 1, (5, len(labels))).astype(np.float32)
    np.testing.assert_array_equal(policy.act(seen[:, columns] * signs), policy.act(seen)[:, done])
