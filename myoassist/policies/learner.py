"""Settings become a Stable-Baselines3 algorithm with our policy; checkpoints become policies that act."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from myoassist.config.policy import CriticSettings
from myoassist.config.schedule import Schedule
from myoassist.config.training import LearnerSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, read_checkpoint_info, read_parameters, stored_numbers
from myoassist.policies.activations import ACTIVATIONS
from myoassist.policies.grouped import GroupedPolicy, gsde_scale
from myoassist.policies.hyper_parameters import check_parameters, plain_values
from myoassist.policies.mirror import Mirror
from myoassist.policies.normalization import NormalizingExtractor
from myoassist.policies.off_policy import Refilling, refilling
from myoassist.policies.overlapping import OverlappingPPO
from myoassist.policies.schedules import value_at
from myoassist.policies.selection import network_names, select

N_STEPS = 128
"""Of an on-policy rollout unless given: `config.training.DEFAULT_N_STEPS`, by which segments are planned, as code."""


def make_algorithm(learner: LearnerSettings, env: VecEnv, *, steps: int) -> BaseAlgorithm:
    """Build an algorithm with a fresh policy.

    Args:
        learner: algorithm, hyper-parameters and networks.
        env: what it learns on; its batch's layouts name observations and actions.
        steps: steps done so far; schedules start from there.

    Returns:
        The algorithm on the CPU, its schedules following `num_timesteps` (absolute steps).

    Raises:
        InputError: for unknown algorithms, parameters, or groups that networks observe or act on.
    """
    found = check_parameters(learner)
    on_policy = issubclass(found, OnPolicyAlgorithm)
    arguments = plain_values(learner.parameters, steps)
    observation_labels = env.get_attr("observation_layout", [0])[0].labels
    action_labels = env.get_attr("action_layout", [0])[0].labels
    policy_class, policy_kwargs = policy_arguments(
        learner,
        found,
        observation_labels=observation_labels,
        action_labels=action_labels,
        device_enabled=env.get_attr("settings", [0])[0].action.device.enabled,
    )
    if on_policy:
        arguments.setdefault("n_steps", N_STEPS)
        if learner.overlap:
            found = OverlappingPPO
    else:
        found = refilling(found)
        if found.__name__ in ("TD3", "DDPG"):
            size = env.action_space.shape[0]
            sigma = np.full(size, learner.policy.initial_std)
            arguments["action_noise"] = NormalActionNoise(np.zeros(size), sigma)
    try:
        algorithm = found(policy_class, env, policy_kwargs=policy_kwargs, device="cpu", verbose=0, **arguments)
    except (TypeError, ValueError, AssertionError, MemoryError) as error:
        raise InputError(f"training: field 'parameters': {learner.algorithm} refuses them: {error}") from None
    algorithm.num_timesteps = steps
    if isinstance(algorithm, Refilling):
        algorithm.resume(steps)
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
        return value_at(self.schedule.linear, self.algorithm.num_timesteps)


def policy_arguments(
    learner: LearnerSettings,
    found: type[BaseAlgorithm],
    *,
    observation_labels: Sequence[str],
    action_labels: Sequence[str],
    device_enabled: bool = True,
) -> tuple[type[BasePolicy], dict[str, Any]]:
    """Translate our policy settings into SB3's policy class and `policy_kwargs`.

    Args:
        learner: networks and, for gSDE, hyper-parameters.
        found: the algorithm's class.
        observation_labels: `group/label` of every observed number.
        action_labels: the same of actions.
        device_enabled: whether a worn device acts; if not, separate networks hold its actions at 0.

    Raises:
        InputError: if networks name groups that there are not.
    """
    policy = learner.policy
    on_policy = issubclass(found, OnPolicyAlgorithm)
    policy_class = found.policy_aliases["MlpPolicy"]
    arguments: dict[str, Any] = {
        "activation_fn": ACTIVATIONS[policy.activation],
        "features_extractor_class": NormalizingExtractor,
        "features_extractor_kwargs": {"enabled": policy.normalize_observations},
    }
    if on_policy:  # SB3's epsilon; all weights in one pass instead of a dozen: a fifth of the time of a step
        arguments["optimizer_kwargs"] = {"eps": 1e-5, "fused": True}
    if found.__name__ == "DDPG":
        arguments["n_critics"] = 1  # as its constructor does
    if policy.networks is not None:
        select(policy, observation_labels=observation_labels, action_labels=action_labels)
        arguments |= {
            "networks": policy.model_dump(mode="json"),
            "observation_labels": list(observation_labels),
            "action_labels": list(action_labels),
            "off": [] if device_enabled else ["device"],
            "log_std_init": math.log(policy.initial_std),
        }
        return GroupedPolicy, arguments
    assert not isinstance(policy.critic, CriticSettings)
    arguments["net_arch"] = {"pi": list(policy.actor), "vf" if on_policy else "qf": list(policy.critic)}
    if on_policy:
        width = policy.actor[-1] if policy.actor else len(observation_labels)
        scale = gsde_scale(width) if learner.parameters.get("use_sde") else 1.0
        arguments["log_std_init"] = math.log(policy.initial_std * scale)
    return policy_class, arguments


class ActingPolicy:
    """A checkpoint's policy, ready to act.

    Attributes:
        info: what the checkpoint says of itself.
    """

    def __init__(
        self, policy: Any, info: CheckpointInfo, *, path: Path, sde_sample_freq: int = -1, mirror: bool = False
    ):
        self._path = path
        self._policy = policy
        self._use_sde = bool(getattr(policy, "use_sde", False))
        self._sde_sample_freq = sde_sample_freq
        self._sampled = 0
        self._mirror = Mirror(info.observation_labels, info.action_labels) if mirror else None
        self.info = info

    def refuse_other(self, observation_labels: Sequence[str], action_labels: Sequence[str]) -> None:
        """Refuse an environment that shows or takes other numbers than the policy was trained with.

        Raises:
            InputError: naming the first that differs.
        """
        for kind, trained, offered in (
            ("observations", self.info.observation_labels, observation_labels),
            ("actions", self.info.action_labels, action_labels),
        ):
            if list(trained) != list(offered):
                differing = sorted(set(trained) ^ set(offered)) or ["their order"]
                raise InputError(
                    f"{self._path}: trained with other {kind} than this environment has "
                    f"({len(trained)} against {len(offered)}; {differing[0]})"
                )

    def act(self, observations: np.ndarray, *, deterministic: bool = True) -> np.ndarray:
        """Return (N, A) actions in [-1, 1] for (N, O) observations.

        With `deterministic=False` noise is drawn from torch's global stream; gSDE's noise matrices are drawn anew as
        often as in training (`sde_sample_freq` calls, or only at the first call).
        """
        if self._use_sde and not deterministic:
            frequency = self._sde_sample_freq
            if self._sampled == 0 or (frequency > 0 and self._sampled % frequency == 0):
                self._policy.reset_noise(len(observations))
            self._sampled += 1
        if self._mirror is None:
            actions, _ = self._policy.predict(observations, deterministic=deterministic)
        else:
            turned = self._mirror.in_second_half(observations)
            actions, _ = self._policy.predict(self._mirror.show(observations, turned), deterministic=deterministic)
            actions = self._mirror.turn(actions, turned)
        return np.clip(actions, -1.0, 1.0)


def load_policy(path: Path) -> ActingPolicy:
    """Load a checkpoint's policy: weights only, no code from the file is run.

    Raises:
        InputError: if the file is missing or damaged, or its weights do not fit its own description.
    """
    info = read_checkpoint_info(path)
    learner = LearnerSettings.parse(info.learner, where=f"{path}: myoassist.json: learner")
    weights = read_parameters(path)["policy"]
    observation_space = gymnasium.spaces.Box(
        -info.observation_bound, info.observation_bound, (len(info.observation_labels),), np.float32
    )
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (len(info.action_labels),), np.float32)
    try:
        claimed, held = claimed_numbers(learner, info), stored_numbers(weights)
        if claimed > held:
            raise InputError(f"its networks claim {claimed:,} weights and the file holds {held:,}")
        policy_class, arguments = policy_arguments(
            learner,
            check_parameters(learner),
            observation_labels=info.observation_labels,
            action_labels=info.action_labels,
            device_enabled=info.device_enabled,
        )
        if learner.parameters.get("use_sde"):
            arguments["use_sde"] = True
        arguments["optimizer_class"] = _NoOptimizer
        policy = policy_class(observation_space, action_space, lambda _: 0.0, **arguments)
        policy.load_state_dict(weights)
        policy.set_training_mode(False)
        frequency = learner.parameters.get("sde_sample_freq", -1)
        frequency = frequency if isinstance(frequency, int) else -1
        return ActingPolicy(policy, info, path=path, sde_sample_freq=frequency, mirror=learner.mirror)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: its weights do not fit its networks ({str(error).splitlines()[0]})") from None


class _NoOptimizer:
    """Takes the place of the optimiser of a policy that only acts: a real one loads torch's compiler, 170 MB."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass


def claimed_numbers(learner: LearnerSettings, info: CheckpointInfo) -> int:
    """Count the weights between the layers that a checkpoint says it has, so that nothing is built that it has not.

    Raises:
        InputError: if networks name groups that there are not.
    """
    policy = learner.policy
    selection = select(policy, observation_labels=info.observation_labels, action_labels=info.action_labels)
    critic = policy.critic.hidden if isinstance(policy.critic, CriticSettings) else policy.critic
    total = 0
    for name in network_names(policy):
        if name == "critic":
            hidden, outputs = critic, 1
        else:
            network = None if policy.networks is None else policy.networks[name]
            if network is not None and network.fixed is not None:
                continue
            hidden, outputs = policy.actor if network is None else network.hidden, len(selection.acts[name])
        widths = [len(selection.observes[name]), *hidden, outputs]
        total += sum(a * b for a, b in pairwise(widths))
    return total
