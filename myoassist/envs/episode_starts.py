"""The states that episodes start in: in the reference or standing, with noise, feet on the ground."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from myoassist.config.environment import FASTEST_M_S, SLOWEST_M_S
from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

_DEEPEST_SOLE_M = -0.02
_HALVINGS = 16
OPTIONS = ("phase", "target_velocity", "reset_mask")


class EpisodeStarts:
    """Starts episodes of any set of environments at once.

    Random numbers are drawn environment by environment, each from its own stream and always in the same order: phase,
    target velocities, noise on angles, noise on velocities, time of a push. All else is computed for the whole set.
    """

    def __init__(self, env: MyoAssistLegBase):
        self.env = env
        self.settings = env.settings.reset
        manifest = env.manifest
        independent = [joint for joint in manifest.independent_joints if joint.name != manifest.root["forward"]]
        self._hinges = np.array([joint.qpos for joint in independent if joint.kind == "hinge"], dtype=np.intp)
        self._hinge_dofs = np.array([joint.dof for joint in independent if joint.kind == "hinge"], dtype=np.intp)
        bounded = [joint for joint in manifest.independent_joints if joint.range is not None]
        self._bounded = np.array([joint.qpos for joint in bounded], dtype=np.intp)
        self._bounds = np.array([joint.range for joint in bounded]).reshape(-1, 2).T.copy()

    def start(self, rows: np.ndarray, phase: np.ndarray | None = None, target: np.ndarray | None = None) -> None:
        """Start new episodes.

        Args:
            rows: (n,) which environments.
            phase: (n,) phases instead of those of the settings.
            target: (n,) constant target velocities (m/s) instead of those of the settings.
        """
        env = self.env
        position_noise, velocity_noise = self._draw(rows, phase, target)
        qpos, qvel, activation, sole_height = self._states(rows)
        if self.settings.position_noise_rad > 0.0:
            qpos[:, self._hinges] += position_noise
        if self.settings.velocity_noise_rad_s > 0.0:
            qvel[:, self._hinge_dofs] += velocity_noise
        qpos[:, self._bounded] = np.clip(qpos[:, self._bounded], *self._bounds)
        env.couplings.apply(qpos, qvel)
        sensors = env.simulation.place(rows, qpos, qvel, activation, sole_height=sole_height)
        env.actuation.reset(rows, activation)
        env.footsteps.reset(rows, env.reader.foot_loads(sensors, rows))
        env.steps[rows] = 0

    def _draw(
        self, rows: np.ndarray, phase: np.ndarray | None, target: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        env, settings, hinges = self.env, self.settings, len(self._hinges)
        positions, velocities = np.zeros((len(rows), hinges)), np.zeros((len(rows), hinges))
        for place, index in enumerate(rows):
            stream = env.streams[index]
            drawn = stream.uniform() if settings.phase == "random" else settings.phase
            env.phase[index] = (drawn if phase is None else phase[place]) % 1.0
            env.target.reset(index, stream, fixed=None if target is None else float(target[place]))
            if settings.position_noise_rad > 0.0:
                positions[place] = stream.normal(0.0, settings.position_noise_rad, hinges)
            if settings.velocity_noise_rad_s > 0.0:
                velocities[place] = stream.normal(0.0, settings.velocity_noise_rad_s, hinges)
            if env.push is not None:
                env.push.reset(index, stream)
        return positions, velocities

    def _states(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return states before noise: qpos (n, nq), qvel (n, nv), activation (n, na), soles' height (n,) or NaN."""
        env, model, count = self.env, self.env.simulation.model, len(rows)
        qpos, qvel = np.tile(model.qpos0, (count, 1)), np.zeros((count, model.nv))
        if env.clip is None:
            activation = np.full((count, model.na), env.settings.action.neutral_excitation)
            return qpos, qvel, activation, self._standing_sole[rows]
        phase, target = env.phase[rows], env.target.value[rows]
        positions, velocities, fluctuation = env.clip.at(phase, target)
        qpos[:, env.reader.qpos_columns] = positions
        qvel[:, env.reader.qvel_columns] = velocities
        qvel[:, env.forward.dof] = target + fluctuation
        sole_height = env.clip.sole_height(phase)
        if self.settings.position_noise_rad == 0.0:
            # the reference itself stands where it was fitted to stand
            exact = env.simulation.ground.level[rows] & (target == env.clip.speed_m_s)
            sole_height = np.where(exact, np.nan, sole_height)
        return qpos, qvel, env.clip.activation(phase), sole_height

    @cached_property
    def _standing_sole(self) -> np.ndarray:
        """Heights of the soles (N,) at which the ground carries each body that stands at rest (m), by bisection.

        Looked for by placing all bodies, so before any of them has been started.
        """
        env, model, count = self.env, self.env.simulation.model, self.env.num_envs
        rows = np.arange(count)
        qpos, qvel = np.tile(model.qpos0, (count, 1)), np.zeros((count, model.nv))
        activation = np.full((count, model.na), env.settings.action.neutral_excitation)
        env.couplings.apply(qpos, qvel)
        deep, shallow = np.full(count, _DEEPEST_SOLE_M), np.zeros(count)
        for _ in range(_HALVINGS):
            middle = 0.5 * (deep + shallow)
            sensors = env.simulation.place(rows, qpos, qvel, activation, sole_height=middle)
            carried = env.reader.foot_loads(sensors, rows).sum(axis=1) >= 1.0
            deep, shallow = np.where(carried, middle, deep), np.where(carried, shallow, middle)
        return deep


def read_options(
    options: dict | None, num_envs: int, *, started: bool
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Read the options of a reset.

    Args:
        options: as `MyoAssistLegBase.reset` documents them.
        num_envs: N.
        started: whether all environments have been started before.

    Returns:
        (n,) which environments to start, and their phases and target velocities if given.

    Raises:
        InputError: for unknown options, or ones that do not fit.
    """
    options = {name: value for name, value in (options or {}).items() if value is not None}
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise InputError(f"reset: unknown option '{unknown[0]}' (known: {', '.join(OPTIONS)})")
    mask = np.asarray(options.pop("reset_mask", np.ones(num_envs, dtype=bool)))
    if mask.shape != (num_envs,) or mask.dtype != bool:
        raise InputError(f"reset: option 'reset_mask': expected {num_envs} booleans (found {mask.dtype}{mask.shape})")
    if not (started or mask.all()):
        raise InputError("reset: option 'reset_mask': the first reset starts all environments")
    rows = np.flatnonzero(mask)
    given: dict[str, np.ndarray] = {}
    for name, value in options.items():
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.array(np.nan)
        if array.shape not in ((), (1,), (num_envs,)) or not np.isfinite(array).all():
            raise InputError(f"reset: option '{name}': expected one finite number, or one for each environment")
        if name == "target_velocity" and not ((array >= SLOWEST_M_S) & (array <= FASTEST_M_S)).all():
            raise InputError(
                f"reset: option 'target_velocity': expected {SLOWEST_M_S:g} to {FASTEST_M_S:g} m/s (found {value})"
            )
        given[name] = np.broadcast_to(array, (num_envs,))[rows]
    return rows, given.get("phase"), given.get("target_velocity")
