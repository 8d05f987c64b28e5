"""Separate networks: each sees and does what it is told by name, and only that."""

import math

import gymnasium
import numpy as np
import pytest
import torch

from myoassist.config.policy import PolicySettings
from myoassist.config.training import LearnerSettings
from myoassist.errors import InputError
from myoassist.policies.hyper_parameters import algorithm_class, check_parameters
from myoassist.policies.learner import policy_arguments
from myoassist.policies.selection import select

SEEN = ["joint_positions/hip_r", "joint_positions/hip_l", "phase/sin", "phase/cos", "device_torque/exo"]
DONE = ["muscles/a", "device/exo_r", "muscles/b", "device/exo_l"]
HUMAN = {"observes": ["phase", "joint_positions"], "acts": ["muscles"], "hidden": [8]}
DEVICE = {"observes": ["joint_positions/hip_l", "device_torque"], "acts": ["device"], "hidden": [4, 3]}
POLICY = {
    "networks": {"human": HUMAN, "device": {**DEVICE, "initial_std": 0.1}},
    "critic": {"observes": ["phase"], "hidden": [5]},
    "initial_std": 0.5,
}


def make(policy: dict, *, device_enabled: bool = True, use_sde: bool = False):
    learner = LearnerSettings(
        algorithm="PPO",
        parameters={"use_sde": True} if use_sde else {},
        policy=PolicySettings.parse(policy),
        n_envs=2,
        torch_threads=1,
    )
    kind, arguments = policy_arguments(
        learner,
        algorithm_class("PPO"),
        observation_labels=SEEN,
        action_labels=DONE,
        device_enabled=device_enabled,
    )
    torch.manual_seed(0)
    return kind(
        gymnasium.spaces.Box(-10, 10, (len(SEEN),), np.float32),
        gymnasium.spaces.Box(-1, 1, (len(DONE),), np.float32),
        lambda _: 1e-3,
        use_sde=use_sde,
        **arguments,
    )


def changed_by(function, size: int = len(SEEN)) -> list[list[int]]:
    """For every output, the observed columns that it depends on."""
    observation = torch.randn(1, size, requires_grad=True)
    found = []
    for output in function(observation)[0]:
        (gradient,) = torch.autograd.grad(output, observation, retain_graph=True, allow_unused=True)
        found.append(torch.flatten(gradient.nonzero()[:, 1]).tolist())
    return found


def test_each_network_sees_and_does_what_its_groups_say():
    policy = make(POLICY)
    human, device = [0, 1, 2, 3], [1, 4]
    assert changed_by(lambda seen: policy.get_distribution(seen).mode()) == [human, device, human, device]
    assert changed_by(policy.predict_values) == [[2, 3]]
    np.testing.assert_allclose(policy.log_std.exp().detach(), [0.5, 0.1, 0.5, 0.1], rtol=1e-6)


def test_every_parameter_is_in_the_optimizer():
    policy = make(POLICY)
    known = {id(tensor) for group in policy.optimizer.param_groups for tensor in group["params"]}
    assert known == {id(tensor) for tensor in policy.parameters()}
    with pytest.raises(AttributeError):
        policy.action_net.weight  # noqa: B018  (SB3's own head is replaced, not kept beside)


def test_probabilities_agree_with_the_formula():
    policy = make(POLICY)
    seen = torch.randn(6, len(SEEN))
    actions, _, log_prob = policy(seen)
    distribution = torch.distributions.Normal(policy.get_distribution(seen).mode(), policy.log_std.exp())
    torch.testing.assert_close(log_prob, distribution.log_prob(actions).sum(dim=1))


@pytest.mark.parametrize("use_sde", [False, True])
def test_held_actions_are_constant_and_do_not_count(use_sde):
    fixed = {**POLICY, "networks": {"human": HUMAN, "device": {"acts": ["device"], "fixed": -0.25}}}
    for policy, value in (
        (make(POLICY, device_enabled=False, use_sde=use_sde), 0.0),
        (make(fixed, use_sde=use_sde), -0.25),
    ):
        seen = torch.randn(6, len(SEEN))
        if use_sde:
            policy.reset_noise(6)
        actions, _, log_prob = policy(seen)
        assert (actions[:, [1, 3]] == value).all()
        assert actions[:, [0, 2]].std() > 0
        normal = policy.get_distribution(seen).distribution
        torch.testing.assert_close(log_prob, normal.log_prob(actions)[:, [0, 2]].sum(dim=1))
        assert float(policy.get_distribution(seen).entropy()[0].detach()) == pytest.approx(
            float(normal.entropy()[0, [0, 2]].sum().detach())
        )
        log_prob.sum().backward()
        idle = [tensor.grad for name, tensor in policy.named_parameters() if ".device." in name]
        assert all(gradient is None for gradient in idle)


def test_gsde_noise_of_an_actor_comes_from_its_own_features():
    policy = make(POLICY, use_sde=True)
    policy.reset_noise(1)
    mean = lambda seen: policy.get_distribution(seen).mode()  # noqa: E731
    noise = lambda seen: policy.get_distribution(seen).get_actions() - mean(seen)  # noqa: E731
    one = torch.randn(1, len(SEEN))
    other = one.clone()
    other[0, 4] += 1.0
    before, after = noise(one).detach(), noise(other).detach()
    torch.testing.assert_close(before[0, [0, 2]], after[0, [0, 2]])
    assert (before[0, [1, 3]] != after[0, [1, 3]]).all()


def test_gsde_starts_with_about_the_standard_deviation_that_was_asked_for():
    for settings in (
        {"actor": [64, 64], "initial_std": 0.2},
        {"actor": [64], "activation": "elu", "initial_std": 0.2},
    ):
        policy = make(settings, use_sde=True)
        std = policy.get_distribution(torch.randn(500, len(SEEN))).distribution.stddev.detach()
        assert 0.05 < float(std.mean()) < 0.3


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (
            {"human": {**HUMAN, "observes": ["phases"]}},
            r"networks\.human\.observes': the environment has no 'phases' \(kn",
        ),
        ({"human": {**HUMAN, "acts": ["muscle"]}}, r"networks\.human\.acts': the environment has no 'muscle'"),
        ({"human": HUMAN}, r"no network acts on 2 of 4 actions \(device\)"),
        ({"human": HUMAN, "other": {"acts": ["muscles/a"]}}, r"muscles/a is acted on by 'human' too"),
    ],
)
def test_wrong_names_are_one_line(networks, message):
    with pytest.raises(InputError, match=message) as caught:
        select(PolicySettings.parse({"networks": networks}), observation_labels=SEEN, action_labels=DONE)
    assert "\n" not in str(caught.value)


def test_only_on_policy_algorithms_take_separate_networks():
    learner = LearnerSettings(
        algorithm="SAC", parameters={}, policy=PolicySettings.parse(POLICY), n_envs=2, torch_threads=1
    )
    with pytest.raises(InputError, match="SAC takes one actor"):
        check_parameters(learner)


def test_a_critic_with_a_view_of_its_own_needs_networks():
    with pytest.raises(InputError, match="only together with networks"):
        PolicySettings.parse({"critic": {"observes": ["phase"]}})


def test_the_default_policy_is_sb3s():
    policy = make({"actor": [7], "critic": [9]})
    assert type(policy).__name__ == "ActorCriticPolicy"
    assert policy.net_arch == {"pi": [7], "vf": [9]}
    assert float(policy.log_std[0].detach()) == pytest.approx(math.log(0.3))
