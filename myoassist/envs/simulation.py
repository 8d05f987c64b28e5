"""The only file that steps MuJoCo: N bodies, one call, all threads."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from loguru import logger
from mujoco.rollout import Rollout

from myoassist.envs.compiling import compiled
from myoassist.envs.ground_surface import GroundSurface
from myoassist.envs.soles import Soles
from myoassist.errors import InputError
from myoassist.formats.compiled_model import Manifest

_STATE = mujoco.mjtState.mjSTATE_FULLPHYSICS
_CONTROL = int(mujoco.mjtState.mjSTATE_CTRL)
_CONTROL_AND_FORCE = _CONTROL | int(mujoco.mjtState.mjSTATE_QFRC_APPLIED)
_TIME_TOLERANCE = 1e-6
_WORTH_THREADS = 16
"""Bodies from which on waking the threads for one physics step costs less than it gains."""


class Simulation:
    """States of N bodies and their stepping, without any notion of tasks.

    Attributes:
        state: (N, nstate) full physics states; `time`, `qpos`, `qvel` and `activation` are views of it.
        substates: (N, substeps, nstate) states after every physics step of the last `step`.
        sensordata: (N, substeps, nsensordata); row k was measured at the state *before* physics step k.
        ground: the surface under the bodies.
        soles: the lowest points of their feet.
        control: (N, substeps, nu) controls of the last `step`.
        workers: one MuJoCo data a thread.
        divergences: how often a body's simulation has diverged so far.
    """

    def __init__(
        self,
        model: mujoco.MjModel | Sequence[mujoco.MjModel],
        manifest: Manifest,
        *,
        num_envs: int,
        substeps: int,
        threads: int,
        velocity_limit: float,
    ):
        """Allocate all buffers once.

        Args:
            model: one compiled model for all, or one for each environment (same sizes, other values).
            manifest: of the model.
            num_envs: N.
            substeps: physics steps per control step.
            threads: physics threads; 1 computes on the calling thread.
            velocity_limit: any |qvel| beyond it counts as divergence (rad/s or m/s).
        """
        models = [model] if isinstance(model, mujoco.MjModel) else list(model)
        self.models = models * num_envs if len(models) == 1 else models
        if len(self.models) != num_envs:
            raise ValueError(f"{len(models)} models for {num_envs} environments")
        if any(mujoco.mj_sizeModel(other) != mujoco.mj_sizeModel(models[0]) for other in models[1:]):
            raise ValueError("the environments' models differ in size")
        self.model = self.models[0]
        self.manifest = manifest
        self.num_envs = num_envs
        self.substeps = substeps
        self.velocity_limit = velocity_limit
        self.divergences = 0
        self.workers = [mujoco.MjData(self.model) for _ in range(max(1, threads))]
        self._scratch = mujoco.MjData(self.model)
        self._pool = Rollout(nthread=threads if threads > 1 else 0)
        self._alone = Rollout(nthread=0)
        size = mujoco.mj_stateSize(self.model, _STATE)
        nq, nv, na = self.model.nq, self.model.nv, self.model.na
        self.state = np.zeros((num_envs, size))
        self.substates = np.zeros((num_envs, substeps, size))
        self.sensordata = np.zeros((num_envs, substeps, self.model.nsensordata))
        self.control = np.zeros((num_envs, substeps, self.model.nu))
        self._qpos, self._qvel = slice(1, 1 + nq), slice(1 + nq, 1 + nq + nv)
        self._act = slice(1 + nq + nv, 1 + nq + nv + na)
        self.time = self.state[:, 0]
        self.qpos = self.state[:, self._qpos]
        self.qvel = self.state[:, self._qvel]
        self.activation = self.state[:, self._act]
        self._span = substeps * self.model.opt.timestep
        self.ground = GroundSurface(self.models, manifest)
        self.soles = Soles(self.model, manifest, self.ground)
        mujoco.set_mju_user_warning(_log_warning)

    @property
    def qvel_before(self) -> np.ndarray:
        """Velocities (N, nv) one physics step before those of the state; the same where an episode has just begun."""
        return self.qvel if self.substeps == 1 else self.substates[:, -2, self._qvel]

    def close(self) -> None:
        """End the thread pool."""
        self._pool.close()
        self._alone.close()

    def step(self, control: np.ndarray, applied: np.ndarray | None = None) -> np.ndarray:
        """Advance all bodies by one control step.

        A diverged body keeps the state it had before, or gets the model's own if that was not finite; MuJoCo has reset
        it inside, which shows as a returned time that is not start + substeps x timestep.

        Args:
            control: (N, substeps, nu) controls as MuJoCo's actuators take them.
            applied: (N, nv) generalised forces from outside (N, N·m), held over the step; None for none.

        Returns:
            (N,) bool, which bodies diverged.
        """
        self.control = given = control
        if applied is not None:
            held = np.broadcast_to(applied[:, None, :], (self.num_envs, self.substeps, self.model.nv))
            given = np.concatenate([control, held], axis=2)
        begun = np.flatnonzero(self.time == 0.0) if self.substeps == 1 else ()
        if len(
            begun
        ):  # MuJoCo starts a diverged body at time 0: after a single step from there its time would be right
            self.time[begun] = self._span
        self._pool.rollout(
            self.models,
            self.workers,
            self.state,
            given,
            skip_checks=True,
            nstep=self.substeps,
            control_spec=_CONTROL if applied is None else _CONTROL_AND_FORCE,
            state=self.substates,
            sensordata=self.sensordata,
        )
        diverged, any_diverged = _settle(
            self.substates, self._span, self._qvel.start, self._qvel.stop, self.velocity_limit, self.state
        )
        if len(begun):
            self.time[begun] = np.where(diverged[begun], 0.0, self._span)
            self.substates[begun, 0, 0] = self._span
        if any_diverged:
            self._contain(diverged)
            self.state[diverged] = self.substates[diverged, -1]
        return diverged

    def _contain(self, diverged: np.ndarray) -> None:
        self.divergences += int(diverged.sum())
        for index in np.flatnonzero(diverged):
            logger.debug("environment {}: the simulation diverged; its episode ends here", index)
            before = self.state[index].copy()
            if not np.isfinite(before).all():
                before = self._own_state(index)
            self.substates[index] = before
            self.substates[index, :, 0] = before[0] + self.model.opt.timestep * np.arange(1, self.substeps + 1)
            self.sensordata[index] = np.nan_to_num(self.sensordata[index, 0], nan=0.0, posinf=0.0, neginf=0.0).clip(
                -1e5, 1e5
            )

    def _own_state(self, index: int) -> np.ndarray:
        """The state that a body's model describes: `qpos0`, at rest, at time 0."""
        mujoco.mj_resetData(self.models[index], self._scratch)
        state = np.empty(self.state.shape[1])
        mujoco.mj_getState(self.models[index], self._scratch, state, _STATE)
        return state

    def place(
        self,
        rows: np.ndarray,
        qpos: np.ndarray,
        qvel: np.ndarray,
        activation: np.ndarray,
        *,
        sole_height: np.ndarray,
    ) -> np.ndarray:
        """Put some bodies into states at time 0.

        Args:
            rows: (n,) which environments.
            qpos: (n, nq) positions, couplings satisfied.
            qvel: (n, nv) velocities.
            activation: (n, na) muscle activations.
            sole_height: (n,) where finite, the pelvis is raised or lowered until the lowest point of the soles has
                this height over the ground under it (m).

        Returns:
            (n, nsensordata) what the sensors measure in these states.
        """
        state = np.zeros((len(rows), self.state.shape[1]))
        state[:, self._qpos], state[:, self._qvel], state[:, self._act] = qpos, qvel, activation
        height = 1 + self.manifest.joint(self.manifest.root["height"]).qpos
        for place in np.flatnonzero(np.isfinite(sole_height)):
            state[place, height] += sole_height[place] - self._sole_height(rows[place], state[place, self._qpos])
        # the sensors of a step's first row are measured in the state that it starts from
        shape = (len(rows), 1)
        sensors = np.zeros((*shape, self.model.nsensordata))
        many = len(rows) >= _WORTH_THREADS
        (self._pool if many else self._alone).rollout(
            [self.models[row] for row in rows],
            self.workers if many else self.workers[:1],
            state,
            np.zeros((*shape, self.model.nu)),
            skip_checks=True,
            nstep=1,
            control_spec=_CONTROL,
            state=np.zeros((*shape, state.shape[1])),
            sensordata=sensors,
        )
        self.state[rows] = state
        self.substates[rows] = state[:, None]
        self.sensordata[rows] = sensors
        return sensors[:, 0]

    def sole_height(self, index: int) -> float:
        """Height of the lowest point of a body's soles over the ground under it (m), negative when pressed in."""
        return self._sole_height(index, self.qpos[index])

    def _sole_height(self, index: int, qpos: np.ndarray) -> float:
        self._scratch.qpos[:] = qpos
        mujoco.mj_kinematics(self.models[index], self._scratch)
        return self.soles.height_over_ground(self._scratch, index)


@compiled
def _settle(
    substates: np.ndarray, span_s: float, first: int, stop: int, velocity_limit: float, state: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Take the last substates (N, substeps, nstate) over into the states (N, nstate) but of bodies that diverged.

    Returns:
        (N,) bool, which did: their time has not advanced by the span, or one of the velocities in columns `first` to
        `stop` is beyond the limit or no number; and whether any did.
    """
    diverged, any_diverged = np.empty(len(state), dtype=np.bool_), False
    last = substates.shape[1] - 1
    for body in range(len(state)):
        good = abs(substates[body, last, 0] - (state[body, 0] + span_s)) <= _TIME_TOLERANCE
        for column in range(first, stop):
            good &= abs(substates[body, last, column]) <= velocity_limit
        diverged[body] = not good
        any_diverged |= not good
        if good:
            for column in range(state.shape[1]):
                state[body, column] = substates[body, last, column]
    return diverged, any_diverged


def _log_warning(message: str | bytes) -> None:
    text = message.decode(errors="replace") if isinstance(message, bytes) else message
    logger.debug("MuJoCo: {}", text)


def substeps_per_control(control_rate_hz: float, timestep_s: float) -> int:
    """Return how many physics steps a control step has.

    Raises:
        InputError: if it is no whole number.
    """
    exact = 1.0 / (control_rate_hz * timestep_s)
    substeps = round(exact)
    if substeps < 1 or abs(exact - substeps) > 1e-9:
        raise InputError(
            f"environment: field 'control_rate_hz': expected a divisor of the physics rate "
            f"{1.0 / timestep_s:g} Hz (found {control_rate_hz:g})"
        )
    return substeps
