"""Replay of stored states as a short H.264 video: nothing is simulated again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import mujoco
import numpy as np
from loguru import logger
from PIL import Image, ImageDraw, ImageFont

from myoassist.config.evaluation import VideoSettings
from myoassist.errors import InputError
from myoassist.evaluation.drawn_scene import DrawnScene
from myoassist.evaluation.muscle_colors import muscle_colors
from myoassist.evaluation.opengl_scene import NoOpenGL, OpenGLScene
from myoassist.formats.compiled_model import Manifest, load_model
from myoassist.formats.files import atomic_output
from myoassist.formats.rollouts import Episode, Rollouts

_LINGER_S = 0.4
"""How long the last state of an episode stays, with the reason why it ended."""
_SMOOTHING_S = 1.0
_LOOK_ABOVE_PELVIS_M = 0.06
"""Leaves room for the caption above the head."""


@dataclass(frozen=True)
class Shot:
    """What the video shows of one episode: equally spaced states, then the last one for a moment."""

    episode: Episode
    rows: np.ndarray
    linger: int

    @property
    def frames(self) -> int:
        """Number of frames in the video."""
        return len(self.rows) + self.linger


def replay(settings: VideoSettings, *, model: Path, manifest: Path, rollouts: Path, video: Path) -> None:
    """Show stored episodes as a video of at most eight seconds, muscles coloured by their activation.

    Where no OpenGL works a drawing takes its place and the log says so; the video is written in any case.
    The same inputs give the same bytes on the same machine.

    Args:
        settings: which episode, camera, size and speed.
        model: compiled model.
        manifest: its manifest.
        rollouts: stored episodes of that model.
        video: where the mp4 goes.

    Raises:
        InputError: if a file is missing or damaged, the rollouts belong to another model, or the episode
            asked for does not exist.
    """
    compiled, described = load_model(model, manifest)
    with Rollouts(rollouts) as stored:
        if stored.header.model_sha256 != described.model_sha256:
            raise InputError(f"{rollouts}: field 'model_sha256': made with another model than {model}")
        shots = choose_shots(settings, stored)
        with ExitStack() as stack:
            scene = _open_scene(settings, compiled, described, stack)
            temporary = stack.enter_context(atomic_output(video))
            count = _encode(temporary, settings, _frames(settings, scene, compiled, described, stored, shots))
    logger.info("{}: {} frames, {:.1f} s", video.name, count, count / settings.fps)


def choose_shots(settings: VideoSettings, stored: Rollouts) -> list[Shot]:
    """Choose episodes and the rows of each that become frames.

    Raises:
        InputError: if there is no such episode or it holds no states.
    """
    episodes = [episode for episode in stored if episode.info.state_rows > 0]
    if not episodes:
        raise InputError(f"{stored.path}: holds no episode with states to show")
    if settings.episode == "longest":
        episodes = [max(episodes, key=lambda episode: episode.info.state_rows)]
    elif settings.episode == "first":
        episodes = episodes[:1]
    elif isinstance(settings.episode, int):
        episodes = [episode for episode in episodes if episode.info.index == settings.episode]
        if not episodes:
            raise InputError(
                f"settings: field 'episode': {stored.path} holds episodes 0 to {len(stored) - 1}, "
                f"not {settings.episode}"
            )
    left = max(1, int(np.floor(settings.duration_s * settings.fps + 1e-9)))
    linger = round(_LINGER_S * settings.fps)
    rate = stored.header.model.state_rate_hz
    shots = []
    for episode in episodes:
        step_s = settings.playback_speed / settings.fps
        last = episode.info.state_rows - 1
        first = min(settings.start_s, last / rate)
        count = int(np.floor((last / rate - first) / step_s + 1e-9)) + 1
        times = first + np.arange(min(count, left)) * step_s
        rows = np.minimum(np.round(times * rate).astype(int), last)
        stay = min(linger, left - len(rows)) if count <= left else 0
        shots.append(Shot(episode, rows, stay))
        left -= shots[-1].frames
        if left < settings.fps // 2:
            break
    return shots


def pose(model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray, activation: np.ndarray) -> None:
    """Put the body into a stored state: positions of everything that is drawn, no dynamics.

    Args:
        model: compiled model.
        data: is changed.
        qpos: (nq,) rad and m.
        activation: (na,) 0 to 1.
    """
    data.qpos[:] = qpos
    data.act[:] = activation
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)
    mujoco.mj_tendon(model, data)


def _open_scene(
    settings: VideoSettings, model: mujoco.MjModel, manifest: Manifest, stack: ExitStack
) -> OpenGLScene | DrawnScene:
    if settings.renderer != "drawing":
        try:
            return stack.enter_context(OpenGLScene(model, manifest, settings))
        except NoOpenGL as error:
            if settings.renderer == "opengl":
                raise InputError(f"settings: field 'renderer': {error}; 'drawing' needs none") from None
            logger.warning("{}; the video is a two-dimensional drawing instead", error)
    return stack.enter_context(DrawnScene(model, manifest, settings))


def _frames(
    settings: VideoSettings,
    scene: OpenGLScene | DrawnScene,
    model: mujoco.MjModel,
    manifest: Manifest,
    stored: Rollouts,
    shots: list[Shot],
) -> Iterator[np.ndarray]:
    """Yield one frame after another; only one is in memory."""
    data = mujoco.MjData(model)
    header = stored.header
    forward = manifest.joint(manifest.root["forward"]).dof
    slots = [muscle.activation for muscle in manifest.muscles]
    caption = Caption(settings)
    for shot in shots:
        first, last = int(shot.rows[0]), int(shot.rows[-1])
        window = slice(first, last + 1)
        qpos = shot.episode.state("qpos", window)[shot.rows - first]
        speed = shot.episode.state("qvel", window)[shot.rows - first][:, forward]
        time = shot.episode.state("time", window)[shot.rows - first]
        activation = np.zeros((len(shot.rows), model.na))
        activation[:, slots] = shot.episode.state("activation", window)[shot.rows - first]
        look_at = _camera_path(settings, model, manifest, data, qpos)
        info = shot.episode.info
        title = f"{header.checkpoint_steps:,} steps · episode {info.index + 1} of {len(stored)}"
        picture = None
        for row in range(len(shot.rows)):
            pose(model, data, qpos[row], activation[row])
            picture = scene.picture(data, look_at[row])
            yield caption.write(picture, title, f"{time[row]:.2f} s   {speed[row]:.2f} m/s")
        for _ in range(shot.linger):
            ending = f"{info.duration_s:.2f} s   ended: {info.termination.replace('_', ' ')}"
            yield caption.write(picture, title, ending)


def _camera_path(
    settings: VideoSettings,
    model: mujoco.MjModel,
    manifest: Manifest,
    data: mujoco.MjData,
    qpos: np.ndarray,
) -> np.ndarray:
    """Points to look at (frames, 3): the pelvis, its height smoothed so that the ground does not bob."""
    body = model.body(manifest.joint(manifest.root["tilt"]).body).id
    pelvis = np.empty((len(qpos), 3))
    for row, values in enumerate(qpos):
        data.qpos[:] = values
        mujoco.mj_kinematics(model, data)
        pelvis[row] = data.xpos[body]
    if settings.camera == "fixed":
        return np.repeat((pelvis.min(axis=0) + pelvis.max(axis=0))[None] / 2, len(qpos), axis=0)
    half = round(_SMOOTHING_S * settings.fps / settings.playback_speed / 2)
    padded = np.pad(pelvis[:, 2], half, mode="edge")
    pelvis[:, 2] = np.convolve(padded, np.full(2 * half + 1, 1 / (2 * half + 1)), mode="valid")
    pelvis[:, 2] += _LOOK_ABOVE_PELVIS_M
    return pelvis


class Caption:
    """Writes time, speed and the meaning of the colours into the top of a frame (players cover the bottom)."""

    def __init__(self, settings: VideoSettings) -> None:
        self._shown = settings.overlay
        self._line = max(10, round(settings.height / 24))
        self._font = ImageFont.load_default(self._line)
        self._slow = "" if settings.playback_speed == 1 else f" · shown at {settings.playback_speed:g}x speed"

    def write(self, picture: np.ndarray, title: str, text: str) -> np.ndarray:
        """Return the picture with two lines of text and the scale of the colours."""
        if not self._shown:
            return np.ascontiguousarray(picture)
        image = Image.fromarray(np.ascontiguousarray(picture))
        draw = ImageDraw.Draw(image, "RGBA")
        width, line = image.size[0], self._line
        draw.rectangle([0, 0, width, round(3.2 * line)], fill=(20, 26, 34, 200))
        for row, words in ((0.95, title + self._slow), (2.3, text)):
            draw.text((line / 2, row * line), words, anchor="lm", font=self._font, fill=(255, 255, 255))
        self._draw_scale(draw, width - 13 * line, 2.3 * line)
        return np.asarray(image)

    def _draw_scale(self, draw: ImageDraw.ImageDraw, left: float, middle: float) -> None:
        line, white = self._line, {"font": self._font, "fill": (255, 255, 255), "anchor": "lm"}
        draw.text((left, middle), "activation  0", **white)
        colors = np.round(255 * muscle_colors(np.linspace(0, 1, 24))).astype(int).tolist()
        step, start, half = 5 * line / len(colors), left + 6.3 * line, line / 3
        for color in colors:
            draw.rectangle([start, middle - half, start + step, middle + half], fill=tuple(color))
            start += step
        draw.text((start + line / 2, middle), "1", **white)


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
