"""Action noise that follows a schedule instead of being learned."""

from __future__ import annotations

import math

import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from myoassist.config.schedule import LinearSchedule
from myoassist.policies.schedules import value_at


class ScheduledNoise(BaseCallback):
    """Sets an on-policy algorithm's action noise before every rollout, and keeps it while that is learned from.

    A walk that is learned with much noise may be another one without: here a policy's mean walked 0.1 m/s faster than
    the same policy with the noise it had learned with. Noise that fades lets both agree in the end.
    """

    def __init__(self, algorithm: OnPolicyAlgorithm, factor: LinearSchedule):
        """Take the noise of a fresh algorithm as what the factor multiplies.

        Args:
            algorithm: before anything is loaded into it.
            factor: of the standard deviation, over absolute steps.
        """
        super().__init__()
        self._factor = factor
        self._initial = algorithm.policy.log_std.detach().clone()
        algorithm.policy.log_std.requires_grad_(False)

    def apply(self, algorithm: OnPolicyAlgorithm, steps: int) -> None:
        """Give the algorithm the noise of a moment, in absolute steps."""
        with torch.no_grad():
            algorithm.policy.log_std.copy_(self._initial + math.log(value_at(self._factor, steps)))

    def _on_rollout_start(self) -> None:
        self.apply(self.model, self.num_timesteps)

    def _on_step(self) -> bool:
        return True
