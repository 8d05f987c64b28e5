"""From a running batch of environments to the rows of `rollouts.h5`."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.termination import TIME_LIMIT
from myoassist.errors import InputError
from myoassist.evaluation.biomechanics import Biomechanics
from myoassist.formats.rollouts import RolloutModel, RolloutWriter

_WAITING_ROWS = 256
"""States of an episode that gather before their forces are computed and all is written."""


def state_stride(batch: MyoAssistLegBase, state_rate_hz: float) -> int:
    """Return every how many physics steps a state is stored, at least at the rate asked for.

    It divides the control step, so that states fall on the starts of control steps.

    Raises:
        InputError: if the physics is slower than that.
    """
    timestep, substeps = batch.manifest.timestep_s, batch.simulation.substeps
    fitting = [n for n in range(1, substeps + 1) if substeps % n == 0 and 1 / (n * timestep) >= state_rate_hz - 1e-6]
    if not fitting:
        raise InputError(
            f"settings: field 'scenario.state_rate_hz': expected at most the physics rate {1 / timestep:g} Hz "
            f"(found {state_rate_hz:g})"
        )
    return fitting[-1]


def describe_model(batch: MyoAssistLegBase, biomechanics: Biomechanics, stride: int) -> RolloutModel:
    """Collect the names and constants that make the file readable without the model."""
    manifest = batch.manifest
    muscles, devices = manifest.muscles, manifest.devices
    constants = {
        "max_isometric_force_n": [muscle.max_isometric_force_n for muscle in muscles],
        "optimal_fiber_length_m": [muscle.optimal_fiber_length_m for muscle in muscles],
        "tendon_slack_length_m": [muscle.tendon_slack_length_m for muscle in muscles],
        "max_contraction_velocity_m_s": [
            muscle.max_shortening_velocity * muscle.optimal_fiber_length_m for muscle in muscles
        ],
    }
    return RolloutModel(
        total_mass_kg=manifest.total_mass_kg,
        device_mass_kg=manifest.device_mass_kg,
        gravity_m_s2=manifest.gravity_m_s2,
        leg_length_m=manifest.leg_length_m,
        state_rate_hz=1.0 / (stride * manifest.timestep_s),
        control_rate_hz=batch.settings.control_rate_hz,
        coordinates=tuple(manifest.joint_names),
        dofs=tuple(joint.name for joint in sorted(manifest.joints, key=lambda joint: joint.dof)),
        joints=biomechanics.joints,
        muscles=tuple(manifest.muscle_names),
        devices=tuple(device.name for device in devices),
        device_joints=tuple(device.joint for device in devices),
        actions=tuple(batch.action_layout.labels),
        reward_terms=tuple(batch.reward_terms),
        muscle_constants={name: np.array(values, float) for name, values in constants.items()},
        manifest=asdict(manifest),
    )


class EpisodeRecorder:
    """Records one environment of a batch, from its reset to its first end.

    Attributes:
        row: the environment's index in the batch.
        running: whether the episode goes on.
        termination: why it ended; empty while it goes on.
    """

    def __init__(
        self,
        writer: RolloutWriter,
        batch: MyoAssistLegBase,
        biomechanics: Biomechanics,
        row: int,
        *,
        stride: int,
        phase0: float,
    ) -> None:
        self.row = row
        self.running = True
        self.termination = ""
        self._batch = batch
        self._biomechanics = biomechanics
        self._stride = stride
        self._episode = writer.begin_episode(phase0=phase0)
        model = batch.simulation.model
        self._parts = np.cumsum([1, model.nq, model.nv])
        self._used = 1 + model.nq + model.nv + model.na
        self._device_controls = [device.actuator for device in batch.manifest.devices]
        self._states: list[np.ndarray] = []
        self._controls: list[np.ndarray] = []
        self._applied: list[np.ndarray] = []
        self._waiting = 0
        self._steps = 0
        self._targets = 0.0

    def before_step(self) -> None:
        """Note what holds at the start of a control step."""
        if self.running:
            batch, row = self._batch, self.row
            self._start = batch.simulation.state[row].copy()
            self._time = self._steps / batch.settings.control_rate_hz
            self._target = float(batch.target.value[row])
            self._phase = float(batch.phase[row])

    def after_step(self, reward: float) -> None:
        """Record the states from the start of the step up to its end (exclusive), and the step itself."""
        if not self.running:
            return
        batch, row = self._batch, self.row
        control, applied = batch.simulation.control[row].copy(), batch.applied_force[row].copy()
        # Substate k lies k + 1 physics steps after the start; the last one is the next step's start.
        inner = batch.simulation.substates[row, self._stride - 1 : -1 : self._stride]
        states = np.concatenate([self._start[None], inner])
        self._add(states, control[:: self._stride], applied)
        raw = batch.raw_terms[:, row]
        self._episode.append_control(
            {
                "time": self._time,
                "action": batch.actuation.action[row],
                "excitation": batch.actuation.excitation[row],
                "device_control": control[:, self._device_controls].mean(axis=0),
                "reward": reward,
                "reward_raw": raw,
                "reward_weighted": raw * batch.weights,
                "target_velocity": self._target,
                "applied_force": applied,
                "phase": self._phase,
            }
        )
        self._steps += 1
        self._targets += self._target

    def end(self, termination: str) -> None:
        """Record the last state and close the episode.

        Every end but the time limit counts as a fall: a rule that ends an episode early must not make a policy
        look as if it had stayed upright.
        """
        batch, row = self._batch, self.row
        state = batch.simulation.state[row : row + 1].copy()
        self._add(state, batch.simulation.control[row, -1:].copy(), batch.applied_force[row].copy())
        self._flush()
        self.running, self.termination = False, termination
        self._episode.end(
            termination=termination,
            fell=termination != TIME_LIMIT,
            duration_s=self._steps / batch.settings.control_rate_hz,
            target_velocity_mean_m_s=self._targets / max(self._steps, 1),
        )

    def _add(self, states: np.ndarray, controls: np.ndarray, applied: np.ndarray) -> None:
        """Keep states (K, nstate) with the controls (K, nu) and the outside force (nv,) that began to act in them."""
        self._states.append(states)
        self._controls.append(controls)
        self._applied.append(np.repeat(applied[None], len(states), axis=0))
        self._waiting += len(states)
        if self._waiting >= _WAITING_ROWS:
            self._flush()

    def _flush(self) -> None:
        """Compute forces for the states that wait, and write them."""
        if not self._waiting:
            return
        states = np.concatenate(self._states)[:, : self._used]
        time, qpos, qvel, act = np.split(states, self._parts, axis=1)
        columns = self._biomechanics.compute(
            qpos, qvel, act, np.concatenate(self._controls), np.concatenate(self._applied)
        )
        self._episode.append_state({"time": time[:, 0], **columns})
        self._states, self._controls, self._applied, self._waiting = [], [], [], 0
