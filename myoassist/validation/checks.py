"""Every check an environment has to pass before anybody believes in its training: one entry each."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from loguru import logger

from myoassist.config.validation import ValidationSettings, ValidationStage
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.quick_checks import Check, quick_checks
from myoassist.formats.documents import VALIDATION_FORMAT, VALIDATION_VERSION, write_document
from myoassist.formats.files import sha256
from myoassist.validation.figure import draw_checks


def validate(
    settings: ValidationStage, *, model: Path, manifest: Path, reference: Path, output: Path, figure: Path
) -> list[Check]:
    """Run all checks and write `validation.json` and a figure, also when checks fail.

    Args:
        settings: the environment and how hard to try it.
        model: `model.mjb`.
        manifest: `manifest.json` of it.
        reference: reference fitted to it.
        output: where `validation.json` goes.
        figure: where the figure (png) goes.

    Returns:
        The checks, in the order written.

    Raises:
        InputError: if the inputs are damaged or do not fit together.
    """
    handler = EnvironmentHandler.from_files(settings.environment, model=model, manifest=manifest, reference=reference)
    checks, survival = run_checks(handler, settings.validation)
    for check in checks:
        verdict = "passed" if check.passed else "FAILED"
        level = "INFO" if check.passed else "ERROR"
        logger.log(level, "{} {}: {} (expected {})", verdict, check.name, check.measured, check.expected)
    draw_checks(figure, handler, checks, survival)
    write_document(
        output,
        VALIDATION_FORMAT,
        VALIDATION_VERSION,
        {
            "passed": all(check.passed for check in checks),
            "environment": settings.environment.id,
            "model_sha256": handler.manifest.model_sha256,
            "reference_sha256": sha256(reference),
            "checks": [vars(check) for check in checks],
        },
    )
    return checks


def run_checks(handler: EnvironmentHandler, settings: ValidationSettings) -> tuple[list[Check], np.ndarray]:
    """Run all checks.

    Returns:
        The checks, and the durations (s) of the episodes under random actions.
    """
    batch = handler.make_batch(settings.n_envs)
    checks = quick_checks(
        batch, coupling_tolerance=settings.coupling_tolerance, penetration_max_m=settings.penetration_max_m
    )
    batch.close()
    checks.append(_reference_within_limits(handler))
    checks.append(_checker("gymnasium_checker", lambda: _gymnasium(handler)))
    checks.append(_checker("stable_baselines3_checker", lambda: _stable_baselines3(handler)))
    checks.append(_deterministic(handler, settings))
    survival_checks, survival = _random_actions(handler, settings)
    return checks + survival_checks, survival


def _reference_within_limits(handler: EnvironmentHandler) -> Check:
    reference, worst, where = handler.reference, -np.inf, ""
    if reference is None:
        return Check("reference_within_joint_limits", True, "no reference", "all frames inside the joints' ranges")
    for joint in handler.manifest.independent_joints:
        if joint.range is None:
            continue
        angle = reference.qpos[:, joint.qpos]
        beyond = max(joint.range[0] - angle.min(), angle.max() - joint.range[1])
        if beyond > worst:
            worst, where = float(beyond), joint.name
    measured = (
        f"{where} {np.degrees(worst):.2f}° beyond its range"
        if worst > 0
        else f"closest is {where}, {np.degrees(-worst):.2f}° inside its range"
    )
    return Check("reference_within_joint_limits", worst <= 0.0, measured, "all frames inside the joints' ranges")


def _checker(name: str, run: Callable[[], None]) -> Check:
    """Run a library's environment checker; its warnings fail the check as its errors do."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run()
            problem = str(caught[0].message).splitlines()[0] if caught else ""
        except Exception as error:  # a checker may raise anything, and whatever it is fails this check
            problem = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return Check(name, not problem, problem or "no error, no warning", "no error, no warning")


def _gymnasium(handler: EnvironmentHandler) -> None:
    from gymnasium.utils.env_checker import check_env

    env = handler.make_single()
    try:
        check_env(env, skip_render_check=True)
    finally:
        env.close()


def _stable_baselines3(handler: EnvironmentHandler) -> None:
    from stable_baselines3.common.env_checker import check_env

    env = handler.make_single()
    try:
        check_env(env, warn=True, skip_render_check=True)
    finally:
        env.close()


def _deterministic(handler: EnvironmentHandler, settings: ValidationSettings) -> Check:
    """Same seed and actions, same bytes; also with another number of threads and of neighbours."""
    steps = min(settings.random_steps, 50)
    results = []
    for num_envs, threads in ((2, 1), (2, 2), (5, 2)):
        batch = handler.make_batch(num_envs, threads=threads)
        rng = np.random.default_rng(settings.seed)
        observations, _ = batch.reset(seed=settings.seed)
        trace = [observations[:2].tobytes()]
        for _ in range(steps):
            action = np.tile(rng.uniform(-1, 1, (2, batch.action_layout.size)), (3, 1))[:num_envs]
            observations, rewards, *_ = batch.step(action)
            trace.append(observations[:2].tobytes() + rewards[:2].tobytes())
        batch.close()
        results.append(trace)
    differing = [k for k, entries in enumerate(zip(*results, strict=True)) if len(set(entries)) > 1]
    measured = f"{steps} steps equal to the byte" if not differing else f"differs from step {differing[0]} on"
    return Check("determinism", not differing, measured, "equal bytes for 1 and 2 threads, 2 and 5 environments")


def _random_actions(handler: EnvironmentHandler, settings: ValidationSettings) -> tuple[list[Check], np.ndarray]:
    """Random actions over the whole range: how long episodes last, and that nothing is ever not finite."""
    batch = handler.make_batch(settings.n_envs)
    rng = np.random.default_rng(settings.seed)
    batch.reset(seed=settings.seed)
    finite, lengths = True, []
    for _ in range(settings.random_steps):
        action = rng.uniform(-1.0, 1.0, (settings.n_envs, batch.action_layout.size))
        observations, rewards, terminated, truncated, info = batch.step(action)
        finite &= bool(np.isfinite(observations).all() and np.isfinite(rewards).all())
        if info:
            lengths += info["episode_steps"][terminated | truncated].tolist()
    survival = np.array(lengths or [settings.random_steps], dtype=float) * batch.control_s
    share = batch.simulation.divergences / (settings.random_steps * settings.n_envs)
    batch.close()
    return [
        Check(
            "random_actions_finite",
            finite,
            "all finite" if finite else "NaN or infinity reached the learner",
            "finite observations and rewards",
        ),
        Check(
            "random_actions_survival",
            float(np.median(survival)) >= 0.1,
            f"median episode {np.median(survival):.2f} s ({len(survival)} episodes)",
            "at least 0.1 s before a fall",
        ),
        Check(
            "random_actions_divergence",
            share <= 0.01,
            f"{100 * share:.2f} % of the steps diverged",
            "at most 1 % of the steps",
        ),
    ], survival
