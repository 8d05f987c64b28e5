"""What is read from the states and sensors of bodies after a control step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoassist.envs.compiling import compiled
from myoassist.envs.simulation import Simulation
from myoassist.formats.compiled_model import SIDES, Manifest


@dataclass
class Readings:
    """Of n bodies.

    Attributes:
        positions: (n, J) of the independent joints but the forward one (rad; pelvis height in m over z = 0).
        velocities: (n, J) their velocities (rad/s, m/s).
        forward_velocity: (n,) of the pelvis (m/s).
        activations: (n, M) of the muscles, 0 to 1.
        foot_force: (n, 4) vertical load in body weights: heel and toes right, heel and toes left.
        foot_load: (n, 2) vertical load of the whole right and left foot, body weights.
        foot_force_peak: (n, 2) its largest value within the control step.
        limit_torque: (n, L) torques of the joint limits (N·m).
    """

    positions: np.ndarray
    velocities: np.ndarray
    forward_velocity: np.ndarray
    activations: np.ndarray
    foot_force: np.ndarray
    foot_load: np.ndarray
    foot_force_peak: np.ndarray
    limit_torque: np.ndarray


class BodyReader:
    """Reads bodies of one model.

    Attributes:
        joint_names: of the columns of positions and velocities: all independent joints but the forward one.
        qpos_columns: theirs in MuJoCo's qpos.
        qvel_columns: theirs in MuJoCo's qvel.
        body_weight_n: (N,) weights of all bodies (N).
    """

    def __init__(self, simulation: Simulation, manifest: Manifest):
        """Find the columns of joints and sensors."""
        self._simulation = simulation
        forward = manifest.root["forward"]
        independent = [joint for joint in manifest.independent_joints if joint.name != forward]
        self.joint_names = [joint.name for joint in independent]
        self.qpos_columns = np.array([joint.qpos for joint in independent], dtype=np.intp)
        self.qvel_columns = np.array([joint.dof for joint in independent], dtype=np.intp)
        self._forward_dof = manifest.joint(forward).dof
        feet = manifest.feet
        # the sensors tell the force on the ground, so the load is minus its vertical part
        self._foot_vertical = np.array([feet[side].sensor_foot + 3 for side in SIDES], dtype=np.intp)
        self._toes_vertical = np.array([feet[side].sensor_toes + 3 for side in SIDES], dtype=np.intp)
        self._limits = np.array(list(manifest.limit_sensors.values()), dtype=np.intp)
        mass = np.array([float(model.body_mass.sum()) for model in simulation.models])
        self.body_weight_n = mass * manifest.gravity_m_s2

    def read(self, rows: np.ndarray) -> Readings:
        """Read (n,) bodies, into new arrays."""
        simulation = self._simulation
        return Readings(
            *_read(
                simulation.qpos,
                simulation.qvel,
                simulation.activation,
                simulation.sensordata,
                rows,
                self.qpos_columns,
                self.qvel_columns,
                self._forward_dof,
                self._foot_vertical,
                self._toes_vertical,
                self._limits,
                self.body_weight_n,
            )
        )

    def foot_loads(self, sensors: np.ndarray, rows: slice | np.ndarray) -> np.ndarray:
        """Vertical load (n, 2) of the right and the left foot in body weights, from (n, nsensordata)."""
        return np.take(sensors, self._foot_vertical, axis=1) / -self.body_weight_n[rows, None]


@compiled
def _read(
    qpos: np.ndarray,
    qvel: np.ndarray,
    activation: np.ndarray,
    sensordata: np.ndarray,
    rows: np.ndarray,
    qpos_columns: np.ndarray,
    qvel_columns: np.ndarray,
    forward_dof: int,
    foot_vertical: np.ndarray,
    toes_vertical: np.ndarray,
    limits: np.ndarray,
    body_weight_n: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    bodies, joints, muscles = len(rows), len(qpos_columns), activation.shape[1]
    positions, velocities = np.empty((bodies, joints)), np.empty((bodies, joints))
    forward_velocity, activations = np.empty(bodies), np.empty((bodies, muscles))
    force, load, peak = np.empty((bodies, 4)), np.empty((bodies, 2)), np.empty((bodies, 2))
    torque, last = np.empty((bodies, len(limits))), sensordata.shape[1] - 1
    for body in range(bodies):
        row = rows[body]
        for joint in range(joints):
            positions[body, joint] = qpos[row, qpos_columns[joint]]
            velocities[body, joint] = qvel[row, qvel_columns[joint]]
        forward_velocity[body] = qvel[row, forward_dof]
        for muscle in range(muscles):
            activations[body, muscle] = activation[row, muscle]
        weight = -body_weight_n[row]
        for side in range(2):
            largest = -np.inf
            for substep in range(last + 1):
                largest = max(largest, sensordata[row, substep, foot_vertical[side]] / weight)
            whole = sensordata[row, last, foot_vertical[side]] / weight
            toes = sensordata[row, last, toes_vertical[side]] / weight
            force[body, 2 * side], force[body, 2 * side + 1] = whole - toes, toes
            load[body, side], peak[body, side] = whole, largest
        for item in range(len(limits)):
            torque[body, item] = sensordata[row, last, limits[item]]
    return positions, velocities, forward_velocity, activations, force, load, peak, torque
