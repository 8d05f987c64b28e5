"""From names of groups to columns of observations and actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from myoassist.config.policy import CriticSettings, NetworkSettings, PolicySettings
from myoassist.errors import InputError


@dataclass(frozen=True)
class Selection:
    """What each network sees and acts on, as columns.

    Attributes:
        observes: network (actors and "critic") -> columns of the observation, in its order.
        acts: actor -> columns of the action, in its order; together they are all columns, once each.
    """

    observes: dict[str, tuple[int, ...]]
    acts: dict[str, tuple[int, ...]]


def network_names(policy: PolicySettings) -> list[str]:
    """Names of all networks, actors sorted by name, the critic last."""
    return [*(sorted(policy.networks) if policy.networks is not None else ["actor"]), "critic"]


def select(policy: PolicySettings, *, observation_labels: Sequence[str], action_labels: Sequence[str]) -> Selection:
    """Find the columns that the settings name.

    Args:
        policy: settings; without `networks`, one actor sees and does everything.
        observation_labels: `group/label` of every observed number.
        action_labels: the same of actions.

    Raises:
        InputError: for unknown names, actions that nobody acts on, and actions that two networks act on.
    """
    everything = tuple(range(len(observation_labels)))
    networks: dict[str, NetworkSettings | CriticSettings] = dict(policy.networks or {})
    if not networks:
        actions = tuple(range(len(action_labels)))
        return Selection({"actor": everything, "critic": everything}, {"actor": actions})
    if isinstance(policy.critic, CriticSettings):
        networks["critic"] = policy.critic
    observes = {name: everything for name in network_names(policy)}
    acts: dict[str, tuple[int, ...]] = {}
    owner: dict[int, str] = {}
    for name, network in networks.items():
        field = "policy.critic" if name == "critic" else f"policy.networks.{name}"
        if network.observes is not None:
            observes[name] = _columns(network.observes, observation_labels, f"{field}.observes")
        if isinstance(network, NetworkSettings):
            acts[name] = _columns(network.acts, action_labels, f"{field}.acts")
            for column in acts[name]:
                other = owner.setdefault(column, name)
                if other != name:
                    raise InputError(
                        f"training: field '{field}.acts': {action_labels[column]} is acted on by '{other}' too"
                    )
    unowned = [label for column, label in enumerate(action_labels) if column not in owner]
    if unowned:
        missing = ", ".join(dict.fromkeys(label.split("/")[0] for label in unowned))
        raise InputError(
            f"training: field 'policy.networks': no network acts on {len(unowned)} of {len(action_labels)} actions "
            f"({missing}); a network with 'fixed' holds actions constant"
        )
    return Selection(observes, acts)


def _columns(names: Sequence[str], labels: Sequence[str], field: str) -> tuple[int, ...]:
    """Columns of the named groups or single labels, in the order of the layout."""
    found: set[int] = set()
    for name in names:
        columns = {index for index, label in enumerate(labels) if label == name or label.startswith(f"{name}/")}
        if not columns:
            known = ", ".join(dict.fromkeys(label.split("/")[0] for label in labels))
            raise InputError(f"training: field '{field}': the environment has no '{name}' (known: {known})")
        found |= columns
    return tuple(sorted(found))
