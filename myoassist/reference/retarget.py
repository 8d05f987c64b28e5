"""Stage ``retarget``: the model-free reference is fitted to one compiled body."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
from loguru import logger

from myoassist.config.reference import RetargetSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, load_model
from myoassist.formats.files import sha256
from myoassist.formats.reference_motion import (
    FittedReference,
    ReferenceMotion,
    mirrored,
    read_reference_motion,
    write_fitted_reference,
)
from myoassist.reference import cyclic
from myoassist.reference.body import PlanarBody
from myoassist.reference.contact_fit import Trajectory, contact_weights, fit_contact, sole_heights
from myoassist.reference.static_optimization import (
    Solution,
    load_share,
    muscle_demand,
    static_optimization,
)


def retarget(settings: RetargetSettings, *, reference: Path, model: Path, manifest: Path, output: Path) -> None:
    """Fit a reference to a body; write the fitted reference.

    The ground is taken as the plane z = 0 whatever the model walks on: the reference is level walking.

    Args:
        settings: demands, costs and promises.
        reference: model-free reference (stage ``preprocess``).
        model: compiled model.
        manifest: its manifest.
        output: fitted reference (``formats.reference_motion.FittedReference``).

    Raises:
        InputError: if a file is damaged, the body lacks a coordinate of the reference, or the fit breaks
            one of the promises in ``settings``.
    """
    motion = read_reference_motion(reference)
    compiled, described = load_model(model, manifest)
    body = PlanarBody(compiled, described)
    for name in motion.coordinates:
        if name not in body.names:
            raise InputError(f"{reference}: coordinate '{name}' is unknown to model {described.body}")
    fitted = fit_reference(settings, body, motion, reference_sha256=sha256(reference))
    check_promises(settings, fitted, body, str(reference))
    write_fitted_reference(output, fitted)


def fit_reference(
    settings: RetargetSettings, body: PlanarBody, motion: ReferenceMotion, *, reference_sha256: str = ""
) -> FittedReference:
    """Fit a reference to a body and find the forces and activations that the result asks for.

    Args:
        settings: demands and costs.
        body: kinematics of the compiled body.
        motion: the model-free reference.
        reference_sha256: hash of its file, for the record.
    """
    trajectory, start = fit_contact(settings.fit, body, motion, is_symmetric(motion))
    phase = cyclic.grid(settings.frames)
    forward = body.index(body.manifest.root["forward"])
    stride_length = float(trajectory.advance[forward])
    speed = motion.speed_m_s
    stride_time = stride_length / speed
    position = trajectory(phase)
    velocity = trajectory(phase, 1) / stride_time
    acceleration = trajectory(phase, 2) / stride_time**2
    qpos, qvel, _ = body.full(position, velocity, acceleration)

    feet = body.feet(position)
    height = np.stack([foot.position[..., 1].min(axis=1) for foot in feet], axis=1)
    contact = main_contact(height <= settings.fit.contact_height_m)
    optimization = settings.static_optimization
    demand = muscle_demand(body, position, velocity, acceleration)
    share = load_share(contact, optimization.load_transfer)
    solution = static_optimization(optimization, body, feet, demand, share)

    recorded = np.full(position.shape, np.nan)
    columns = [body.index(name) for name in motion.coordinates]
    recorded[:, columns] = cyclic.evaluate(cyclic.coefficients(motion.positions), phase + start)
    quality = {
        **_contact_quality(settings, body, trajectory, stride_time),
        **_force_quality(body, solution),
        "stride_length_m": stride_length,
        "recorded_stride_time_s": motion.stride_time_s,
        "limit_distance_min_rad": float(
            np.minimum(position - body.range[:, 0], body.range[:, 1] - position)[:, 2:].min()
        ),
        "pelvis_height_excursion_m": float(np.ptp(position[:, body.index(body.manifest.root["height"])])),
    }
    for name, value in quality.items():
        logger.debug("retarget: {} = {:.4g}", name, value)
    return FittedReference(
        stride_time_s=stride_time,
        speed_m_s=speed,
        joint_names=tuple(body.manifest.joint_names),
        independent=body.names,
        qpos=qpos,
        qvel=qvel,
        muscle_names=tuple(body.manifest.muscle_names),
        activation=solution.activation,
        foot_position=_foot_positions(body, qpos),
        contact=contact,
        sole_height=height,
        ground_reaction_force=solution.force,
        center_of_pressure=solution.center_of_pressure,
        joint_moment=solution.moment,
        reserve_moment=solution.reserve,
        root_residual=solution.root_residual,
        reference_position=recorded,
        change=_changes(motion, body, position, recorded),
        quality=quality,
        model_sha256=body.manifest.model_sha256,
        reference_sha256=reference_sha256,
        settings=settings.canonical(),
    )


def is_symmetric(motion: ReferenceMotion) -> bool:
    """Whether left repeats right half a cycle later (to 1e-6 rad)."""
    mirror = [motion.column(mirrored(name)) for name in motion.coordinates]
    later = np.roll(motion.positions[:, mirror], motion.frames // 2, axis=0)
    return motion.frames % 2 == 0 and bool(np.abs(later - motion.positions).max() < 1e-6)


def main_contact(touching: np.ndarray) -> np.ndarray:
    """Keep each foot's longest run of contact in the periodic series (K, 2), gaps of up to 3 % closed."""
    frames = len(touching)
    result = np.zeros_like(touching)
    for side in range(touching.shape[1]):
        runs: list[list[int]] = []
        if touching[:, side].all():
            result[:, side] = True
            continue
        air = np.zeros(2 * frames)
        for k, down in enumerate(np.tile(touching[:, side], 2)):
            air[k] = 0 if down else air[k - 1] + 1
        start = int(air.argmax()) % frames  # in the air, at the end of the longest swing
        for step in range(frames):
            k = (start + step) % frames
            if not touching[k, side]:
                continue
            if runs and step - runs[-1][1] <= max(1, round(0.03 * frames)):
                runs[-1][1] = step
            else:
                runs.append([step, step])
        if runs:
            first, last = max(runs, key=lambda run: run[1] - run[0])
            result[(start + np.arange(first, last + 1)) % frames, side] = True
    return result


def check_promises(settings: RetargetSettings, fitted: FittedReference, body: PlanarBody, where: str) -> None:
    """Refuse a fit that does not keep what the settings promise.

    Raises:
        InputError: naming the promise, what was reached and the setting.
    """
    quality = fitted.quality
    promises = (
        ("stance_height_rms_m", settings.stance_rms_m, 1, "retarget.stance_rms_m"),
        ("slip_rms_m_s", settings.slip_rms_m_s, 1, "retarget.slip_rms_m_s"),
        ("clearance_min_m", settings.swing_clearance_m, -1, "retarget.swing_clearance_m"),
        ("limit_distance_min_rad", settings.fit.limit_margin_rad, -1, "retarget.fit.limit_margin_rad"),
    )
    for name, bound, sign, field in promises:
        if sign * (quality[name] - bound) > 0:
            relation = "at most" if sign > 0 else "at least"
            raise InputError(
                f"{where}: cannot be fitted to model {body.manifest.body}: {name} is {quality[name]:.4g}, expected"
                f" {relation} {bound:g} ({field})"
            )


def _contact_quality(
    settings: RetargetSettings, body: PlanarBody, trajectory: Trajectory, stride_time: float
) -> dict[str, float]:
    """Heights, slip and clearance on a grid four times finer than the result's."""
    phase = cyclic.grid(4 * settings.frames)
    height = sole_heights(body, trajectory(phase))
    contact = main_contact(height <= settings.fit.contact_height_m)
    step = 0.5e-3
    after, before = (body.feet(trajectory(phase + sign * step), jacobian=False) for sign in (1, -1))
    now = body.feet(trajectory(phase), jacobian=False)
    error, slip, clearance, stance = [], [], [], []
    for side in range(len(SIDES)):
        on = contact[:, side]
        weight = contact_weights(now[side].position[on, :, 1])
        way = after[side].position[on, :, 0] - before[side].position[on, :, 0]
        slip.append((weight * way).sum(axis=1) / (2 * step * stride_time))
        error.append(height[on, side])
        air = np.flatnonzero(~on)
        jump = np.flatnonzero(np.diff(air) > 1)
        air = np.roll(air, -(jump[0] + 1)) if len(jump) else air
        cut = round(settings.fit.swing_margin * len(air))
        clearance.append(height[air[cut : len(air) - cut], side].min())
        stance.append(on.mean())
    heights, slips = np.concatenate(error), np.concatenate(slip)
    return {
        "stance_height_rms_m": float(np.sqrt((heights**2).mean())),
        "stance_height_max_m": float(np.abs(heights).max()),
        "penetration_max_m": float(max(0.0, -height.min())),
        "slip_rms_m_s": float(np.sqrt((slips**2).mean())),
        "slip_max_m_s": float(np.abs(slips).max()),
        "clearance_min_m": float(min(clearance)),
        "stance_share": float(np.mean(stance)),
        "double_support_share": float(contact.all(axis=1).mean()),
    }


def _force_quality(body: PlanarBody, solution: Solution) -> dict[str, float]:
    weight = body.manifest.total_mass_kg * body.manifest.gravity_m_s2
    residual, total = solution.root_residual, solution.force.sum(axis=1)
    return {
        "root_force_residual_rms_n": float(np.sqrt((residual[:, :2] ** 2).sum(axis=1).mean())),
        "root_force_residual_max_n": float(np.sqrt((residual[:, :2] ** 2).sum(axis=1)).max()),
        "root_moment_residual_rms_n_m": float(np.sqrt((residual[:, 2] ** 2).mean())),
        "root_moment_residual_max_n_m": float(np.abs(residual[:, 2]).max()),
        "reserve_moment_rms_n_m": float(np.sqrt((solution.reserve**2).mean())),
        "reserve_moment_max_n_m": float(np.abs(solution.reserve).max()),
        "vertical_force_mean_bw": float(total[:, 2].mean() / weight),
        "vertical_force_max_bw": float(total[:, 2].max() / weight),
        "foot_vertical_force_max_bw": float(solution.force[..., 2].max() / weight),
        "activation_mean": float(solution.activation.mean()),
        "activation_max": float(solution.activation.max()),
    }


def _changes(
    motion: ReferenceMotion, body: PlanarBody, position: np.ndarray, recorded: np.ndarray
) -> dict[str, dict[str, float]]:
    """Per joint: mean, rms about the mean and largest change (with the mean), rad; unrecorded joints against zero."""
    result = {}
    root = body.manifest.root
    for index, name in enumerate(body.names):
        if name in (root["forward"], root["height"]):
            continue
        reference = recorded[:, index] if name in motion.coordinates else 0.0
        change = position[:, index] - reference
        result[name] = {
            "offset_rad": float(change.mean()),
            "rms_change_rad": float(change.std()),
            "max_change_rad": float(np.abs(change).max()),
        }
    return result


def _foot_positions(body: PlanarBody, qpos: np.ndarray) -> np.ndarray:
    """Origins of right and left calcaneus (K, 2, 3) relative to the pelvis's, world axes, m."""
    model, data = body.model, body.data
    pelvis = model.body(body.manifest.joint(body.manifest.root["tilt"]).body).id
    feet = [model.body(body.manifest.feet[side].calcaneus).id for side in SIDES]
    result = np.empty((len(qpos), len(SIDES), 3))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        result[k] = data.xpos[feet] - data.xpos[pelvis]
    return result
