"""Algorithms by name, and their hyper-parameters checked against their own signatures before anything is built."""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy

from myoassist.config.base import shorten
from myoassist.config.schedule import Schedule
from myoassist.config.training import LearnerSettings
from myoassist.errors import InputError
from myoassist.policies.schedules import value_at

SCHEDULED = ("learning_rate", "clip_range", "clip_range_vf")
"""Parameters that may follow a schedule."""
_PACKAGES = ("stable_baselines3", "sb3_contrib")
_DISCRETE = ("DQN", "QRDQN", "MaskablePPO")
_OURS = {
    "self", "policy", "env", "policy_kwargs", "verbose", "seed", "device", "_init_setup_model", "tensorboard_log",
    "stats_window_size", "monitor_wrapper", "replay_buffer_class", "replay_buffer_kwargs", "rollout_buffer_class",
    "rollout_buffer_kwargs", "action_noise", "optimize_memory_usage",
}  # fmt: skip


@dataclass(frozen=True)
class _Range:
    """Values that make sense: at least `low` (above it, if `above`), at most `high`, or `off`."""

    low: float
    high: float | None = None
    above: bool = False
    off: int | None = None
    """A value outside that stands for "not used"."""

    def holds(self, value: float, *, end_of_schedule: bool = False) -> bool:
        if self.off is not None and value == self.off:
            return True
        above = self.above and not end_of_schedule  # a schedule may fade to the very end
        return (value > self.low if above else value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        words = f"above {self.low:,}" if self.above else f">= {self.low:,}"
        if self.high is not None:
            words += f" and at most {self.high:,}" if self.above else f" and <= {self.high:,}"
        return words if self.off is None else f"{words} (or {self.off})"


_COUNT = _Range(1)
_SHARE = _Range(0, 1)
_NOT_NEGATIVE = _Range(0)
_POSITIVE = _Range(0, above=True)
RANGES: dict[str, _Range] = {
    "learning_rate": _Range(0, 1, above=True),
    "clip_range": _Range(0, 10, above=True),
    "clip_range_vf": _POSITIVE,
    "n_steps": _Range(1, 1_000_000),
    "train_freq": _Range(1, 1_000_000),
    "batch_size": _Range(2, 100_000_000),
    "buffer_size": _Range(1, 100_000_000),
    "n_epochs": _Range(1, 1000),
    "gradient_steps": _Range(1, 1_000_000, off=-1),
    "learning_starts": _NOT_NEGATIVE,
    "gamma": _SHARE,
    "gae_lambda": _SHARE,
    "tau": _Range(0, 1, above=True),
    "ent_coef": _NOT_NEGATIVE,
    "vf_coef": _NOT_NEGATIVE,
    "max_grad_norm": _POSITIVE,
    "target_kl": _POSITIVE,
    "sde_sample_freq": _Range(1, off=-1),
    "rms_prop_eps": _POSITIVE,
    "target_update_interval": _COUNT,
    "policy_delay": _COUNT,
    "target_policy_noise": _NOT_NEGATIVE,
    "target_noise_clip": _NOT_NEGATIVE,
    "cg_max_steps": _COUNT,
    "cg_damping": _NOT_NEGATIVE,
    "line_search_shrinking_factor": _Range(0, 1, above=True),
    "line_search_max_iter": _COUNT,
    "n_critic_updates": _COUNT,
    "sub_sampling_factor": _COUNT,
    "top_quantiles_to_drop_per_net": _NOT_NEGATIVE,
}
"""Ranges of well-known parameters, whatever the algorithm; signatures tell types only."""
_POSITIVE_NUMBER = r"(?=[^e]*[1-9])[0-9]*\.?[0-9]+(e-?[0-9]+)?"
WORDS: dict[str, tuple[str, str]] = {
    "ent_coef": (rf"auto(_{_POSITIVE_NUMBER})?", "'auto' or 'auto_<start>'"),
    "target_entropy": ("auto", "'auto'"),
}
"""Words that a parameter may be, as a pattern and for messages."""


def algorithm_class(name: str) -> type[BaseAlgorithm]:
    """Find an algorithm by its name in Stable-Baselines3, or in sb3-contrib if that is installed.

    Raises:
        InputError: if neither has it, or it cannot learn to act by continuous numbers from a flat observation.
    """
    known: dict[str, type[BaseAlgorithm]] = {}
    missing = ""
    for package in _PACKAGES:
        try:
            module = importlib.import_module(package)
        except ImportError:
            missing = "; others come with the package sb3-contrib"
            continue
        for word, found in vars(module).items():
            if isinstance(found, type) and issubclass(found, BaseAlgorithm):
                known.setdefault(word, found)
        if name in known:
            break
    if name not in known:
        usable = ", ".join(sorted(word for word, found in known.items() if _why_unusable(word, found) is None))
        raise InputError(f"training: field 'algorithm': unknown algorithm '{name}' (known: {usable}{missing})")
    reason = _why_unusable(name, known[name])
    if reason is not None:
        raise InputError(f"training: field 'algorithm': {name} cannot be used here: {reason}")
    return known[name]


def _why_unusable(name: str, found: type[BaseAlgorithm]) -> str | None:
    if name in _DISCRETE:
        return "it chooses among a few actions, and muscles are excited by continuous numbers"
    if not issubclass(found, OnPolicyAlgorithm | OffPolicyAlgorithm):
        return "it learns neither from rollouts nor from a replay buffer, so training cannot be cut into segments"
    if "MlpPolicy" not in found.policy_aliases:
        return "its policies have a memory of their own, which segments and evaluations do not carry"
    return None


def check_parameters(learner: LearnerSettings) -> type[BaseAlgorithm]:
    """Check hyper-parameters against the algorithm's own signature, and networks against its kind.

    Names and types are those of the constructor; values must lie in `RANGES`. Text is compared and never evaluated.

    Returns:
        The algorithm's class.

    Raises:
        InputError: naming the field, what was expected and what was found.
    """
    found = algorithm_class(learner.algorithm)
    signature = inspect.signature(found.__init__).parameters
    known = set(signature) - _OURS
    for name, value in learner.parameters.items():
        field = f"training: field 'parameters.{name}'"
        if name not in known:
            raise InputError(f"{field}: {learner.algorithm} has no such parameter (known: {', '.join(sorted(known))})")
        _check_value(name, value, _kinds(signature[name]), field)
    if learner.policy.networks is not None and found.policy_aliases["MlpPolicy"] is not ActorCriticPolicy:
        raise InputError(
            f"training: field 'policy.networks': {learner.algorithm} takes one actor; separate networks are for "
            "on-policy algorithms such as PPO and A2C"
        )
    if learner.policy.std_factor is not None and not issubclass(found, OnPolicyAlgorithm):
        raise InputError(
            f"training: field 'policy.std_factor': only for on-policy algorithms ({learner.algorithm} is not)"
        )
    return found


def _kinds(parameter: inspect.Parameter) -> set[type]:
    """Return the types that a parameter's annotation allows, else that of its default; `Schedule` for functions."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty or isinstance(annotation, str):
        annotation = type(parameter.default)
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    parts = typing.get_args(annotation) if union else (annotation,)
    kinds: set[type] = set()
    for part in parts:
        if part is collections.abc.Callable or typing.get_origin(part) is collections.abc.Callable:
            kinds.add(Schedule)
        elif part in (bool, int, float, str):
            kinds.add(part)
    return kinds


def _check_value(name: str, value: Any, kinds: set[type], field: str) -> None:
    if isinstance(value, Schedule):
        if Schedule not in kinds or name not in SCHEDULED:
            raise InputError(f"{field}: takes a value, not a schedule")
        ends = (value.linear.start, value.linear.end)
        bounds = RANGES[name]
        if all(bounds.holds(end, end_of_schedule=True) for end in ends) and any(map(bounds.holds, ends)):
            return
    elif _allowed(value, kinds):
        if isinstance(value, str):
            if name not in WORDS or re.fullmatch(WORDS[name][0], value):
                return
        elif isinstance(value, bool) or name not in RANGES or RANGES[name].holds(value):
            return
    shown = value.model_dump(mode="json") if isinstance(value, Schedule) else value
    raise InputError(f"{field}: expected {_expectation(name, kinds)} (found {shorten(shown)})")


def _allowed(value: bool | int | float | str, kinds: set[type]) -> bool:
    if type(value) is int:
        return int in kinds or float in kinds
    return type(value) in kinds


def _expectation(name: str, kinds: set[type]) -> str:
    parts = []
    if kinds & {int, float}:
        number = "a number" if float in kinds else "a whole number"
        parts.append(f"{number} {RANGES[name]}" if name in RANGES else number)
    if bool in kinds:
        parts.append("true or false")
    if str in kinds:
        parts.append(WORDS[name][1] if name in WORDS else "text")
    if Schedule in kinds and name in SCHEDULED:
        parts.append('a schedule {"linear": …} between such numbers')
    return ", or ".join(parts) or "nothing that an experiment can say"


def plain_values(parameters: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """Return the constructor's arguments, schedules as their value after so many steps."""
    return {
        name: value_at(value.linear, steps) if isinstance(value, Schedule) else value
        for name, value in parameters.items()
    }
