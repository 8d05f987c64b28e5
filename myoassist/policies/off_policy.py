"""What algorithms with a replay buffer need on top, so that training can be cut into segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm


class Refilling:
    """Mixed into an off-policy algorithm: a segment starts with an empty replay buffer and fills it by its policy.

    SB3 acts at random for the first `learning_starts` steps of a training. Here it does so only in the first segment;
    a later one acts with the policy that it got for so many steps before it goes on learning.
    """

    refill_until: int | None = None

    def resume(self, steps: int) -> None:
        """Prepare for a segment that starts after so many steps."""
        assert isinstance(self, OffPolicyAlgorithm)
        if steps > 0:
            self.learning_starts += steps
            self.refill_until = self.learning_starts

    def _sample_action(self, learning_starts: int, *args: Any, **kwargs: Any) -> tuple[np.ndarray, np.ndarray]:
        random_until = learning_starts if self.refill_until is None else 0
        return super()._sample_action(random_until, *args, **kwargs)


def refilling(found: type[OffPolicyAlgorithm]) -> type[OffPolicyAlgorithm]:
    """Return the algorithm with `Refilling` mixed in."""
    return type(found.__name__, (Refilling, found), {"__module__": found.__module__})
