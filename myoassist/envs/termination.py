"""When an episode ends early, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from myoassist.envs.compiling import compiled
from myoassist.envs.step import Step
from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

RUNNING, TIME_LIMIT = "", "time_limit"
DEVIATION = "deviation: "
"""Followed by the joint that is farthest from the reference, as a share of its threshold."""
_OTHERS = ("speed_deviation", "trunk_lean", "fall_height", "divergence")


class Termination:
    """The thresholds of the settings, each in its own unit, on N environments at once.

    Attributes:
        names: all reasons; the first, an empty string, is that an episode goes on.
        time_limit: place of the time limit in `names`.
    """

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
        names = [RUNNING, *(DEVIATION + name for name in env.joint_names), *_OTHERS, TIME_LIMIT]
        self.names = np.array(names)
        self.time_limit = len(names) - 1
        if self._deviation is not None and not env.needs_reference:
            raise InputError(
                f"environment: field 'termination': {env.settings.id} imitates no reference to deviate from "
                "(expected no joint_deviation_rad and no pelvis_height_deviation_m, or an imitation environment)"
            )

    def judge(self, step: Step, steps: np.ndarray, max_steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
        """Find where episodes end.

        Reasons are `deviation: JOINT`, `speed_deviation`, `trunk_lean`, `fall_height` and `divergence`, of which the
        last that applies counts, and the time limit where none does.

        Args:
            step: what the bodies did.
            steps: (N,) that their episodes have had.
            max_steps: that an episode may have.

        Returns:
            (N,) reasons as places in `names`, 0 where an episode goes on; (N,) bool, terminated; (N,) bool, truncated;
            whether any is either.
        """
        limits = self.settings
        return _judge(
            step.positions,
            None if self._deviation is None else step.reference_positions,
            self._deviation,
            self._tilt,
            step.forward_velocity,
            step.target_velocity,
            step.pelvis_height,
            step.diverged,
            np.inf if limits.speed_deviation_m_s is None else limits.speed_deviation_m_s,
            np.inf if limits.trunk_lean_max_rad is None else limits.trunk_lean_max_rad,
            -np.inf if limits.pelvis_height_min_m is None else limits.pelvis_height_min_m,
            steps,
            max_steps,
            self.time_limit,
        )


@compiled
def _judge(
    positions: np.ndarray,
    reference: np.ndarray | None,
    bounds: np.ndarray | None,
    tilt: int,
    velocity: np.ndarray,
    target: np.ndarray,
    height: np.ndarray,
    diverged: np.ndarray,
    largest_error_m_s: float,
    largest_lean_rad: float,
    lowest_m: float,
    steps: np.ndarray,
    max_steps: int,
    time_limit: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    bodies, joints = positions.shape
    found = np.zeros(bodies, dtype=np.int64)
    terminated, truncated, ended = np.empty(bodies, dtype=np.bool_), np.empty(bodies, dtype=np.bool_), False
    for body in range(bodies):
        if bounds is not None:
            farthest, largest = 0, 1.0  # as a share of the threshold
            for joint in range(joints):
                share = abs(positions[body, joint] - reference[body, joint]) / bounds[joint]
                if share > largest:
                    farthest, largest = 1 + joint, share
            found[body] = farthest
        if abs(velocity[body] - target[body]) > largest_error_m_s:
            found[body] = joints + 1
        if abs(positions[body, tilt]) > largest_lean_rad:
            found[body] = joints + 2
        if height[body] < lowest_m:
            found[body] = joints + 3
        if diverged[body]:
            found[body] = joints + 4
        terminated[body] = found[body] != 0
        truncated[body] = not terminated[body] and steps[body] >= max_steps
        if truncated[body]:
            found[body] = time_limit
        ended |= terminated[body] or truncated[body]
    return found, terminated, truncated, ended
