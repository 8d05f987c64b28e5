"""How fast is it: the physics limit, the environment, and learning end to end, measured in one run.

The bare limit repeats exactly the physics calls that the environment made (same states, controls, forces, threads and
substeps), so the ratio of the two tells what everything around the physics costs. Learning is compared with the calls
that it made itself, since another policy brings bodies into states that cost the physics more or less.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
from mujoco.rollout import Rollout

from myoassist.config.kept import find_kept
from myoassist.config.training import DEFAULT_N_STEPS, LearnerSettings, PolicySettings, TrainingSettings
from myoassist.envs.allotment import available_cpus
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

if TYPE_CHECKING:
    from myoassist.policies.learner import ActingPolicy

SMALL = (64, 64)
MEASURED_ROLLOUTS = 4
"""Of learning, from the start of the second rollout on: an update may run beside the rollout after it."""
_CONTROL = int(mujoco.mjtState.mjSTATE_CTRL)
_CONTROL_AND_FORCE = _CONTROL | int(mujoco.mjtState.mjSTATE_QFRC_APPLIED)


def newest_pretrained(experiment: Path, folder: Path) -> Path | None:
    """Find the checkpoint of an experiment that has been trained longest among the kept ones.

    Args:
        experiment: its file, whose name the folders begin with.
        folder: holds one folder a kept policy, `<experiment>-s<seed>`.

    Returns:
        The checkpoint (of the highest seed among equals), or None if there is none.

    Raises:
        InputError: if a kept folder is incomplete.
    """
    kept = [find_kept(found) for found in sorted(folder.glob(f"{experiment.stem}-s*")) if found.is_dir()]
    return max(kept, key=lambda files: (files.steps, files.checkpoint)).checkpoint if kept else None


def benchmark(
    handler: EnvironmentHandler,
    training: TrainingSettings,
    *,
    num_envs: int = 64,
    threads: int | None = None,
    steps: int = 128,
    repeats: int = 5,
    ppo: bool = True,
    checkpoint: Path | None = None,
) -> dict[str, Any]:
    """Measure control steps per second, each number the median of interleaved repeats, each ratio that of their ratios.

    Args:
        handler: makes the environments.
        training: the walking experiment's training settings; its network and hyper-parameters are benchmarked.
        num_envs: N.
        threads: physics threads; None takes the CPUs this process may use.
        steps: control steps per measurement and environment.
        repeats: how often each thing is measured, at least 5 for numbers to be quoted.
        ppo: whether to measure learning, which takes most of the time.
        checkpoint: whose policy acts, with its exploration noise, so that bodies are in the states of its walk, and
            which learning with the experiment's own network goes on from. None acts at random, so that most bodies
            are falling and are often started anew. A network of 64x64 is always a new one.

    Returns:
        Plain data: `physics`, `environment`, with more than one thread the same two with `_1_thread`, `ppo`,
        `ppo_64x64`, `physics_of_ppo` and `physics_of_ppo_64x64`: steps per second (median, best, worst), steps per
        second of processor time (median), simulated seconds per second. `ratio_environment` (also `_1_thread`) is over
        `physics`, `ratio_ppo` and `ratio_ppo_64x64` are over the bare physics of their own states; the same with
        `_cpu` in processor time. Other work on the machine disturbs `ratio_environment` the least, since each step
        of it is compared with its own physics at once, and learning with those of a rollout after the rollout.
        `thread_speedup` (environment over environment with 1 thread) and `thread_speedup_physics` (the same of the
        bare physics, the most that the machine gives),
        `acting` (who chose the actions of each), memory (an environment that shares its model; one model of its own
        without visuals, as variation makes; the full model) and machine.
    """
    threads = min(num_envs, threads or available_cpus())
    memory_before = _resident_mb()
    batch = handler.make_batch(num_envs, threads=threads)
    batch.reset(seed=0)
    batch.step(np.zeros(batch.action_space.shape))
    memory_per_env = (_resident_mb() - memory_before) / num_envs
    policy = None if checkpoint is None else _policy(checkpoint, batch)
    walk = Walk(batch, steps, policy)
    acting = "random actions" if checkpoint is None else f"{checkpoint}, with exploration noise"
    actors = {"environment": acting, "physics": acting}
    runs: dict[tuple[str, str], Callable[[], tuple[Spent, Spent]]] = {("environment", "physics"): walk.run}
    if threads > 1:
        alone = Walk(handler.make_batch(num_envs, threads=1), steps, None)
        alone.actions = walk.actions
        runs["environment_1_thread", "physics_1_thread"] = alone.run
    if ppo:
        small = training.policy.model_copy(update={"actor": SMALL, "critic": SMALL, "networks": None})
        actors |= {"ppo": "a new network" if checkpoint is None else acting, "ppo_64x64": "a new network"}
        for name, network, start in (("ppo", training.policy, checkpoint), ("ppo_64x64", small, None)):
            runs[name, f"physics_of_{name}"] = _learner(handler, training, network, num_envs, threads, start)
    walk.run()  # chooses the actions
    measured: dict[str, list[Spent]] = {name: [] for names in runs for name in names}
    for _ in range(repeats):
        for names, run in runs.items():
            for name, spent in zip(names, run(), strict=True):
                measured[name].append(spent)
    batch.close()
    result: dict[str, Any] = {name: _summary(spent, batch.control_s) for name, spent in measured.items()}
    for name, limit in runs:
        result[f"ratio_{name}"] = _median_ratio(measured[limit], measured[name], "wall_s")
        result[f"ratio_{name}_cpu"] = _median_ratio(measured[limit], measured[name], "cpu_s")
    if threads > 1:
        for name, suffix in (("environment", ""), ("physics", "_physics")):
            alone_spent, together = measured[f"{name}_1_thread"], measured[name]
            result[f"thread_speedup{suffix}"] = _median_ratio(alone_spent, together, "wall_s")
    return result | {
        "acting": actors,
        "episodes_ended_per_measurement": int(walk.ended.sum()),
        "num_envs": num_envs,
        "threads": threads,
        "substeps": batch.simulation.substeps,
        "control_steps_per_measurement": steps * num_envs,
        "repeats": repeats,
        "memory_per_environment_mb": round(memory_per_env, 3),
        "memory_own_model_mb": round(mujoco.mj_sizeModel(batch.simulation.model) / 2**20, 3),
        "memory_full_model_mb": round(mujoco.mj_sizeModel(handler.full_model) / 2**20, 3),
        "cpu": platform.processor() or platform.machine(),
        "cpus_allowed": available_cpus(),
        "load_average": os.getloadavg()[0],
        "mujoco": mujoco.__version__,
    }


@dataclass
class Spent:
    """Time for some control steps.

    Attributes:
        steps: control steps of all environments together.
        wall_s: time on the clock.
        cpu_s: processor time of all threads.
    """

    steps: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def __enter__(self) -> Spent:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *error: Any) -> None:
        self.wall_s += time.perf_counter() - self._wall
        self.cpu_s += time.process_time() - self._cpu

    def __iadd__(self, other: Spent) -> Spent:
        self.steps += other.steps
        self.wall_s += other.wall_s
        self.cpu_s += other.cpu_s
        return self

    def __isub__(self, other: Spent) -> Spent:
        """The same steps without the time that something else took in between."""
        self.wall_s -= other.wall_s
        self.cpu_s -= other.cpu_s
        return self


def _summary(spent: list[Spent], control_s: float) -> dict[str, float]:
    rates = [item.steps / item.wall_s for item in spent]
    return {
        "steps_per_second": round(statistics.median(rates), 1),
        "best": round(max(rates), 1),
        "worst": round(min(rates), 1),
        "steps_per_cpu_second": round(statistics.median(item.steps / item.cpu_s for item in spent), 1),
        "simulated_seconds_per_second": round(statistics.median(rates) * control_s, 2),
    }


def _median_ratio(above: list[Spent], below: list[Spent], clock: str) -> float:
    """Median over repeats of the ratio of two times for one control step."""
    ratios = [
        (getattr(one, clock) / one.steps) / (getattr(other, clock) / other.steps)
        for one, other in zip(above, below, strict=True)
    ]
    return round(statistics.median(ratios), 4)


class PhysicsCalls:
    """Notes the physics calls that a batch makes, and repeats them bare.

    Attributes:
        states: (steps, N, nstate) that each call started from.
        noted: how many calls since `clear`, at most `steps`.
        noting: the time that this took, which is not the batch's.
        repeated: (steps, N, nstate) states that the repeated calls ended in.
    """

    def __init__(self, batch: MyoAssistLegBase, steps: int):
        """Listen to the batch's simulation.

        Args:
            batch: whose calls are noted from now on.
            steps: of how many calls there is room for; later ones are not noted.
        """
        simulation = self._simulation = batch.simulation
        self.states = np.empty((steps, *simulation.state.shape))
        self.repeated = np.empty_like(self.states)
        self._substates, self._sensors = np.empty_like(simulation.substates), np.empty_like(simulation.sensordata)
        self.clear()
        self._forced = False
        self._controls = np.empty((steps, *simulation.control.shape))
        self._forces = np.zeros((steps, batch.num_envs, simulation.model.nv))
        threads = len(simulation.workers)
        self._pool = Rollout(nthread=threads if threads > 1 else 0)
        self._step = simulation.step
        simulation.step = self._note

    def clear(self) -> None:
        """Forget the calls so far."""
        self.noted = 0
        self.noting = Spent()

    def _note(self, control: np.ndarray, applied: np.ndarray | None = None) -> np.ndarray:
        if self.noted < len(self.states):
            with self.noting:
                self.states[self.noted] = self._simulation.state
                self._controls[self.noted] = control
                if applied is not None:
                    self._forced = True
                    self._forces[self.noted] = applied
                self.noted += 1
        return self._step(control, applied)

    def repeat(self) -> Spent:
        """Repeat the noted calls."""
        spent = Spent()
        for call in range(self.noted):
            spent += self.again(call)
        return spent

    def again(self, call: int) -> Spent:
        """Repeat one of the noted calls; what is given to it is put together outside of the time."""
        simulation = self._simulation
        given = self._controls[call]
        if self._forced:
            held = np.repeat(self._forces[call][:, None], simulation.substeps, axis=1)
            given = np.concatenate([given, held], axis=2)
        spent = Spent(steps=len(simulation.state))
        with spent:
            self._pool.rollout(
                simulation.models,
                simulation.workers,
                self.states[call],
                given,
                skip_checks=True,
                nstep=simulation.substeps,
                control_spec=_CONTROL_AND_FORCE if self._forced else _CONTROL,
                state=self._substates,
                sensordata=self._sensors,
            )
        self.repeated[call] = self._substates[:, -1]
        return spent


class Walk:
    """Runs the environment with a policy's or random actions, always the same ones.

    Attributes:
        actions: (steps, N, A), a policy's from its first run on.
        calls: the physics calls of the last run.
        ended: (steps, N) bool, where an episode ended in the last run.
    """

    def __init__(self, batch: MyoAssistLegBase, steps: int, policy: ActingPolicy | None):
        """Prepare runs of `steps` control steps; `policy` None acts at random."""
        self._batch = batch
        self._policy = policy
        self.calls = PhysicsCalls(batch, steps)
        self.ended = np.zeros((steps, batch.num_envs), dtype=bool)
        rng = np.random.default_rng(0)
        size = (steps, batch.num_envs, batch.action_layout.size)
        self.actions = rng.normal(0.0, 0.3, size).clip(-1, 1).astype(np.float32)

    def run(self) -> tuple[Spent, Spent]:
        """Step the environment, starts of new episodes included, and after each step repeat its bare physics.

        So close together, other work on the machine slows both alike. Before the physics that are timed come those of
        the step before: they leave in the processor's caches what physics leave there, as calls one after the other
        do, and not the states and controls of this step, which such calls would not find there either.

        Episodes reach their time limit one after the other, as they do in a long training. The policy chooses in the
        first run only, for the same actions make the same walk: a network between two steps would drive from the
        caches what the physics need.

        Returns:
            The time of the environment and that of the physics.
        """
        self.calls.clear()
        batch = self._batch
        observations, _ = batch.reset(seed=0)
        batch.steps[:] = (np.arange(batch.num_envs) + 1) * batch.max_steps // batch.num_envs - 1
        spent, bare = Spent(steps=self.ended.size), Spent()
        for step, action in enumerate(self.actions):
            if self._policy is not None:
                action[:] = self._policy.act(observations, deterministic=False)
            with spent:
                observations, _, terminated, truncated, _ = batch.step(action)
            self.ended[step] = terminated | truncated
            self.calls.again(max(0, step - 1))
            bare += self.calls.again(step)
        self._policy = None
        spent -= self.calls.noting
        return spent, bare


def _learner(
    handler: EnvironmentHandler,
    training: TrainingSettings,
    policy: PolicySettings,
    num_envs: int,
    threads: int,
    checkpoint: Path | None = None,
) -> Callable[[], tuple[Spent, Spent]]:
    """Return what learns from some rollouts, gradient steps included, and repeats the physics of each."""
    import torch
    from stable_baselines3.common.logger import Logger

    from myoassist.bench.laps import Laps
    from myoassist.formats.checkpoint import read_parameters
    from myoassist.policies.learner import make_algorithm
    from myoassist.policies.overlapping import OverlappingPPO
    from myoassist.training.learning_callback import LearningCallback
    from myoassist.training.learning_env import learning_env

    learner = LearnerSettings(
        algorithm=training.algorithm,
        parameters=training.parameters,
        policy=policy,
        mirror=training.mirror,
        n_envs=num_envs,
        torch_threads=training.torch_threads,
        overlap=training.overlap,
    )
    env = learning_env(handler.make_batch(num_envs, threads=threads), learner)
    algorithm = make_algorithm(learner, env, steps=0)
    if isinstance(algorithm, OverlappingPPO):
        algorithm.concurrent = threads > 1
    if checkpoint is not None:
        algorithm.set_parameters(read_parameters(checkpoint), exact_match=True, device="cpu")
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    n_steps = getattr(algorithm, "n_steps", DEFAULT_N_STEPS)
    calls = PhysicsCalls(env.batch, n_steps)

    def learn() -> tuple[Spent, Spent]:
        rollout = n_steps * num_envs
        longest = (MEASURED_ROLLOUTS + 2) * rollout
        learning = LearningCallback(
            env.batch, stop_steps=algorithm.num_timesteps + longest, torch_threads=training.torch_threads
        )
        spent, bare = Spent(), Spent()
        laps = Laps(calls, spent, bare, skipped=rollout, measured=MEASURED_ROLLOUTS * rollout)
        algorithm.learn(longest, callback=[learning, laps], log_interval=None, reset_num_timesteps=False)
        torch.set_num_threads(1)
        return spent, bare

    return learn


def _policy(checkpoint: Path, batch: MyoAssistLegBase) -> ActingPolicy:
    import torch

    from myoassist.policies.learner import load_policy

    torch.set_num_threads(1)
    torch.manual_seed(0)
    policy = load_policy(checkpoint)
    policy.refuse_other(batch.observation_layout.labels, batch.action_layout.labels)
    return policy


def _resident_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
