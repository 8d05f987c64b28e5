"""A spring and damper that help to carry the pelvis, for the beginning of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from myoassist.config.environment import PelvisSupportSettings

if TYPE_CHECKING:
    from myoassist.envs.myoassist_leg_base import MyoAssistLegBase


class PelvisSupport:
    """Generalised forces on the pelvis of N bodies, drawn anew at every control step and held over it.

    They pull height and tilt to where the reference has them (without one: standing height, upright), and forward
    velocity to its target. Everything is elementwise over environments.
    """

    def __init__(self, settings: PelvisSupportSettings, env: MyoAssistLegBase):
        """Find the pelvis."""
        self.settings = settings
        self.env = env
        root = env.manifest.root
        self._height, self._tilt = (env.manifest.joint(root[name]) for name in ("height", "tilt"))
        self._columns = [env.joint_names.index(root[name]) for name in ("height", "tilt")]
        self._applied = np.zeros((env.num_envs, env.simulation.model.nv))

    def forces(self) -> np.ndarray:
        """Return (N, nv) generalised forces (N, N·m) for the states as they are, in a buffer that is used again."""
        env, settings = self.env, self.settings
        simulation = env.simulation
        qpos, qvel, forward = simulation.qpos, simulation.qvel, env.forward
        height = qpos[:, self._height.qpos]
        if not simulation.ground.is_flat:
            height = height - simulation.ground.height(qpos[:, forward.qpos], slice(None))
        wanted_speed = env.target.value
        if env.clip is None:
            wanted_height, wanted_tilt = env.manifest.standing_pelvis_height_m, 0.0
            climb, turn = 0.0, 0.0
        else:
            positions, velocities, fluctuation = env.clip.at(env.phase, env.target.value)
            wanted_height, wanted_tilt = (positions[:, column] for column in self._columns)
            climb, turn = (velocities[:, column] for column in self._columns)
            wanted_speed = wanted_speed + fluctuation
        lift = settings.height_stiffness_n_m * (wanted_height - height)
        lift = lift + settings.height_damping_n_s_m * (climb - qvel[:, self._height.dof])
        moment = settings.tilt_stiffness_n_m_rad * (wanted_tilt - qpos[:, self._tilt.qpos])
        moment = moment + settings.tilt_damping_n_m_s_rad * (turn - qvel[:, self._tilt.dof])
        push = settings.forward_damping_n_s_m * (wanted_speed - qvel[:, forward.dof])
        force, torque = settings.force_max_n, settings.moment_max_n_m
        self._applied[:, self._height.dof] = np.clip(lift, -force, force)
        self._applied[:, self._tilt.dof] = np.clip(moment, -torque, torque)
        self._applied[:, forward.dof] = np.clip(push, -force, force)
        return self._applied
