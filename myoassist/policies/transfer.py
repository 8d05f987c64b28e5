"""Warm starts: taking over networks, statistics and noise from a checkpoint, with every mismatch named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.policy import CriticSettings, PolicySettings
from myoassist.config.training import LearnerSettings, TransferSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, read_checkpoint_info, read_parameters
from myoassist.policies.grouped import actor_widths
from myoassist.policies.hyper_parameters import algorithm_class
from myoassist.policies.normalization import extractors
from myoassist.policies.selection import Selection, network_names, select

_CONSTANT = 1e-3
"""A number of a smaller standard deviation (scaled units) did not vary there, such as a single target velocity."""


@dataclass(frozen=True)
class Transfer:
    """What was taken over.

    Attributes:
        steps: of training behind the checkpoint.
        kept: what was taken over, in words.
        reset: what started afresh, in words.
    """

    steps: int
    kept: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Side:
    """One side of a transfer: a learner and what its numbers mean."""

    learner: LearnerSettings
    observation_labels: Sequence[str]
    action_labels: Sequence[str]
    scales: dict[str, float]
    bound: float
    on_policy: bool

    @property
    def policy(self) -> PolicySettings:
        return self.learner.policy

    @property
    def selection(self) -> Selection:
        return select(self.policy, observation_labels=self.observation_labels, action_labels=self.action_labels)

    @property
    def gsde(self) -> bool:
        return bool(self.learner.parameters.get("use_sde"))

    def hidden(self, name: str) -> tuple[int, ...]:
        """Widths of a network's hidden layers."""
        if name == "critic":
            critic = self.policy.critic
            return critic.hidden if isinstance(critic, CriticSettings) else critic
        return self.policy.actor if self.policy.networks is None else self.policy.networks[name].hidden

    def networks(self) -> list[str]:
        """Names of the networks that learn."""
        fixed = {name for name, network in (self.policy.networks or {}).items() if network.fixed is not None}
        return [name for name in network_names(self.policy) if name not in fixed]

    def prefixes(self, name: str) -> tuple[str, ...]:
        """Where a network's parameters lie in the policy's state."""
        if not self.on_policy:
            return ("actor.",) if name == "actor" else ("critic.", "critic_target.")
        if name == "critic":
            return ("mlp_extractor.value_net.", "value_net.")
        if self.policy.networks is None:
            return ("mlp_extractor.policy_net.", "action_net.")
        return (f"mlp_extractor.policy_nets.{name}.", f"action_net.heads.{name}.")

    def rows(self, name: str) -> slice:
        """Rows of gSDE's noise matrix that belong to an actor."""
        if self.policy.networks is None:
            return slice(None)
        start = 0
        for other, width in actor_widths(self.policy, self.selection).items():
            if other == name:
                return slice(start, start + width)
            start += width
        raise KeyError(name)


def transfer(
    algorithm: BaseAlgorithm,
    settings: TransferSettings,
    *,
    learner: LearnerSettings,
    environment: EnvironmentSettings,
    checkpoint: Path,
) -> Transfer:
    """Copy from a checkpoint into a fresh algorithm, in place: its optimiser goes on training the same tensors.

    Args:
        algorithm: fresh, from `make_algorithm`.
        settings: what to take over.
        learner: settings of the algorithm.
        environment: settings of the environment that it learns on.
        checkpoint: where from.

    Returns:
        What was taken over and what starts afresh.

    Raises:
        InputError: listing everything that does not match.
    """
    info = read_checkpoint_info(checkpoint)
    here, there = _here(algorithm, learner, environment), _there(info, checkpoint)
    wanted = settings.networks
    mapping = {name: name for name in here.networks()} if wanted is None else dict(wanted)
    problems = _mismatches(settings, mapping, here, there)
    if problems:
        raise InputError(f"{checkpoint}: cannot be started from (field 'training.warm_start'): {'; '.join(problems)}")
    parameters = read_parameters(checkpoint)
    states = [state for name, state in parameters.items() if name.endswith("optimizer")]
    if settings.optimizer and not all(state.get("state") for state in states):
        raise InputError(
            f"{checkpoint}: holds no optimiser's moments, as kept policies do not "
            "(field 'training.warm_start.optimizer': expected false)"
        )
    report = Transfer(steps=info.steps)
    try:
        with torch.no_grad():
            _copy_networks(algorithm, parameters["policy"], mapping, here, there, report)
            _copy_noise(algorithm, parameters["policy"], settings, mapping, here, there, report)
            _copy_statistics(algorithm, parameters["policy"], settings, here, there, report)
        if settings.optimizer:
            for name in algorithm._get_torch_save_params()[0]:
                if name.endswith("optimizer"):
                    owner: Any = algorithm
                    for part in name.split("."):
                        owner = getattr(owner, part)
                    owner.load_state_dict(parameters[name])
    except (KeyError, IndexError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        line = (str(error).splitlines() or [""])[0]
        raise InputError(
            f"{checkpoint}: its weights do not fit its description ({type(error).__name__}: {line})"
        ) from None
    (report.kept if settings.optimizer else report.reset).append("optimizer")
    return report


def _here(algorithm: BaseAlgorithm, learner: LearnerSettings, environment: EnvironmentSettings) -> _Side:
    env = algorithm.get_env()
    assert env is not None
    return _Side(
        learner=learner,
        observation_labels=env.get_attr("observation_layout", [0])[0].labels,
        action_labels=env.get_attr("action_layout", [0])[0].labels,
        scales={group.name: group.scale for group in environment.observation.groups},
        bound=environment.observation.clip,
        on_policy=isinstance(algorithm, OnPolicyAlgorithm),
    )


def _there(info: CheckpointInfo, checkpoint: Path) -> _Side:
    learner = LearnerSettings.parse(info.learner, where=f"{checkpoint}: myoassist.json: learner")
    return _Side(
        learner=learner,
        observation_labels=info.observation_labels,
        action_labels=info.action_labels,
        scales=info.observation_scales,
        bound=info.observation_bound,
        on_policy=issubclass(algorithm_class(learner.algorithm), OnPolicyAlgorithm),
    )


def _mismatches(settings: TransferSettings, mapping: dict[str, str], here: _Side, there: _Side) -> list[str]:
    if here.on_policy != there.on_policy or (not here.on_policy and here.learner.algorithm != there.learner.algorithm):
        return [f"it was trained by {there.learner.algorithm}, whose networks {here.learner.algorithm} does not have"]
    problems: list[str] = []
    for name, source in mapping.items():
        unknown = [
            f"network '{wanted}' is not {side} (known: {', '.join(known)})"
            for wanted, known, side in ((name, here.networks(), "here"), (source, there.networks(), "there"))
            if wanted not in known
        ]
        problems += unknown or _network_mismatches(name, source, here, there)
    if mapping and here.policy.normalize_observations != there.policy.normalize_observations:
        problems.append("normalize_observations differs")
    if mapping and here.learner.mirror != there.learner.mirror:
        problems.append(f"training.mirror is {str(there.learner.mirror).lower()} there")
    if mapping and here.bound != there.bound:
        problems.append(f"observations are clipped to {there.bound:g} there and {here.bound:g} here")
    actors = [name for name in mapping if name != "critic"]
    if settings.log_std and actors and here.on_policy and here.gsde != there.gsde:
        problems.append("log_std: only one of both uses gSDE")
    same = (
        here.policy == there.policy
        and here.learner.algorithm == there.learner.algorithm
        and list(here.observation_labels) == list(there.observation_labels)
        and list(here.action_labels) == list(there.action_labels)
        and mapping == {name: name for name in here.networks()}
    )
    if settings.optimizer and not same:
        problems.append("optimizer: can be kept only with the same algorithm, the same policy and all its networks")
    return problems


def _network_mismatches(name: str, source: str, here: _Side, there: _Side) -> list[str]:
    problems = []
    critic = (name == "critic", source == "critic")
    if critic[0] != critic[1]:
        return [f"network '{name}': '{source}' there is {'' if critic[1] else 'not '}the critic"]
    kinds = [("observes", here.observation_labels, there.observation_labels)]
    if not critic[0]:
        kinds.append(("acts on", here.action_labels, there.action_labels))
    for verb, labels_here, labels_there in kinds:
        field_name = "observes" if verb == "observes" else "acts"
        ours = [labels_here[column] for column in getattr(here.selection, field_name)[name]]
        theirs = [labels_there[column] for column in getattr(there.selection, field_name)[source]]
        if ours != theirs:
            only = [
                f"{sign}{label}"
                for sign, a, b in (("+", ours, theirs), ("-", theirs, ours))
                for label in a
                if label not in b
            ]
            problems.append(f"network '{name}' {verb} {_shortened(only) if only else 'the same in another order'}")
        elif verb == "observes":
            for group in dict.fromkeys(label.split("/")[0] for label in ours):
                if here.scales.get(group, 1.0) != there.scales.get(group, 1.0):
                    problems.append(
                        f"network '{name}': {group} is scaled by {there.scales.get(group, 1.0):g} there "
                        f"and {here.scales.get(group, 1.0):g} here"
                    )
    if here.hidden(name) != there.hidden(source):
        problems.append(f"network '{name}': hidden {list(there.hidden(source))} there, {list(here.hidden(name))} here")
    if here.policy.activation != there.policy.activation:
        problems.append(f"network '{name}': activation {there.policy.activation} there, {here.policy.activation} here")
    return problems


def _shortened(words: list[str], most: int = 6) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _copy_networks(
    algorithm: BaseAlgorithm,
    source: dict[str, torch.Tensor],
    mapping: dict[str, str],
    here: _Side,
    there: _Side,
    report: Transfer,
) -> None:
    state = algorithm.policy.state_dict()
    for name in here.networks():
        if name not in mapping:
            report.reset.append(f"network {name}")
            continue
        for ours, theirs in zip(here.prefixes(name), there.prefixes(mapping[name]), strict=True):
            for key, tensor in state.items():
                if key.startswith(ours) and "features_extractor." not in key:
                    found = source[theirs + key.removeprefix(ours)]
                    if found.shape != tensor.shape:
                        raise ValueError(f"{key}: {tuple(tensor.shape)} here, {tuple(found.shape)} there")
                    tensor.copy_(found)
        other = mapping[name]
        report.kept.append(f"network {name}" + (f" (from {other})" if other != name else ""))


def _copy_noise(
    algorithm: BaseAlgorithm,
    source: dict[str, torch.Tensor],
    settings: TransferSettings,
    mapping: dict[str, str],
    here: _Side,
    there: _Side,
    report: Transfer,
) -> None:
    if not here.on_policy:
        return  # SAC's noise is an output of its actor
    log_std = algorithm.policy.log_std
    for name in here.networks():
        if name == "critic":
            continue
        if here.policy.std_factor is not None:
            report.reset.append(f"log_std of {name}, which follows std_factor")
            continue
        if name not in mapping or not settings.log_std:
            report.reset.append(f"log_std of {name}")
            continue
        ours, theirs = list(here.selection.acts[name]), list(there.selection.acts[mapping[name]])
        if here.gsde:
            log_std[here.rows(name)][:, ours] = source["log_std"][there.rows(mapping[name])][:, theirs]
        else:
            log_std[ours] = source["log_std"][theirs]
        report.kept.append(f"log_std of {name}")


def _copy_statistics(
    algorithm: BaseAlgorithm,
    source: dict[str, torch.Tensor],
    settings: TransferSettings,
    here: _Side,
    there: _Side,
    report: Transfer,
) -> None:
    prefix = "features_extractor." if there.on_policy else "actor.features_extractor."
    columns = {label: column for column, label in enumerate(there.observation_labels)}
    same_scale = {name for name, scale in here.scales.items() if there.scales.get(name) == scale}
    shared = [
        (column, columns[label])
        for column, label in enumerate(here.observation_labels)
        if label in columns and label.split("/")[0] in same_scale
    ]
    if not settings.statistics or not shared:
        report.reset.append("observation statistics")
        return
    ours, theirs = (list(part) for part in zip(*shared, strict=True))
    constant = (source[prefix + "variance"] < _CONSTANT**2) & (not settings.optimizer)
    for extractor in extractors(algorithm.policy):
        for name in ("mean", "variance", "count"):
            values = source[prefix + name]
            getattr(extractor, name)[ours] = values if values.dim() == 0 else values[theirs]
        for column, known in shared:
            if constant[known]:  # its spread is not known: what is seen here tells it, and the network saw it at 0
                extractor.variance[column], extractor.count[column] = 1.0, 0.0
        extractor.prepare()
    report.kept.append(f"observation statistics of {len(ours)} numbers")
    unknown = [here.observation_labels[column] for column, known in shared if constant[known]]
    if unknown:
        report.reset.append(f"spread of {_shortened(unknown)}, which did not vary there")
    fresh = [label for column, label in enumerate(here.observation_labels) if column not in set(ours)]
    if fresh:
        report.reset.append(f"observation statistics of {_shortened(fresh)}")
