"""Settings of the networks: who sees what, who acts on what, and how they start."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from myoassist.config.base import Settings
from myoassist.config.schedule import Schedule

Width = Annotated[int, Field(ge=1, le=4096)]
Widths = Annotated[tuple[Width, ...], Field(max_length=16)]
Group = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]{1,100}$")]
NetworkName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class NetworkSettings(Settings):
    """One actor network, which observes some groups of the observation and acts on some groups of the action.

    A group is named as in the environment's layouts (`joint_positions`, `muscles`); one number is
    `group/label` (`joint_positions/ankle_angle_r`).
    """

    observes: tuple[Group, ...] | None = Field(None, min_length=1, description="null: the whole observation")
    acts: tuple[Group, ...] = Field(min_length=1, description="what it acts on; no two networks share an action")
    hidden: Widths = Field((64, 64), description="widths of its hidden layers")
    initial_std: float | None = Field(None, gt=0.0, le=2.0, description="of its action noise; null: the policy's")
    fixed: float | None = Field(None, ge=-1.0, le=1.0, description="a constant action in the place of a network")


class CriticSettings(Settings):
    """The critic, when it shall not see everything."""

    observes: tuple[Group, ...] | None = Field(None, min_length=1, description="null: the whole observation")
    hidden: Widths = Field((64, 64), description="widths of its hidden layers")


class PolicySettings(Settings):
    """The networks. Observation statistics live in the policy and travel with it."""

    actor: Widths = (64, 64)
    """Hidden layers of the one actor; not used when `networks` are given."""
    critic: Widths | CriticSettings = (64, 64)
    networks: dict[NetworkName, NetworkSettings] | None = Field(None, min_length=1)
    """Separate actors by name (on-policy algorithms); null: one actor sees and does everything."""
    activation: Literal["tanh", "relu", "elu", "silu"] = "tanh"
    initial_std: float = Field(0.3, gt=0.0, le=2.0)
    """Standard deviation of the action noise at the start (with TD3 and DDPG: throughout)."""
    std_factor: Schedule | None = None
    """Makes the action noise of on-policy algorithms follow `initial_std` times this over absolute steps (`from` and
    `to` above 0, at most 1), instead of being learned."""
    normalize_observations: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> PolicySettings:
        if self.networks is None and isinstance(self.critic, CriticSettings):
            raise ValueError("critic: what it observes can be chosen only together with networks")
        if self.networks is not None and "critic" in self.networks:
            raise ValueError("networks: 'critic' is the name of the critic")
        factor = None if self.std_factor is None else self.std_factor.linear
        if factor is not None and not (0 < factor.start <= 1 and 0 < factor.end <= 1):
            raise ValueError("std_factor: expected factors above 0 and at most 1")
        return self
