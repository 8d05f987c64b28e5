"""What rollouts.h5 holds: the one table of columns that writer, reader and documentation share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FORMAT = "myoassist-rollouts"
VERSION = 3
SIDES = ("r", "l")
"""Order of the two legs, everywhere."""
CHUNK_ROWS = 256
"""Rows that are compressed, checksummed and written together."""


@dataclass(frozen=True)
class Column:
    """One column: a dataset of shape (rows, *dims).

    Attributes:
        name: name of the dataset.
        dims: names of the dimensions after the rows; their entries are listed under ``/model``.
        unit: unit of the stored numbers.
        meaning: what it is, with its sign.
        dtype: stored type.
    """

    name: str
    dims: tuple[str, ...]
    unit: str
    meaning: str
    dtype: str = "f4"

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Shape of one row, given the length of every named dimension."""
        return tuple(sizes[dim] for dim in self.dims)


STATE = (
    Column("time", (), "s", "simulated time since the start of the episode", "f8"),
    Column("qpos", ("coordinate",), "rad, m", "generalised positions, all of the model's", "f8"),
    Column("qvel", ("dof",), "rad/s, m/s", "generalised velocities, all of the model's", "f8"),
    Column("activation", ("muscle",), "1", "muscle activation, 0 to 1"),
    Column("muscle_force", ("muscle",), "N", "muscle-tendon force, tension positive"),
    Column("fiber_length", ("muscle",), "m", "fibre length (tendons are rigid)"),
    Column("fiber_velocity", ("muscle",), "m/s", "fibre velocity, lengthening positive"),
    Column(
        "joint_moment",
        ("joint",),
        "N·m",
        "muscle moment projected on the coupling tangent, sign of the joint",
    ),
    Column("limit_moment", ("joint",), "N·m", "moment of the joint limit, sign of the joint"),
    Column("ground_reaction_force", ("side", "xyz"), "N", "force on each foot: x forward, y left, z up"),
    Column("center_of_pressure", ("side", "xyz"), "m", "where it acts, world; NaN while the foot is unloaded"),
    Column("heel_position", ("side", "xyz"), "m", "lowest rear point of each foot, world", "f8"),
    Column("toe_position", ("side", "xyz"), "m", "lowest front point of each foot, world", "f8"),
    Column("center_of_mass", ("xyz",), "m", "whole-body centre of mass, world", "f8"),
    Column("center_of_mass_velocity", ("xyz",), "m/s", "velocity of the whole-body centre of mass, world"),
    Column("device_torque", ("device",), "N·m", "torque of the device on its joint, sign of the joint"),
    Column("device_velocity", ("device",), "rad/s", "velocity of the driven joint"),
    Column("device_power", ("device",), "W", "torque times velocity; positive: the device drives the joint"),
)
"""Rows at ``state_rate_hz`` (at least 250); all columns of a row belong to the same instant."""

CONTROL = (
    Column("time", (), "s", "start of the control step", "f8"),
    Column("action", ("action",), "1", "action of the policy, -1 to 1"),
    Column("excitation", ("muscle",), "1", "muscle excitation during the step, 0 to 1"),
    Column("device_control", ("device",), "1", "control signal of the device, mean over the step"),
    Column("reward", (), "1", "reward of the step"),
    Column("reward_raw", ("reward_term",), "1", "each reward term before its weight"),
    Column("reward_weighted", ("reward_term",), "1", "each reward term times its weight; their sum is the reward"),
    Column("target_velocity", (), "m/s", "forward velocity asked for"),
    Column("applied_force", ("dof",), "N, N·m", "generalised force from outside during the step: pushes and support"),
    Column("phase", (), "1", "phase of the reference at the start of the step, 0 to 1"),
)
"""Rows at ``control_rate_hz``; row k spans [time[k], time[k] + 1 / control_rate_hz)."""

BLOCKS = {"state": STATE, "control": CONTROL}

NAME_LISTS = {
    "coordinate": ("coordinates", "entries of qpos"),
    "dof": ("dofs", "entries of qvel"),
    "joint": ("joints", "independent hinge joints"),
    "muscle": ("muscles", "muscles"),
    "device": ("devices", "device actuators; empty without a device"),
    "device_joint": ("device_joints", "joint that each device actuator drives"),
    "action": ("actions", "entries of an action"),
    "reward_term": ("reward_terms", "reward terms"),
}
"""Lists of names under ``/model``: dataset -> (attribute of `RolloutModel`, meaning)."""

MUSCLE_CONSTANTS = {
    "max_isometric_force_n": ("N", "largest isometric force"),
    "optimal_fiber_length_m": ("m", "fibre length at which that force is reached"),
    "tendon_slack_length_m": ("m", "muscle-tendon length less fibre length (rigid tendon)"),
    "max_contraction_velocity_m_s": ("m/s", "fastest shortening of the unloaded fibre"),
}
"""Constants of each muscle under ``/model``: name -> (unit, meaning)."""

HEADER_FIELDS = {
    "total_mass_kg": "mass of body and device",
    "device_mass_kg": "mass of the device, 0 without one; the rest of the total is the body's own",
    "gravity_m_s2": "magnitude of gravity",
    "leg_length_m": "hip to floor, standing",
    "state_rate_hz": "rows of `state` per second, at least 250",
    "control_rate_hz": "rows of `control` per second",
}
"""Numbers stored as attributes of ``/model``: name -> meaning."""

EPISODE_FIELDS: dict[str, type] = {
    "index": int,
    "phase0": float,
    "target_velocity_mean_m_s": float,
    "steps": int,
    "duration_s": float,
    "termination": str,
    "fell": bool,
    "state_rows": int,
    "control_rows": int,
}
"""Attributes of each episode's group."""


@dataclass(frozen=True, kw_only=True)
class RolloutModel:
    """The body that walked: names in column order and the constants that analysis needs.

    Attributes:
        total_mass_kg: mass of body and device.
        device_mass_kg: mass of the device; 0 without one.
        gravity_m_s2: magnitude of gravity.
        leg_length_m: hip to floor, standing.
        state_rate_hz: rows of ``state`` per second (at least 250).
        control_rate_hz: rows of ``control`` per second.
        coordinates: names of the entries of qpos.
        dofs: names of the entries of qvel (for one-degree joints the same names).
        joints: independent hinge joints, columns of the joint moments.
        muscles: muscle names.
        devices: names of device actuators; empty without a device.
        device_joints: joint that each device actuator drives.
        actions: names of the entries of an action.
        reward_terms: names of the reward terms.
        muscle_constants: arrays (nmuscle,) named as in ``MUSCLE_CONSTANTS``.
        manifest: the model's manifest (plain data).
    """

    total_mass_kg: float
    device_mass_kg: float = 0.0
    gravity_m_s2: float
    leg_length_m: float
    state_rate_hz: float
    control_rate_hz: float
    coordinates: tuple[str, ...]
    dofs: tuple[str, ...]
    joints: tuple[str, ...]
    muscles: tuple[str, ...]
    devices: tuple[str, ...]
    device_joints: tuple[str, ...]
    actions: tuple[str, ...]
    reward_terms: tuple[str, ...]
    muscle_constants: Mapping[str, np.ndarray]
    manifest: Mapping[str, Any]

    @property
    def body_mass_kg(self) -> float:
        """Mass of the body alone, which all numbers per kg refer to."""
        return self.total_mass_kg - self.device_mass_kg

    @property
    def body_weight_n(self) -> float:
        """Weight that the feet carry, of body and device, in newtons: what forces in body weights refer to."""
        return self.total_mass_kg * self.gravity_m_s2

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every named dimension of the column tables."""
        return {
            "coordinate": len(self.coordinates),
            "dof": len(self.dofs),
            "joint": len(self.joints),
            "muscle": len(self.muscles),
            "device": len(self.devices),
            "action": len(self.actions),
            "reward_term": len(self.reward_terms),
            "side": len(SIDES),
            "xyz": 3,
        }


@dataclass(frozen=True)
class RolloutHeader:
    """Where a rollouts file comes from.

    Attributes:
        settings: canonical JSON of the evaluation stage's settings.
        seed: seed of the evaluation.
        model_sha256: hash of the compiled model file.
        checkpoint_sha256: hash of the checkpoint file.
        reference_sha256: hash of the retargeted reference file.
        checkpoint_steps: control steps that the policy had been trained for.
        versions: package versions that matter to the numbers.
        model: names and constants of the body.
    """

    settings: str
    seed: int
    model_sha256: str
    checkpoint_sha256: str
    reference_sha256: str
    checkpoint_steps: int
    versions: Mapping[str, str]
    model: RolloutModel


@dataclass(frozen=True)
class EpisodeInfo:
    """One episode's facts.

    Attributes:
        index: number of the episode, from 0.
        phase0: phase of the reference at which it started, 0 to 1.
        target_velocity_mean_m_s: mean forward velocity asked for.
        steps: control steps taken.
        duration_s: simulated time from first to last state.
        termination: why it ended, e.g. ``time_limit``, ``fall_height``, ``trunk_lean``.
        fell: whether that counts as a fall.
        state_rows: rows of ``state``.
        control_rows: rows of ``control``.
    """

    index: int
    phase0: float
    target_velocity_mean_m_s: float
    steps: int
    duration_s: float
    termination: str
    fell: bool
    state_rows: int = 0
    control_rows: int = 0


def markdown_tables() -> str:
    """Render the column tables as markdown, as they stand in ``docs/rollouts.md``."""
    lines = []
    for block, columns in BLOCKS.items():
        lines += [f"### `{block}`", "", "| column | shape | unit | type | meaning |", "|---|---|---|---|---|"]
        for column in columns:
            shape = ", ".join(("rows", *column.dims))
            lines.append(f"| `{column.name}` | ({shape}) | {column.unit} | {column.dtype} | {column.meaning} |")
        lines.append("")
    lines += ["### Name lists and constants in `/model`", "", "| name | unit | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` (names) | | {meaning} |" for name, (_, meaning) in NAME_LISTS.items()]
    lines += [f"| `{name}` (per muscle) | {unit} | {meaning} |" for name, (unit, meaning) in MUSCLE_CONSTANTS.items()]
    lines += [f"| `{name}` (attribute) | | {meaning} |" for name, meaning in HEADER_FIELDS.items()]
    return "\n".join(lines) + "\n"
