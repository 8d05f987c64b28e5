"""How much the planted foot slips if the reference is walked at other speeds than its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from myoassist.formats.compiled_model import SIDES

if TYPE_CHECKING:
    from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

_NEAR_GROUND_M = 0.002
"""Points this much higher than the lowest one count a factor e less."""


@dataclass(frozen=True)
class FootSlip:
    """Forward velocity of the sole's lowest points over the ground while the foot is planted.

    Attributes:
        speed_m_s: target speed.
        rms_m_s: over both feet's stance phases.
        max_m_s: the largest.
    """

    speed_m_s: float
    rms_m_s: float
    max_m_s: float


def foot_slip(env: MyoAssistLegBase, speed_m_s: float) -> FootSlip:
    """Walk the scaled reference kinematically through one stride and measure its slip.

    The forward velocity of the pelvis is the target plus the scaled fluctuation; a foot is planted where the fitted
    reference has it in contact. Points are weighted by their height over the lowest one.

    Args:
        env: any batch with a reference.
        speed_m_s: target speed.

    Raises:
        ValueError: if the environment has no reference.
    """
    if env.clip is None:
        raise ValueError("expected an environment with a reference")
    clip, model = env.clip, env.simulation.model
    phase = np.arange(clip.frames) / clip.frames
    speed = np.full(clip.frames, speed_m_s)
    positions, _, fluctuation = clip.at(phase, speed)
    qpos = np.tile(model.qpos0, (clip.frames, 1))
    qpos[:, env.reader.qpos_columns] = positions
    env.couplings.apply(qpos)
    data = mujoco.MjData(model)
    between_frames = float(clip.stride_time(speed[:1])[0]) / clip.frames
    slips = []
    for side_index, side in enumerate(SIDES):
        soles = env.simulation.soles.of(env.manifest.feet[side].bodies)
        points = []
        for row in qpos:
            data.qpos[:] = row
            mujoco.mj_kinematics(model, data)
            points.append(np.stack([soles.coordinate(data, 0), soles.coordinate(data, 2)], axis=1))
        place = np.array(points)
        forward = (np.roll(place, -1, axis=0) - np.roll(place, 1, axis=0))[:, :, 0] / (2 * between_frames)
        weight = np.exp(-(place[:, :, 1] - place[:, :, 1].min(axis=1, keepdims=True)) / _NEAR_GROUND_M)
        velocity = (weight * forward).sum(axis=1) / weight.sum(axis=1) + speed + fluctuation
        slips.append(velocity[clip.contact[:, side_index]])
    slip = np.concatenate(slips)
    return FootSlip(speed_m_s, float(np.sqrt(np.square(slip).mean())), float(np.abs(slip).max()))
