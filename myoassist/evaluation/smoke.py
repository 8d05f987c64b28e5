"""Random actions in an environment: does it run, how do episodes end, what do the rewards say?"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from myoassist.config.evaluation import VideoSettings
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.errors import InputError
from myoassist.evaluation.biomechanics import Biomechanics
from myoassist.evaluation.recording import EpisodeRecorder, describe_model, state_stride
from myoassist.evaluation.video import replay
from myoassist.formats.compiled_model import load_model
from myoassist.formats.files import sha256
from myoassist.formats.rollouts import RolloutHeader, RolloutWriter
from myoassist.provenance import versions

_STATE_RATE_HZ = 250.0
_VIDEO = VideoSettings(episode="sequence")
UNFINISHED = "still_running"


@dataclass
class SmokeRun:
    """What a run of random actions has shown.

    Attributes:
        environment: its id.
        steps: control steps.
        control_s: duration of one (s).
        episodes: (length in s, reason) of each; the last one may still run.
        rewards: name -> (mean raw value per step, mean weighted value per step).
        speed_m_s: mean forward velocity.
        clipped_share: share of observed numbers that were clipped.
        divergences: how often the simulation diverged.
        wall_s: time spent in the environment's own functions.
    """

    environment: str
    steps: int
    control_s: float
    episodes: list[tuple[float, str]] = field(default_factory=list)
    rewards: dict[str, tuple[float, float]] = field(default_factory=dict)
    speed_m_s: float = 0.0
    clipped_share: float = 0.0
    divergences: int = 0
    wall_s: float = 0.0

    def summary(self) -> str:
        """Return the run in readable lines."""
        lengths = np.array([length for length, _ in self.episodes])
        reasons = Counter(reason for _, reason in self.episodes)
        simulated = self.steps * self.control_s
        rows = [
            f"{self.environment}: {self.steps} control steps of random actions ({simulated:.1f} s simulated)",
            f"  episodes       {len(lengths)}, {lengths.mean():.2f} s on average "
            f"({lengths.min():.2f} to {lengths.max():.2f} s)",
            "  ended by       " + ", ".join(f"{name} {count}" for name, count in reasons.most_common()),
            f"  speed          {self.speed_m_s:.2f} m/s",
            f"  reward a step  {sum(weighted for _, weighted in self.rewards.values()):+.4f}",
        ]
        width = max(len(name) for name in self.rewards)
        for name, (raw, weighted) in self.rewards.items():
            rows.append(f"    {name:<{width}}  {weighted:+.4f}  (raw {raw:.4f})")
        rows += [
            f"  clipped        {100 * self.clipped_share:.3f} % of the observed numbers",
            f"  divergences    {self.divergences}",
            f"  pace           {self.steps / self.wall_s:.0f} steps/s, {simulated / self.wall_s:.1f} times real time",
        ]
        return "\n".join(rows)


def smoke_run(
    handler: EnvironmentHandler,
    *,
    model: Path,
    manifest: Path,
    reference: Path,
    steps: int = 500,
    seed: int = 0,
    render: bool = False,
    video: Path | None = None,
) -> SmokeRun:
    """Step one environment with actions drawn evenly from the whole action space.

    Args:
        handler: makes the environment.
        model: `model.mjb`, for pictures.
        manifest: of it.
        reference: the environment's, recorded in the video's source.
        steps: control steps.
        seed: of the environment and of the actions.
        render: show it in a window, in real time.
        video: where to write a video of the first seconds (mp4).

    Raises:
        InputError: if there is no display to render to.
    """
    batch = handler.make_batch(1, threads=1, autoreset=False)
    rng = np.random.default_rng(seed)
    run = SmokeRun(environment=handler.settings.id, steps=steps, control_s=batch.control_s)
    raw, speed, length = np.zeros(len(batch.reward_terms)), 0.0, 0
    with ExitStack() as stack:
        stack.callback(batch.close)
        window = stack.enter_context(_Window(batch, model, manifest)) if render else None
        film = None
        if video is not None:
            film = stack.enter_context(_Film(batch, video, model=model, manifest=manifest, reference=reference))
        batch.reset(seed=seed)
        for _ in range(steps):
            if film is not None:
                film.before_step()
            action = rng.uniform(-1.0, 1.0, (1, batch.action_layout.size))
            begin = time.perf_counter()
            _, rewards, terminated, truncated, info = batch.step(action)
            run.wall_s += time.perf_counter() - begin
            length += 1
            raw += batch.raw_terms[:, 0]
            speed += float(batch.step_result.forward_velocity[0])
            reason = str(info["termination"][0]) if terminated[0] or truncated[0] else ""
            if film is not None:
                film.after_step(float(rewards[0]), reason)
            if window is not None and not window.show():
                break
            if reason:
                run.episodes.append((length * batch.control_s, reason))
                length = 0
                begin = time.perf_counter()
                batch.reset()
                run.wall_s += time.perf_counter() - begin
        if length:
            run.episodes.append((length * batch.control_s, UNFINISHED))
        run.steps = done = round(sum(seconds for seconds, _ in run.episodes) / batch.control_s)
        run.rewards = {
            name: (float(value / done), float(weight * value / done))
            for name, value, weight in zip(batch.reward_terms, raw, batch.weights, strict=True)
        }
        run.speed_m_s = speed / done
        run.clipped_share, run.divergences = batch.clipped_share, batch.simulation.divergences
    return run


class _Film:
    """Records episodes to a temporary rollouts file and turns it into a video in the end."""

    def __init__(self, batch: MyoAssistLegBase, video: Path, *, model: Path, manifest: Path, reference: Path):
        self._batch, self._video = batch, video
        self._files = {"model": model, "manifest": manifest}
        self._biomechanics = Biomechanics(batch.simulation.model, batch.manifest)
        self._stride = state_stride(batch, _STATE_RATE_HZ)
        self._header = RolloutHeader(
            settings=batch.settings.canonical(),
            seed=0,
            model_sha256=batch.manifest.model_sha256,
            checkpoint_sha256="0" * 64,
            reference_sha256=sha256(reference),
            checkpoint_steps=0,
            versions=versions("evaluate"),
            model=describe_model(batch, self._biomechanics, self._stride),
        )
        self._recorder: EpisodeRecorder | None = None
        self._recorded_s = 0.0

    def __enter__(self) -> _Film:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "rollouts.h5"
        self._writer = RolloutWriter(self._path, self._header)
        self._writer.__enter__()
        return self

    def before_step(self) -> None:
        """Begin an episode if none runs, until the video is full."""
        if self._recorder is None and self._recorded_s < _VIDEO.duration_s:
            phase = float(self._batch.phase[0])
            self._recorder = EpisodeRecorder(
                self._writer, self._batch, self._biomechanics, 0, stride=self._stride, phase0=phase
            )
        if self._recorder is not None:
            self._recorder.before_step()

    def after_step(self, reward: float, reason: str) -> None:
        """Record the step, and the end if there is a reason for one."""
        if self._recorder is None:
            return
        self._recorded_s += self._batch.control_s
        self._recorder.after_step(reward)
        if reason or self._recorded_s >= _VIDEO.duration_s:
            self._recorder.end(reason or UNFINISHED)
            self._recorder = None

    def __exit__(self, *error: Any) -> None:
        with self._folder:
            if self._recorder is not None and error[0] is None:
                self._recorder.end(UNFINISHED)
            self._writer.__exit__(*error)
            if error[0] is None:
                replay(_VIDEO, **self._files, rollouts=self._path, video=self._video)


class _Window:
    """MuJoCo's own viewer, in real time."""

    def __init__(self, batch: MyoAssistLegBase, model: Path, manifest: Path):
        self._batch = batch
        self._model, _ = load_model(model, manifest)
        self._data = mujoco.MjData(self._model)

    def __enter__(self) -> _Window:
        instead = "use --video out.mp4 instead"
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise InputError(f"--render: no display (neither DISPLAY nor WAYLAND_DISPLAY is set); {instead}")
        import glfw
        import mujoco.viewer

        if not glfw.init():
            raise InputError(f"--render: the display cannot be opened; {instead}")
        try:
            self._viewer = mujoco.viewer.launch_passive(self._model, self._data)
        except (RuntimeError, mujoco.FatalError) as error:
            raise InputError(f"--render: {str(error).splitlines()[0]}; {instead}") from None
        self._due = time.perf_counter()
        return self

    def show(self) -> bool:
        """Show the state and wait until it is due; False once the window has been closed."""
        simulation = self._batch.simulation
        self._data.qpos[:], self._data.act[:] = simulation.qpos[0], simulation.activation[0]
        mujoco.mj_forward(self._model, self._data)
        self._viewer.sync()
        self._due = max(self._due + self._batch.control_s, time.perf_counter() - 0.1)
        time.sleep(max(0.0, self._due - time.perf_counter()))
        return self._viewer.is_running()

    def __exit__(self, *error: Any) -> None:
        self._viewer.close()
