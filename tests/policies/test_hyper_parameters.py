"""Hyper-parameters: types from the algorithm's own signature, values that make sense, and nothing evaluated."""

import inspect
import sys

import pytest

from myoassist.config.training import LearnerSettings
from myoassist.errors import InputError
from myoassist.policies.hyper_parameters import RANGES, algorithm_class, check_parameters

FADING = {"linear": {"from": 3e-4, "to": 0.0, "schedule_steps": 1000}}


def learner(algorithm: str, parameters: dict, **policy) -> LearnerSettings:
    return LearnerSettings.parse(
        {"algorithm": algorithm, "parameters": parameters, "policy": policy, "n_envs": 2, "torch_threads": 1}
    )


@pytest.mark.parametrize(
    ("algorithm", "parameters"),
    [
        ("PPO", {"learning_rate": FADING, "clip_range": 0.2, "clip_range_vf": FADING, "batch_size": 64, "gamma": 1}),
        ("PPO", {"n_epochs": 3, "target_kl": 0.02, "use_sde": True, "sde_sample_freq": -1, "max_grad_norm": 1}),
        ("A2C", {"rms_prop_eps": 1e-5, "use_rms_prop": False, "ent_coef": 0}),
        ("SAC", {"ent_coef": "auto_0.1", "target_entropy": -5.5, "train_freq": 4, "gradient_steps": -1}),
        ("SAC", {"ent_coef": 0.2, "target_entropy": "auto", "learning_starts": 0}),
        ("TD3", {"policy_delay": 2, "target_policy_noise": 0.1, "tau": 0.005}),
    ],
)
def test_what_the_signature_allows_passes(algorithm, parameters):
    assert check_parameters(learner(algorithm, parameters)).__name__ == algorithm


@pytest.mark.parametrize(
    ("algorithm", "parameters", "message"),
    [
        (
            "PPO",
            {"batch_size": "big"},
            "'parameters.batch_size': expected a whole number >= 2 and <= 100,000,000 (foun",
        ),
        ("PPO", {"batch_size": 1}, ">= 2 and <= 100,000,000 (found 1)"),
        ("PPO", {"batch_size": True}, "expected a whole number"),
        (
            "PPO",
            {"learning_rate": -1},
            "'parameters.learning_rate': expected a number above 0 and at most 1, or a sche",
        ),
        ("PPO", {"learning_rate": 0}, "expected a number above 0"),
        ("PPO", {"learning_rate": "lambda p: p"}, "schedule {\"linear\": …} between such numbers (found 'lambda p: p'"),
        ("PPO", {"learning_rate": {"linear": {"from": 1e-3, "to": -1e-3, "schedule_steps": 9}}}, "above 0"),
        ("PPO", {"learning_rate": {"linear": {"from": 0, "to": 0, "schedule_steps": 9}}}, "above 0"),
        ("PPO", {"gamma": FADING}, "'parameters.gamma': takes a value, not a schedule"),
        ("PPO", {"n_epochs": 0}, "'parameters.n_epochs': expected a whole number >= 1 and <= 1,000 (found 0)"),
        ("PPO", {"n_epochs": 1.5}, "expected a whole number >= 1 and <= 1,000 (found 1.5)"),
        ("PPO", {"ent_coef": "auto"}, "'parameters.ent_coef': expected a number >= 0 (found 'auto')"),
        ("PPO", {"gamma": 5}, "'parameters.gamma': expected a number >= 0 and <= 1 (found 5)"),
        ("PPO", {"use_sde": "yes"}, "'parameters.use_sde': expected true or false (found 'yes')"),
        ("PPO", {"use_sde": 1}, "expected true or false (found 1)"),
        ("PPO", {"sde_sample_freq": 0}, "expected a whole number >= 1 (or -1) (found 0)"),
        ("PPO", {"n_step": 3}, "'parameters.n_step': PPO has no such parameter (known: batch_size, "),
        ("PPO", {"policy": "CnnPolicy"}, "'parameters.policy': PPO has no such parameter"),
        ("PPO", {"device": "cuda"}, "'parameters.device': PPO has no such parameter"),
        ("SAC", {"ent_coef": "automatic"}, "expected a number >= 0, or 'auto' or 'auto_<start>' (found 'automatic')"),
        ("SAC", {"ent_coef": "auto_import os"}, "'auto' or 'auto_<start>'"),
        ("SAC", {"ent_coef": "auto_0.0"}, "'auto' or 'auto_<start>'"),
        ("SAC", {"use_sde_at_warmup": 0.5}, "expected true or false"),
        ("TD3", {"buffer_size": 10**12}, "<= 100,000,000"),
        ("DQN", {}, "DQN cannot be used here: it chooses among a few actions"),
        ("POP", {}, "unknown algorithm 'POP' (known: "),
    ],
)
def test_anything_else_is_one_line_that_names_the_field(algorithm, parameters, message):
    with pytest.raises(InputError) as caught:
        check_parameters(learner(algorithm, parameters))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_number_of_a_supported_algorithm_has_a_range():
    """A new parameter of a new version shows here and gets a range, or a reason why it needs none."""
    needs_none = {"stats_window_size", "target_entropy", "n_steps"}
    for name in ("PPO", "A2C", "SAC", "TD3", "DDPG"):
        for word, parameter in inspect.signature(algorithm_class(name).__init__).parameters.items():
            if type(parameter.default) in (int, float) and word not in ("verbose",):
                assert word in RANGES or word in needs_none, (name, word)


def test_networks_and_noise_must_suit_the_algorithm():
    with pytest.raises(InputError, match=r"'policy\.networks': SAC takes one actor"):
        check_parameters(learner("SAC", {}, networks={"human": {"acts": ["muscles"]}}))
    with pytest.raises(InputError, match=r"'policy\.std_factor': only for on-policy"):
        check_parameters(learner("SAC", {}, std_factor={"linear": {"from": 1, "to": 0.5, "schedule_steps": 9}}))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("RecurrentPPO", "its policies have a memory of their own"),
        ("ARS", "it learns neither from rollouts nor from a replay buffer"),
        ("MaskablePPO", "it chooses among a few actions"),
        ("QRDQN", "it chooses among a few actions"),
    ],
)
def test_algorithms_of_sb3_contrib_that_cannot_be_used(name, reason):
    pytest.importorskip("sb3_contrib")
    with pytest.raises(InputError, match=rf"^training: field 'algorithm': {name} cannot be used here: {reason}"):
        algorithm_class(name)
    with pytest.raises(InputError, match=r"known: A2C, CrossQ, DDPG, PPO, SAC, TD3, TQC, TRPO\)"):
        algorithm_class("POP")


def test_without_sb3_contrib_the_error_tells_of_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    with pytest.raises(InputError, match=r"unknown algorithm 'TQC' .known: A2C, DDPG, PPO, SAC, TD3; others"):
        algorithm_class("TQC")
