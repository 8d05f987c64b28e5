"""The observation: named groups in configured order, scaled and clipped to finite bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from myoassist.config.environment import ObservationGroup, ObservationSettings
from myoassist.envs.compiling import compiled
from myoassist.envs.layouts import Layout
from myoassist.envs.step import Step
from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

FOOT_PARTS = ("heel_r", "toes_r", "heel_l", "toes_l")


class Observer:
    """Assembles observations of all environments from their last step.

    Attributes:
        layout: the blocks of the observation.
    """

    def __init__(self, settings: ObservationSettings, env: MyoAssistLegBase):
        self.env = env
        self.settings = settings
        self.layout = Layout.of([self._describe(group) for group in settings.groups])
        self._groups = tuple(block.name for block in self.layout)
        self._scale = np.concatenate([np.full(len(block), block.scale) for block in self.layout])
        self._clipped = 0
        self._observed = 0

    @property
    def clipped_share(self) -> float:
        """Share of observed numbers that had to be clipped so far."""
        return self._clipped / self._observed if self._observed else 0.0

    def _describe(self, group: ObservationGroup) -> tuple[str, list[str], str, float]:
        env, name = self.env, group.name
        manifest = env.manifest
        joints = env.joint_names
        ahead = [f"{distance:g}_m_ahead" for distance in self.settings.terrain_ahead_m]
        described: dict[str, tuple[list[str], str]] = {
            "joint_positions": (joints, "rad; pelvis height in m over the ground"),
            "joint_velocities": ([manifest.root["forward"], *joints], "rad/s; pelvis in m/s"),
            "muscle_activations": (manifest.muscle_names, "1"),
            "foot_forces": (list(FOOT_PARTS), "body weights"),
            "target_velocity": (["forward"], "m/s"),
            "phase": (["sin", "cos"], "1"),
            "device_torque": ([device.name for device in manifest.devices], "N·m / torque limit"),
            "previous_action": (env.actuation.layout.labels, "1"),
            "terrain_heights": (ahead, "m over the ground under the pelvis"),
        }
        if name == "phase" and env.clip is None:
            raise InputError("environment: field 'observation.groups': 'phase' needs a reference")
        if name == "device_torque" and not manifest.devices:
            raise InputError("environment: field 'observation.groups': 'device_torque' needs a model with a device")
        labels, unit = described[name]
        return name, labels, unit, group.scale

    def observe(self, step: Step, rows: slice | np.ndarray) -> np.ndarray:
        """Assemble observations.

        Args:
            step: what is seen.
            rows: which environments the step is of.

        Returns:
            (n, O) float32, a new array.
        """
        parts: list[np.ndarray] = []
        for group in self._groups:
            match group:
                case "joint_positions":
                    parts.append(step.positions)
                case "joint_velocities":
                    parts += step.forward_velocity[:, None], step.velocities
                case "muscle_activations":
                    parts.append(step.activations)
                case "foot_forces":
                    parts.append(step.foot_force)
                case "target_velocity":
                    parts.append(step.target_velocity[:, None])
                case "phase":
                    parts.append(_sine_and_cosine(step.phase))
                case "device_torque":
                    parts.append(step.device_torque / self.env.settings.action.device.torque_limit_n_m)
                case "previous_action":
                    parts.append(self.env.actuation.action[rows])
                case "terrain_heights":
                    parts.append(self._terrain(rows))
        observed, clipped = _scaled(np.concatenate(parts, axis=1), self._scale, self.settings.clip)
        self._observed += observed.size
        self._clipped += clipped
        return observed

    def _terrain(self, rows: slice | np.ndarray) -> np.ndarray:
        ground = self.env.simulation.ground
        if ground.is_flat:
            return np.zeros((len(self.env.simulation.qpos[rows]), len(self.settings.terrain_ahead_m)))
        x = self.env.simulation.qpos[rows][:, [self.env.manifest.joint(self.env.manifest.root["forward"]).qpos]]
        return ground.height(x + np.array(self.settings.terrain_ahead_m), rows) - ground.height(x, rows)


@compiled
def _sine_and_cosine(phase: np.ndarray) -> np.ndarray:
    result = np.empty((len(phase), 2))
    for body in range(len(phase)):
        angle = 2 * np.pi * phase[body]
        result[body, 0], result[body, 1] = np.sin(angle), np.cos(angle)
    return result


@compiled
def _scaled(values: np.ndarray, scale: np.ndarray, bound: float) -> tuple[np.ndarray, int]:
    """Scale and clip (N, O) to float32, and count what was clipped."""
    observed = np.empty(values.shape, dtype=np.float32)
    clipped = 0
    for body in range(len(values)):
        for number in range(len(scale)):
            value = values[body, number] * scale[number]
            within = min(max(value, -bound), bound)
            clipped += within != value
            observed[body, number] = within
    return observed, clipped
