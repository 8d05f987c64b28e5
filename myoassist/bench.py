"""How fast is it: the physics limit, the environment, and learning end to end, measured in one run.

The bare limit replays exactly the physics calls that the environment made (same states, controls, threads and
substeps), so the ratio of the two tells what everything around the physics costs.
"""

from __future__ import annotations

import copy
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
from mujoco.rollout import Rollout

from myoassist.config.training import LearnerSettings, PolicySettings, TrainingSettings
from myoassist.envs.allotment import available_cpus
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

if TYPE_CHECKING:
    from myoassist.policies.learner import ActingPolicy

SMALL = (64, 64)
PACKAGE = "package settings"
_SPARSE = {"jacobian": mujoco.mjtJacobian.mjJAC_SPARSE}
_NO_ISLANDS = {"disableflags": int(mujoco.mjtDisableBit.mjDSBL_ISLAND)}
PHYSICS: dict[str, dict[str, Any]] = {
    PACKAGE: {},
    "without visuals": {"visuals": False},
    "sparse Jacobian": _SPARSE,
    "without islands": _NO_ISLANDS,
    "these three (the default here)": {**_SPARSE, **_NO_ISLANDS, "visuals": False},
    "at most 10 iterations": {"iterations": 10},
    "at most 6 iterations": {"iterations": 6},
    "at most 4 iterations": {"iterations": 4},
    "tolerance 1e-6": {"tolerance": 1e-6},
    "elliptic friction cones": {"cone": mujoco.mjtCone.mjCONE_ELLIPTIC},
    "integrator implicitfast": {"integrator": mujoco.mjtIntegrator.mjINT_IMPLICITFAST},
    "solver CG": {"solver": mujoco.mjtSolver.mjSOL_CG},
}
"""Variant -> changes of `mjOption` against the body package's own settings."""
_LEG_JOINTS = ("hip_flexion", "knee_angle", "ankle_angle")


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
    """Measure control steps per second, each number the median of interleaved repeats.

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
            are falling and are often started anew.

    Returns:
        Plain data: `physics`, `environment`, `environment_1_thread` (with more than one), `ppo`, `ppo_64x64` (steps per
        second: median, best, worst; simulated seconds per second), `ratio_environment`, `ratio_ppo`,
        `ratio_ppo_64x64` (over `physics`), `thread_speedup` (environment over environment with 1 thread), memory
        (an environment that shares its model; one model of its own without visuals, as variation makes; the full
        model) and machine.
    """
    threads = min(num_envs, threads or available_cpus())
    memory_before = _resident_mb()
    batch = handler.make_batch(num_envs, threads=threads)
    batch.reset(seed=0)
    batch.step(np.zeros(batch.action_space.shape))
    memory_per_env = (_resident_mb() - memory_before) / num_envs
    policy = None if checkpoint is None else _policy(checkpoint, batch)
    recorder = _Recorder(batch, steps, policy)
    measured: dict[str, list[float]] = {"environment": [], "physics": []}
    learners: dict[str, Callable[[], float]] = {}
    if threads > 1:
        alone = _Recorder(handler.make_batch(num_envs, threads=1), steps, policy)
        learners["environment_1_thread"] = alone.run
        measured["environment_1_thread"] = []
        alone.run()
    if ppo:
        learners["ppo"] = _learner(handler, training, training.policy, num_envs, threads, checkpoint)
        small = training.policy.model_copy(update={"actor": SMALL, "critic": SMALL, "networks": None})
        learners["ppo_64x64"] = _learner(handler, training, small, num_envs, threads)
        measured |= {"ppo": [], "ppo_64x64": []}
    recorder.run()  # warm up
    for _ in range(repeats):
        measured["environment"].append(recorder.run())
        measured["physics"].append(recorder.replay())
        for name, learn in learners.items():
            measured[name].append(learn())
    batch.close()
    control_s = batch.control_s
    result: dict[str, Any] = {
        name: {
            "steps_per_second": round(statistics.median(values), 1),
            "best": round(max(values), 1),
            "worst": round(min(values), 1),
            "simulated_seconds_per_second": round(statistics.median(values) * control_s, 2),
        }
        for name, values in measured.items()
    }
    limit = statistics.median(measured["physics"])
    for name in ("environment", "ppo", "ppo_64x64"):
        if name in measured:
            result[f"ratio_{name}"] = round(statistics.median(measured[name]) / limit, 4)
    if threads > 1:
        pairs = zip(measured["environment"], measured["environment_1_thread"], strict=True)
        result["thread_speedup"] = round(statistics.median(many / one for many, one in pairs), 3)
    return result | {
        "episodes_ended_per_measurement": recorder.ended,
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


class _Recorder:
    """Runs the environment with a policy's or random actions and replays its physics calls bare."""

    def __init__(self, batch: MyoAssistLegBase, steps: int, policy: ActingPolicy | None):
        self.batch = batch
        self.policy = policy
        self.ended = 0
        self.steps = steps
        rng = np.random.default_rng(0)
        size = (steps, batch.num_envs, batch.action_layout.size)
        self.actions = rng.normal(0.0, 0.3, size).clip(-1, 1).astype(np.float32)
        self.states = np.empty((steps, *batch.simulation.state.shape))
        self.controls = np.empty((steps, *batch.simulation.control.shape))
        threads = len(batch.simulation.workers)
        self.pool = Rollout(nthread=threads if threads > 1 else 0)

    def run(self) -> float:
        """Steps per second of the environment, resets included (choosing actions and recording is not its time)."""
        observations, _ = self.batch.reset(seed=0)
        spent, self.ended = 0.0, 0
        for step in range(self.steps):
            self.states[step] = self.batch.simulation.state
            action = self.actions[step]
            if self.policy is not None:
                action = self.policy.act(observations, deterministic=False)
            begin = time.perf_counter()
            observations, _, terminated, truncated, _ = self.batch.step(action)
            spent += time.perf_counter() - begin
            self.ended += int(np.count_nonzero(terminated | truncated))
            self.controls[step] = self.batch.simulation.control
        return self.steps * self.batch.num_envs / spent

    def replay(self) -> float:
        """Steps per second of the same physics calls alone."""
        simulation = self.batch.simulation
        states, sensors = np.empty_like(simulation.substates), np.empty_like(simulation.sensordata)
        spent = 0.0
        for step in range(self.steps):
            begin = time.perf_counter()
            self.pool.rollout(
                simulation.models,
                simulation.workers,
                self.states[step],
                self.controls[step],
                skip_checks=True,
                nstep=simulation.substeps,
                control_spec=int(mujoco.mjtState.mjSTATE_CTRL),
                state=states,
                sensordata=sensors,
            )
            spent += time.perf_counter() - begin
        return self.steps * self.batch.num_envs / spent


def compare_physics(
    handler: EnvironmentHandler,
    *,
    num_envs: int = 64,
    threads: int | None = None,
    seconds: float = 0.2,
    repeats: int = 5,
) -> dict[str, Any]:
    """Measure solver settings against the body package's own: speed, and how far motion and forces differ.

    From states of the fitted stride with noise on its activations, all variants run the same controls.

    Args:
        handler: with a reference.
        num_envs: states, spread over the gait cycle.
        threads: physics threads; None takes the CPUs this process may use.
        seconds: how far ahead.
        repeats: interleaved; the median counts. Speed is per second of processor time, so that other work on the
            machine disturbs it less.

    Returns:
        Plain data: variant -> speed relative to the package's settings (median, best, worst), deviation of hips, knees
        and ankles (degrees, rms and largest) and of the feet's vertical forces (body weights, rms).
    """
    threads = threads or available_cpus()
    batch = handler.make_batch(num_envs, threads=1)
    batch.reset(seed=0, options={"phase": np.arange(num_envs) / num_envs})
    rng = np.random.default_rng(0)
    excitation = batch.clip.excitation(batch.phase) + rng.normal(0.0, 0.1, (num_envs, len(handler.manifest.muscles)))
    control = np.zeros((num_envs, batch.simulation.model.nu))
    control[:, [muscle.actuator for muscle in handler.manifest.muscles]] = excitation.clip(0.0, 1.0)
    variants = {name: _with_options(handler, changes) for name, changes in PHYSICS.items()}
    pool = Rollout(nthread=threads if threads > 1 else 0)
    times: dict[str, list[float]] = {name: [] for name in variants}
    results: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    nstep = round(seconds / batch.simulation.model.opt.timestep)
    held = np.repeat(control[:, None], nstep, axis=1)
    workers = {name: [mujoco.MjData(model) for _ in range(threads)] for name, model in variants.items()}
    for repeat in range(repeats + 1):  # the first warms up
        for name, model in variants.items():
            begin = time.process_time()
            states, sensors = pool.rollout(model, workers[name], batch.simulation.state, held)
            if repeat:
                times[name].append(time.process_time() - begin)
            results[name] = (states, sensors)
    batch.close()
    pool.close()
    manifest = handler.manifest
    angles = [1 + joint.qpos for joint in manifest.independent_joints if joint.name.startswith(_LEG_JOINTS)]
    feet = [foot.sensor_foot + 3 for foot in manifest.feet.values()]
    base_states, base_sensors = results[PACKAGE]
    table = {}
    for name, (states, sensors) in results.items():
        angle = np.degrees(states[:, :, angles] - base_states[:, :, angles])
        force = (sensors[:, :, feet] - base_sensors[:, :, feet]) / (manifest.total_mass_kg * manifest.gravity_m_s2)
        speeds = [base / own for base, own in zip(times[PACKAGE], times[name], strict=True)]
        table[name] = {
            "speed": round(statistics.median(speeds), 3),
            "speed_best": round(max(speeds), 3),
            "speed_worst": round(min(speeds), 3),
            "angles_rms_deg": float(f"{np.sqrt(np.square(angle).mean()):.3g}"),
            "angles_max_deg": float(f"{np.abs(angle).max():.3g}"),
            "forces_rms_bw": float(f"{np.sqrt(np.square(force).mean()):.3g}"),
        }
    return {"variants": table, "num_envs": num_envs, "threads": threads, "seconds": seconds, "repeats": repeats}


def _with_options(handler: EnvironmentHandler, changes: dict[str, Any]) -> mujoco.MjModel:
    """The package's own physics with some options changed; `visuals` False leaves out what is only looked at."""
    changes = {"jacobian": mujoco.mjtJacobian.mjJAC_AUTO, "disableflags": 0, **changes}
    model = copy.copy(handler.full_model if changes.pop("visuals", True) else handler.model)
    for option, value in changes.items():
        setattr(model.opt, option, value)
    return model


def _learner(
    handler: EnvironmentHandler,
    training: TrainingSettings,
    policy: PolicySettings,
    num_envs: int,
    threads: int,
    checkpoint: Path | None = None,
) -> Callable[[], float]:
    """Return a function that learns from one rollout, gradient steps included, and returns steps per second."""
    import torch
    from stable_baselines3.common.logger import Logger

    from myoassist.formats.checkpoint import read_parameters
    from myoassist.policies.learner import make_algorithm
    from myoassist.training.learning_callback import LearningCallback
    from myoassist.training.learning_env import learning_env

    torch.set_num_threads(training.torch_threads)
    learner = LearnerSettings(
        algorithm=training.algorithm,
        parameters=training.parameters,
        policy=policy,
        mirror=training.mirror,
        n_envs=num_envs,
        torch_threads=training.torch_threads,
    )
    env = learning_env(handler.make_batch(num_envs, threads=threads), learner)
    algorithm = make_algorithm(learner, env, steps=0)
    if checkpoint is not None:
        algorithm.set_parameters(read_parameters(checkpoint), exact_match=True, device="cpu")
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    rollout = algorithm.n_steps * num_envs

    def learn() -> float:
        callback = LearningCallback(env.batch, stop_steps=0)
        begin = time.perf_counter()
        algorithm.learn(rollout, callback=callback, log_interval=None, reset_num_timesteps=False)
        return rollout / (time.perf_counter() - begin)

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
