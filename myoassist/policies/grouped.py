"""A policy of several actors and a critic, each with its own view of the observation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from stable_baselines3.common.distributions import DiagGaussianDistribution, StateDependentNoiseDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from myoassist.config.policy import CriticSettings, PolicySettings
from myoassist.policies.selection import Selection, select


class GroupedPolicy(ActorCriticPolicy):
    """Actors that share nothing but the observation statistics, and one action distribution over all of them.

    Actions that are held (a network with `fixed`, or a device that is switched off) are constant: they have no
    noise, do not count in the probability of an action, and nothing learns from them.

    Attributes:
        selection: the columns of each network.
        held: action column -> its constant value.
    """

    def __init__(
        self,
        *args: Any,
        networks: Mapping[str, Any],
        observation_labels: Sequence[str],
        action_labels: Sequence[str],
        off: Sequence[str] = (),
        **kwargs: Any,
    ):
        """Build the networks.

        Args:
            *args: as for SB3's `ActorCriticPolicy`.
            networks: `PolicySettings` as plain data.
            observation_labels: `group/label` of every observed number.
            action_labels: the same of actions.
            off: groups of actions that are switched off; they are held at 0.
            **kwargs: as for SB3's `ActorCriticPolicy`.

        Raises:
            InputError: if the settings name groups that the layouts do not have.
        """
        self.settings = PolicySettings.parse(dict(networks), where="training: policy")
        self.selection = select(self.settings, observation_labels=observation_labels, action_labels=action_labels)
        self.held = {column: 0.0 for column, label in enumerate(action_labels) if label.split("/")[0] in off}
        for name, network in (self.settings.networks or {}).items():
            if network.fixed is not None:
                self.held |= {column: network.fixed for column in self.selection.acts[name]}
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = GroupedNetworks(self.settings, self.selection, self.held, self.activation_fn)

    def _build(self, lr_schedule: Any) -> None:
        size = self.action_space.shape[0]
        free = [column for column in range(size) if column not in self.held]
        widths = actor_widths(self.settings, self.selection)
        if self.use_sde:
            assert self.dist_kwargs is not None
            mask = torch.zeros(sum(widths.values()), size)
            start = 0
            for name, width in widths.items():
                columns = [column for column in self.selection.acts[name] if column not in self.held]
                mask[start : start + width, columns] = 1.0
                start += width
            self.action_dist = GroupedStateDependentNoise(size, free, mask, **self.dist_kwargs)
        else:
            self.action_dist = PartlyHeldGaussian(size, free)
        super()._build(lr_schedule)
        self.action_net = GroupedActionNet(self.settings, self.selection, self.held, size)
        if self.ortho_init:
            for module in self.action_net.modules():
                self.init_weights(module, gain=0.01)
        with torch.no_grad():
            for name, network in (self.settings.networks or {}).items():
                std = self.settings.initial_std if network.initial_std is None else network.initial_std
                width = widths.get(name, 0)
                scale = gsde_scale(width) if self.use_sde and width else 1.0
                self.log_std[..., list(self.selection.acts[name])] = math.log(std * scale)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)


def gsde_scale(width: int) -> float:
    """Factor on the standard deviation of gSDE's noise matrix with which actions get about that deviation.

    The noise of an action is the sum over `width` latent numbers, each times a weight drawn with that deviation.
    """
    return 1.0 / math.sqrt(width)


def actor_widths(policy: PolicySettings, selection: Selection) -> dict[str, int]:
    """Width of each actor's last hidden layer (of its input without one), for those that are networks."""
    return {
        name: network.hidden[-1] if network.hidden else len(selection.observes[name])
        for name, network in sorted((policy.networks or {}).items())
        if network.fixed is None
    }


def _layers(inputs: int, hidden: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), activation()]
        inputs = width
    return nn.Sequential(*layers)


class GroupedNetworks(nn.Module):
    """The hidden layers of all actors, side by side, and of the critic."""

    def __init__(
        self, policy: PolicySettings, selection: Selection, held: Mapping[int, float], activation: type[nn.Module]
    ):
        super().__init__()
        assert policy.networks is not None
        self._widths = actor_widths(policy, selection)
        self._idle = {name for name in self._widths if all(column in held for column in selection.acts[name])}
        nets = {}
        for name in self._widths:
            nets[name] = _layers(len(selection.observes[name]), policy.networks[name].hidden, activation)
        self.policy_nets = nn.ModuleDict(nets)
        hidden = policy.critic.hidden if isinstance(policy.critic, CriticSettings) else policy.critic
        self.value_net = _layers(len(selection.observes["critic"]), hidden, activation)
        for name in (*self._widths, "critic"):
            self.register_buffer(f"_columns_{name}", torch.tensor(selection.observes[name]), persistent=False)
        self.latent_dim_pi = sum(self._widths.values())
        self.latent_dim_vf = hidden[-1] if hidden else len(selection.observes["critic"])

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latent values of actors and critic for (B, O) standardised observations."""
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, sum of widths), actors sorted by name; zeros for those whose actions are all held."""
        parts = [
            features.new_zeros(len(features), self._widths[name])
            if name in self._idle
            else net(features[:, getattr(self, f"_columns_{name}")])
            for name, net in self.policy_nets.items()
        ]
        return torch.cat(parts, dim=1) if parts else features.new_zeros(len(features), 0)

    def forward_critic(self, features: torch.Tensor) -> torch.Tensor:
        """Return the critic's latent values."""
        return self.value_net(features[:, self._columns_critic])


class GroupedActionNet(nn.Module):
    """One linear head an actor; held actions are constants."""

    def __init__(self, policy: PolicySettings, selection: Selection, held: Mapping[int, float], size: int):
        super().__init__()
        self._widths = actor_widths(policy, selection)
        self._idle = {name for name in self._widths if all(column in held for column in selection.acts[name])}
        self.heads = nn.ModuleDict(
            {name: nn.Linear(width, len(selection.acts[name])) for name, width in self._widths.items()}
        )
        constant = torch.zeros(size)
        for column, value in held.items():
            constant[column] = value
        self.register_buffer("_constant", constant, persistent=False)
        kept = torch.ones(size)
        kept[list(held)] = 0.0
        self.register_buffer("_kept", kept, persistent=False)
        order = [column for name in self._widths for column in selection.acts[name]]
        self._complete = len(order) == size
        place = torch.full((size,), len(order))
        place[order] = torch.arange(len(order))
        self.register_buffer("_place", place, persistent=False)

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Return (B, A) mean actions for (B, sum of widths) latent values."""
        means, start = [], 0
        for name, head in self.heads.items():
            stop = start + self._widths[name]
            if name in self._idle:
                means.append(latent.new_zeros(len(latent), head.out_features))
            else:
                means.append(head(latent[:, start:stop]))
            start = stop
        if not self._complete:
            means.append(latent.new_zeros(len(latent), 1))
        return torch.cat(means, dim=1)[:, self._place] * self._kept + self._constant


class PartlyHeldGaussian(DiagGaussianDistribution):
    """Independent normal distributions, except for actions that are held at their mean."""

    def __init__(self, action_dim: int, free: Sequence[int]):
        super().__init__(action_dim)
        self.free = list(free)

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        """Log probability of the free actions, (B,)."""
        return self.distribution.log_prob(actions)[:, self.free].sum(dim=1)

    def entropy(self) -> torch.Tensor:
        """Entropy of the free actions, (B,)."""
        return self.distribution.entropy()[:, self.free].sum(dim=1)

    def sample(self) -> torch.Tensor:
        """Draw actions, (B, A)."""
        drawn = self.distribution.rsample()
        if len(self.free) == self.action_dim:
            return drawn
        actions = self.distribution.mean.clone()
        actions[:, self.free] = drawn[:, self.free]
        return actions


class GroupedStateDependentNoise(StateDependentNoiseDistribution):
    """gSDE (Raffin, Kober and Stulp 2021) whose noise on an actor's actions comes from that actor's features only."""

    def __init__(self, action_dim: int, free: Sequence[int], mask: torch.Tensor, **kwargs: Any):
        super().__init__(action_dim, **kwargs)
        self.free = list(free)
        self.mask = mask

    def get_std(self, log_std: torch.Tensor) -> torch.Tensor:
        """Standard deviations of the noise matrix, zero outside the actors' blocks."""
        return super().get_std(log_std) * self.mask

    def sample_weights(self, log_std: torch.Tensor, batch_size: int = 1) -> None:
        """Draw noise matrices."""
        std = self.get_std(log_std)
        self.exploration_mat = torch.randn_like(std) * std
        self.exploration_matrices = torch.randn(batch_size, *std.shape) * std

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        """Log probability of the free actions, (B,)."""
        return self.distribution.log_prob(actions)[:, self.free].sum(dim=1)

    def entropy(self) -> torch.Tensor:
        """Entropy of the free actions, (B,)."""
        return self.distribution.entropy()[:, self.free].sum(dim=1)
