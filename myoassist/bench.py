"""How fast is it: the physics limit, the environment, and learning end to end, measured in one run.

The bare limit replays exactly the physics calls that the environment made (same states, controls, threads and
substeps), so the ratio of the two tells what everything around the physics costs.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from mujoco.rollout import Rollout

from myoassist.config.training import LearnerSettings, PolicySettings, TrainingSettings
from myoassist.envs.environment_handler import EnvironmentHandler, available_cpus
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

SMALL = (64, 64)


def benchmark(
    handler: EnvironmentHandler,
    training: TrainingSettings,
    *,
    num_envs: int = 64,
    threads: int | None = None,
    steps: int = 128,
    repeats: int = 5,
    ppo: bool = True,
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

    Returns:
        Plain data: `physics`, `environment`, `ppo`, `ppo_64x64` (steps per second: median, best, worst; simulated
        seconds per second), `ratio_environment`, `ratio_ppo`, `ratio_ppo_64x64`, memory and machine.
    """
    threads = threads or available_cpus()
    memory_before = _resident_mb()
    batch = handler.make_batch(num_envs, threads=threads)
    memory_per_env = (_resident_mb() - memory_before) / num_envs
    recorder = _Recorder(batch, steps)
    measured: dict[str, list[float]] = {"environment": [], "physics": []}
    learners: dict[str, Callable[[], float]] = {}
    if ppo:
        learners["ppo"] = _learner(handler, training, training.policy, num_envs, threads)
        small = training.policy.model_copy(update={"actor": SMALL, "critic": SMALL})
        learners["ppo_64x64"] = _learner(handler, training, small, num_envs, threads)
        measured |= {name: [] for name in learners}
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
    for name in ("environment", *learners):
        result[f"ratio_{name}"] = round(statistics.median(measured[name]) / limit, 4)
    return result | {
        "num_envs": num_envs,
        "threads": threads,
        "substeps": batch.simulation.substeps,
        "control_steps_per_measurement": steps * num_envs,
        "repeats": repeats,
        "memory_per_environment_mb": round(memory_per_env, 3),
        "cpu": platform.processor() or platform.machine(),
        "cpus_allowed": available_cpus(),
        "load_average": os.getloadavg()[0],
        "mujoco": mujoco.__version__,
    }


class _Recorder:
    """Runs the environment with noisy actions and replays its physics calls bare."""

    def __init__(self, batch: MyoAssistLegBase, steps: int):
        self.batch = batch
        self.steps = steps
        rng = np.random.default_rng(0)
        size = (steps, batch.num_envs, batch.action_layout.size)
        self.actions = rng.normal(0.0, 0.3, size).clip(-1, 1).astype(np.float32)
        self.states = np.empty((steps, *batch.simulation.state.shape))
        self.controls = np.empty((steps, *batch.simulation.control.shape))
        self.pool = Rollout(nthread=len(batch.simulation._workers) if len(batch.simulation._workers) > 1 else 0)

    def run(self) -> float:
        """Steps per second of the environment, resets included (what is recorded does not count as its time)."""
        self.batch.reset(seed=0)
        spent = 0.0
        for step in range(self.steps):
            self.states[step] = self.batch.simulation.state
            begin = time.perf_counter()
            self.batch.step(self.actions[step])
            spent += time.perf_counter() - begin
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
                simulation._workers,
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


def _learner(
    handler: EnvironmentHandler, training: TrainingSettings, policy: PolicySettings, num_envs: int, threads: int
) -> Callable[[], float]:
    """Return a function that learns from one rollout, gradient steps included, and returns steps per second."""
    import torch
    from stable_baselines3.common.logger import Logger

    from myoassist.envs.sb3 import SB3VecEnv
    from myoassist.policies.learner import make_algorithm
    from myoassist.training.learning_callback import LearningCallback

    torch.set_num_threads(training.torch_threads)
    learner = LearnerSettings(
        algorithm=training.algorithm,
        parameters=training.parameters,
        policy=policy,
        n_envs=num_envs,
        torch_threads=training.torch_threads,
    )
    env = SB3VecEnv(handler.make_batch(num_envs, threads=threads))
    algorithm = make_algorithm(learner, env, steps=0)
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    rollout = algorithm.n_steps * num_envs

    def learn() -> float:
        callback = LearningCallback(env.batch, stop_steps=0)
        begin = time.perf_counter()
        algorithm.learn(rollout, callback=callback, log_interval=None, reset_num_timesteps=False)
        return rollout / (time.perf_counter() - begin)

    return learn


def _resident_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
