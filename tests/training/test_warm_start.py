"""Warm starts: what is kept is equal to the bit, what is reset is new and learns, what does not match is listed."""

import json

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import read_checkpoint_info, read_parameters
from myoassist.policies.learner import load_policy

GROUPS = [
    {"name": "joint_positions"},
    {"name": "joint_velocities", "scale": 0.1},
    {"name": "muscle_activations"},
    {"name": "foot_forces"},
    {"name": "target_velocity"},
    {"name": "phase"},
]
SEEN_BY_HUMAN = [group["name"] for group in GROUPS]
EXO = {
    "id": "myoAssistLegImitationExo-v0",
    "observation": {"groups": [*GROUPS, {"name": "device_torque"}]},
}
NETWORKS = {
    "human": {"observes": SEEN_BY_HUMAN, "acts": ["muscles"], "hidden": [16]},
    "device": {"observes": ["phase", "device_torque"], "acts": ["device"], "hidden": [4], "initial_std": 0.1},
}
EXO_POLICY = {"networks": NETWORKS, "critic": {"hidden": [8]}}


@pytest.fixture(scope="module")
def walk(assets, train_all, tmp_path_factory):
    """A small training without a device."""
    return train_all(assets, tmp_path_factory.mktemp("walk"), {})[-1]


def test_segments_other_than_the_first_do_not_know_of_a_warm_start():
    from myoassist.config.environment import EnvironmentSettings

    plain = TrainingSettings.parse({"total_steps": 2_000_000})
    warm = TrainingSettings.parse({"total_steps": 2_000_000, "warm_start": {"experiment": "walk", "optimizer": True}})
    moved = TrainingSettings.parse({"total_steps": 2_000_000, "warm_start": {"file": "a.zip", "optimizer": True}})
    texts = [[s.canonical() for s in t.segments(EnvironmentSettings(), 1)] for t in (plain, warm, moved)]
    assert texts[0][1] == texts[1][1] == texts[2][1]
    assert texts[0][0] != texts[1][0] == texts[2][0]


@pytest.mark.parametrize("value", [{}, {"file": "a.zip", "experiment": "b"}, {"file": "a.zip", "steps": 3}])
def test_a_warm_start_has_one_source(value):
    with pytest.raises(InputError, match="warm_start"):
        TrainingSettings.parse({"warm_start": value})


def test_everything_is_kept_and_training_goes_on(assets, walk, train_all, tmp_path):
    made = train_all(
        assets, tmp_path, {"warm_start": {"file": str(walk), "optimizer": True}, "total_steps": 128}, warm=walk
    )
    log = json.loads((tmp_path / "train_log_128.json").read_text())
    assert log["warm_start"]["reset"] == []
    assert log["warm_start"]["steps"] == 256
    assert log["warm_start"]["kept"][:2] == ["network actor", "network critic"]
    assert log["initial_reward_per_step"] != log["untrained_reward_per_step"]
    before, after = read_parameters(walk), read_parameters(made[0])
    steps = [int(p["policy.optimizer"]["state"][0]["step"]) for p in (before, after)]
    assert steps[1] == steps[0] + 4
    assert set(after["policy"]["features_extractor.count"].tolist()) == {256.0 + 128.0}


def test_transfer_to_a_body_with_a_device(exo_assets, walk, train_all, tmp_path):
    training = {"policy": EXO_POLICY, "warm_start": {"file": str(walk), "networks": {"human": "actor"}}}
    frozen = {"n_steps": 16, "batch_size": 64, "n_epochs": 2, "learning_rate": 1e-30}
    made = train_all(
        exo_assets, tmp_path / "frozen", {**training, "parameters": frozen, "total_steps": 128}, EXO, warm=walk
    )
    before, after = read_parameters(walk)["policy"], read_parameters(made[0])["policy"]
    for ours, theirs in (
        ("mlp_extractor.policy_nets.human.0.weight", "mlp_extractor.policy_net.0.weight"),
        ("action_net.heads.human.weight", "action_net.weight"),
        ("action_net.heads.human.bias", "action_net.bias"),
    ):
        torch.testing.assert_close(after[ours], before[theirs], rtol=0, atol=0)
    muscles = len(before["log_std"])
    torch.testing.assert_close(after["log_std"][:muscles], before["log_std"], rtol=0, atol=0)
    np.testing.assert_allclose(after["log_std"][muscles:].exp(), 0.1, rtol=1e-6)
    # the statistics of known numbers go on, those of the device begin
    counts = dict(zip(read_checkpoint_info(made[0]).observation_labels, after["features_extractor.count"], strict=True))
    new = {"target_velocity/forward"} | {label for label in counts if label.startswith("device_torque")}
    assert {label: float(count) for label, count in counts.items()} == {
        label: 128.0 if label in new else 384.0 for label in counts
    }
    kept = json.loads((tmp_path / "frozen" / "train_log_128.json").read_text())["warm_start"]
    assert kept["kept"][0] == "network human (from actor)"
    assert "network device" in kept["reset"]
    assert "network critic" in kept["reset"]
    assert any("device_torque" in line for line in kept["reset"])

    # what was reset is really trained, and what was kept too
    learned = read_parameters(train_all(exo_assets, tmp_path / "trained", training, EXO, warm=walk)[-1])["policy"]
    for name, start in after.items():
        if name.endswith(("weight", "log_std")):
            assert not torch.equal(learned[name], start), name


def test_scheduled_noise_is_not_taken_over(assets, walk, train_all, tmp_path):
    factor = {"linear": {"from": 0.6, "to": 0.3, "schedule_steps": 1000}}
    policy = {"actor": [16], "critic": [16], "initial_std": 0.5, "std_factor": factor}
    file = {"warm_start": {"file": str(walk)}, "policy": policy, "total_steps": 128}
    train_all(assets, tmp_path, file, warm=walk)
    log = json.loads((tmp_path / "train_log_128.json").read_text())
    assert log["rollouts"][0]["policy_std"] == pytest.approx(0.5 * 0.6)
    assert "log_std of actor, which follows std_factor" in log["warm_start"]["reset"]
    assert not any("log_std" in line for line in log["warm_start"]["kept"])


def test_both_rewards_before_training_are_those_of_the_noise_it_begins_with(assets, train_all, tmp_path):
    """A factor that never changes is an initial deviation by another name."""
    constant = {"linear": {"from": 0.5, "to": 0.5, "schedule_steps": 1000}}
    shared = {"actor": [16], "critic": [16]}
    found = []
    for name, policy in (
        ("factor", {**shared, "initial_std": 0.4, "std_factor": constant}),
        ("plain", {**shared, "initial_std": 0.2}),
    ):
        train_all(assets, tmp_path / name, {"policy": policy, "total_steps": 128})
        log = json.loads((tmp_path / name / "train_log_128.json").read_text())
        found.append(log["untrained_reward_per_step"])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_separate_networks_survive_the_checkpoint(exo_assets, train_all, tmp_path):
    made = train_all(exo_assets, tmp_path / "a", {"policy": EXO_POLICY}, EXO)
    algorithm = PPO.load(made[-1], device="cpu")
    assert type(algorithm.policy).__name__ == "GroupedPolicy"
    ours = load_policy(made[-1])
    observations = np.random.default_rng(0).uniform(-1, 1, (5, len(ours.info.observation_labels))).astype(np.float32)
    theirs, _ = algorithm.predict(observations, deterministic=True)
    np.testing.assert_array_equal(ours.act(observations), theirs)
    again = train_all(exo_assets, tmp_path / "b", {"policy": EXO_POLICY}, EXO)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made]


def test_a_device_that_is_off_is_held_and_not_trained(exo_assets, train_all, tmp_path):
    off = {**EXO, "action": {"device": {"enabled": False}}}
    made = train_all(exo_assets, tmp_path, {"policy": EXO_POLICY}, off)
    one, two = (read_parameters(path)["policy"] for path in made)
    for name in one:
        if ".device." in name:
            assert torch.equal(one[name], two[name]), name
        elif name.endswith("weight"):
            assert not torch.equal(one[name], two[name]), name
    policy = load_policy(made[-1])
    seen = np.random.default_rng(0).uniform(-1, 1, (4, len(policy.info.observation_labels))).astype(np.float32)
    assert (policy.act(seen, deterministic=False)[:, -2:] == 0).all()


@pytest.mark.parametrize(
    ("training", "environment", "parts"),
    [
        ({"policy": {"actor": [32], "critic": [16]}}, {}, ["network 'actor': hidden [16] there, [32] here"]),
        ({"policy": {"actor": [16], "critic": [16], "activation": "elu"}}, {}, ["activation tanh there, elu here"]),
        (
            {},
            {"observation": {"groups": [{"name": "joint_positions", "scale": 2.0}, {"name": "phase"}]}},
            ["network 'actor' observes -joint_velocities/pelvis_tx", "and 32 more", "network 'critic' observes"],
        ),
        (
            {},
            {"observation": {"groups": [{**group, "scale": 0.5} for group in GROUPS]}},
            ["joint_positions is scaled by 1 there and 0.5 here", "joint_velocities is scaled by 0.1 there"],
        ),
        ({"algorithm": "SAC", "parameters": {}}, {}, ["trained by PPO, whose networks SAC does not have"]),
        (
            {"warm_start": {"file": "x.zip", "networks": {"actor": "human"}}},
            {},
            ["network 'human' is not there (known: actor, critic)"],
        ),
        (
            {"warm_start": {"file": "x.zip", "networks": {"actor": "actor"}, "optimizer": True}},
            {},
            ["optimizer: can be kept only with the same algorithm"],
        ),
    ],
)
def test_what_does_not_match_is_listed(assets, walk, train_all, tmp_path, training, environment, parts):
    with pytest.raises(InputError) as caught:
        train_all(assets, tmp_path, {"warm_start": {"file": str(walk)}, **training}, environment, warm=walk)
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_unexpected_checkpoint_is_refused(assets, walk, train_all, tmp_path):
    with pytest.raises(InputError, match="expected a checkpoint to start from"):
        train_all(assets, tmp_path, {"warm_start": {"file": str(walk)}})
    with pytest.raises(InputError, match="expected none"):
        train_all(assets, tmp_path, {}, warm=walk)
