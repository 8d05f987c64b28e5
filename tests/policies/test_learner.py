"""What a policy learns by is SB3's own optimiser, in fewer passes over the weights."""

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3.common.policies import ActorCriticPolicy

from myoassist.config.policy import PolicySettings
from myoassist.config.training import LearnerSettings
from myoassist.policies.hyper_parameters import algorithm_class
from myoassist.policies.learner import policy_arguments

SPACES = gymnasium.spaces.Box(-10, 10, (3,), np.float32), gymnasium.spaces.Box(-1, 1, (2,), np.float32)


@pytest.fixture
def policy():
    settings = PolicySettings.parse({"actor": [8], "critic": [8], "normalize_observations": False})
    learner = LearnerSettings(algorithm="PPO", parameters={}, policy=settings, n_envs=2, torch_threads=1)
    kind, arguments = policy_arguments(
        learner, algorithm_class("PPO"), observation_labels=["a/x", "a/y", "b/x"], action_labels=["c/x", "c/y"]
    )
    return kind(*SPACES, lambda _: 1e-3, **arguments)


def test_the_optimiser_is_that_of_sb3_but_for_its_passes(policy):
    theirs, ours = ActorCriticPolicy(*SPACES, lambda _: 1e-3).optimizer, policy.optimizer
    assert type(ours) is type(theirs)
    assert ours.defaults == {**theirs.defaults, "fused": True}


def test_a_state_of_more_passes_is_gone_on_from(policy):
    """As in checkpoints of versions before."""
    before = torch.optim.Adam(policy.parameters(), lr=1e-3, eps=1e-5)
    for parameter in policy.parameters():
        parameter.grad = torch.ones_like(parameter)
    before.step()
    policy.optimizer.load_state_dict(before.state_dict())
    weights = [parameter.detach().clone() for parameter in policy.parameters()]
    policy.optimizer.step()
    for parameter, weight in zip(policy.parameters(), weights, strict=True):
        assert torch.allclose(weight - parameter, torch.full_like(weight, 1e-3), rtol=1e-2)
