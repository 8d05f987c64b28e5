"""From actions in [-1, 1] to what MuJoCo's actuators take: muscle excitations and device controls."""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import ActionSettings
from myoassist.envs.layouts import Layout
from myoassist.formats.compiled_model import Manifest


class Actuation:
    """Maps batched actions to controls and keeps the devices within their limits.

    Attributes:
        layout: blocks `muscles` (excitation) and, with a device, `device` (torque).
        neutral: (M,) excitation at action 0.
        excitation: (N, M) of the last step.
        torque: (N, D) of the devices' motors at the end of the last step (N·m).
    """

    def __init__(self, settings: ActionSettings, manifest: Manifest, *, num_envs: int, substeps: int):
        self.settings = settings
        self._timestep_s = manifest.timestep_s
        muscles, devices = manifest.muscles, manifest.devices
        self.layout = Layout.of(
            [("muscles", [muscle.name for muscle in muscles], "excitation", 1.0)]
            + ([("device", [device.name for device in devices], "N·m", 1.0)] if devices else [])
        )
        self._muscle_controls = np.array([muscle.actuator for muscle in muscles], dtype=np.intp)
        self._device_controls = np.array([device.actuator for device in devices], dtype=np.intp)
        self.neutral = np.full(len(muscles), settings.neutral_excitation)
        self._gain = np.array([device.gain for device in devices])
        bounds = np.array([device.control_range for device in devices]).reshape(-1, 2) * self._gain[:, None]
        limit = settings.device.torque_limit_n_m if settings.device.enabled else 0.0
        self._lowest = np.maximum(bounds.min(axis=1), -limit)
        self._highest = np.minimum(bounds.max(axis=1), limit)
        self._device_joint = np.array([manifest.joint(device.joint).dof for device in devices], dtype=np.intp)
        self.excitation = np.zeros((num_envs, len(muscles)))
        self.torque = np.zeros((num_envs, len(devices)))
        # muscles are held over a control step, motors follow their limits from one physics step to the next
        self.control = np.zeros((num_envs, substeps if devices else 1, len(muscles) + len(devices)))

    def reset(self, rows: np.ndarray, excitation: np.ndarray) -> None:
        """Start some environments with given excitations (n, M) and motors at rest."""
        self.excitation[rows] = excitation
        self.torque[rows] = 0.0

    def apply(
        self, action: np.ndarray, baseline: np.ndarray | None, qvel: np.ndarray, qvel_before: np.ndarray
    ) -> np.ndarray:
        """Translate actions.

        Args:
            action: (N, A) in [-1, 1].
            baseline: (N, M) excitations at action 0, or None for the constant neutral excitation.
            qvel: (N, nv) joint velocities, for the devices' power limit (rad/s).
            qvel_before: (N, nv) those one physics step before.

        Returns:
            (N, substeps, nu) controls of the physics steps, (N, 1, nu) if all are the same (a buffer that the next
            call overwrites).
        """
        muscles = action[:, : self.excitation.shape[1]]
        if baseline is None:
            # linear on either side of the neutral excitation: -1 -> 0, 0 -> neutral, 1 -> 1
            np.multiply(muscles, np.where(muscles < 0.0, self.neutral, 1.0 - self.neutral), out=self.excitation)
            self.excitation += self.neutral
        else:
            np.add(baseline, self.settings.residual_range * muscles, out=self.excitation)
            np.clip(self.excitation, 0.0, 1.0, out=self.excitation)
        self.control[:, :, self._muscle_controls] = self.excitation[:, None]
        if len(self._device_controls):
            velocity, before = (np.take(values, self._device_joint, axis=1) for values in (qvel, qvel_before))
            self._apply_devices(action[:, self.excitation.shape[1] :], velocity, before)
        return self.control

    def _apply_devices(self, action: np.ndarray, velocity: np.ndarray, before: np.ndarray) -> None:
        """Let the motors' torques (N, D) follow the wanted ones, as fast and as strong as the limits allow.

        The speed within the step is not known yet: the power limit takes the larger of the speed now and the one that
        the joint reaches if it goes on accelerating as in the last physics step. It may lower a torque at any rate.
        """
        limits, timestep = self.settings.device, self._timestep_s
        wanted = np.clip(limits.torque_limit_n_m * action, self._lowest, self._highest)
        change = limits.torque_rate_n_m_s * timestep
        acceleration = (velocity - before) / timestep
        for substep in range(self.control.shape[1]):
            ahead = velocity + substep * timestep * acceleration
            fastest = np.maximum(np.maximum(np.abs(velocity), np.abs(ahead)), 1e-6)
            strongest = limits.power_limit_w / fastest
            torque = self.torque + np.clip(wanted - self.torque, -change, change)
            np.clip(torque, -strongest, strongest, out=self.torque)
            self.control[:, substep, self._device_controls] = self.torque / self._gain
