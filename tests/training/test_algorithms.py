"""Algorithms by name: each trains a chain of small segments and leaves a checkpoint that its own `load` reads."""

import json

import numpy as np
import pytest

from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import read_checkpoint_info, read_parameters
from myoassist.policies.hyper_parameters import algorithm_class
from myoassist.policies.learner import load_policy

REPLAY = {"learning_starts": 32, "train_freq": 2, "gradient_steps": 1, "batch_size": 16, "buffer_size": 500}
TRAININGS = {
    "PPO": {"parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1}},
    "PPO with gSDE": {
        "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1, "use_sde": True, "sde_sample_freq": 4}
    },
    "PPO mirrored": {"mirror": True, "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1}},
    "PPO with fading noise": {
        "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1},
        "policy": {"std_factor": {"linear": {"from": 1.0, "to": 0.5, "schedule_steps": 256}}},
    },
    "A2C": {"parameters": {"n_steps": 8}},
    "SAC": {"parameters": REPLAY},
    "TD3": {"parameters": REPLAY},
    "DDPG": {"parameters": REPLAY},
    "TRPO": {"parameters": {"n_steps": 16, "batch_size": 64, "n_critic_updates": 1}},
    "TQC": {"parameters": REPLAY},
    "CrossQ": {"parameters": REPLAY},
}
CONTRIB = ("TRPO", "TQC", "CrossQ")


@pytest.fixture(scope="module")
def trained(assets, train_all, tmp_path_factory):
    """Return a function that trains two segments by an algorithm, once."""
    done = {}

    def train(name: str):
        if name in CONTRIB:
            pytest.importorskip("sb3_contrib")
        if name not in done:
            folder = tmp_path_factory.mktemp(name.split()[0].lower())
            done[name] = train_all(assets, folder, {"algorithm": name.split()[0], **TRAININGS[name]})
        return done[name]

    return train


@pytest.mark.parametrize("name", TRAININGS)
def test_a_chain_of_segments(trained, name):
    made = trained(name)
    assert [read_checkpoint_info(path).steps for path in made] == [128, 256]
    one, two = (read_parameters(path)["policy"] for path in made)
    moved = [key for key in one if key.endswith("weight") and not np.array_equal(one[key], two[key])]
    assert any("critic" in key or "value_net" in key for key in moved)
    assert any("actor" in key or "policy_net" in key or "action_net" in key for key in moved)


@pytest.mark.parametrize("name", TRAININGS)
def test_the_algorithms_own_load_acts_as_we_do(trained, name):
    checkpoint = trained(name)[-1]
    algorithm = algorithm_class(name.split()[0]).load(checkpoint, device="cpu")
    ours = load_policy(checkpoint)
    seen = np.random.default_rng(0).uniform(-1, 1, (5, len(ours.info.observation_labels))).astype(np.float32)
    if "mirrored" in name:  # SB3 knows nothing of the mirror, which turns observations of the second half only
        seen[:, ours.info.observation_labels.index("phase/sin")] = 0.5
    np.testing.assert_array_equal(ours.act(seen), algorithm.predict(seen, deterministic=True)[0])


@pytest.mark.parametrize("name", TRAININGS)
def test_the_same_chain_ends_in_the_same_bytes(assets, trained, train_all, tmp_path, name):
    made = trained(name)
    again = train_all(assets, tmp_path, {"algorithm": name.split()[0], **TRAININGS[name]})
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made]


@pytest.mark.parametrize("name", TRAININGS)
def test_statistics_see_every_observation_once(trained, name):
    state = read_parameters(trained(name)[-1])["policy"]
    counts = {key: set(value.tolist()) for key, value in state.items() if key.endswith("features_extractor.count")}
    assert counts
    assert all(count == {256.0} for count in counts.values())
    means = [value for key, value in state.items() if key.endswith("features_extractor.mean")]
    assert all(np.array_equal(means[0], mean) for mean in means)


def test_fading_noise_follows_its_schedule_over_the_whole_training(trained):
    """Its rollouts, one a segment, start at 0 and at 128 steps."""
    stds = [read_parameters(path)["policy"]["log_std"].exp().numpy() for path in trained("PPO with fading noise")]
    np.testing.assert_allclose(stds[0], 0.3, rtol=1e-6)
    np.testing.assert_allclose(stds[1], 0.225, rtol=1e-6)


def test_noise_of_a_replay_buffer_does_not_fade():
    settings = {"algorithm": "SAC", "policy": {"std_factor": {"linear": {"from": 1, "to": 0.5, "schedule_steps": 9}}}}
    from myoassist.config.environment import EnvironmentSettings
    from myoassist.policies.learner import make_algorithm

    class Env:
        def get_attr(self, name, _):
            return [EnvironmentSettings() if name == "settings" else type("L", (), {"labels": ["a/b"]})]

    learner = TrainingSettings.parse(settings).segments(EnvironmentSettings(), 1)[0].learner
    with pytest.raises(InputError, match=r"std_factor.*only for on-policy"):
        make_algorithm(learner, Env(), steps=0)
    with pytest.raises(InputError, match="factors above 0"):
        TrainingSettings.parse({"policy": {"std_factor": {"linear": {"from": 1, "to": 0, "schedule_steps": 9}}}})


def test_logs_tell_what_the_algorithm_measures(trained):
    (record,) = json.loads(trained("SAC")[0].with_name("train_log_128.json").read_text())["rollouts"]
    assert record["steps"] == 128
    assert {"actor_loss", "critic_loss", "entropy_coefficient"} <= record.keys()
    assert record["critic_loss"] is not None
    first = json.loads(trained("A2C")[0].with_name("train_log_128.json").read_text())["rollouts"][0]
    assert first["explained_variance"] is not None
    assert first["approx_kl"] is None


def test_a_replay_buffer_is_filled_by_the_policy_in_later_segments(assets, trained):
    from myoassist.config.environment import EnvironmentSettings
    from myoassist.envs.environment_handler import EnvironmentHandler
    from myoassist.envs.sb3 import SB3VecEnv
    from myoassist.policies.learner import make_algorithm

    settings = TrainingSettings.parse({"algorithm": "SAC", "parameters": REPLAY, "n_envs": 4})
    segment = settings.segments(EnvironmentSettings(), 1)[0]
    env = SB3VecEnv(EnvironmentHandler.from_files(EnvironmentSettings(), **assets.files).make_batch(4, threads=1))
    fresh, later = make_algorithm(segment.learner, env, steps=0), make_algorithm(segment.learner, env, steps=1000)
    assert (fresh.learning_starts, later.learning_starts) == (32, 1032)
    for algorithm, acts in ((fresh, False), (later, True)):
        asked = []
        algorithm._last_obs = env.reset()
        original = algorithm.predict
        algorithm.predict = lambda *a, _o=original, _l=asked, **k: _l.append(1) or _o(*a, **k)
        algorithm._sample_action(algorithm.learning_starts, None, 4)
        assert bool(asked) is acts
    env.close()


def test_rollouts_follow_the_algorithm():
    def rollout(**settings) -> int:
        return TrainingSettings.parse({"n_envs": 10, **settings}).rollout_steps

    assert rollout() == 1280
    assert rollout(parameters={"n_steps": 5}) == 50
    assert rollout(algorithm="SAC", parameters={"n_steps": 3, "train_freq": 4}) == 40
    assert rollout(algorithm="TD3") == 10
    with pytest.raises(InputError, match="train_freq must be a whole number"):
        rollout(algorithm="SAC", parameters={"train_freq": "episode"})


def test_null_takes_the_algorithms_own_default():
    settings = TrainingSettings.parse({"parameters": {"clip_range": None, "n_steps": 4}})
    assert settings.parameters == {"n_steps": 4}


def test_own_default_of_the_rollout_length(assets, train_all, tmp_path):
    training = {"n_envs": 2, "parameters": {"batch_size": 64, "n_epochs": 1}, "total_steps": 256, "segment_steps": 256}
    (checkpoint,) = train_all(assets, tmp_path, training)
    log = json.loads((tmp_path / "train_log_256.json").read_text())
    assert [record["steps"] for record in log["rollouts"]] == [256]
    assert read_checkpoint_info(checkpoint).steps == 256
