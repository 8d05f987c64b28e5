"""The batched environment that all others extend: N muscle-driven bodies walking on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import mujoco
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from myoassist.config.environment import EnvironmentSettings
from myoassist.envs import reward_terms
from myoassist.envs.actuation import Actuation
from myoassist.envs.compiling import compiled
from myoassist.envs.couplings import Couplings
from myoassist.envs.episode_starts import EpisodeStarts, read_options
from myoassist.envs.footsteps import Footsteps
from myoassist.envs.kinematics import PlanarLegs
from myoassist.envs.layouts import Layout
from myoassist.envs.observation import Observer
from myoassist.envs.pelvis_support import PelvisSupport
from myoassist.envs.push import Push
from myoassist.envs.readings import BodyReader
from myoassist.envs.reference_clip import ReferenceClip
from myoassist.envs.simulation import Simulation, substeps_per_control
from myoassist.envs.step import Step
from myoassist.envs.target_velocity import TargetVelocity
from myoassist.envs.termination import Termination
from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest
from myoassist.formats.reference_motion import FittedReference


class MyoAssistLegBase(VectorEnv):
    """Walking at a target velocity, rewarded for speed and economy; no motion is imitated.

    One implementation serves any number of environments; `gymnasium.make` gives the single view of it. Episodes
    start in the fitted reference where there is one, otherwise standing.

    Researchers extend it by overriding `_calculate_reward`, which maps a `Step` to named raw terms for all
    environments at once; weights are applied afterwards, exactly once.

    ## Actions

    Numbers in [-1, 1]. For the default body, with the range in the unit that they stand for (0 is neutral: excitation
    0.1; linear on either side):

    | Num | Action                     | Min | Max | Unit | Joints                      |
    | --- | -------------------------- | --- | --- | ---- | --------------------------- |
    | 0   | excitation of hamstrings_r | 0   | 1   | 1    | hip_flexion_r, knee_angle_r |
    | 1   | excitation of bifemsh_r    | 0   | 1   | 1    | knee_angle_r                |
    | 2   | excitation of edl_r        | 0   | 1   | 1    | ankle_angle_r, mtp_angle_r  |
    | 3   | excitation of fdl_r        | 0   | 1   | 1    | ankle_angle_r, mtp_angle_r  |
    | 4   | excitation of glutmax_r    | 0   | 1   | 1    | hip_flexion_r               |
    | 5   | excitation of iliopsoas_r  | 0   | 1   | 1    | hip_flexion_r               |
    | 6   | excitation of rectfem_r    | 0   | 1   | 1    | hip_flexion_r, knee_angle_r |
    | 7   | excitation of vasti_r      | 0   | 1   | 1    | knee_angle_r                |
    | 8   | excitation of gastroc_r    | 0   | 1   | 1    | knee_angle_r, ankle_angle_r |
    | 9   | excitation of soleus_r     | 0   | 1   | 1    | ankle_angle_r               |
    | 10  | excitation of tibant_r     | 0   | 1   | 1    | ankle_angle_r               |
    | 11  | excitation of hamstrings_l | 0   | 1   | 1    | hip_flexion_l, knee_angle_l |
    | 12  | excitation of bifemsh_l    | 0   | 1   | 1    | knee_angle_l                |
    | 13  | excitation of edl_l        | 0   | 1   | 1    | ankle_angle_l, mtp_angle_l  |
    | 14  | excitation of fdl_l        | 0   | 1   | 1    | ankle_angle_l, mtp_angle_l  |
    | 15  | excitation of glutmax_l    | 0   | 1   | 1    | hip_flexion_l               |
    | 16  | excitation of iliopsoas_l  | 0   | 1   | 1    | hip_flexion_l               |
    | 17  | excitation of rectfem_l    | 0   | 1   | 1    | hip_flexion_l, knee_angle_l |
    | 18  | excitation of vasti_l      | 0   | 1   | 1    | knee_angle_l                |
    | 19  | excitation of gastroc_l    | 0   | 1   | 1    | knee_angle_l, ankle_angle_l |
    | 20  | excitation of soleus_l     | 0   | 1   | 1    | ankle_angle_l               |
    | 21  | excitation of tibant_l     | 0   | 1   | 1    | ankle_angle_l               |

    ## Observations

    Numbers in [-10, 10]: value times scale, clipped. For the default body, ranges before scaling (of joints: their
    limits, which are soft):

    | Num | Observation                                | Scale | Min     | Max    | Unit         | Joint         |
    | --- | ------------------------------------------ | ----- | ------- | ------ | ------------ | ------------- |
    | 0   | pelvis, height over the ground             | 1     | -10     | 10     | m            | pelvis_ty     |
    | 1   | pelvis tilt, backward lean +               | 1     | -10     | 10     | rad          | pelvis_tilt   |
    | 2   | right hip, flexion +                       | 1     | -0.349  | 2.356  | rad          | hip_flexion_r |
    | 3   | right knee, flexion -                      | 1     | -2.531  | 0      | rad          | knee_angle_r  |
    | 4   | right ankle, dorsiflexion +                | 1     | -1.134  | 0.349  | rad          | ankle_angle_r |
    | 5   | right toes, extension +                    | 1     | -0.5236 | 0.5236 | rad          | mtp_angle_r   |
    | 6   | left hip, flexion +                        | 1     | -0.349  | 2.356  | rad          | hip_flexion_l |
    | 7   | left knee, flexion -                       | 1     | -2.531  | 0      | rad          | knee_angle_l  |
    | 8   | left ankle, dorsiflexion +                 | 1     | -1.134  | 0.349  | rad          | ankle_angle_l |
    | 9   | left toes, extension +                     | 1     | -0.5236 | 0.5236 | rad          | mtp_angle_l   |
    | 10  | velocity of pelvis, forward +              | 0.1   | -100    | 100    | m/s          | pelvis_tx     |
    | 11  | velocity of pelvis, height over the ground | 0.1   | -100    | 100    | m/s          | pelvis_ty     |
    | 12  | velocity of pelvis tilt, backward lean +   | 0.1   | -100    | 100    | rad/s        | pelvis_tilt   |
    | 13  | velocity of right hip, flexion +           | 0.1   | -100    | 100    | rad/s        | hip_flexion_r |
    | 14  | velocity of right knee, flexion -          | 0.1   | -100    | 100    | rad/s        | knee_angle_r  |
    | 15  | velocity of right ankle, dorsiflexion +    | 0.1   | -100    | 100    | rad/s        | ankle_angle_r |
    | 16  | velocity of right toes, extension +        | 0.1   | -100    | 100    | rad/s        | mtp_angle_r   |
    | 17  | velocity of left hip, flexion +            | 0.1   | -100    | 100    | rad/s        | hip_flexion_l |
    | 18  | velocity of left knee, flexion -           | 0.1   | -100    | 100    | rad/s        | knee_angle_l  |
    | 19  | velocity of left ankle, dorsiflexion +     | 0.1   | -100    | 100    | rad/s        | ankle_angle_l |
    | 20  | velocity of left toes, extension +         | 0.1   | -100    | 100    | rad/s        | mtp_angle_l   |
    | 21  | activation of hamstrings_r                 | 1     | 0       | 1      | 1            |               |
    | 22  | activation of bifemsh_r                    | 1     | 0       | 1      | 1            |               |
    | 23  | activation of edl_r                        | 1     | 0       | 1      | 1            |               |
    | 24  | activation of fdl_r                        | 1     | 0       | 1      | 1            |               |
    | 25  | activation of glutmax_r                    | 1     | 0       | 1      | 1            |               |
    | 26  | activation of iliopsoas_r                  | 1     | 0       | 1      | 1            |               |
    | 27  | activation of rectfem_r                    | 1     | 0       | 1      | 1            |               |
    | 28  | activation of vasti_r                      | 1     | 0       | 1      | 1            |               |
    | 29  | activation of gastroc_r                    | 1     | 0       | 1      | 1            |               |
    | 30  | activation of soleus_r                     | 1     | 0       | 1      | 1            |               |
    | 31  | activation of tibant_r                     | 1     | 0       | 1      | 1            |               |
    | 32  | activation of hamstrings_l                 | 1     | 0       | 1      | 1            |               |
    | 33  | activation of bifemsh_l                    | 1     | 0       | 1      | 1            |               |
    | 34  | activation of edl_l                        | 1     | 0       | 1      | 1            |               |
    | 35  | activation of fdl_l                        | 1     | 0       | 1      | 1            |               |
    | 36  | activation of glutmax_l                    | 1     | 0       | 1      | 1            |               |
    | 37  | activation of iliopsoas_l                  | 1     | 0       | 1      | 1            |               |
    | 38  | activation of rectfem_l                    | 1     | 0       | 1      | 1            |               |
    | 39  | activation of vasti_l                      | 1     | 0       | 1      | 1            |               |
    | 40  | activation of gastroc_l                    | 1     | 0       | 1      | 1            |               |
    | 41  | activation of soleus_l                     | 1     | 0       | 1      | 1            |               |
    | 42  | activation of tibant_l                     | 1     | 0       | 1      | 1            |               |
    | 43  | vertical load of right heel                | 1     | -10     | 10     | body weights |               |
    | 44  | vertical load of right toes                | 1     | -10     | 10     | body weights |               |
    | 45  | vertical load of left heel                 | 1     | -10     | 10     | body weights |               |
    | 46  | vertical load of left toes                 | 1     | -10     | 10     | body weights |               |
    | 47  | target velocity, forward                   | 1     | -10     | 10     | m/s          |               |
    | 48  | sine of the phase of the gait cycle        | 1     | -1      | 1      | 1            |               |
    | 49  | cosine of the phase of the gait cycle      | 1     | -1      | 1      | 1            |               |

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
            num_envs: N, at least 1.
            threads: physics threads; any number gives the same results.
            autoreset: whether an environment that ends starts anew within the same step (Gymnasium's SAME_STEP).

        Raises:
            InputError: if settings, model and reference do not fit together.
        """
        if num_envs < 1:
            raise InputError(f"environment {settings.id}: num_envs: expected 1 or more (found {num_envs})")
        first = model if isinstance(model, mujoco.MjModel) else model[0]
        self.settings = settings
        self.manifest = manifest
        self.num_envs = num_envs
        self.autoreset = autoreset
        mode = AutoresetMode.SAME_STEP if autoreset else AutoresetMode.DISABLED
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self.control_s = 1.0 / settings.control_rate_hz
        substeps = substeps_per_control(settings.control_rate_hz, manifest.timestep_s)
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
        self.reader = BodyReader(self.simulation, manifest)
        self.joint_names = self.reader.joint_names
        self.forward = manifest.joint(manifest.root["forward"])
        self._height_column = self.joint_names.index(manifest.root["height"])
        self.couplings = Couplings(first, manifest)
        self.legs = PlanarLegs(first, manifest)
        self.actuation = Actuation(settings.action, manifest, num_envs=num_envs, substeps=self.simulation.substeps)
        self.target = TargetVelocity(settings.target_velocity, num_envs=num_envs, episode_s=settings.episode_s)
        self.footsteps = Footsteps(num_envs=num_envs, control_s=self.control_s)
        self.observer = Observer(settings.observation, self)
        self.starts = EpisodeStarts(self)
        self.termination = Termination(self)
        support = settings.pelvis_support
        self.support = None if support is None else PelvisSupport(support, self)
        push = settings.push
        self.push = None if push is None else Push(push, num_envs=num_envs, control_s=self.control_s)
        self.applied_force = np.zeros((num_envs, first.nv))
        weights = reward_terms.weights(settings, self.imitation_terms)
        self.reward_terms = tuple(weights)
        self._term_names = frozenset(weights)
        self.weights = np.array(list(weights.values()))
        self.raw_terms = np.zeros((len(weights), num_envs))

        self.action_layout: Layout = self.actuation.layout
        self.observation_layout: Layout = self.observer.layout
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (self.action_layout.size,), np.float32)
        bound = settings.observation.clip
        self.single_observation_space = gymnasium.spaces.Box(-bound, bound, (self.observation_layout.size,), np.float32)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

        self.phase = np.zeros(num_envs)
        self.stride_time = np.ones(num_envs)
        self.steps = np.zeros(num_envs, dtype=np.int64)
        self.max_steps = max(1, round(settings.episode_s * settings.control_rate_hz))
        self.streams: list[np.random.Generator] = []
        self._activation_before = np.zeros((num_envs, len(manifest.muscles)))
        self._all = np.arange(num_envs)

    def columns_of(self, name: str, field: str) -> list[int]:
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
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start episodes.

        Args:
            seed: reseeds every environment's stream with (seed, its index), or with (its own seed, 0) for a list of
                seeds, so that it goes like the single environment of that seed; None goes on with the streams.
            options: `phase` (any number; its whole part does not count) and `target_velocity` (0.3 to 3 m/s) fix these
                for this start, as a number or one per environment; `reset_mask` (N,) bool starts only some
                environments anew.

        Returns:
            (N, O) observations and an empty info.

        Raises:
            InputError: for unknown options, or ones that do not fit.
        """
        if seed is not None or not self.streams:
            self._seed(seed)
        rows, phase, target = read_options(options, self.num_envs, started=hasattr(self, "step_result"))
        self._start(rows, phase, target)
        self.step_result = self._gather(self._all, np.zeros(self.num_envs, dtype=bool))
        return self.observer.observe(self.step_result, slice(None)), {}

    def _seed(self, seed: int | Sequence[int] | None) -> None:
        if np.ndim(seed) and len(seed) != self.num_envs:
            raise InputError(f"reset: expected one seed, or one for each of {self.num_envs} environments")
        entropy = np.random.SeedSequence().entropy if seed is None else seed
        keys = [(item, 0) for item in entropy] if np.ndim(entropy) else [(entropy, i) for i in range(self.num_envs)]
        self.streams = [np.random.default_rng(np.random.SeedSequence(item, spawn_key=(key,))) for item, key in keys]

    # -- step --------------------------------------------------------------------------------------------------

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advance all environments by one control step.

        Args:
            actions: (N, A), clipped to [-1, 1]; NaN counts as 0.

        Returns:
            observations (N, O) float32, rewards (N,), terminated (N,), truncated (N,), info. With autoreset, the
            observation of an environment that ended is already its next episode's first one; info then holds
            `final_obs` (N, O), the mask `_final_obs`, and `termination` (N,) reasons and `episode_steps` (N,), both
            also in `final_info`.

        Raises:
            InputError: for actions that are no numbers or have another shape.
            gymnasium.error.ResetNeeded: before the first `reset`.
        """
        action, baseline = self._read_actions(actions), self._excitation_baseline()
        simulation, divergences = self.simulation, self.simulation.divergences
        control = self.actuation.apply(action, baseline, simulation.qvel, simulation.qvel_before)
        diverged = simulation.step(control, self._outside_forces())
        if simulation.divergences > divergences:
            self._forget(diverged)
        _advance(self.steps, self.phase, self.stride_time, self.control_s)
        if self.target.varies:
            self.target.update(self.steps * self.control_s)
            self.stride_time = self._stride_time(self.target.value)
        self.step_result = self._gather(self._all, diverged, stepped=True)
        rewards = self._weighted_reward()
        reasons, terminated, truncated, ended = self.termination.judge(self.step_result, self.steps, self.max_steps)
        observations = self.observer.observe(self.step_result, slice(None))
        info = self._finish(terminated | truncated, reasons, observations) if ended else {}
        return observations, rewards, terminated, truncated, info

    def _read_actions(self, actions: np.ndarray) -> np.ndarray:
        if not self.streams:
            raise ResetNeeded("step: the environments have not been started (call reset first)")
        read = actions
        if not (type(read) is np.ndarray and read.dtype in (np.float32, np.float64)):
            try:
                read = np.asarray(actions, dtype=np.float64)
            except (TypeError, ValueError):
                raise InputError("step: expected numbers as actions") from None
        if read.shape != self.actuation.action.shape:
            raise InputError(f"step: expected actions of shape {self.actuation.action.shape} (found {read.shape})")
        return read

    def _forget(self, diverged: np.ndarray) -> None:
        """Drop what was derived from the states before of diverged bodies (N,): those may have been broken already."""
        self._forget_activations(diverged)
        for forces in (self.actuation.torque, self.applied_force):
            forces[diverged] = np.nan_to_num(forces[diverged], posinf=0.0, neginf=0.0)

    def _forget_activations(self, rows: np.ndarray) -> None:
        before = self._activation_before.copy()  # which the last step tells of, too
        before[rows] = self.simulation.activation[rows]
        self._activation_before = before

    def _finish(self, ended: np.ndarray, reasons: np.ndarray, observations: np.ndarray) -> dict[str, Any]:
        """Tell of the episodes (N,) that ended, and start new ones, whose first observations are put in their rows."""
        info: dict[str, Any] = {
            "termination": self.termination.names[reasons],
            "_termination": ended,
            "episode_steps": self.steps.copy(),
            "_episode_steps": ended,
        }
        if self.autoreset:
            # both as Gymnasium's own vector environments tell them in their SAME_STEP mode
            info |= {"final_info": dict(info), "_final_info": ended}
            info |= {"final_obs": observations.copy(), "_final_obs": ended}
            indices = np.flatnonzero(ended)
            self._start(indices)
            started = self._gather(indices, np.zeros(len(indices), dtype=bool), compared=False)
            observations[indices] = self.observer.observe(started, indices)
        return info

    def _start(self, rows: np.ndarray, phase: np.ndarray | None = None, target: np.ndarray | None = None) -> None:
        self.starts.start(rows, phase, target)
        self._forget_activations(rows)
        self.stride_time[rows] = self._stride_time(self.target.value[rows])

    def _outside_forces(self) -> np.ndarray | None:
        """Return (N, nv) generalised forces (N, N·m) of support and push over the next step, None without either."""
        if self.support is None and self.push is None:
            return None
        self.applied_force[:] = 0.0 if self.support is None else self.support.forces()
        if self.push is not None:
            self.applied_force[:, self.forward.dof] += self.push.force(self.steps)
        return self.applied_force

    def _excitation_baseline(self) -> np.ndarray | None:
        if self.settings.action.baseline == "constant" or self.clip is None:
            return None
        # the excitation is held over the control step: take the reference's in its middle
        return self.clip.excitation_ahead(self.phase, self.stride_time, 0.5 * self.control_s)

    def _stride_time(self, target: np.ndarray) -> np.ndarray:
        return np.ones(len(target)) if self.clip is None else self.clip.stride_time(target)

    def _gather(self, rows: np.ndarray, diverged: np.ndarray, *, stepped: bool = False, compared: bool = True) -> Step:
        """Gather what rewards, terminations and observations look at.

        Args:
            rows: (n,) which environments.
            diverged: (n,) whose simulation diverged.
            stepped: whether all environments have just stepped, so that their footsteps move on.
            compared: whether the reference is wanted too; observations alone do without.
        """
        simulation, read = self.simulation, self.reader.read(rows)
        height = read.positions[:, self._height_column].copy()
        if not simulation.ground.is_flat:
            height -= simulation.ground.height(simulation.qpos[rows, self.forward.qpos], rows)
            read.positions[:, self._height_column] = height
        footsteps, activations_before = self.footsteps, read.activations
        if stepped:
            activations_before, self._activation_before = self._activation_before, read.activations
            effort = reward_terms.mean_square(read.activations)
            footsteps.update(read.foot_load, effort, read.forward_velocity, self.target.value)

        def of(array: np.ndarray) -> np.ndarray:
            return array.copy() if stepped else array[rows]

        step = Step(
            positions=read.positions,
            velocities=read.velocities,
            forward_velocity=read.forward_velocity,
            pelvis_height=height,
            target_velocity=of(self.target.value),
            activations=read.activations,
            activations_before=activations_before,
            excitations=self.actuation.excitation if stepped else self.actuation.excitation[rows],
            foot_force=read.foot_force,
            foot_force_peak=read.foot_force_peak,
            limit_torque=read.limit_torque,
            device_torque=of(self.actuation.torque),
            foot_strike=of(footsteps.strike),
            footstep_time=of(footsteps.ended[0]),
            footstep_effort=of(footsteps.ended[1]),
            footstep_velocity_error=of(footsteps.ended[2]),
            phase=of(self.phase),
            stride_time=of(self.stride_time),
            diverged=diverged,
        )
        if compared:
            self._add_reference(step, of(simulation.qpos))
        return step

    def _add_reference(self, step: Step, qpos: np.ndarray) -> None:
        """Add what imitation needs; the base class knows no reference to imitate.

        Args:
            step: to be completed.
            qpos: (n, nq) joint positions of the step's environments, a copy to keep.
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
            terms["forward_velocity"] = reward_terms.forward_velocity(
                step.forward_velocity, step.target_velocity, step.reference_fluctuation, reward.forward_velocity
            )
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
        if terms.keys() != self._term_names:
            missing = sorted(set(self.reward_terms) - terms.keys())
            extra = sorted(terms.keys() - set(self.reward_terms))
            raise InputError(
                f"environment: field 'reward': _calculate_reward and the weights disagree "
                f"(without value: {missing or 'none'}; without weight: {extra or 'none'})"
            )
        shape = (self.num_envs,)
        for row, name in enumerate(self.reward_terms):
            value = np.asarray(terms[name])
            if value.shape != shape:
                raise InputError(
                    f"environment: _calculate_reward: term '{name}': expected one number for each environment, "
                    f"shape {shape} (found {value.shape})"
                )
            self.raw_terms[row] = value
        return reward_terms.weighted(self.weights, self.raw_terms)

    @property
    def clipped_share(self) -> float:
        """Share of observed numbers that were clipped so far."""
        return self.observer.clipped_share

    def close_extras(self, **kwargs: Any) -> None:
        """End the physics threads."""
        self.simulation.close()


@compiled
def _advance(steps: np.ndarray, phase: np.ndarray, stride_time: np.ndarray, control_s: float) -> None:
    """Let one control step pass in episodes (N,)."""
    for row in range(len(steps)):
        steps[row] += 1
        later = phase[row] + control_s / stride_time[row]
        phase[row] = later - np.floor(later)
