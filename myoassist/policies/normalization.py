"""Observation statistics that live inside the policy and travel with it."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

SMALLEST_DEVIATION = 0.05
"""Numbers that vary less than this (scaled units) are divided by it, lest a constant become a cliff."""


class NormalizingExtractor(BaseFeaturesExtractor):
    """Standardises observations with running statistics that only `update` changes.

    Each number counts its own observations, so that one that is new after a transfer starts afresh.
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
        self.register_buffer("count", torch.zeros(size, dtype=torch.float64))
        self.prepare()

    def prepare(self) -> None:
        """Make of the statistics what `forward` needs of them, after they were changed from outside."""
        self._shift = self.mean.float()
        self._scale = torch.rsqrt(self.variance.clamp(min=SMALLEST_DEVIATION**2)).float()

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Standardise (B, O) observations; deviations count as at least `SMALLEST_DEVIATION`."""
        if not self.enabled:
            return observations
        return torch.clamp((observations - self._shift) * self._scale, -self.clip, self.clip)

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
        self.prepare()

    def _load_from_state_dict(self, state_dict: dict[str, torch.Tensor], prefix: str, *rest: Any) -> None:
        count = state_dict.get(f"{prefix}count")
        if count is not None and count.dim() == 0:  # one count for all numbers, in early checkpoints
            state_dict[f"{prefix}count"] = count.expand(self.count.shape).clone()
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self.prepare()


def extractors(policy: torch.nn.Module) -> list[NormalizingExtractor]:
    """Return the policy's distinct extractors that standardise; all see the same observations."""
    return [module for module in policy.modules() if isinstance(module, NormalizingExtractor) and module.enabled]
