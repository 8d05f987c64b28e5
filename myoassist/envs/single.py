"""The single Gymnasium environment: the N=1 view of the batched one."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np

from myoassist.envs.myoassist_leg_base import MyoAssistLegBase


class SingleEnvironment(gymnasium.Env):
    """One environment in Gymnasium's plain interface; everything is done by its batch of one.

    Attributes:
        batch: the batched environment behind it.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, batch: MyoAssistLegBase):
        if batch.num_envs != 1 or batch.autoreset:
            raise ValueError("expected a batch of one environment without autoreset")
        self.batch = batch
        self.observation_space = batch.single_observation_space
        self.action_space = batch.single_action_space

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "batch":
            raise AttributeError(name)
        return getattr(self.batch, name)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; arguments as in `MyoAssistLegBase.reset`."""
        super().reset(seed=seed)
        observation, info = self.batch.reset(seed=seed, options=options)
        return observation[0], info

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance by one control step.

        Args:
            action: (A,) in [-1, 1].

        Returns:
            observation (O,), reward, terminated, truncated, info with `reward_terms` (raw, by name) and, at the end
            of an episode, `termination`.
        """
        observations, rewards, terminated, truncated, info = self.batch.step(np.asarray(action)[None])
        terms = dict(zip(self.batch.reward_terms, self.batch.raw_terms[:, 0].tolist(), strict=True))
        single: dict[str, Any] = {"reward_terms": terms}
        if "termination" in info:
            single["termination"] = str(info["termination"][0])
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), single

    def close(self) -> None:
        """End the physics threads."""
        self.batch.close()
