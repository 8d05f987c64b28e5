"""One segment of a training: from the previous checkpoint to the next, repeatable to the byte.

At a segment's start all random states are set from (seed, segment) and all environments are reset, so it does not
matter whether segments run in one process or in a chain of them, nor how often one was killed and run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from loguru import logger
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.training import LearnerSettings, SegmentSettings
from myoassist.envs.allotment import keep_to_allotment
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.quick_checks import quick_checks
from myoassist.envs.sb3 import SB3VecEnv
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, read_checkpoint_info, read_parameters, write_checkpoint
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, write_document
from myoassist.formats.files import sha256
from myoassist.policies.learner import make_algorithm
from myoassist.policies.overlapping import OverlappingPPO
from myoassist.policies.scheduled_noise import ScheduledNoise
from myoassist.policies.transfer import transfer
from myoassist.training.curriculum import CurrentPhase, current_phase, measure
from myoassist.training.learning_callback import LearningCallback
from myoassist.training.learning_env import MirroredVecEnv, learning_env

PACKAGES = ("mujoco", "torch", "stable-baselines3", "gymnasium", "numpy", "numba")
BASELINE_STEPS = 128


def train_segment(
    settings: SegmentSettings,
    *,
    model: Path | Sequence[Path],
    manifest: Path | Sequence[Path],
    reference: Path | Sequence[Path],
    previous: Path | None,
    output: Path,
    log: Path,
    warm_start: Path | None = None,
    threads: int | None = None,
    on_record: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Train one segment and write its checkpoint and train log.

    Args:
        settings: everything the segment depends on.
        model: `model.mjb`; several if the phases that the segment could be in walk on different grounds.
        manifest: `manifest.json` of it, or of each.
        reference: reference fitted to it, or to each.
        previous: checkpoint of the segment before; None for the first.
        output: where the checkpoint goes.
        log: where the train log (JSON) goes.
        warm_start: checkpoint that the first segment takes over from, if the settings say so.
        threads: physics threads; None takes the CPUs this process may use. Any number gives the same bytes.
        on_record: is shown each rollout's record, such as for TensorBoard.

    Raises:
        InputError: if the inputs do not fit together or the environment fails its quick checks.
    """
    torch.set_num_threads(1)
    threads = keep_to_allotment(threads, task="training", torch_threads=settings.learner.torch_threads)
    before = read_previous(settings, previous)
    phase = current_phase(settings, before)
    handler = EnvironmentHandler.from_files(phase.environment, **_body(phase, model, manifest, reference))
    batch = handler.make_batch(settings.learner.n_envs, threads=threads)
    refuse_unfit(batch)
    env = learning_env(batch, settings.learner)
    began = time.perf_counter()
    algorithm, noise = start_algorithm(settings, env, previous)
    if isinstance(algorithm, OverlappingPPO):
        algorithm.concurrent = threads > 1
    entry: dict[str, Any] = {"phase": phase.name} if phase.name else {}
    if settings.segment == 0:
        entry["untrained_reward_per_step"] = mean_reward(algorithm, env, _seed(settings))
        entry |= take_over(algorithm, env, settings, phase.environment, warm_start)
    callback = run_segment(algorithm, env, settings, noise=noise, on_record=on_record)
    info = CheckpointInfo(
        steps=int(algorithm.num_timesteps),
        seed=settings.seed,
        segment=settings.segment,
        learner=settings.learner.model_dump(mode="json"),
        environment=phase.environment.model_dump(mode="json"),
        observation_labels=batch.observation_layout.labels,
        action_labels=batch.action_layout.labels,
        observation_bound=phase.environment.observation.clip,
        model_sha256=handler.manifest.model_sha256,
        versions={package: version(package) for package in PACKAGES},
        phase=phase.name,
        phase_segments=phase.segments,
        measured=measure(callback.records, settings, control_s=batch.control_s),
    )
    write_checkpoint(output, algorithm, info)
    write_document(
        log,
        TRAIN_LOG_FORMAT,
        TRAIN_LOG_VERSION,
        {
            "seed": settings.seed,
            "segment": settings.segment,
            "start_steps": settings.start_steps,
            "stop_steps": settings.stop_steps,
            "n_envs": settings.learner.n_envs,
            "control_rate_hz": phase.environment.control_rate_hz,
            "threads": threads,
            "wall_s": time.perf_counter() - began,
            "checkpoint_sha256": sha256(output),
            **entry,
            "measured": info.measured,
            "rollouts": callback.records,
        },
    )
    env.close()


def _body(
    phase: CurrentPhase,
    model: Path | Sequence[Path],
    manifest: Path | Sequence[Path],
    reference: Path | Sequence[Path],
) -> dict[str, Path]:
    """Pick the files of the body that a phase walks with."""
    chosen = {}
    for name, given in (("model", model), ("manifest", manifest), ("reference", reference)):
        files = [given] if isinstance(given, Path) else list(given)
        if phase.body >= len(files):
            raise InputError(
                f"training: field 'curriculum': phase '{phase.name}' walks with body {phase.body + 1} of the segment "
                f"(found {len(files)} {name} files)"
            )
        chosen[name] = files[phase.body]
    return chosen


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


def read_previous(settings: SegmentSettings, previous: Path | None) -> CheckpointInfo | None:
    """Read what the checkpoint before a segment says of itself; None for the first segment.

    Raises:
        InputError: if a checkpoint is missing, or is not the one that this segment continues.
    """
    if settings.segment == 0:
        return None
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
    return info


def start_algorithm(
    settings: SegmentSettings, env: VecEnv, previous: Path | None
) -> tuple[BaseAlgorithm, ScheduledNoise | None]:
    """Build the algorithm of a segment: fresh in the first one, otherwise from the checkpoint before.

    Returns:
        The algorithm, and what sets its action noise if that follows a schedule.

    Raises:
        InputError: if a checkpoint is missing, or is not the one that this segment continues.
    """
    set_random_seed(_seed(settings))
    algorithm = make_algorithm(settings.learner, env, steps=settings.start_steps)
    factor = settings.learner.policy.std_factor
    noise = None if factor is None else ScheduledNoise(algorithm, factor.linear)
    if read_previous(settings, previous) is not None:
        assert previous is not None
        parameters = read_parameters(previous)
        variables = parameters.pop("pytorch_variables", {})  # such as SAC's entropy coefficient
        try:
            algorithm.set_parameters(parameters, exact_match=True, device="cpu")
            with torch.no_grad():
                for name in algorithm._get_torch_save_params()[1]:
                    getattr(algorithm, name).copy_(variables[name])
        except (KeyError, IndexError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            line = (str(error).splitlines() or [""])[0]
            raise InputError(f"{previous}: its weights do not fit the settings' networks ({line[:160]})") from None
    if noise is not None:
        noise.apply(algorithm, settings.start_steps)
    return algorithm, noise


def take_over(
    algorithm: BaseAlgorithm,
    env: VecEnv,
    settings: SegmentSettings,
    environment: EnvironmentSettings,
    warm_start: Path | None,
) -> dict[str, Any]:
    """Take over from another training's checkpoint what the settings say.

    Returns:
        What the train log tells about it; nothing without a warm start.

    Raises:
        InputError: if the checkpoint is missing, not expected, or does not match.
    """
    if (settings.warm_start is None) != (warm_start is None):
        found = "none was given" if warm_start is None else f"{warm_start} was given"
        needs = "a checkpoint to start from" if warm_start is None else "none"
        raise InputError(f"training: field 'warm_start': expected {needs} ({found})")
    if settings.warm_start is None or warm_start is None:
        return {}
    done = transfer(
        algorithm,
        settings.warm_start,
        learner=settings.learner,
        environment=environment,
        checkpoint=warm_start,
    )
    logger.info("warm start from {}: kept {}; reset {}", warm_start, ", ".join(done.kept), ", ".join(done.reset))
    described = {"checkpoint_sha256": sha256(warm_start), **asdict(done)}
    return {"warm_start": described, "initial_reward_per_step": mean_reward(algorithm, env, _seed(settings))}


def mean_reward(algorithm: BaseAlgorithm, env: VecEnv, seed: int) -> float:
    """Mean reward per step of the policy as it is, with its exploration noise, over `BASELINE_STEPS` each."""
    set_random_seed(seed)
    if algorithm.use_sde:
        algorithm.policy.reset_noise(env.num_envs)
    env.seed(seed)
    observations = env.reset()
    total = 0.0
    for _ in range(BASELINE_STEPS):
        actions, _ = algorithm.policy.predict(observations, deterministic=False)
        observations, rewards, _, _ = env.step(actions)
        total += float(np.mean(rewards))
    return total / BASELINE_STEPS


def run_segment(
    algorithm: BaseAlgorithm,
    env: SB3VecEnv | MirroredVecEnv,
    settings: SegmentSettings,
    *,
    noise: ScheduledNoise | None = None,
    on_record: Callable[[dict[str, Any]], None] | None = None,
) -> LearningCallback:
    """Set all random states from (seed, segment), reset all environments, and learn."""
    seed = _seed(settings)
    set_random_seed(seed)
    env.seed(seed)
    env.action_space.seed(seed)
    algorithm.action_space.seed(seed)
    algorithm.num_timesteps = settings.start_steps
    algorithm._last_obs = None
    algorithm.set_logger(Logger(folder=None, output_formats=[]))
    callback = LearningCallback(
        env.batch,
        stop_steps=settings.stop_steps,
        torch_threads=settings.learner.torch_threads,
        on_record=on_record,
    )
    try:
        algorithm.learn(
            settings.stop_steps - settings.start_steps,
            callback=callback if noise is None else [noise, callback],
            log_interval=None,
            reset_num_timesteps=False,
        )
    finally:
        callback.close()
    return callback


def _seed(settings: SegmentSettings) -> int:
    """A 31-bit seed that differs between runs and between segments."""
    return int(np.random.SeedSequence([settings.seed, settings.segment]).generate_state(1)[0] >> 1)
