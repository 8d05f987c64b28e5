"""When an episode ends early, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from myoassist.envs.step import Step
from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

RUNNING, TIME_LIMIT = "", "time_limit"
DEVIATION = "deviation: "
"""Followed by the joint that is farthest from the reference, as a share of its threshold."""


class Termination:
    """The thresholds of the settings, each in its own unit, on N environments at once."""

    def __init__(self, env: MyoAssistLegBase):
        """Resolve joint names.

        Raises:
            InputError: for unknown joints, a height in radians, or deviations from a reference where none is
                imitated.
        """
        self.settings = limits = env.settings.termination
        self._tilt = env.joint_names.index(env.manifest.root["tilt"])
        bounds = np.full(len(env.joint_names), np.inf)
        for name, limit in limits.joint_deviation_rad.items():
            bounds[env.columns_of(name, "termination.joint_deviation_rad")] = limit
        height = env.joint_names.index(env.manifest.root["height"])
        if np.isfinite(bounds[height]):
            raise InputError(
                f"environment: field 'termination.joint_deviation_rad': '{env.joint_names[height]}' is no angle "
                "(the pelvis's height has a limit of its own, pelvis_height_deviation_m)"
            )
        if limits.pelvis_height_deviation_m is not None:
            bounds[height] = limits.pelvis_height_deviation_m
        self._deviation = bounds if np.isfinite(bounds).any() else None
        self._deviations = np.array([DEVIATION + name for name in env.joint_names])
        self._text = np.result_type(self._deviations, "U24")
        if self._deviation is not None and not env.needs_reference:
            raise InputError(
                f"environment: field 'termination': {env.settings.id} imitates no reference to deviate from "
                "(expected no joint_deviation_rad and no pelvis_height_deviation_m, or an imitation environment)"
            )

    def reasons(self, step: Step) -> np.ndarray:
        """Return (N,) reasons, the empty string where an episode goes on; the last that applies wins.

        They are `deviation: JOINT`, `speed_deviation`, `trunk_lean`, `fall_height` and `divergence`.
        """
        limits = self.settings
        reasons = np.full(len(step.phase), RUNNING, dtype=self._text)
        if self._deviation is not None:
            error = np.abs(step.positions - step.reference_positions)
            rows = np.flatnonzero((error > self._deviation).any(axis=1))
            if len(rows):
                reasons[rows] = self._deviations[np.argmax(error[rows] / self._deviation, axis=1)]
        if limits.speed_deviation_m_s is not None:
            error = np.abs(step.forward_velocity - step.target_velocity)
            reasons[error > limits.speed_deviation_m_s] = "speed_deviation"
        if limits.trunk_lean_max_rad is not None:
            reasons[np.abs(step.positions[:, self._tilt]) > limits.trunk_lean_max_rad] = "trunk_lean"
        if limits.pelvis_height_min_m is not None:
            reasons[step.pelvis_height < limits.pelvis_height_min_m] = "fall_height"
        reasons[step.diverged] = "divergence"
        return reasons
