"""The environment as a learner sees it: as it is, or through a mirror."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnvWrapper

from myoassist.config.training import LearnerSettings
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.sb3 import SB3VecEnv
from myoassist.policies.mirror import Mirror


def learning_env(batch: MyoAssistLegBase, learner: LearnerSettings) -> SB3VecEnv | MirroredVecEnv:
    """Return a batched environment as a learner with these settings sees it.

    Raises:
        InputError: if it is to be mirrored and cannot be.
    """
    env = SB3VecEnv(batch)
    return MirroredVecEnv(env) if learner.mirror else env


class MirroredVecEnv(VecEnvWrapper):
    """What a learner sees of a body through `Mirror`; rewards and episodes are unchanged.

    Attributes:
        batch: the batched environment behind it.
    """

    def __init__(self, venv: SB3VecEnv):
        """Wrap an environment.

        Raises:
            InputError: if its numbers cannot be mirrored.
        """
        super().__init__(venv)
        self.batch = venv.batch
        self._mirror = Mirror(self.batch.observation_layout.labels, self.batch.action_layout.labels)
        self._turned = np.zeros(venv.num_envs, dtype=bool)

    def reset(self) -> np.ndarray:
        """Start all episodes."""
        return self._show(self.venv.reset())

    def step_async(self, actions: np.ndarray) -> None:
        """Turn the actions to the side that the policy took for the other."""
        self.venv.step_async(self._mirror.turn(actions, self._turned))

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Advance all environments; as `SB3VecEnv.step_wait`, final observations mirrored too."""
        observations, rewards, dones, infos = self.venv.step_wait()
        for index in np.flatnonzero(dones):
            last = infos[index]["terminal_observation"][None]
            infos[index]["terminal_observation"] = self._mirror.show(last, self._mirror.in_second_half(last))[0]
        return self._show(observations), rewards, dones, infos

    def _show(self, observations: np.ndarray) -> np.ndarray:
        self._turned = self._mirror.in_second_half(observations)
        return self._mirror.show(observations, self._turned)
