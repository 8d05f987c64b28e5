"""The adapter that gives Stable-Baselines3 its `VecEnv`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.errors import InputError


class SB3VecEnv(VecEnv):
    """A batched environment as SB3 sees it.

    Infos of unfinished environments are empty; those that ended carry `terminal_observation`,
    `TimeLimit.truncated`, `termination` (reason) and `episode_steps`.

    Attributes:
        batch: the batched environment behind it.
    """

    def __init__(self, batch: MyoAssistLegBase):
        self.batch = batch
        self._actions: np.ndarray | None = None
        super().__init__(batch.num_envs, batch.single_observation_space, batch.single_action_space)

    def reset(self) -> np.ndarray:
        """Start all episodes, with the seed given by `seed()` and the options by `set_options()` if there are new ones.

        Options are those of `MyoAssistLegBase.reset`: one dict for all environments or one for each, with a number
        for each name.

        Raises:
            InputError: for unknown options, or ones that only some environments have.
        """
        observations, _ = self.batch.reset(seed=self._seeds[0], options=self._given_options())
        self._reset_seeds()
        self._reset_options()
        return observations

    def _given_options(self) -> dict[str, Any] | None:
        names = sorted(set().union(*self._options))
        for name in names:
            if any(name not in options or np.size(options[name]) != 1 for options in self._options):
                raise InputError(f"set_options: option '{name}': expected one number for each environment")
        return {name: [np.ravel(options[name])[0] for options in self._options] for name in names} or None

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the next reset; environment i draws from the stream (seed, i)."""
        self._seeds = [seed] * self.num_envs
        return self._seeds

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Advance all environments.

        Returns:
            observations (N, O), rewards (N,) float32, dones (N,), N infos.
        """
        observations, rewards, terminated, truncated, info = self.batch.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        dones = terminated | truncated
        if info:
            for index in np.flatnonzero(dones):
                infos[index] = {
                    "terminal_observation": info["final_obs"][index],
                    "TimeLimit.truncated": bool(truncated[index]),
                    "termination": str(info["termination"][index]),
                    "episode_steps": int(info["episode_steps"][index]),
                }
        return observations, rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """End the physics threads."""
        self.batch.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the batch, once per index."""
        return [getattr(self.batch, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the batch (it has no attributes of single environments)."""
        setattr(self.batch, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the batch once and return its result once per index."""
        result = getattr(self.batch, method_name)(*args, **kwargs)
        return [result] * len(list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Nothing wraps the single environments: there are none."""
        return [False] * len(list(self._get_indices(indices)))

    def get_images(self) -> Iterable[None]:
        """Images are made from rollouts, not from running environments."""
        return [None] * self.num_envs
