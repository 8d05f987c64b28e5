"""One episode as the analysis sees it: named signals in report units and signs, events and cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from myoassist.analysis.conventions import SIDES, Angle, base_of, side_of, signed_angles
from myoassist.analysis.cycles import CycleSelection, select_cycles
from myoassist.analysis.device import device_curves
from myoassist.analysis.energetics.metabolic_power import (
    MetabolicPower,
    leg_curve_names,
    leg_curves,
    metabolic_power,
)
from myoassist.analysis.energetics.muscles import read_muscles
from myoassist.analysis.gait_events import Events, detect_events
from myoassist.analysis.stability import extrapolated
from myoassist.config.analysis import AnalysisSettings
from myoassist.formats.rollout_columns import STATE
from myoassist.formats.rollouts import Episode, RolloutModel

_NEEDED = (
    "time",
    "qpos",
    "qvel",
    "activation",
    "muscle_force",
    "fiber_length",
    "fiber_velocity",
    "joint_moment",
    "limit_moment",
    "ground_reaction_force",
    "heel_position",
    "toe_position",
    "center_of_mass",
    "center_of_mass_velocity",
    "device_torque",
    "device_power",
)


@dataclass(frozen=True)
class Trial:
    """One episode.

    Attributes:
        index: number of the episode.
        time: shape (n,) s.
        curves: side -> signal name with unit suffix -> shape (n,); the same names for both sides.
        force_bw: shape (n, 2, 3) ground reaction force in body weights: x forward, y left, z up.
        heel: shape (n, 2, 3) m, lowest rear point of each foot.
        toe: shape (n, 2, 3) m, lowest front point of each foot.
        center_of_mass_x: shape (n,) m.
        extrapolated_x: shape (n,) m, extrapolated centre of mass (Hof 2005), forward.
        events: side -> events.
        selection: side -> cycles.
        activation_mean: mean over muscles and time, whole episode.
        limit_moment_nm: joint -> mean absolute joint-limit moment over the whole episode.
        control_time: shape (k,) s, starts of the control steps.
        target_velocity: shape (k,) m/s, asked for in each.
        qpos: shape (n, coordinates) rad and m, as the model has it.
        metabolic: what the muscles spend; None if the file lacks constants of the muscles.
    """

    index: int
    time: np.ndarray
    curves: dict[str, dict[str, np.ndarray]]
    force_bw: np.ndarray
    heel: np.ndarray
    toe: np.ndarray
    center_of_mass_x: np.ndarray
    extrapolated_x: np.ndarray
    events: dict[str, Events]
    selection: dict[str, CycleSelection]
    activation_mean: float
    limit_moment_nm: dict[str, float]
    control_time: np.ndarray
    target_velocity: np.ndarray
    qpos: np.ndarray
    metabolic: MetabolicPower | None = None


def load_trial(episode: Episode, model: RolloutModel, settings: AnalysisSettings) -> Trial:
    """Read one episode and find its events and cycles.

    Raises:
        InputError: if the file is damaged.
    """
    columns = {name: episode.state(name) for name in _NEEDED}
    time = columns["time"]
    force = columns["ground_reaction_force"].astype(float) / model.body_weight_n
    activation, limit = columns["activation"], columns["limit_moment"]
    events, selection = {}, {}
    for i, side in enumerate(SIDES):
        events[side] = detect_events(time, force[:, i, 2], settings.events)
        selection[side] = select_cycles(events[side], side, settings.cycles)
    mass_x = columns["center_of_mass"][:, 0]
    metabolic = _metabolic(episode, columns, model, settings)
    return Trial(
        index=episode.info.index,
        time=time,
        curves={
            side: _curves(columns, model, side)
            | leg_curves(metabolic, side, body_mass_kg=model.body_mass_kg, rows=len(time))
            for side in SIDES
        },
        force_bw=force,
        heel=columns["heel_position"],
        toe=columns["toe_position"],
        center_of_mass_x=mass_x,
        extrapolated_x=extrapolated(mass_x, columns["center_of_mass_velocity"][:, 0], model),
        events=events,
        selection=selection,
        activation_mean=float(activation.mean()) if activation.size else float("nan"),
        limit_moment_nm={
            name: float(np.abs(limit[:, i]).mean()) if len(limit) else float("nan")
            for i, name in enumerate(model.joints)
        },
        control_time=episode.control("time"),
        target_velocity=episode.control("target_velocity").astype(float),
        qpos=columns["qpos"],
        metabolic=metabolic,
    )


def _metabolic(
    episode: Episode, columns: Mapping[str, np.ndarray], model: RolloutModel, settings: AnalysisSettings
) -> MetabolicPower | None:
    muscles = read_muscles(model, settings.energetics)
    if muscles is None:
        return None
    return metabolic_power(
        columns,
        muscles,
        settings.energetics,
        time=columns["time"],
        control_time=episode.control("time"),
        excitation=episode.control("excitation"),
        joint_power_w=_joint_power(columns, model),
    )


def _joint_power(columns: Mapping[str, np.ndarray], model: RolloutModel) -> np.ndarray:
    """Power of the muscles' moments at all joints, shape (n,) W."""
    known = [name for name in model.joints if name in model.dofs]
    moment = columns["joint_moment"][:, [model.joints.index(name) for name in known]]
    return np.einsum("tj,tj->t", moment, columns["qvel"][:, [model.dofs.index(name) for name in known]])


def curve_names(model: RolloutModel) -> tuple[str, ...]:
    """Names of the signals that trials of a model have on both sides, in the order of the right side."""
    empty = {c.name: np.zeros((0, *c.shape(model.sizes))) for c in STATE if c.name in _NEEDED}
    left = _curves(empty, model, "l")
    return (*(name for name in _curves(empty, model, "r") if name in left), *leg_curve_names())


def _curves(columns: Mapping[str, np.ndarray], model: RolloutModel, side: str) -> dict[str, np.ndarray]:
    """Signals of one side in report units and signs."""
    angles = signed_angles(model.manifest)
    curves: dict[str, np.ndarray] = {}
    for angle in angles:
        curves |= _angle_curves(columns, model, angle, side)
    force = columns["ground_reaction_force"][:, SIDES.index(side)] / model.body_weight_n
    outward = -1 if side == "r" else 1
    curves["grf_fore_bw"] = force[:, 0]
    curves["grf_outward_bw"] = outward * force[:, 1]
    curves["grf_vertical_bw"] = force[:, 2]
    for m, muscle in enumerate(model.muscles):
        if side_of(muscle) == side:
            curves[f"activation_{base_of(muscle)}"] = columns["activation"][:, m]
            curves[f"force_{base_of(muscle)}_n"] = columns["muscle_force"][:, m]
    curves |= device_curves(columns, model, side)
    return curves


def _angle_curves(
    columns: Mapping[str, np.ndarray], model: RolloutModel, angle: Angle, side: str
) -> dict[str, np.ndarray]:
    curves: dict[str, np.ndarray] = {}
    position = angle.column(model.coordinates, side)
    velocity = angle.column(model.dofs, side)
    joint = angle.column(model.joints, side)
    if position is not None:
        curves[f"{angle.name}_deg"] = angle.sign * np.degrees(columns["qpos"][:, position])
    if velocity is not None:
        curves[f"{angle.name}_velocity_deg_s"] = angle.sign * np.degrees(columns["qvel"][:, velocity])
    if joint is not None and velocity is not None and side_of(model.joints[joint]):
        speed = columns["qvel"][:, velocity]
        moment = columns["joint_moment"][:, joint] / model.body_mass_kg
        limit = columns["limit_moment"][:, joint] / model.body_mass_kg
        driven = [d for d, name in enumerate(model.device_joints) if name == model.joints[joint]]
        whole = moment + limit + columns["device_torque"][:, driven].sum(axis=1) / model.body_mass_kg
        curves[f"{angle.name}_moment_nm_kg"] = angle.sign * whole
        curves[f"{angle.name}_muscle_moment_nm_kg"] = angle.sign * moment
        curves[f"{angle.name}_limit_moment_nm_kg"] = angle.sign * limit
        curves[f"{angle.name}_power_w_kg"] = whole * speed
        curves[f"{angle.name}_muscle_power_w_kg"] = moment * speed
    return curves
