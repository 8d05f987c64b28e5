"""The exponential linear unit is PyTorch's, in values, gradients and what becomes of numbers that are none."""

import gymnasium
import numpy as np
import pytest
import torch

from myoassist.config.policy import PolicySettings
from myoassist.config.training import LearnerSettings
from myoassist.policies.activations import ELU, elu
from myoassist.policies.hyper_parameters import algorithm_class
from myoassist.policies.learner import policy_arguments

VALUES = [-np.inf, -100.0, -3.0, -0.5, -1e-9, -0.0, 0.0, 1e-9, 0.5, 3.0, 100.0, np.inf]


def test_values_are_pytorchs():
    values = torch.cat([torch.tensor(VALUES), torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 3])
    before = values.clone()
    np.testing.assert_allclose(elu(values), torch.nn.functional.elu(values), rtol=0, atol=1.2e-7)
    below = values[values < 0]
    np.testing.assert_allclose(elu(below), torch.expm1(below.double()), rtol=0, atol=6e-8)
    assert torch.equal(values, before)
    assert elu(torch.tensor([np.nan])).isnan().all()


@pytest.mark.parametrize("shape", [(7,), (5, 3), (0, 4)])
def test_gradients_are_pytorchs(shape):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    weights = torch.randn(*shape, generator=torch.Generator().manual_seed(2))
    gradients = []
    for layer in (ELU(), torch.nn.ELU()):
        seen = values.clone().requires_grad_()
        (layer(seen) * weights).sum().backward()
        gradients.append(seen.grad)
    np.testing.assert_allclose(*gradients, rtol=0, atol=1.2e-7)


def test_the_gradient_is_that_of_the_function():
    # away from 0, where the second derivative jumps
    values = torch.tensor([-2.0, -0.7, 0.4, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ELU(), values)


def test_without_gradients_the_layer_gives_the_same_bytes():
    values = torch.randn(64, 32, generator=torch.Generator().manual_seed(3))
    learned = ELU()(values.clone().requires_grad_())
    with torch.no_grad():
        acted = ELU()(values)
    assert torch.equal(learned, acted)
    assert not acted.requires_grad


NETWORKS = {"all": {"observes": ["a", "b"], "acts": ["c"], "hidden": [8, 8]}}


@pytest.mark.parametrize("networks", [{"actor": [8, 8], "critic": [8]}, {"networks": NETWORKS, "critic": [8]}])
def test_policies_have_this_layer_and_none_of_pytorchs(networks):
    settings = PolicySettings.parse({**networks, "activation": "elu"})
    learner = LearnerSettings(algorithm="PPO", parameters={}, policy=settings, n_envs=2, torch_threads=1)
    labels = {"observation_labels": ["a/x", "a/y", "b/x"], "action_labels": ["c/x", "c/y"]}
    kind, arguments = policy_arguments(learner, algorithm_class("PPO"), **labels)
    spaces = gymnasium.spaces.Box(-10, 10, (3,), np.float32), gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    layers = [type(layer) for layer in kind(*spaces, lambda _: 1e-3, **arguments).modules()]
    assert layers.count(ELU) == 3
    assert torch.nn.ELU not in layers
