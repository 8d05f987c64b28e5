"""Observation statistics that live inside the policy and travel with it."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class NormalizingExtractor(BaseFeaturesExtractor):
    """Standardises observations with running statistics that only `update` changes.

    They stay frozen while a rollout is collected and while its gradient steps are taken, so the probability
    ratio of the first minibatch is exactly 1; the learning callback updates them afterwards.
    """

    def __init__(self, observation_space: spaces.Box, *, enabled: bool = True, clip: float = 10.0):
        """Start with mean 0 and variance 1.

        Args:
            observation_space: flat Box of the observations.
            enabled: if not, observations pass unchanged.
            clip: bound of standardised values.
        """
        size = observation_space.shape[0]
        super().__init__(observation_space, features_dim=size)
        self.enabled = enabled
        self.clip = clip
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(size, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Standardise (B, O) observations."""
        if not self.enabled:
            return observations
        scale = torch.rsqrt(self.variance + 1e-6).float()
        return torch.clamp((observations - self.mean.float()) * scale, -self.clip, self.clip)

    @torch.no_grad()
    def update(self, observations: torch.Tensor) -> None:
        """Merge the statistics of (B, O) observations (Chan, Golub and LeVeque 1979, parallel variance)."""
        batch = observations.to(torch.float64)
        count, mean = float(len(batch)), batch.mean(dim=0)
        variance = batch.var(dim=0, unbiased=False)
        total = self.count + count
        delta = mean - self.mean
        squares = self.variance * self.count + variance * count + delta.square() * self.count * count / total
        self.mean += delta * count / total
        self.variance.copy_(squares / total)
        self.count.copy_(total)
