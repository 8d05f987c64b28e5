"""The batched environment that all others extend: N muscle-driven bodies walking on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import mujoco
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from myoassist.config.environment import EnvironmentSettings
from myoassist.envs import reward_terms
from myoassist.envs.actuation import Actuation
from myoassist.envs.couplings import Couplings
from myoassist.envs.footsteps import Footsteps
from myoassist.envs.kinematics import PlanarLegs
from myoassist.envs.layouts import Layout
from myoassist.envs.observation import Observer
from myoassist.envs.reference_clip import ReferenceClip
from myoassist.envs.simulation import Simulation
from myoassist.envs.step import Step
from myoassist.envs.target_velocity import TargetVelocity
from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest
from myoassist.formats.reference_motion import FittedReference

RUNNING, TIME_LIMIT = "", "time_limit"
SETTLED_SOLE_M = -0.001


class MyoAssistLegBase(VectorEnv):
    """Walking at a target velocity, rewarded for speed and economy; no motion is imitated.

    One implementation serves any number of environments; `gymnasium.make` gives the single view of it. Episodes
    start in the fitted reference where there is one, otherwise standing.

    Researchers extend it by overriding `_calculate_reward`, which maps a `Step` to named raw terms for all
    environments at once; weights are applied afterwards, exactly once.

    Attributes:
        observation_layout: what every number of an observation means.
        action_layout: what every number of an action means.
        joint_names: columns of `Step.positions`: all independent joints but the forward one.
        reward_terms: names of the weighted terms, in the order of `raw_terms`.
        raw_terms: (terms, N) raw values of the last step.
        weights: (terms,) their weights.
        step_result: the last `Step`.
        simulation: the physics; `simulation.substates` holds every physics state of the last step.
        clipped_share: share of observed numbers that were clipped so far.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}
    needs_reference: ClassVar[bool] = False
    imitation_terms: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        settings: EnvironmentSettings,
        *,
        model: mujoco.MjModel | Sequence[mujoco.MjModel],
        manifest: Manifest,
        reference: FittedReference | None = None,
        num_envs: int = 1,
        threads: int = 1,
        autoreset: bool = True,
    ):
        """Build N environments.

        Args:
            settings: what is seen, done and rewarded.
            model: one compiled model for all or one per environment.
            manifest: of the model.
            reference: the reference fitted to this model.
            num_envs: N.
            threads: physics threads; any number gives the same results.
            autoreset: whether an environment that ends starts anew within the same step (Gymnasium's SAME_STEP).

        Raises:
            InputError: if settings, model and reference do not fit together.
        """
        first = model if isinstance(model, mujoco.MjModel) else model[0]
        self.settings = settings
        self.manifest = manifest
        self.num_envs = num_envs
        self.autoreset = autoreset
        self.control_s = 1.0 / settings.control_rate_hz
        substeps = _substeps(settings.control_rate_hz, manifest.timestep_s)
        if self.needs_reference and reference is None:
            raise InputError(f"environment {settings.id}: needs a reference fitted to the model")
        self.clip = ReferenceClip(reference, manifest, settings.speed_scaling) if reference else None
        self.simulation = Simulation(
            model,
            manifest,
            num_envs=num_envs,
            substeps=substeps,
            threads=threads,
            velocity_limit=settings.termination.velocity_limit,
        )
        self._index_joints()
        self.couplings = Couplings(first, manifest)
        self.legs = PlanarLegs(first, manifest)
        self.actuation = Actuation(settings.action, manifest, num_envs=num_envs, control_s=self.control_s)
        self.target = TargetVelocity(settings.target_velocity, num_envs=num_envs, episode_s=settings.episode_s)
        self.footsteps = Footsteps(num_envs=num_envs, control_s=self.control_s)
        self.observer = Observer(settings.observation, self)
        self._prepare_reward()
        self._prepare_termination()

        self.action_layout: Layout = self.actuation.layout
        self.observation_layout: Layout = self.observer.layout
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (self.action_layout.size,), np.float32)
        bound = settings.observation.clip
        self.single_observation_space = gymnasium.spaces.Box(-bound, bound, (self.observation_layout.size,), np.float32)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

        self.phase = np.zeros(num_envs)
        self.steps = np.zeros(num_envs, dtype=np.int64)
        self.max_steps = max(1, round(settings.episode_s * settings.control_rate_hz))
        self.last_action = np.zeros((num_envs, self.action_layout.size))
        self.streams: list[np.random.Generator] = []
        self._activation_before = np.zeros((num_envs, len(manifest.muscles)))
        self._nothing: dict[str, Any] = {}

    # -- construction ------------------------------------------------------------------------------------------

    def _index_joints(self) -> None:
        manifest = self.manifest
        forward, height = manifest.root["forward"], manifest.root["height"]
        independent = [joint for joint in manifest.independent_joints if joint.name != forward]
        self.joint_names = [joint.name for joint in independent]
        self._qpos_columns = np.array([joint.qpos for joint in independent], dtype=np.intp)
        self._qvel_columns = np.array([joint.dof for joint in independent], dtype=np.intp)
        self._hinges = np.array([joint.qpos for joint in independent if joint.kind == "hinge"], dtype=np.intp)
        self._forward = manifest.joint(forward)
        self._height = manifest.joint(height)
        self._tilt_column = self.joint_names.index(manifest.root["tilt"])
        self._height_column = self.joint_names.index(height)
        feet = manifest.feet
        # the sensors tell the force on the ground, so the load is minus its vertical part
        self._foot_vertical = np.array([feet[side].sensor_foot + 3 for side in SIDES], dtype=np.intp)
        self._toes_vertical = np.array([feet[side].sensor_toes + 3 for side in SIDES], dtype=np.intp)
        self._limit_columns = np.array(list(manifest.limit_sensors.values()), dtype=np.intp)
        self.body_weight_n = manifest.total_mass_kg * manifest.gravity_m_s2
        bounded = [joint for joint in manifest.independent_joints if joint.range is not None]
        self._bounded = np.array([joint.qpos for joint in bounded], dtype=np.intp)
        self._bounds = np.array([joint.range for joint in bounded]).T.copy()

    def _prepare_reward(self) -> None:
        reward = self.settings.reward
        named = {
            name: getattr(reward, name).weight
            for name in type(reward).model_fields
            if name != "own" and getattr(reward, name) is not None
        }
        misplaced = [name for name in named if name.endswith("_imitation") and name not in self.imitation_terms]
        if misplaced:
            raise InputError(
                f"environment: field 'reward.{misplaced[0]}': {self.settings.id} imitates nothing "
                "(expected null, or an imitation environment)"
            )
        named |= reward.own
        if not named:
            raise InputError("environment: field 'reward': at least one term is needed")
        self.reward_terms = tuple(named)
        self.weights = np.array(list(named.values()))
        self.raw_terms = np.zeros((len(named), self.num_envs))

    def _prepare_termination(self) -> None:
        limits = np.full(len(self.joint_names), np.inf)
        for name, limit in self.settings.termination.joint_deviation_rad.items():
            columns = self._columns_of(name, "termination.joint_deviation_rad")
            limits[columns] = limit
        if self.settings.termination.pelvis_height_deviation_m is not None:
            limits[self._height_column] = self.settings.termination.pelvis_height_deviation_m
        self._deviation_limits = limits if np.isfinite(limits).any() else None
        if self._deviation_limits is not None and self.clip is None:
            raise InputError("environment: field 'termination': deviations need a reference")

    def _columns_of(self, name: str, field: str) -> list[int]:
        """Columns of a joint, or of both sides' joints if the name has no side suffix."""
        names = {name} if name in self.joint_names else {f"{name}_{side}" for side in SIDES}
        columns = [index for index, joint in enumerate(self.joint_names) if joint in names]
        if not columns:
            raise InputError(
                f"environment: field '{field}': unknown joint or group '{name}' (known: {', '.join(self.joint_names)})"
            )
        return columns

    # -- reset -------------------------------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start all episodes.

        Args:
            seed: reseeds every environment's stream with (seed, its index); None goes on with the streams.
            options: `phase` and `target_velocity` fix these for this start, as a number or one per environment.

        Returns:
            (N, O) observations and an empty info.

        Raises:
            InputError: for unknown options.
        """
        if seed is not None or not self.streams:
            entropy = np.random.SeedSequence().entropy if seed is None else seed
            self.streams = [
                np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(index,)))
                for index in range(self.num_envs)
            ]
        options = options or {}
        unknown = set(options) - {"phase", "target_velocity"}
        if unknown:
            raise InputError(f"reset: unknown option '{sorted(unknown)[0]}' (known: phase, target_velocity)")
        fixed = {
            name: np.broadcast_to(np.asarray(value, dtype=np.float64), (self.num_envs,))
            for name, value in options.items()
            if value is not None
        }
        for index in range(self.num_envs):
            self._start_episode(index, **{name: float(value[index]) for name, value in fixed.items()})
        self.step_result = self._gather(slice(None), np.zeros(self.num_envs, dtype=bool))
        return self.observer.observe(self.step_result, slice(None)), {}

    def _start_episode(self, index: int, phase: float | None = None, target_velocity: float | None = None) -> None:
        stream, reset = self.streams[index], self.settings.reset
        drawn = stream.uniform() if reset.phase == "random" else reset.phase
        self.phase[index] = (drawn if phase is None else phase) % 1.0
        self.target.reset(index, stream, fixed=target_velocity)
        qpos, qvel, activation, sole_height = self._starting_state(index)
        if reset.position_noise_rad > 0.0:
            qpos[self._hinges] += stream.normal(0.0, reset.position_noise_rad, len(self._hinges))
        if reset.velocity_noise_rad_s > 0.0:
            qvel[self._hinges] += stream.normal(0.0, reset.velocity_noise_rad_s, len(self._hinges))
        qpos[self._bounded] = qpos[self._bounded].clip(*self._bounds)
        self.couplings.apply(qpos[None], qvel[None])
        sensors = self.simulation.place(index, qpos, qvel, activation, sole_height=sole_height)
        self._activation_before[index] = activation
        self.actuation.reset(index, activation)
        self.footsteps.reset(index, -sensors[self._foot_vertical] / self.body_weight_n)
        self.steps[index] = 0
        self.last_action[index] = 0.0

    def _starting_state(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float | None]:
        """State of a new episode, before noise: qpos, qvel, activation, and the soles' height (None keeps it)."""
        model = self.simulation.model
        qpos, qvel = model.qpos0.copy(), np.zeros(model.nv)
        if self.clip is None:
            return qpos, qvel, np.full(model.na, self.settings.action.neutral_excitation), SETTLED_SOLE_M
        one = slice(index, index + 1)
        positions, velocities, fluctuation, activation = self.clip.at(self.phase[one], self.target.value[one])
        qpos[self._qpos_columns] = positions[0]
        qvel[self._qvel_columns] = velocities[0]
        qvel[self._forward.dof] = self.target.value[index] + fluctuation[0]
        noisy = self.settings.reset.position_noise_rad > 0.0
        scaled = self.target.value[index] != self.clip.speed_m_s
        level = self.manifest.settings["ground"]["terrain"] == "flat"
        exact = level and not noisy and not scaled
        return qpos, qvel, activation[0], None if exact else self.clip.sole_height(float(self.phase[index]))

    # -- step --------------------------------------------------------------------------------------------------

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advance all environments by one control step.

        Args:
            actions: (N, A), clipped to [-1, 1]; values that are not finite count as 0.

        Returns:
            observations (N, O) float32, rewards (N,), terminated (N,), truncated (N,), info. With autoreset, the
            observation of an environment that ended is already its next episode's first one; info then holds
            `final_obs` (N, O), the mask `_final_obs`, and `termination` (N,) reasons.
        """
        action = np.nan_to_num(np.asarray(actions, dtype=np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
        np.clip(action, -1.0, 1.0, out=action)
        self.last_action = action
        simulation = self.simulation
        np.copyto(self._activation_before, simulation.activation)
        control = self.actuation.apply(action, self._excitation_baseline(), simulation.qvel)
        diverged = simulation.step(control)
        self.steps += 1
        time = self.steps * self.control_s
        self.phase += self.control_s / self._stride_time(self.target.value)
        self.phase -= np.floor(self.phase)
        self.target.update(time)
        self._count_footsteps()
        self.step_result = self._gather(slice(None), diverged)
        rewards = self._weighted_reward()
        reasons = self._termination_reasons()
        terminated = reasons != RUNNING
        truncated = ~terminated & (self.steps >= self.max_steps)
        observations = self.observer.observe(self.step_result, slice(None))
        info = self._finish(terminated, truncated, reasons, observations)
        return observations, rewards, terminated, truncated, info

    def _finish(
        self, terminated: np.ndarray, truncated: np.ndarray, reasons: np.ndarray, observations: np.ndarray
    ) -> dict[str, Any]:
        ended = terminated | truncated
        if not ended.any():
            return self._nothing
        reasons[truncated] = TIME_LIMIT
        info: dict[str, Any] = {
            "termination": reasons,
            "_termination": ended,
            "episode_steps": self.steps.copy(),
            "_episode_steps": ended,
        }
        if self.autoreset:
            info |= {"final_obs": observations.copy(), "_final_obs": ended}
            indices = np.flatnonzero(ended)
            for index in indices:
                self._start_episode(int(index))
            started = self._gather(indices, np.zeros(len(indices), dtype=bool))
            observations[indices] = self.observer.observe(started, indices)
        return info

    def _excitation_baseline(self) -> np.ndarray | None:
        if self.settings.action.baseline == "constant" or self.clip is None:
            return None
        # the excitation is held over the control step: take the reference's in its middle
        half_step = 0.5 * self.control_s / self._stride_time(self.target.value)
        return self.clip.excitation(self.phase + half_step)

    def _stride_time(self, target: np.ndarray) -> np.ndarray:
        return np.ones(len(target)) if self.clip is None else self.clip.stride_time(target)

    def _count_footsteps(self) -> None:
        simulation = self.simulation
        load = np.take(simulation.sensordata[:, -1], self._foot_vertical, axis=1) / -self.body_weight_n
        effort = np.square(np.ascontiguousarray(simulation.activation)).mean(axis=1)
        self.footsteps.update(load, effort, simulation.qvel[:, self._forward.dof] - self.target.value)

    def _gather(self, rows: slice | np.ndarray, diverged: np.ndarray) -> Step:
        """Gather what rewards, terminations and observations look at, for the given environments."""
        simulation = self.simulation
        qpos, qvel, sensors = simulation.qpos[rows], simulation.qvel[rows], simulation.sensordata[rows]
        last = sensors[:, -1]
        activations = np.ascontiguousarray(simulation.activation[rows])
        load = np.take(sensors, self._foot_vertical, axis=2) / -self.body_weight_n
        toes = np.take(last, self._toes_vertical, axis=1) / -self.body_weight_n
        force = np.empty((len(qpos), 4))
        force[:, 0::2] = load[:, -1] - toes
        force[:, 1::2] = toes
        positions = np.take(qpos, self._qpos_columns, axis=1)  # C-contiguous, unlike qpos[:, columns]
        height = positions[:, self._height_column].copy()
        if not simulation.ground.is_flat:
            height -= simulation.ground.height(qpos[:, self._forward.qpos])
            positions[:, self._height_column] = height
        target = self.target.value[rows].copy()
        step = Step(
            positions=positions,
            velocities=np.take(qvel, self._qvel_columns, axis=1),
            forward_velocity=qvel[:, self._forward.dof].copy(),
            pelvis_height=height,
            target_velocity=target,
            activations=activations,
            activation_change=activations - self._activation_before[rows],
            excitations=self.actuation.excitation[rows],
            foot_force=force,
            foot_force_peak=load.max(axis=1),
            limit_torque=np.take(last, self._limit_columns, axis=1),
            device_torque=self.actuation.torque[rows],
            foot_strike=self.footsteps.strike[rows],
            footstep_time=self.footsteps.ended_time[rows],
            footstep_effort=self.footsteps.ended_effort[rows],
            footstep_velocity_error=self.footsteps.ended_error[rows],
            phase=self.phase[rows].copy(),
            stride_time=self._stride_time(target),
            diverged=diverged,
        )
        self._add_reference(step, qpos)
        return step

    def _add_reference(self, step: Step, qpos: np.ndarray) -> None:
        """Add what imitation needs; the base class knows no reference to imitate.

        Args:
            step: to be completed.
            qpos: (n, nq) joint positions of the step's environments.
        """

    # -- reward ------------------------------------------------------------------------------------------------

    def _calculate_reward(self, step: Step) -> dict[str, np.ndarray]:
        """Compute the raw reward terms of one step: the hook for own rewards.

        Override it to add or replace terms; name the added ones with their weights in `reward.own` of the
        environment's settings. It must work for any number of environments: arrays in, arrays out.

        Args:
            step: the outcome of the step, N environments first in every array.

        Returns:
            name -> (N,) raw value, without weight, for every term in `reward_terms`.
        """
        reward = self.settings.reward
        terms: dict[str, np.ndarray] = {}
        if reward.alive is not None:
            terms["alive"] = np.ones(len(step.phase))
        if reward.forward_velocity is not None:
            error = step.forward_velocity - step.target_velocity
            if step.reference_fluctuation is not None:
                error = error - step.reference_fluctuation
            terms["forward_velocity"] = reward_terms.forward_velocity(error, reward.forward_velocity)
        if reward.muscle_effort is not None:
            terms["muscle_effort"] = reward_terms.muscle_effort(step.activations, reward.muscle_effort)
        if reward.activation_smoothness is not None:
            terms["activation_smoothness"] = reward_terms.activation_smoothness(step.activation_change)
        if reward.foot_force_excess is not None:
            terms["foot_force_excess"] = reward_terms.foot_force_excess(step.foot_force_peak, reward.foot_force_excess)
        if reward.joint_limit_torque is not None:
            terms["joint_limit_torque"] = reward_terms.joint_limit_torque(step.limit_torque, reward.joint_limit_torque)
        if reward.footstep_effort is not None:
            terms["footstep_effort"] = reward_terms.at_foot_strike(step.foot_strike, step.footstep_effort)
        if reward.footstep_velocity is not None:
            error = np.abs(step.footstep_velocity_error)
            terms["footstep_velocity"] = reward_terms.at_foot_strike(step.foot_strike, error)
        if reward.footstep_duration is not None:
            error = np.abs(step.footstep_time - step.stride_time / 2)
            terms["footstep_duration"] = reward_terms.at_foot_strike(step.foot_strike, error)
        return terms

    def _weighted_reward(self) -> np.ndarray:
        terms = self._calculate_reward(self.step_result)
        if terms.keys() != set(self.reward_terms):
            missing = sorted(set(self.reward_terms) - terms.keys())
            extra = sorted(terms.keys() - set(self.reward_terms))
            raise InputError(
                f"environment: field 'reward': _calculate_reward and the weights disagree "
                f"(without value: {missing or 'none'}; without weight: {extra or 'none'})"
            )
        total = np.zeros(self.num_envs)
        for row, name in enumerate(self.reward_terms):
            self.raw_terms[row] = terms[name]
            total += self.weights[row] * self.raw_terms[row]
        return total

    # -- termination -------------------------------------------------------------------------------------------

    def _termination_reasons(self) -> np.ndarray:
        """Return (N,) reasons, the empty string where an episode goes on."""
        step, limits = self.step_result, self.settings.termination
        reasons = np.full(self.num_envs, RUNNING, dtype="U24")
        if self._deviation_limits is not None and step.reference_positions is not None:
            deviates = np.abs(step.positions - step.reference_positions) > self._deviation_limits
            reasons[deviates.any(axis=1)] = "deviation"
        if limits.speed_deviation_m_s is not None:
            error = np.abs(step.forward_velocity - step.target_velocity)
            reasons[error > limits.speed_deviation_m_s] = "speed_deviation"
        if limits.trunk_lean_max_rad is not None:
            reasons[np.abs(step.positions[:, self._tilt_column]) > limits.trunk_lean_max_rad] = "trunk_lean"
        if limits.pelvis_height_min_m is not None:
            reasons[step.pelvis_height < limits.pelvis_height_min_m] = "fall_height"
        reasons[step.diverged] = "divergence"
        return reasons

    @property
    def clipped_share(self) -> float:
        """Share of observed numbers that were clipped so far."""
        return self.observer.clipped_share

    def close_extras(self, **kwargs: Any) -> None:
        """End the physics threads."""
        self.simulation.close()


def _substeps(control_rate_hz: float, timestep_s: float) -> int:
    exact = 1.0 / (control_rate_hz * timestep_s)
    substeps = round(exact)
    if substeps < 1 or abs(exact - substeps) > 1e-9:
        raise InputError(
            f"environment: field 'control_rate_hz': expected a divisor of the physics rate "
            f"{1.0 / timestep_s:g} Hz (found {control_rate_hz:g})"
        )
    return substeps
