"""Replay of stored states as a short H.264 video: nothing is simulated again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import mujoco
import numpy as np
from loguru import logger

from myoassist.config.evaluation import VideoSettings
from myoassist.errors import InputError
from myoassist.evaluation.caption import Caption
from myoassist.evaluation.inset import HEIGHT_SHARE, Inset, limits, read_curves
from myoassist.evaluation.scene import camera_path, open_scene, pose
from myoassist.evaluation.shots import Shot, choose_shots
from myoassist.formats.compiled_model import load_model
from myoassist.formats.files import atomic_output
from myoassist.formats.rollouts import Rollouts


@dataclass(frozen=True)
class Beside:
    """Rollouts that are shown on the right, beside others.

    Attributes:
        model: compiled model.
        manifest: its manifest.
        rollouts: stored episodes of that model.
    """

    model: Path
    manifest: Path
    rollouts: Path


def replay(
    settings: VideoSettings,
    *,
    model: Path,
    manifest: Path,
    rollouts: Path,
    video: Path,
    beside: Beside | None = None,
    labels: Sequence[str] = (),
) -> None:
    """Show stored episodes as a video of at most eight seconds, muscles coloured by their activation.

    Where no OpenGL works a drawing takes its place and the log says so; the video is written in any case.
    The same inputs give the same bytes on the same machine.

    Args:
        settings: which episode, camera, size, speed and curves.
        model: compiled model.
        manifest: its manifest.
        rollouts: stored episodes of that model.
        video: where the mp4 goes.
        beside: other rollouts for the right half; the two run together from where each starts, and the one that
            ends first waits in its last state.
        labels: what is written over each half instead of steps and episode.

    Raises:
        InputError: if a file is missing or damaged, the rollouts belong to another model, the episode asked for
            does not exist, or there are too many labels.
    """
    halves = [Beside(model, manifest, rollouts), *([beside] if beside else [])]
    if len(labels) not in (0, len(halves)):
        raise InputError(f"--labels: expected {len(halves)}, one for each of the rollouts (found {len(labels)})")
    strip = 2 * round(HEIGHT_SHARE * settings.height / 2) if settings.inset else 0
    size = (settings.width // len(halves), settings.height - strip)
    with ExitStack() as stack:
        players = [_Player(settings, half, size, stack) for half in halves]
        for player, label in zip(players, labels, strict=False):
            player.label = label
        if settings.inset:
            curves = [item for player in players for item in player.curves]
            ranges = limits(curves, settings.inset)  # the same for both, so that they can be compared
            for player in players:
                player.inset = Inset(settings, (size[0], strip), ranges)
        temporary = stack.enter_context(atomic_output(video))
        count = _encode(temporary, settings, _side_by_side([player.frames() for player in players]))
    logger.info("{}: {} frames, {:.1f} s", video.name, count, count / settings.fps)


class _Player:
    """Shows the rollouts of one body: the whole film, or one half of it."""

    def __init__(self, settings: VideoSettings, source: Beside, size: tuple[int, int], stack: ExitStack) -> None:
        self._settings = settings
        self._model, self._manifest = load_model(source.model, source.manifest)
        self._stored = stack.enter_context(Rollouts(source.rollouts))
        header = self._stored.header
        if header.model_sha256 != self._manifest.model_sha256:
            raise InputError(f"{source.rollouts}: field 'model_sha256': made with another model than {source.model}")
        self._shots = choose_shots(settings, self._stored)
        self.curves = [read_curves(shot, settings.inset, header.model) for shot in self._shots]
        sized = settings.model_copy(update={"width": size[0], "height": size[1]})
        self._scene = open_scene(sized, self._model, self._manifest, stack)
        self._caption = Caption(settings, size)
        self.inset: Inset | None = None
        self.label = ""

    def frames(self) -> Iterator[np.ndarray]:
        """Yield one frame after another; only one is in memory."""
        data = mujoco.MjData(self._model)
        manifest, header = self._manifest, self._stored.header
        forward = manifest.joint(manifest.root["forward"]).dof
        slots = [muscle.activation for muscle in manifest.muscles]
        for shot, curves in zip(self._shots, self.curves, strict=True):
            qpos, qvel, times, active = (_rows(shot, name) for name in ("qpos", "qvel", "time", "activation"))
            activation = np.zeros((len(shot.rows), self._model.na))
            activation[:, slots] = active
            look_at = camera_path(self._settings, self._model, manifest, data, qpos)
            info = shot.episode.info
            title = f"{header.checkpoint_steps:,} steps · episode {info.index + 1} of {len(self._stored)}"
            title, picture = self.label or title, None
            for row in range(len(shot.rows)):
                pose(self._model, data, qpos[row], activation[row])
                picture = self._scene.picture(data, look_at[row])
                words = f"{times[row]:.2f} s   {qvel[row, forward]:.2f} m/s"
                frame = self._caption.write(picture, title, words)
                yield frame if self.inset is None else np.concatenate([frame, self.inset.draw(curves, times[row])])
            for _ in range(shot.linger):
                ending = f"{info.duration_s:.2f} s   ended: {info.termination.replace('_', ' ')}"
                frame = self._caption.write(picture, title, ending)
                yield frame if self.inset is None else np.concatenate([frame, self.inset.draw(curves, times[-1])])


def _rows(shot: Shot, name: str) -> np.ndarray:
    """Values of a column in the states that are shown."""
    first, last = int(shot.rows[0]), int(shot.rows[-1])
    return shot.episode.state(name, slice(first, last + 1))[shot.rows - first]


def _side_by_side(films: list[Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
    """Put the frames of films beside each other; one that has ended shows its last frame."""
    if len(films) == 1:
        yield from films[0]
        return
    shown: list[np.ndarray | None] = [None] * len(films)
    while True:
        new = [next(film, None) for film in films]
        if all(frame is None for frame in new):
            return
        shown = [old if frame is None else frame for old, frame in zip(shown, new, strict=True)]
        frame = np.concatenate([picture for picture in shown if picture is not None], axis=1)
        frame[:, frame.shape[1] // 2 - 1 : frame.shape[1] // 2 + 1] = 255
        yield frame


def _encode(path: Path, settings: VideoSettings, frames: Iterator[np.ndarray]) -> int:
    """Stream frames into an H.264 file without dates or versions in it; return their number."""
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (settings.width, settings.height),
        fps=settings.fps,
        codec="libx264",
        quality=None,
        macro_block_size=16,
        ffmpeg_log_level="error",
        output_params=[
            *("-preset", "veryfast", "-crf", "26", "-threads", "1"),
            *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
            *("-movflags", "+faststart"),
        ],
    )
    writer.send(None)
    count = 0
    try:
        for frame in frames:
            writer.send(frame.tobytes())
            count += 1
    finally:
        writer.close()
    return count
