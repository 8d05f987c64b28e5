"""How fast a large rollouts file is analysed, and with how much memory."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from myoassist.bench.measuring import run_measured, spread
from myoassist.config.analysis import AnalysisSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import Manifest, read_manifest
from myoassist.formats.reference_motion import FittedReference, read_fitted_reference
from myoassist.formats.rollout_columns import CONTROL, SIDES, STATE, Column, RolloutHeader, RolloutModel
from myoassist.formats.rollouts import Rollouts, RolloutWriter

STATE_RATE_HZ, CONTROL_RATE_HZ = 250.0, 50.0
NOISE = 1e-4
"""Of every number of a made walk, relative: digits of simulated states do not repeat, and do not compress."""
_FOOT_M = 0.2
_TERMS = ("forward_velocity", "joint_position_imitation", "muscle_effort")

Block = dict[str, np.ndarray]


def benchmark_analysis(
    *,
    reference: Path,
    manifest: Path,
    norm: Path,
    rollouts: Path | None = None,
    episodes: int = 1000,
    duration_s: float = 10.0,
    repeats: int = 3,
) -> dict[str, Any]:
    """Make a large rollouts file and measure the analysis of it, each time in a process of its own.

    Args:
        reference: fitted reference; without `rollouts`, the walk that every episode repeats from another phase.
        manifest: of the body that it is fitted to, which gives the file its columns.
        norm: table of the norm.
        rollouts: a rollouts file whose episodes are cut and repeated instead.
        episodes: of the file.
        duration_s: of each.
        repeats: how often the analysis is measured.

    Returns:
        Plain data: `episodes`, `walked_s` (simulated), `rollouts_mb`, `tables_mb`, `cycles`; `wall_s` and `cpu_s` (user
        and system), each median, best and worst; `peak_mb`, the largest resident memory of a run.

    Raises:
        InputError: if an input is missing or damaged, no episode is long enough, or the analysis fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "rollouts.h5"
        if rollouts is None:
            write_walks(file, reference=reference, manifest=manifest, episodes=episodes, duration_s=duration_s)
        else:
            with Rollouts(rollouts) as source:
                _write(file, source.header, _repeated(source, episodes, duration_s), duration_s)
        out = folder / "tables"
        out.mkdir()
        command = [sys.executable, "-m", "myoassist.cli", "analyze", "--settings", AnalysisSettings().canonical()]
        inputs = {"rollouts": file, "reference": reference, "norm": norm}
        tables = {"metrics": "metrics.json", "cycles": "cycles.parquet", "spatiotemporal": "spatiotemporal.csv"}
        options = inputs | {key: out / value for key, value in tables.items()} | {"tables": out}
        command += [word for key, path in options.items() for word in (f"--{key}", str(path))]
        measured = [run_measured(command, failure="the analysis failed") for _ in range(repeats)]
        metrics = json.loads((out / "metrics.json").read_text())
        written = sum(path.stat().st_size for path in out.iterdir())
        return {
            "episodes": episodes,
            "walked_s": episodes * duration_s,
            "source": "reference" if rollouts is None else "rollouts",
            "rollouts_mb": round(file.stat().st_size / 1e6, 1),
            "tables_mb": round(written / 1e6, 1),
            "cycles": sum(metrics["cycles"][side]["cycles_used"] for side in SIDES),
            "wall_s": spread([one.wall_s for one in measured]),
            "cpu_s": spread([one.cpu_s for one in measured]),
            "peak_mb": round(max(one.peak_mb for one in measured), 1),
        }


def write_walks(path: Path, *, reference: Path, manifest: Path, episodes: int, duration_s: float) -> None:
    """Write a rollouts file in which a body walks a reference, from phases spread over the cycle.

    Args:
        path: where it goes.
        reference: fitted reference.
        manifest: of the body that it is fitted to.
        episodes: how many.
        duration_s: of each.
    """
    header = _made_header(read_manifest(manifest))
    walk = _made_walk(read_fitted_reference(reference), header.model, duration_s)
    _write(path, header, (walk(number / episodes) for number in range(episodes)), duration_s)


def _write(path: Path, header: RolloutHeader, walks: Iterable[tuple[Block, Block]], duration_s: float) -> None:
    """Write an episode for each pair of state and control columns."""
    with RolloutWriter(path, header) as writer:
        for state, control in walks:
            episode = writer.begin_episode(phase0=0.0)
            episode.append_state(state)
            episode.append_control(control)
            target = float(control["target_velocity"].mean())
            episode.end(termination="time_limit", fell=False, duration_s=duration_s, target_velocity_mean_m_s=target)


def _repeated(source: Rollouts, episodes: int, duration_s: float) -> Iterator[tuple[Block, Block]]:
    """Cut stretches of a duration from the episodes of a file, over and over."""
    model = source.header.model
    rows = round(duration_s * model.state_rate_hz) + 1
    steps = round(duration_s * model.control_rate_hz)
    between = model.state_rate_hz / model.control_rate_hz
    places = [
        (episode, start)
        for episode in source
        for start in range(0, episode.info.control_rows - steps + 1, steps)
        if episode.info.state_rows >= round(start * between) + rows
    ]
    if not places:
        raise InputError(f"{source.path}: no episode lasts {duration_s:g} s")
    for number in range(episodes):
        episode, start = places[number % len(places)]
        first = round(start * between)
        state = {c.name: episode.state(c.name, slice(first, first + rows)) for c in STATE}
        control = {c.name: episode.control(c.name, slice(start, start + steps)) for c in CONTROL}
        began = state["time"][0]
        state["time"], control["time"] = state["time"] - began, control["time"] - began
        yield state, control


def _made_header(manifest: Manifest) -> RolloutHeader:
    muscles = manifest.muscles
    constants = {
        "max_isometric_force_n": [m.max_isometric_force_n for m in muscles],
        "optimal_fiber_length_m": [m.optimal_fiber_length_m for m in muscles],
        "tendon_slack_length_m": [m.tendon_slack_length_m for m in muscles],
        "max_contraction_velocity_m_s": [m.max_shortening_velocity * m.optimal_fiber_length_m for m in muscles],
    }
    model = RolloutModel(
        total_mass_kg=manifest.total_mass_kg,
        device_mass_kg=manifest.device_mass_kg,
        gravity_m_s2=manifest.gravity_m_s2,
        leg_length_m=manifest.leg_length_m,
        state_rate_hz=STATE_RATE_HZ,
        control_rate_hz=CONTROL_RATE_HZ,
        coordinates=tuple(manifest.joint_names),
        dofs=tuple(joint.name for joint in sorted(manifest.joints, key=lambda joint: joint.dof)),
        joints=tuple(joint.name for joint in manifest.independent_joints if joint.kind == "hinge"),
        muscles=tuple(manifest.muscle_names),
        devices=(),
        device_joints=(),
        actions=tuple(manifest.muscle_names),
        reward_terms=_TERMS,
        muscle_constants={name: np.array(values, float) for name, values in constants.items()},
        manifest=asdict(manifest),
    )
    none = "0" * 64
    return RolloutHeader(
        settings="{}",
        seed=0,
        model_sha256=manifest.model_sha256,
        checkpoint_sha256=none,
        reference_sha256=none,
        checkpoint_steps=0,
        versions={},
        model=model,
    )


def _made_walk(
    reference: FittedReference, model: RolloutModel, duration_s: float
) -> Callable[[float], tuple[Block, Block]]:
    """Make a function that walks the reference for a duration from a phase, every column of a rollouts file filled."""
    time_s = np.arange(round(duration_s * STATE_RATE_HZ) + 1) / STATE_RATE_HZ
    step_s = np.arange(round(duration_s * CONTROL_RATE_HZ)) / CONTROL_RATE_HZ
    ahead = model.coordinates.index("pelvis_tx")
    moments = [reference.independent.index(name) for name in model.joints]
    pelvis = np.arange(reference.frames) / reference.frames * reference.stride_length_m
    feet = reference.foot_position + np.stack([pelvis, 0 * pelvis, 0 * pelvis], axis=1)[:, None]
    feet[:, :, 0] -= pelvis[:, None]
    feet[:, :, 2] -= feet[:, :, 2].min(axis=0)

    def walk(phase0: float) -> tuple[Block, Block]:
        draw = np.random.default_rng(round(1e6 * phase0))
        phase = phase0 + time_s / reference.stride_time_s
        frame = np.floor(phase % 1 * reference.frames).astype(int) % reference.frames
        share = (phase % 1 * reference.frames) % 1

        def at(values: np.ndarray) -> np.ndarray:
            own, after = values[frame], values[(frame + 1) % reference.frames]
            part = share.reshape(-1, *[1] * (values.ndim - 1))
            return own * (1 - part) + after * part

        qpos, way = at(reference.qpos), reference.speed_m_s * time_s
        qpos[:, ahead] = way
        forward = np.stack([way, 0 * way, 0 * way], axis=1)
        foot, activation = at(feet) + forward[:, None], at(reference.activation)
        state = {
            "qpos": qpos,
            "qvel": at(reference.qvel),
            "activation": activation,
            "muscle_force": activation * model.muscle_constants["max_isometric_force_n"],
            "fiber_length": np.tile(model.muscle_constants["optimal_fiber_length_m"], (len(time_s), 1)),
            "fiber_velocity": 0.1 * (activation - 0.1),
            "joint_moment": at(reference.joint_moment)[:, moments],
            "limit_moment": 0.1 * at(reference.joint_moment)[:, moments],
            "ground_reaction_force": at(reference.ground_reaction_force),
            "center_of_pressure": at(reference.center_of_pressure) + forward[:, None],
            "heel_position": foot,
            "toe_position": foot + np.array([_FOOT_M, 0.0, 0.0]),
            "center_of_mass": forward + np.array([0.0, 0.0, 0.9]),
            "center_of_mass_velocity": np.tile([reference.speed_m_s, 0.0, 0.0], (len(time_s), 1)),
        }
        state = {name: values * (1 + NOISE * draw.standard_normal(values.shape)) for name, values in state.items()}
        state["time"] = time_s
        control = {c.name: _plain(c, len(step_s), model.sizes, draw) for c in CONTROL}
        control |= {"time": step_s, "phase": (phase0 + step_s / reference.stride_time_s) % 1}
        control["target_velocity"] = np.full(len(step_s), reference.speed_m_s)
        return state, control

    return walk


def _plain(column: Column, rows: int, sizes: Mapping[str, int], draw: np.random.Generator) -> np.ndarray:
    return draw.random((rows, *column.shape(sizes)))
