"""The only file that steps MuJoCo: N bodies, one call, all threads."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from loguru import logger
from mujoco.rollout import Rollout

from myoassist.envs.ground_surface import GroundSurface
from myoassist.formats.compiled_model import SIDES, Manifest

_STATE = mujoco.mjtState.mjSTATE_FULLPHYSICS
_TIME_TOLERANCE = 1e-6


class Simulation:
    """States of N bodies and their stepping, without any notion of tasks.

    Attributes:
        state: (N, nstate) full physics states; `time`, `qpos`, `qvel` and `activation` are views of it.
        substates: (N, substeps, nstate) states after every physics step of the last `step`.
        sensordata: (N, substeps, nsensordata); row k was measured at the state *before* physics step k.
        ground: the surface under the bodies.
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
        self.model = self.models[0]
        self.manifest = manifest
        self.num_envs = num_envs
        self.substeps = substeps
        self.velocity_limit = velocity_limit
        self.divergences = 0
        self._workers = [mujoco.MjData(self.model) for _ in range(max(1, threads))]
        self._scratch = mujoco.MjData(self.model)
        self._pool = Rollout(nthread=threads if threads > 1 else 0)
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
        self._soles = _Soles(self.model, manifest)
        self.ground = self._soles.ground
        mujoco.set_mju_user_warning(_log_warning)

    def close(self) -> None:
        """End the thread pool."""
        self._pool.close()

    def step(self, control: np.ndarray) -> np.ndarray:
        """Advance all bodies by one control step with constant controls.

        A diverged body keeps the state it had before; MuJoCo has reset it inside, which shows as a returned
        time that is not start + substeps x timestep.

        Args:
            control: (N, nu) controls as MuJoCo's actuators take them.

        Returns:
            (N,) bool, which bodies diverged.
        """
        self.control[:] = control[:, None, :]
        self._pool.rollout(
            self.models,
            self._workers,
            self.state,
            self.control,
            skip_checks=True,
            nstep=self.substeps,
            control_spec=int(mujoco.mjtState.mjSTATE_CTRL),
            state=self.substates,
            sensordata=self.sensordata,
        )
        last = self.substates[:, -1]
        late = np.abs(last[:, 0] - self.time - self._span) > _TIME_TOLERANCE
        fastest = np.abs(last[:, self._qvel]).max(axis=1)
        # written so that NaN counts as diverged
        diverged = late | ~(fastest <= self.velocity_limit)
        if diverged.any():
            self._contain(diverged)
        self.state[:] = last
        return diverged

    def _contain(self, diverged: np.ndarray) -> None:
        self.divergences += int(diverged.sum())
        for index in np.flatnonzero(diverged):
            logger.debug("environment {}: the simulation diverged; its episode ends here", index)
            before = self.state[index].copy()
            self.substates[index] = before
            self.substates[index, :, 0] = before[0] + self.model.opt.timestep * np.arange(1, self.substeps + 1)
            self.sensordata[index] = np.nan_to_num(self.sensordata[index, 0], nan=0.0, posinf=0.0, neginf=0.0).clip(
                -1e5, 1e5
            )

    def place(
        self,
        index: int,
        qpos: np.ndarray,
        qvel: np.ndarray,
        activation: np.ndarray,
        *,
        sole_height: float | None = None,
    ) -> np.ndarray:
        """Put one body into a state at time 0.

        Args:
            index: which environment.
            qpos: (nq,) positions, couplings satisfied.
            qvel: (nv,) velocities.
            activation: (na,) muscle activations.
            sole_height: if given, the pelvis is raised or lowered until the lowest point of the soles has this
                height over the ground under it (m).

        Returns:
            (nsensordata,) what the sensors measure in this state.
        """
        data, model = self._scratch, self.models[index]
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:], data.act[:] = qpos, qvel, activation
        if sole_height is not None:
            mujoco.mj_kinematics(model, data)
            height = self.manifest.joint(self.manifest.root["height"]).qpos
            data.qpos[height] += sole_height - self._soles.height_over_ground(data)
        mujoco.mj_forward(model, data)
        row = self.state[index]
        row[0] = 0.0
        row[self._qpos], row[self._qvel], row[self._act] = data.qpos, data.qvel, data.act
        self.substates[index] = row
        self.sensordata[index] = data.sensordata
        return data.sensordata.copy()

    def sole_height(self, index: int) -> float:
        """Height of the lowest point of the soles over the ground under it (m), negative when pressed in."""
        self._scratch.qpos[:] = self.qpos[index]
        mujoco.mj_kinematics(self.models[index], self._scratch)
        return self._soles.height_over_ground(self._scratch)


def _log_warning(message: str | bytes) -> None:
    text = message.decode(errors="replace") if isinstance(message, bytes) else message
    logger.debug("MuJoCo: {}", text)


class _Soles:
    """The collision meshes of the feet (devices' soles included), for finding their lowest point."""

    def __init__(self, model: mujoco.MjModel, manifest: Manifest):
        bodies = {name for side in SIDES for name in manifest.feet[side].bodies}
        self.parts: list[tuple[int, np.ndarray]] = []
        for geom in range(model.ngeom):
            mesh = model.geom_dataid[geom]
            collides = model.geom_contype[geom] or model.geom_conaffinity[geom]
            if not collides or mesh < 0 or model.body(model.geom_bodyid[geom]).name not in bodies:
                continue
            start = model.mesh_vertadr[mesh]
            vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]].astype(np.float64)
            self.parts.append((geom, vertices))
        self.ground = GroundSurface(model, manifest)

    def height_over_ground(self, data: mujoco.MjData) -> float:
        lowest = np.inf
        for geom, vertices in self.parts:
            rotation = data.geom_xmat[geom].reshape(3, 3)
            position = data.geom_xpos[geom]
            z = vertices[:, 0] * rotation[2, 0] + vertices[:, 1] * rotation[2, 1]
            z += vertices[:, 2] * rotation[2, 2]
            if not self.ground.is_flat:
                x = vertices[:, 0] * rotation[0, 0] + vertices[:, 1] * rotation[0, 1]
                x += vertices[:, 2] * rotation[0, 2]
                z = z - self.ground.height(x + position[0])
            lowest = min(lowest, float(z.min() + position[2]))
        return lowest
