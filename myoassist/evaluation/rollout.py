"""Seeded episodes of a checkpoint, written with everything that analysis and replay need."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from loguru import logger

from myoassist.config.evaluation import EvaluationStage
from myoassist.envs.allotment import keep_to_allotment
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.evaluation.biomechanics import Biomechanics
from myoassist.evaluation.recording import EpisodeRecorder, describe_model, state_stride
from myoassist.evaluation.scenario import scenario_environment
from myoassist.formats.files import sha256
from myoassist.formats.rollouts import RolloutHeader, RolloutWriter
from myoassist.policies.learner import ActingPolicy, load_policy
from myoassist.provenance import versions


def evaluate(
    settings: EvaluationStage,
    *,
    model: Path,
    manifest: Path,
    reference: Path,
    checkpoint: Path,
    rollouts: Path,
    threads: int | None = None,
) -> None:
    """Run the scenario's episodes and write them; the same inputs give the same bytes.

    Episode i starts from the random stream (seed, i) whatever the batch. Memory is bounded by the size of a batch,
    not by the length or number of episodes.

    Args:
        settings: environment, scenario and seed.
        model: compiled model.
        manifest: its manifest.
        reference: reference fitted to it.
        checkpoint: whose policy acts.
        rollouts: where the episodes go (HDF5).
        threads: physics threads; None takes the CPUs this process may use. Any number gives the same bytes.

    Raises:
        InputError: if an input is missing or damaged, or they do not belong together.
    """
    torch.set_num_threads(1)
    threads = keep_to_allotment(threads, task="evaluating")
    scenario = settings.scenario
    handler = EnvironmentHandler.from_files(
        scenario_environment(settings), model=model, manifest=manifest, reference=reference
    )
    policy = load_policy(checkpoint)
    size = min(scenario.batch_size, scenario.episodes)
    batch = handler.make_batch(size, threads=threads, autoreset=False)
    try:
        policy.refuse_other(batch.observation_layout.labels, batch.action_layout.labels)
        biomechanics = Biomechanics(batch.simulation.model, handler.manifest)
        stride = state_stride(batch, scenario.state_rate_hz)
        header = RolloutHeader(
            settings=settings.canonical(),
            seed=settings.seed,
            model_sha256=handler.manifest.model_sha256,
            checkpoint_sha256=sha256(checkpoint),
            reference_sha256=sha256(reference),
            checkpoint_steps=policy.info.steps,
            versions=versions("evaluate"),
            model=describe_model(batch, biomechanics, stride),
        )
        ended: Counter[str] = Counter()
        with RolloutWriter(rollouts, header) as writer:
            for first in range(0, scenario.episodes, size):
                # The last batch may hold more environments than episodes are left; those run unrecorded.
                indices = range(first, min(first + size, scenario.episodes))
                phases = _start(settings, batch, first)
                recorders = [
                    EpisodeRecorder(writer, batch, biomechanics, row, stride=stride, phase0=float(phases[row]))
                    for row in range(len(indices))
                ]
                ended.update(_run(settings, batch, policy, recorders))
    finally:
        batch.close()
    logger.info(
        "{}: {} episodes ({})",
        rollouts.name,
        scenario.episodes,
        ", ".join(f"{count} {reason}" for reason, count in sorted(ended.items())),
    )


def _start(settings: EvaluationStage, batch: MyoAssistLegBase, first: int) -> np.ndarray:
    """Start the episodes from number ``first`` on, each from its own random stream; return their phases."""
    scenario, count = settings.scenario, batch.num_envs
    batch.streams = [
        np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(first + row,))) for row in range(count)
    ]
    torch.manual_seed(int(np.random.SeedSequence([settings.seed, first]).generate_state(1)[0]))
    spread = (first + np.arange(count)) % scenario.episodes / scenario.episodes
    phase = {"spread": spread, "random": None}.get(scenario.phases, scenario.phases)
    batch.reset(options={"phase": phase})
    return batch.phase.copy()


def _run(
    settings: EvaluationStage,
    batch: MyoAssistLegBase,
    policy: ActingPolicy,
    recorders: list[EpisodeRecorder],
) -> list[str]:
    """Step until every recorded episode has ended; return the reasons."""
    observations = batch.observer.observe(batch.step_result, slice(None))
    while True:
        for recorder in recorders:
            recorder.before_step()
        actions = policy.act(observations, deterministic=settings.scenario.deterministic)
        observations, rewards, terminated, truncated, info = batch.step(actions)
        for recorder in recorders:
            recorder.after_step(float(rewards[recorder.row]))
        for row in np.flatnonzero(terminated | truncated):
            if row < len(recorders) and recorders[row].running:
                recorders[row].end(str(info["termination"][row]))
        if not any(recorder.running for recorder in recorders):
            return [recorder.termination for recorder in recorders]
