"""Settings become a Stable-Baselines3 algorithm with our policy; checkpoints become policies that act."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from myoassist.config.training import LearnerSettings, PolicySettings, Schedule
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, read_checkpoint_info, read_parameters
from myoassist.policies.normalization import NormalizingExtractor

ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "elu": torch.nn.ELU, "silu": torch.nn.SiLU}
SCHEDULED = ("learning_rate", "clip_range", "clip_range_vf")
_OURS = {
    "self", "policy", "env", "policy_kwargs", "verbose", "seed", "device", "_init_setup_model", "tensorboard_log",
    "stats_window_size", "monitor_wrapper", "replay_buffer_class", "replay_buffer_kwargs", "rollout_buffer_class",
    "rollout_buffer_kwargs", "action_noise", "optimize_memory_usage",
}  # fmt: skip


def algorithm_class(name: str) -> type[BaseAlgorithm]:
    """Find an algorithm by its name in Stable-Baselines3, or in sb3-contrib if that is installed.

    Raises:
        InputError: if neither has it.
    """
    packages = [stable_baselines3]
    try:
        import sb3_contrib

        packages.append(sb3_contrib)
    except ImportError:
        pass
    for package in packages:
        found = getattr(package, name, None)
        if isinstance(found, type) and issubclass(found, BaseAlgorithm):
            return found
    known = sorted(
        attribute
        for package in packages
        for attribute in vars(package)
        if isinstance(getattr(package, attribute), type) and issubclass(getattr(package, attribute), BaseAlgorithm)
    )
    raise InputError(f"training: field 'algorithm': unknown algorithm '{name}' (known: {', '.join(known)})")


def check_parameters(learner: LearnerSettings) -> type[BaseAlgorithm]:
    """Check hyper-parameters against the algorithm's own signature and return its class.

    Raises:
        InputError: for unknown parameters or schedules where the algorithm takes none.
    """
    found = algorithm_class(learner.algorithm)
    known = set(inspect.signature(found.__init__).parameters) - _OURS
    for name, value in learner.parameters.items():
        if name not in known:
            raise InputError(
                f"training: field 'parameters.{name}': {learner.algorithm} has no such parameter "
                f"(known: {', '.join(sorted(known))})"
            )
        if isinstance(value, Schedule) and name not in SCHEDULED:
            raise InputError(f"training: field 'parameters.{name}': takes a value, not a schedule")
    return found


def make_algorithm(learner: LearnerSettings, env: VecEnv, *, steps: int) -> BaseAlgorithm:
    """Build an algorithm with a fresh policy.

    Args:
        learner: algorithm, hyper-parameters and networks.
        env: what it learns on.
        steps: steps done so far; schedules start from there.

    Returns:
        The algorithm on the CPU, its schedules following `num_timesteps` (absolute steps).

    Raises:
        InputError: for unknown algorithms or parameters.
    """
    found = check_parameters(learner)
    constants = {
        name: value.linear.at(steps) if isinstance(value, Schedule) else value
        for name, value in learner.parameters.items()
    }
    try:
        algorithm = found(
            "MlpPolicy",
            env,
            policy_kwargs=policy_arguments(learner.policy, on_policy=issubclass(found, OnPolicyAlgorithm)),
            device="cpu",
            verbose=0,
            **constants,
        )
    except (TypeError, ValueError, AssertionError) as error:
        raise InputError(f"training: field 'parameters': {learner.algorithm} refuses them: {error}") from None
    algorithm.num_timesteps = steps
    follow_schedules(algorithm, learner)
    return algorithm


def follow_schedules(algorithm: BaseAlgorithm, learner: LearnerSettings) -> None:
    """Make scheduled parameters functions of absolute steps instead of SB3's progress within one call."""
    for name, value in learner.parameters.items():
        if isinstance(value, Schedule):
            attribute = "lr_schedule" if name == "learning_rate" else name
            setattr(algorithm, attribute, FloatSchedule(_AbsoluteSchedule(algorithm, value)))


class _AbsoluteSchedule:
    """A schedule over absolute steps in the place of one over SB3's progress."""

    def __init__(self, algorithm: BaseAlgorithm, schedule: Schedule):
        self.algorithm = algorithm
        self.schedule = schedule

    def __call__(self, _progress: float) -> float:
        return self.schedule.linear.at(self.algorithm.num_timesteps)


def policy_arguments(policy: PolicySettings, *, on_policy: bool) -> dict[str, Any]:
    """Translate our policy settings into SB3's `policy_kwargs`."""
    arguments: dict[str, Any] = {
        "net_arch": {"pi": list(policy.actor), "vf" if on_policy else "qf": list(policy.critic)},
        "activation_fn": ACTIVATIONS[policy.activation],
        "features_extractor_class": NormalizingExtractor,
        "features_extractor_kwargs": {"enabled": policy.normalize_observations},
    }
    if on_policy:
        arguments["log_std_init"] = math.log(policy.initial_std)
    return arguments


class ActingPolicy:
    """A checkpoint's policy, ready to act.

    Attributes:
        info: what the checkpoint says of itself.
    """

    def __init__(self, policy: Any, info: CheckpointInfo):
        self._policy = policy
        self.info = info

    def act(self, observations: np.ndarray, *, deterministic: bool = True) -> np.ndarray:
        """Return (N, A) actions in [-1, 1] for (N, O) observations.

        With `deterministic=False` noise is drawn from torch's global stream.
        """
        actions, _ = self._policy.predict(observations, deterministic=deterministic)
        return np.clip(actions, -1.0, 1.0)


def load_policy(path: Path) -> ActingPolicy:
    """Load a checkpoint's policy: weights only, no code from the file is run.

    Raises:
        InputError: if the file is missing or damaged, or its weights do not fit its own description.
    """
    info = read_checkpoint_info(path)
    learner = LearnerSettings.parse(info.learner, where=f"{path}: myoassist.json: learner")
    found = check_parameters(learner)
    on_policy = issubclass(found, OnPolicyAlgorithm)
    observation_space = gymnasium.spaces.Box(
        -info.observation_bound, info.observation_bound, (len(info.observation_labels),), np.float32
    )
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (len(info.action_labels),), np.float32)
    policy = found.policy_aliases["MlpPolicy"](
        observation_space,
        action_space,
        lambda _: 0.0,
        **policy_arguments(learner.policy, on_policy=on_policy),
        **({"use_sde": True} if learner.parameters.get("use_sde") else {}),
    )
    try:
        policy.load_state_dict(read_parameters(path)["policy"])
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: its weights do not fit its networks ({str(error).splitlines()[0]})") from None
    policy.set_training_mode(False)
    return ActingPolicy(policy, info)
