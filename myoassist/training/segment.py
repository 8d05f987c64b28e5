"""One segment of a training: from the previous checkpoint to the next, repeatable to the byte.

At a segment's start all random states are set from (seed, segment) and all environments are reset, so it does not
matter whether segments run in one process or in a chain of them, nor how often one was killed and run again.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from loguru import logger
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import set_random_seed

from myoassist.config.training import LearnerSettings, SegmentSettings
from myoassist.envs.environment_handler import EnvironmentHandler, available_cpus
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.quick_checks import quick_checks
from myoassist.envs.sb3 import SB3VecEnv
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, read_checkpoint_info, read_parameters, write_checkpoint
from myoassist.formats.files import write_json
from myoassist.policies.learner import make_algorithm
from myoassist.training.learning_callback import LearningCallback

LOG_FORMAT = "myoassist-train-log"
LOG_VERSION = 1
PACKAGES = ("mujoco", "torch", "stable-baselines3", "gymnasium", "numpy")
BASELINE_STEPS = 64


def train_segment(
    settings: SegmentSettings,
    *,
    model: Path,
    manifest: Path,
    reference: Path,
    previous: Path | None,
    output: Path,
    log: Path,
    threads: int | None = None,
) -> None:
    """Train one segment and write its checkpoint and train log.

    Args:
        settings: everything the segment depends on.
        model: `model.mjb`.
        manifest: `manifest.json` of it.
        reference: reference fitted to it.
        previous: checkpoint of the segment before; None for the first.
        output: where the checkpoint goes.
        log: where the train log (JSON) goes.
        threads: physics threads; None takes the CPUs this process may use. Any number gives the same bytes.

    Raises:
        InputError: if the inputs do not fit together or the environment fails its quick checks.
    """
    torch.set_num_threads(settings.learner.torch_threads)
    threads = _affinity(threads)
    handler = EnvironmentHandler.from_files(settings.environment, model=model, manifest=manifest, reference=reference)
    batch = handler.make_batch(settings.learner.n_envs, threads=threads)
    refuse_unfit(batch)
    env = SB3VecEnv(batch)
    began = time.perf_counter()
    algorithm = start_algorithm(settings, env, previous)
    entry: dict[str, Any] = {}
    if settings.segment == 0:
        entry["untrained_reward_per_step"] = untrained_reward(algorithm, env, _seed(settings))
    callback = run_segment(algorithm, env, settings)
    info = CheckpointInfo(
        steps=int(algorithm.num_timesteps),
        seed=settings.seed,
        segment=settings.segment,
        learner=settings.learner.model_dump(mode="json"),
        environment=settings.environment.model_dump(mode="json"),
        observation_labels=batch.observation_layout.labels,
        action_labels=batch.action_layout.labels,
        observation_bound=settings.environment.observation.clip,
        model_sha256=handler.manifest.model_sha256,
        versions={package: version(package) for package in PACKAGES},
    )
    write_checkpoint(output, algorithm, info)
    write_json(
        log,
        {
            "format": LOG_FORMAT,
            "version": LOG_VERSION,
            "seed": settings.seed,
            "segment": settings.segment,
            "start_steps": settings.start_steps,
            "stop_steps": settings.stop_steps,
            "n_envs": settings.learner.n_envs,
            "control_rate_hz": settings.environment.control_rate_hz,
            "threads": threads,
            "wall_s": time.perf_counter() - began,
            **entry,
            "rollouts": callback.records,
        },
    )
    env.close()


def _affinity(threads: int | None) -> int:
    available = available_cpus()
    if threads is not None and threads > available:
        logger.warning("{} physics threads were asked for, but this process may use {} CPUs only", threads, available)
    used = min(threads or available, available)
    logger.info("training with {} physics threads ({} CPUs allowed)", used, available)
    return used


def refuse_unfit(batch: MyoAssistLegBase) -> None:
    """Run the quick checks.

    Raises:
        InputError: naming the first check that failed, what was measured and what was expected.
    """
    failed = [check for check in quick_checks(batch) if not check.passed]
    if failed:
        first = failed[0]
        raise InputError(
            f"environment {batch.settings.id}: not fit for training: {first.name}: {first.measured}, "
            f"expected {first.expected} ('myoassist validate' shows all checks)"
        )


def start_algorithm(settings: SegmentSettings, env: SB3VecEnv, previous: Path | None) -> BaseAlgorithm:
    """Build the algorithm of a segment: fresh in the first one, otherwise from the checkpoint before.

    Raises:
        InputError: if a checkpoint is missing, or is not the one that this segment continues.
    """
    set_random_seed(_seed(settings))
    algorithm = make_algorithm(settings.learner, env, steps=settings.start_steps)
    if settings.segment == 0:
        return algorithm
    if previous is None:
        raise InputError(f"segment {settings.segment}: needs the checkpoint of {settings.start_steps:,} steps")
    info = read_checkpoint_info(previous)
    if info.steps != settings.start_steps or info.seed != settings.seed:
        raise InputError(
            f"{previous}: holds {info.steps:,} steps of seed {info.seed}; "
            f"expected {settings.start_steps:,} steps of seed {settings.seed}"
        )
    if LearnerSettings.parse(info.learner, where=str(previous)).policy != settings.learner.policy:
        raise InputError(f"{previous}: its networks differ from the settings' (field 'policy')")
    algorithm.set_parameters(read_parameters(previous), exact_match=True, device="cpu")
    return algorithm


def untrained_reward(algorithm: BaseAlgorithm, env: SB3VecEnv, seed: int) -> float:
    """Mean reward per step of the untrained policy with its exploration noise, over `BASELINE_STEPS` each."""
    env.seed(seed)
    observations = env.reset()
    total = 0.0
    for _ in range(BASELINE_STEPS):
        actions, _ = algorithm.policy.predict(observations, deterministic=False)
        observations, rewards, _, _ = env.step(actions)
        total += float(np.mean(rewards))
    return total / BASELINE_STEPS


def run_segment(algorithm: BaseAlgorithm, env: SB3VecEnv, settings: SegmentSettings) -> LearningCallback:
    """Set all random states from (seed, segment), reset all environments, and learn."""
    seed = _seed(settings)
    set_random_seed(seed)
    env.seed(seed)
    env.action_space.seed(seed)
    algorithm.action_space.seed(seed)
    algorithm.num_timesteps = settings.start_steps
    algorithm._last_obs = None
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    callback = LearningCallback(env.batch, stop_steps=settings.stop_steps)
    try:
        algorithm.learn(
            settings.stop_steps - settings.start_steps,
            callback=callback,
            log_interval=None,
            reset_num_timesteps=False,
        )
    finally:
        callback.close()
    return callback


def _seed(settings: SegmentSettings) -> int:
    """A 31-bit seed that differs between runs and between segments."""
    return int(np.random.SeedSequence([settings.seed, settings.segment]).generate_state(1)[0] >> 1)
