"""A walker made of formulas: every event, angle, length and speed is known exactly."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from myoassist.formats.reference_motion import FittedReference, write_fitted_reference
from myoassist.formats.rollouts import RolloutHeader, RolloutModel, RolloutWriter

STRIDE_S = 1.1
SPEED = 1.25
STANCE = 0.6
STRIDE_M = SPEED * STRIDE_S
MASS = 75.0
"""Of the body, kg."""
DEVICE_KG = 5.0
"""Of a device, where one is worn."""
RATE = 250.0
CONTROL_RATE = 50.0
COORDINATES = (
    "pelvis_tx", "pelvis_ty", "pelvis_tilt",
    "hip_flexion_r", "knee_angle_r", "ankle_angle_r", "hip_flexion_l", "knee_angle_l", "ankle_angle_l",
)  # fmt: skip
JOINTS = COORDINATES[3:]
MUSCLES = ("soleus_r", "tibant_r", "soleus_l", "tibant_l")
OPTIMAL_M = 0.05
"""Optimal length of every muscle's fibres."""
CONSTANTS = {
    "max_isometric_force_n": np.full(4, 1000.0),
    "optimal_fiber_length_m": np.full(4, OPTIMAL_M),
    "tendon_slack_length_m": np.full(4, 0.2),
    "max_contraction_velocity_m_s": np.full(4, 0.5),
}
MANIFEST = {
    "joints": [{"name": "knee_angle_r", "range": [-2.5, 0.0]}],
    "muscles": [{"name": name, "gain_parameters": [0.5, 1.5, 1000, 1, 0.5, 1.6, 10, 1.3, 1.4]} for name in MUSCLES],
}
FOOT_M = 0.2
SLIP_M = 0.01
"""Way that the foot slides forward in a stance, evenly."""
STANDING_TOE_M, CLEARANCE_M = 0.008, 0.015
"""Height of the toe's point while it stands, and its smallest height above that, in the middle of swing."""
LEG_M = 0.92
LEFTWARD = {"r": 0.02, "l": 0.05}
"""Force to the left on each foot, in shares of its vertical force."""


@dataclass(frozen=True)
class Foot:
    """How a foot walks: its first heel strike (s), stance as share of the stride, how much farther ahead it lands."""

    first_s: float
    stance: float = STANCE
    ahead_m: float = 0.0


FEET = {"r": Foot(0.2 * STRIDE_S), "l": Foot(0.7 * STRIDE_S)}
"""Of a symmetric walk."""
LIMPING = {"r": Foot(0.2 * STRIDE_S, stance=0.66), "l": Foot(0.82 * STRIDE_S, stance=0.58, ahead_m=-0.1)}
"""The left foot strikes at 62 % of the right one's stride, lands nearer and stands for a shorter time."""
LIMPING_TO_THE_OTHER = {"r": Foot(0.82 * STRIDE_S, stance=0.58, ahead_m=-0.1), "l": Foot(0.2 * STRIDE_S, stance=0.66)}
"""The mirror image."""


def vertical_force(stance_share, stance=STANCE):
    """Body weights over stance (0 to 1), two peaks; each foot carries half of the weight over a stride."""
    scale = 1 / (2 * stance * (2 / np.pi) * (1 + 0.35 / 3))
    s = np.clip(stance_share, 0, 1)
    return scale * (np.sin(np.pi * s) + 0.35 * np.sin(3 * np.pi * s))


def crossing(level, rising, stance=STANCE):
    """Share of stance at which the force passes a level."""
    low, high = (0, 0.2) if rising else (0.8, 1)
    return brentq(lambda s: vertical_force(s, stance) - level, low, high)


def hip_deg(phase):
    return 10 + 20 * np.cos(2 * np.pi * phase)


def knee_flexion_deg(phase):
    return 25 - 15 * np.cos(2 * np.pi * (phase - 0.22)) - 10 * np.cos(4 * np.pi * (phase + 0.02))


def ankle_deg(phase):
    return 8 * np.sin(2 * np.pi * phase)


def anterior_tilt_deg(phase):
    return 5 + np.sin(4 * np.pi * phase)


CURVES = {
    "pelvis_tilt": anterior_tilt_deg,
    "hip_flexion": hip_deg,
    "knee_flexion": knee_flexion_deg,
    "ankle_dorsiflexion": ankle_deg,
}
"""Angle in report signs -> function of the strides since the own side's first heel strike, degrees. A name with a side
at its end stands for that side alone."""


def angles(strides, offset_deg=0.0, curves=CURVES):
    """Model angles (n, 7) in rad from pelvis tilt on, at strides since the first heel strike of each side."""
    columns = [-curves["pelvis_tilt"](strides["r"])]
    for side, phase in strides.items():
        hip = curves.get(f"hip_flexion_{side}", curves["hip_flexion"])
        columns += [
            hip(phase) + offset_deg,
            -curves["knee_flexion"](phase) - offset_deg,
            curves["ankle_dorsiflexion"](phase) + offset_deg,
        ]
    return np.radians(np.stack(columns, axis=1))


def foot_share(time, foot):
    """Number of the stride and share of the cycle since its heel strike; share of the swing (0 in stance)."""
    cycles = (time - foot.first_s) / STRIDE_S
    share = cycles % 1
    return np.floor(cycles), share, np.clip((share - foot.stance) / (1 - foot.stance), 0, 1)


def heel_x(time, foot):
    """Lands stride lengths from the first strike, slides by SLIP_M in stance, swings forward in between."""
    number, share, swing = foot_share(time, foot)
    slid = SLIP_M * np.clip(share / foot.stance, 0, 1)
    way = (STRIDE_M - SLIP_M) * (swing - np.sin(2 * np.pi * swing) / (2 * np.pi))
    return SPEED * foot.first_s + foot.ahead_m + STRIDE_M * number + slid + way


def toe_height(time, foot):
    """Stands at STANDING_TOE_M; in swing two humps with a minimum of CLEARANCE_M above that between them."""
    swing = foot_share(time, foot)[2]
    return STANDING_TOE_M + 0.04 * np.sin(2 * np.pi * swing) ** 2 + CLEARANCE_M * np.sin(np.pi * swing) ** 2


def activation(strides):
    """Activation of the muscles at strides since the right foot's first heel strike, shape (n, 4)."""
    return 0.05 + 0.4 * np.clip(np.sin(2 * np.pi * (strides[:, None] - np.array([0.1, 0.6, 0.6, 0.1]))), 0, 1) ** 2


def fiber_velocity(strides, amplitude_m_s):
    """Velocity of the fibres, shape (n, 4) m/s, and the length that has this velocity, m."""
    angle = 2 * np.pi * (strides[:, None] - np.array([0.0, 0.3, 0.5, 0.8]))
    return amplitude_m_s * np.sin(angle), OPTIMAL_M - amplitude_m_s * STRIDE_S / (2 * np.pi) * np.cos(angle)


def states(duration_s, *, offset_deg=0.0, devices=0, curves=CURVES, feet=FEET, fiber_m_s=0.0):
    time = np.arange(round(duration_s * RATE) + 1) / RATE
    n = len(time)
    strides = {side: (time - foot.first_s) / STRIDE_S for side, foot in feet.items()}
    phase = strides["r"]
    weight = (MASS + (DEVICE_KG if devices else 0.0)) * 9.81
    qpos = np.column_stack([SPEED * time, np.full(n, 0.95), angles(strides, offset_deg, curves)])
    grf = np.zeros((n, 2, 3))
    heels, toes = np.zeros((n, 2, 3)), np.zeros((n, 2, 3))
    for i, (side, foot) in enumerate(feet.items()):
        share = strides[side] % 1 / foot.stance
        grf[:, i, 2] = weight * vertical_force(share, foot.stance) * (share < 1)
        grf[:, i, 0] = -0.15 * weight * np.sin(2 * np.pi * share) * (share < 1)
        grf[:, i, 1] = LEFTWARD[side] * grf[:, i, 2]
        heels[:, i, 0] = heel_x(time, foot)
        toes[:, i] = np.stack([heels[:, i, 0] + FOOT_M, np.zeros(n), toe_height(time, foot)], axis=1)
    pattern = activation(phase)
    velocity, length = fiber_velocity(phase, fiber_m_s)
    block = {
        "time": time,
        "qpos": qpos,
        "qvel": np.gradient(qpos, 1 / RATE, axis=0) if n > 1 else np.zeros_like(qpos),
        "activation": pattern,
        "muscle_force": 1000 * pattern,
        "fiber_length": length,
        "fiber_velocity": velocity,
        "joint_moment": np.tile(np.sin(2 * np.pi * phase)[:, None] * 50, (1, 6)),
        "limit_moment": np.full((n, 6), 0.5),
        "ground_reaction_force": grf,
        "center_of_pressure": np.full((n, 2, 3), np.nan),
        "heel_position": heels,
        "toe_position": toes,
        "center_of_mass": np.column_stack([SPEED * time, np.zeros(n), np.full(n, 1.0)]),
        "center_of_mass_velocity": np.tile([SPEED, 0, 0], (n, 1)),
    }
    if devices:
        torque = 15 * np.clip(np.sin(2 * np.pi * (phase[:, None] + np.array([-0.2, 0.3])[:devices])), 0, 1)
        velocity = block["qvel"][:, [5, 8][:devices]]
        block |= {"device_torque": -torque, "device_velocity": velocity, "device_power": -torque * velocity}
    return block


def controls(duration_s, *, devices=0, excitation=0.1, target=SPEED):
    time = np.arange(round(duration_s * CONTROL_RATE)) / CONTROL_RATE
    k = len(time)
    block = {
        "time": time,
        "action": np.zeros((k, 4 + devices)),
        "excitation": np.full((k, 4), excitation),
        "reward": np.full(k, 0.8),
        "reward_raw": np.full((k, 2), 0.8),
        "reward_weighted": np.full((k, 2), 0.4),
        "target_velocity": np.broadcast_to(target, k),
        "applied_force": np.zeros((k, len(COORDINATES))),
        "phase": ((time - FEET["r"].first_s) / STRIDE_S) % 1,
    }
    return block | ({"device_control": np.zeros((k, devices))} if devices else {})


def header(devices=0):
    names = ("exo_r", "exo_l")[:devices]
    return RolloutHeader(
        settings="{}",
        seed=1,
        model_sha256="m" * 64,
        checkpoint_sha256="c" * 64,
        reference_sha256="r" * 64,
        checkpoint_steps=100_000,
        versions={"mujoco": "3.11.0"},
        model=RolloutModel(
            total_mass_kg=MASS + (DEVICE_KG if devices else 0.0),
            device_mass_kg=DEVICE_KG if devices else 0.0,
            gravity_m_s2=9.81,
            leg_length_m=LEG_M,
            state_rate_hz=RATE,
            control_rate_hz=CONTROL_RATE,
            coordinates=COORDINATES,
            dofs=COORDINATES,
            joints=JOINTS,
            muscles=MUSCLES,
            devices=names,
            device_joints=("ankle_angle_r", "ankle_angle_l")[:devices],
            actions=(*MUSCLES, *names),
            reward_terms=("pose", "speed"),
            muscle_constants=CONSTANTS,
            manifest=MANIFEST,
        ),
    )


def write_walk(path, durations_s=(10.0, 10.0), fell=False, devices=0, control=None, feet_of=None, **walk):
    """Write a rollouts file: one episode a duration, walked and controlled as `states` and `controls` have it.

    `control` may be a list and `feet_of` is one, with an entry for each episode.
    """
    with RolloutWriter(path, header(devices)) as writer:
        for number, duration in enumerate(durations_s):
            own = control[number] if isinstance(control, list) else control or {}
            walked = walk if feet_of is None else {**walk, "feet": feet_of[number]}
            target = float(np.mean(own.get("target", SPEED)))
            episode = writer.begin_episode(phase0=0.8, target_velocity_mean_m_s=target)
            episode.append_state(states(duration, devices=devices, **walked))
            episode.append_control(controls(duration, devices=devices, **own))
            episode.end(termination="fall_height" if fell else "time_limit", fell=fell, duration_s=duration)
    return path


def write_reference(path, curves=CURVES):
    """Write the same walk as a fitted reference."""
    frames = 200
    phase = np.arange(frames) / frames
    qpos = np.column_stack(
        [STRIDE_M * phase, np.full(frames, 0.95), angles({"r": phase, "l": phase + 0.5}, curves=curves)]
    )
    contact = np.stack([phase < STANCE, (phase + 0.5) % 1 < STANCE], axis=1)
    n = len(COORDINATES)
    reference = FittedReference(
        stride_time_s=STRIDE_S,
        speed_m_s=SPEED,
        joint_names=COORDINATES,
        independent=COORDINATES,
        qpos=qpos,
        qvel=np.zeros((frames, n)),
        muscle_names=MUSCLES,
        activation=np.full((frames, 4), 0.1),
        foot_position=np.zeros((frames, 2, 3)),
        contact=contact,
        sole_height=np.zeros((frames, 2)),
        ground_reaction_force=np.zeros((frames, 2, 3)),
        center_of_pressure=np.zeros((frames, 2, 3)),
        joint_moment=np.zeros((frames, n)),
        reserve_moment=np.zeros((frames, n)),
        root_residual=np.zeros((frames, 3)),
        reference_position=qpos,
        change={},
        quality={},
        model_sha256="m" * 64,
        reference_sha256="r" * 64,
        settings="{}",
    )
    write_fitted_reference(path, reference)
    return path
