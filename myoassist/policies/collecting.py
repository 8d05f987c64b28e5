"""Collecting a rollout with the actors alone: between two steps of the bodies, nothing is computed but actions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv

ROWS = 2048
"""Observations that a network sees at once where many wait for it."""


class Actors:
    """The actors of a policy whose weights do not change during a rollout.

    With independent normal distributions, the noise of the whole rollout and its probabilities are computed at once:
    what SB3 and torch check, wrap and draw anew for every step takes longer than the network.

    Attributes:
        log_probs: (n_steps, N) of the actions, complete after the last step.
    """

    def __init__(self, policy: ActorCriticPolicy, n_steps: int, num_envs: int):
        """Take a policy as it is now, and noise from torch's global stream."""
        self._policy = policy
        self._noise: torch.Tensor | None = None
        self.log_probs = np.empty((n_steps, num_envs), dtype=np.float32)
        if isinstance(policy.action_dist, DiagGaussianDistribution):
            log_std = policy.log_std.detach()
            free = torch.zeros_like(log_std)
            free[getattr(policy.action_dist, "free", slice(None))] = 1.0
            noise = torch.randn(n_steps, num_envs, len(log_std))
            self._noise = noise * (log_std.exp() * free)
            log_scale = float((free * (log_std + 0.5 * math.log(2 * math.pi))).sum())
            self.log_probs[:] = (noise.square_() @ free).mul_(-0.5).sub_(log_scale).numpy()

    @torch.inference_mode()
    def act(self, observations: np.ndarray, step: int) -> np.ndarray:
        """Choose the actions of a step, in the order of steps.

        Args:
            observations: (N, O) float32.
            step: of the rollout, from 0.

        Returns:
            (N, A) actions, not clipped.
        """
        seen, policy = torch.from_numpy(observations), self._policy
        if self._noise is None:
            distribution = policy.get_distribution(seen)
            actions = distribution.get_actions()
            self.log_probs[step] = distribution.log_prob(actions).numpy()
            return actions.numpy()
        latent = policy.mlp_extractor.forward_actor(policy.pi_features_extractor(seen))
        return policy.action_net(latent).add_(self._noise[step]).numpy()


def collect(
    algorithm: OnPolicyAlgorithm, env: VecEnv, callback: BaseCallback, buffer: RolloutBuffer, n_steps: int
) -> bool:
    """Fill a buffer by the algorithm's policy as SB3's own `collect_rollouts` does, but for values and advantages.

    Actions are stored as they were drawn and given to the environment so, which clips them. The rewards of steps at
    which a time limit cut an episode off hold the value of what would have come (Pardo et al. 2018), as in SB3.

    Args:
        algorithm: whose state it goes on from (`_last_obs`, `_last_episode_starts`, `num_timesteps`).
        env: N environments.
        callback: is told of the rollout's start and end and, with `rewards`, `new_obs`, `dones` and `infos` as its
            locals, of each step.
        buffer: of `n_steps` steps; its `values`, `advantages` and `returns` stay zeros (`value` fills them).
        n_steps: steps of each environment.

    Returns:
        Whether it is full; False if the callback ended it.
    """
    policy = algorithm.policy
    policy.set_training_mode(False)
    buffer.reset()
    if algorithm.use_sde:
        policy.reset_noise(env.num_envs)
    callback.on_rollout_start()
    actors = Actors(policy, n_steps, env.num_envs)
    told: dict[str, Any] = {}
    for step in range(n_steps):
        if algorithm.use_sde and algorithm.sde_sample_freq > 0 and step % algorithm.sde_sample_freq == 0:
            policy.reset_noise(env.num_envs)
        observations = algorithm._last_obs
        actions = actors.act(observations, step)
        new_observations, rewards, dones, infos = env.step(actions)
        algorithm.num_timesteps += env.num_envs
        told.update(rewards=rewards, new_obs=new_observations, dones=dones, infos=infos)
        callback.update_locals(told)
        if not callback.on_step():
            return False
        for index in np.flatnonzero(dones):
            if infos[index]["TimeLimit.truncated"]:
                last = torch.as_tensor(infos[index]["terminal_observation"])[None]
                with torch.no_grad():
                    rewards[index] += algorithm.gamma * policy.predict_values(last).item()
        buffer.observations[step] = observations
        buffer.actions[step] = actions
        buffer.rewards[step] = rewards
        buffer.episode_starts[step] = algorithm._last_episode_starts
        algorithm._last_obs, algorithm._last_episode_starts = new_observations, dones
    buffer.log_probs[:] = actors.log_probs
    buffer.pos, buffer.full = n_steps, True
    callback.on_rollout_end()
    return True


@torch.no_grad()
def value(buffer: RolloutBuffer, policy: ActorCriticPolicy, last_observations: np.ndarray, dones: np.ndarray) -> None:
    """Fill in what a rollout lacks whose steps have not been valued: values, advantages and returns.

    Args:
        buffer: a full one.
        policy: that collected it, whose critic values it.
        last_observations: (N, O) after its last step.
        dones: (N,) bool, whether the last step ended an episode.
    """
    policy.set_training_mode(False)
    buffer.values = values = np.empty_like(buffer.values)
    flat, observations = values.reshape(-1), buffer.observations.reshape(-1, buffer.observations.shape[-1])
    for start in range(0, len(flat), ROWS):
        rows = slice(start, start + ROWS)
        flat[rows] = policy.predict_values(torch.from_numpy(observations[rows])).flatten().numpy()
    last = policy.predict_values(torch.from_numpy(last_observations))
    buffer.compute_returns_and_advantage(last_values=last, dones=dones)
