"""Solver settings against the body package's own: how fast each is, and how far motion and forces differ."""

from __future__ import annotations

import copy
import statistics
import time
from typing import Any

import mujoco
import numpy as np
from mujoco.rollout import Rollout

from myoassist.envs.allotment import available_cpus
from myoassist.envs.environment_handler import EnvironmentHandler

PACKAGE = "package settings"
_SPARSE = {"jacobian": mujoco.mjtJacobian.mjJAC_SPARSE}
_NO_ISLANDS = {"disableflags": int(mujoco.mjtDisableBit.mjDSBL_ISLAND)}
_GROUND_ONLY = {"self_collision": False}
_EQUAL = {**_SPARSE, **_NO_ISLANDS, "visuals": False}
PHYSICS: dict[str, dict[str, Any]] = {
    PACKAGE: {},
    "without visuals": {"visuals": False},
    "sparse Jacobian": _SPARSE,
    "without islands": _NO_ISLANDS,
    "these three": _EQUAL,
    "contacts with the ground only": _GROUND_ONLY,
    "all four (the default here)": {**_EQUAL, **_GROUND_ONLY},
    "at most 10 iterations": {"iterations": 10},
    "at most 6 iterations": {"iterations": 6},
    "at most 4 iterations": {"iterations": 4},
    "tolerance 1e-6": {"tolerance": 1e-6},
    "elliptic friction cones": {"cone": mujoco.mjtCone.mjCONE_ELLIPTIC},
    "integrator implicitfast": {"integrator": mujoco.mjtIntegrator.mjINT_IMPLICITFAST},
    "solver CG": {"solver": mujoco.mjtSolver.mjSOL_CG},
}
"""Variant -> changes of `mjOption` against the body package's own settings, and what is left out of the model."""
FINEST_S = 0.0001
STEPS: dict[str, tuple[mujoco.mjtIntegrator, float]] = {
    f"{name}, {1e3 * step:g} ms": (integrator, step)
    for name, integrator in (
        ("Euler", mujoco.mjtIntegrator.mjINT_EULER),
        ("implicitfast", mujoco.mjtIntegrator.mjINT_IMPLICITFAST),
    )
    for step in (FINEST_S, 0.00025, 0.0005, 0.001, 0.002)
}
"""Integrators and their steps (s), compared with the first of them."""
_LEG_JOINTS = ("hip_flexion", "knee_angle", "ankle_angle")


def compare_physics(
    handler: EnvironmentHandler,
    packaged: EnvironmentHandler,
    *,
    num_envs: int = 64,
    threads: int | None = None,
    seconds: float = 0.2,
    repeats: int = 5,
) -> dict[str, Any]:
    """Measure solver settings against the body package's own: speed, and how far motion and forces differ.

    From states of the fitted stride with noise on its activations, all variants run the same controls.

    Args:
        handler: with a reference; its body meets only the ground.
        packaged: the same body with all contacts that its package gives it.
        num_envs: states, spread over the gait cycle.
        threads: physics threads; None takes the CPUs this process may use.
        seconds: how far ahead.
        repeats: interleaved; the median counts. Speed is per second of processor time, so that other work on the
            machine disturbs it less.

    Returns:
        Plain data: `variants`: variant -> speed relative to the package's settings (median, best, worst), deviation
        of hips, knees and ankles (degrees, rms and largest) and of the feet's vertical forces (body weights, rms);
        `steps`: integrator and its step -> deviation of the angles from Euler with the finest one.
    """
    threads = threads or available_cpus()
    batch = handler.make_batch(num_envs, threads=1)
    batch.reset(seed=0, options={"phase": np.arange(num_envs) / num_envs})
    rng = np.random.default_rng(0)
    excitation = batch.clip.excitation(batch.phase) + rng.normal(0.0, 0.1, (num_envs, len(handler.manifest.muscles)))
    control = np.zeros((num_envs, batch.simulation.model.nu))
    control[:, [muscle.actuator for muscle in handler.manifest.muscles]] = excitation.clip(0.0, 1.0)
    variants = {name: _variant(handler, packaged, changes) for name, changes in PHYSICS.items()}
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
    manifest = handler.manifest
    angles = [1 + joint.qpos for joint in manifest.independent_joints if joint.name.startswith(_LEG_JOINTS)]
    steps = _compare_steps(handler.model, pool, batch.simulation.state, control, seconds, angles)
    batch.close()
    pool.close()
    feet = [foot.sensor_foot + 3 for foot in manifest.feet.values()]
    base_states, base_sensors = results[PACKAGE]
    table = {}
    for name, (states, sensors) in results.items():
        force = (sensors[:, :, feet] - base_sensors[:, :, feet]) / (manifest.total_mass_kg * manifest.gravity_m_s2)
        speeds = [base / own for base, own in zip(times[PACKAGE], times[name], strict=True)]
        table[name] = {
            "speed": round(statistics.median(speeds), 3),
            "speed_best": round(max(speeds), 3),
            "speed_worst": round(min(speeds), 3),
            **_deviation(states[:, :, angles], base_states[:, :, angles]),
            "forces_rms_bw": float(f"{np.sqrt(np.square(force).mean()):.3g}"),
        }
    return {
        "variants": table,
        "steps": steps,
        "num_envs": num_envs,
        "threads": threads,
        "seconds": seconds,
        "repeats": repeats,
    }


def _deviation(angles: np.ndarray, base: np.ndarray) -> dict[str, float]:
    """How far (N, T, A) angles in rad are from others, in degrees."""
    difference = np.degrees(angles - base)
    return {
        "angles_rms_deg": float(f"{np.sqrt(np.square(difference).mean()):.3g}"),
        "angles_max_deg": float(f"{np.abs(difference).max():.3g}"),
    }


def _compare_steps(
    model: mujoco.MjModel, pool: Rollout, start: np.ndarray, control: np.ndarray, seconds: float, angles: list[int]
) -> dict[str, dict[str, float]]:
    """Compare integrators and steps with Euler at the finest one, at the end of every coarsest step.

    Args:
        model: of all.
        pool: steps them.
        start: (N, nstate) states.
        control: (N, nu), held.
        seconds: how far ahead.
        angles: columns of the angles in the states.
    """
    coarsest = max(step for _, step in STEPS.values())
    found: dict[str, np.ndarray] = {}
    for name, (integrator, step) in STEPS.items():
        own = copy.copy(model)
        own.opt.integrator, own.opt.timestep = integrator, step
        held = np.repeat(control[:, None], round(seconds / step), axis=1)
        states, _ = pool.rollout(own, [mujoco.MjData(own) for _ in range(max(1, pool.nthread))], start, held)
        every = round(coarsest / step)
        found[name] = states[:, every - 1 :: every, angles]
    finest = next(iter(found.values()))
    return {name: _deviation(states, finest) for name, states in found.items()}


def _variant(handler: EnvironmentHandler, packaged: EnvironmentHandler, changes: dict[str, Any]) -> mujoco.MjModel:
    """The package's own physics with some changes.

    `visuals` False leaves out what is only looked at, `self_collision` False contacts of body parts with each other.
    """
    changes = {"jacobian": mujoco.mjtJacobian.mjJAC_AUTO, "disableflags": 0, **changes}
    source = packaged if changes.pop("self_collision", True) else handler
    model = copy.copy(source.full_model if changes.pop("visuals", True) else source.model)
    for option, value in changes.items():
        setattr(model.opt, option, value)
    return model
