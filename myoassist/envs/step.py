"""What reward terms and terminations look at: one control step of N environments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass
class Step:
    """The outcome of one control step; every array has the N environments as its first axis.

    Attributes:
        positions: (N, J) joint positions, columns as `MyoAssistLegBase.joint_names` (rad; pelvis height in m).
        velocities: (N, J) their velocities (rad/s, m/s).
        forward_velocity: (N,) of the pelvis (m/s).
        pelvis_height: (N,) over the ground (m).
        target_velocity: (N,) m/s.
        activations: (N, M) muscle activations, 0 to 1.
        activations_before: (N, M) at the step before; as now in what `reset` gives.
        excitations: (N, M) what the policy asked for.
        foot_force: (N, 4) vertical load in body weights: heel and toes right, heel and toes left.
        foot_force_peak: (N, 2) largest vertical load of each whole foot within the step, body weights.
        limit_torque: (N, L) torques of the joint limits (N·m).
        device_torque: (N, D) torques of the device's motors at the end of the step (N·m).
        foot_strike: (N,) bool, whether a foot met the ground in this step (ending a footstep).
        footstep_time: (N,) duration of the footstep that ended (s).
        footstep_effort: (N,) mean over that footstep of the mean squared activation.
        footstep_velocity_error: (N,) mean speed minus mean target over that footstep (m/s).
        phase: (N,) of the gait cycle, 0 = right heel strike.
        stride_time: (N,) of the reference at the target speed (s).
        reference_positions: (N, J) where the reference is; None without a reference.
        reference_velocities: (N, J).
        reference_fluctuation: (N,) the reference's forward velocity minus its mean over the stride (m/s).
        diverged: (N,) bool, whose simulation diverged (their arrays hold the state before).
        feet: computes what `foot_position` and `reference_foot_position` give.
        contact: computes what `reference_contact` gives.
    """

    positions: np.ndarray
    velocities: np.ndarray
    forward_velocity: np.ndarray
    pelvis_height: np.ndarray
    target_velocity: np.ndarray
    activations: np.ndarray
    activations_before: np.ndarray
    excitations: np.ndarray
    foot_force: np.ndarray
    foot_force_peak: np.ndarray
    limit_torque: np.ndarray
    device_torque: np.ndarray
    foot_strike: np.ndarray
    footstep_time: np.ndarray
    footstep_effort: np.ndarray
    footstep_velocity_error: np.ndarray
    phase: np.ndarray
    stride_time: np.ndarray
    diverged: np.ndarray
    reference_positions: np.ndarray | None = None
    reference_velocities: np.ndarray | None = None
    reference_fluctuation: np.ndarray | None = None
    feet: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
    contact: Callable[[], np.ndarray] | None = None

    @cached_property
    def activation_change(self) -> np.ndarray:
        """(N, M) of the muscles since the step before; 0 in what `reset` gives."""
        return self.activations - self.activations_before

    @cached_property
    def foot_position(self) -> np.ndarray | None:
        """(N, 4) x and z of the right, then the left heel relative to the pelvis (m); None without a reference."""
        return self._feet[0]

    @cached_property
    def reference_foot_position(self) -> np.ndarray | None:
        """(N, 4) the same of the reference."""
        return self._feet[1]

    @cached_property
    def _feet(self) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
        return (None, None) if self.feet is None else self.feet()

    @cached_property
    def reference_contact(self) -> np.ndarray | None:
        """(N, 2) bool, whether the reference's right and left foot stand; None without a reference."""
        return None if self.contact is None else self.contact()
