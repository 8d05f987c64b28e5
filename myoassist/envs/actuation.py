"""From actions in [-1, 1] to what MuJoCo's actuators take: muscle excitations and device controls."""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import ActionSettings
from myoassist.envs.compiling import compiled
from myoassist.envs.layouts import Layout
from myoassist.formats.compiled_model import Manifest


class Actuation:
    """Maps batched actions to controls and keeps the devices within their limits.

    Attributes:
        layout: blocks `muscles` (excitation) and, with a device, `device` (torque).
        neutral: (M,) excitation at action 0.
        action: (N, A) of the last step, within [-1, 1]; 0 where an episode has just begun.
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
        self.action = np.zeros((num_envs, self.layout.size))
        self.excitation = np.zeros((num_envs, len(muscles)))
        self.torque = np.zeros((num_envs, len(devices)))
        self.control = np.zeros((num_envs, substeps, len(muscles) + len(devices)))

    def reset(self, rows: np.ndarray, excitation: np.ndarray) -> None:
        """Start some environments with given excitations (n, M) and motors at rest."""
        self.excitation = self.excitation.copy()  # the last step tells of the one before
        self.excitation[rows] = excitation
        self.torque[rows] = 0.0
        self.action[rows] = 0.0

    def apply(
        self, action: np.ndarray, baseline: np.ndarray | None, qvel: np.ndarray, qvel_before: np.ndarray
    ) -> np.ndarray:
        """Translate actions.

        Args:
            action: (N, A) any numbers; they are clipped to [-1, 1], and NaN counts as 0.
            baseline: (N, M) excitations at action 0, or None for the constant neutral excitation.
            qvel: (N, nv) joint velocities, for the devices' power limit (rad/s).
            qvel_before: (N, nv) those one physics step before.

        Returns:
            (N, substeps, nu) controls of the physics steps (a buffer that the next call overwrites).
        """
        residual_range, columns = self.settings.residual_range, self._muscle_controls
        self.action, self.excitation = _excite(action, baseline, self.neutral, residual_range, columns, self.control)
        if len(self._device_controls):
            limits = self.settings.device
            _drive(
                limits.torque_limit_n_m * self.action[:, self.excitation.shape[1] :],
                np.take(qvel, self._device_joint, axis=1),
                np.take(qvel_before, self._device_joint, axis=1),
                self._lowest,
                self._highest,
                limits.torque_rate_n_m_s,
                limits.power_limit_w,
                self._timestep_s,
                self._gain,
                self._device_controls,
                self.torque,
                self.control,
            )
        return self.control


@compiled
def _excite(
    action: np.ndarray,
    baseline: np.ndarray | None,
    neutral: np.ndarray,
    residual_range: float,
    columns: np.ndarray,
    control: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return clipped actions (N, A) and excitations (N, M), which are held in columns of control (N, substeps, nu)."""
    bodies, substeps, _ = control.shape
    muscles = len(columns)
    clipped, excitation = np.empty(action.shape), np.empty((bodies, muscles))
    for body in range(bodies):
        for number in range(action.shape[1]):
            given = np.float64(action[body, number])
            clipped[body, number] = 0.0 if np.isnan(given) else min(max(given, -1.0), 1.0)
        for muscle in range(muscles):
            wanted = clipped[body, muscle]
            if baseline is None:
                # linear on either side of the neutral excitation: -1 -> 0, 0 -> neutral, 1 -> 1
                still = neutral[muscle]
                excitation[body, muscle] = wanted * (still if wanted < 0.0 else 1.0 - still) + still
            else:
                excitation[body, muscle] = min(max(baseline[body, muscle] + residual_range * wanted, 0.0), 1.0)
        for substep in range(substeps):
            for muscle in range(muscles):
                control[body, substep, columns[muscle]] = excitation[body, muscle]
    return clipped, excitation


@compiled
def _drive(
    wanted: np.ndarray,
    velocity: np.ndarray,
    before: np.ndarray,
    lowest: np.ndarray,
    highest: np.ndarray,
    rate_n_m_s: float,
    power_w: float,
    timestep_s: float,
    gain: np.ndarray,
    columns: np.ndarray,
    torque: np.ndarray,
    control: np.ndarray,
) -> None:
    """Let the motors' torques (N, D) follow the wanted ones, as fast and as strong as the limits allow.

    The speed within the step is not known yet: the power limit takes the larger of the speed now and the one that
    the joint reaches if it goes on accelerating as in the last physics step. It may lower a torque at any rate.
    """
    bodies, substeps, _ = control.shape
    change = rate_n_m_s * timestep_s
    for body in range(bodies):
        for device in range(len(columns)):
            speed = velocity[body, device]
            acceleration = (speed - before[body, device]) / timestep_s
            goal = min(max(wanted[body, device], lowest[device]), highest[device])
            now = torque[body, device]
            for substep in range(substeps):
                ahead = speed + substep * timestep_s * acceleration
                strongest = power_w / max(max(abs(speed), abs(ahead)), 1e-6)
                now = now + min(max(goal - now, -change), change)
                now = min(max(now, -strongest), strongest)
                control[body, substep, columns[device]] = now / gain[device]
            torque[body, device] = now
