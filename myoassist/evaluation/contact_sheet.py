"""A still of one gait cycle for print: bodies side by side at equal percentages of the cycle, to scale."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from loguru import logger
from PIL import Image, ImageDraw, ImageFont

from myoassist.config.evaluation import ContactSheetSettings, VideoSettings
from myoassist.errors import InputError
from myoassist.evaluation.drawn_scene import ground_height
from myoassist.evaluation.inset import SIDE_COLORS
from myoassist.evaluation.muscle_colors import muscle_colors
from myoassist.evaluation.scene import open_scene, pose
from myoassist.formats.compiled_model import Manifest, load_model
from myoassist.formats.files import atomic_output
from myoassist.formats.gait_tables import read_cycles
from myoassist.formats.rollouts import SIDES, Episode, Rollouts

_SPAN_M = (1.15, 1.95)
"""Width and height of what each picture shows."""
_MIDDLE_M = 0.84
"""Height of the middle of a picture over the ground under the pelvis."""
_ARROW_M_PER_BW = 0.5
_SCALE_BAR_M = 0.5
_FINER = 2
_FONT_PT, _LINE_PT = 8.0, 0.8
_TEXT, _GROUND = (30, 30, 30), (110, 110, 110)
_NAMES = {"r": "right", "l": "left"}


@dataclass(frozen=True)
class Moments:
    """What a sheet shows.

    Attributes:
        episode: whose states.
        rows: state of each picture.
        labels: what stands over each picture.
        words: what all of it is.
    """

    episode: Episode
    rows: np.ndarray
    labels: list[str]
    words: str


def contact_sheet(
    settings: ContactSheetSettings, *, model: Path, manifest: Path, rollouts: Path, cycles: Path, sheet: Path
) -> None:
    """Draw a gait cycle of stored episodes as a png; nothing is simulated again.

    Muscles are coloured by their activation, and arrows show the ground reaction forces. Episodes without a whole gait
    cycle are shown at equal times instead, and the sheet says so. The same inputs give the same bytes on the same
    machine.

    Args:
        settings: which cycle, and how large.
        model: compiled model.
        manifest: its manifest.
        rollouts: stored episodes of that model.
        cycles: gait cycles that the analysis found in them.
        sheet: where the png goes.

    Raises:
        InputError: if a file is missing or damaged, the rollouts belong to another model, or there is no such cycle.
    """
    compiled, described = load_model(model, manifest)
    with Rollouts(rollouts) as stored:
        if stored.header.model_sha256 != described.model_sha256:
            raise InputError(f"{rollouts}: field 'model_sha256': made with another model than {model}")
        moments = choose_moments(settings, stored, cycles)
        image = _Sheet(settings, compiled, described, stored.header.model.body_weight_n).draw(moments)
    with atomic_output(sheet) as temporary:
        image.save(temporary, format="PNG", dpi=(settings.dpi, settings.dpi), optimize=True)
    logger.info("{}: {}", sheet.name, moments.words)


def choose_moments(settings: ContactSheetSettings, stored: Rollouts, cycles: Path) -> Moments:
    """Choose the states that are shown.

    Raises:
        InputError: if the cycle asked for does not exist, or no episode holds states.
    """
    table = read_cycles(cycles, columns=("start_s", "stride_time_s", "speed_m_s"))
    table = table[(table["percent"] == 0) & (table["side"] == settings.side)]
    for column, wanted in (("episode", settings.episode), ("cycle", settings.cycle)):
        if wanted is not None:
            table = table[table[column] == wanted]
            if table.empty:
                kind = f"{_NAMES[settings.side]} cycle with {column} {wanted}"
                raise InputError(f"settings: field '{column}': {cycles} holds no {kind}")
    rate = stored.header.model.state_rate_hz
    share = np.arange(settings.frames) / settings.frames
    if table.empty:
        episodes = [episode for episode in stored if episode.info.state_rows > 0]
        if not episodes:
            raise InputError(f"{stored.path}: holds no episode with states to show")
        episode = max(episodes, key=lambda item: item.info.state_rows)
        last = episode.info.state_rows - 1
        rows = np.round(np.linspace(0, last, settings.frames)).astype(int)
        words = f"No whole gait cycle; episode {episode.info.index + 1}, from start to end"
        return Moments(episode, rows, [f"{row / rate:.2f} s" for row in rows], words)
    distance = (table["stride_time_s"] - table["stride_time_s"].median()).abs()
    chosen = table.loc[distance.idxmin()]
    episode = next(item for item in stored if item.info.index == int(chosen["episode"]))
    times = float(chosen["start_s"]) + share * float(chosen["stride_time_s"])
    rows = np.clip(np.round(times * rate).astype(int), 0, episode.info.state_rows - 1)
    words = (
        f"{_NAMES[settings.side].capitalize()} gait cycle of {chosen['stride_time_s']:.2f} s"
        f" at {chosen['speed_m_s']:.2f} m/s"
    )
    return Moments(episode, rows, [f"{100 * part:.3g} %" for part in share], words)


class _Sheet:
    """Lays pictures out and draws what stands around them."""

    def __init__(
        self, settings: ContactSheetSettings, model: mujoco.MjModel, manifest: Manifest, weight_n: float
    ) -> None:
        self._settings = settings
        self._model, self._manifest, self._weight_n = model, manifest, weight_n
        self._ground = [model.geom(name).id for name in manifest.ground_geoms]
        self._pelvis = model.body(manifest.joint(manifest.root["tilt"]).body).id
        width = round(settings.width_mm / 25.4 * settings.dpi)
        self._columns = min(settings.columns, settings.frames)
        self._panel = (width // self._columns, round(width // self._columns * _SPAN_M[1] / _SPAN_M[0]))
        self._per_m = self._panel[1] / _SPAN_M[1]
        self._point = settings.dpi / 72
        self._letter = _FONT_PT * self._point
        self._font = ImageFont.load_default(round(self._letter))
        rows = -(-settings.frames // self._columns)
        self._size = (width, round(rows * (self._panel[1] + 1.6 * self._letter) + 2.6 * self._letter))

    def draw(self, moments: Moments) -> Image.Image:
        """Draw all pictures and the legend."""
        settings, (width, height) = self._settings, self._panel
        image = Image.new("RGB", self._size, (255, 255, 255))
        draw = ImageDraw.Draw(image)
        data = mujoco.MjData(self._model)
        slots = [muscle.activation for muscle in self._manifest.muscles]
        film = VideoSettings(renderer=settings.renderer).model_copy(
            update={"width": width * _FINER, "height": height * _FINER, "azimuth_deg": 90.0, "elevation_deg": 0.0}
        )
        with ExitStack() as stack:
            scene = open_scene(film, self._model, self._manifest, stack, span_m=_SPAN_M[1])
            for index, row in enumerate(moments.rows):
                here = slice(int(row), int(row) + 1)
                activation = np.zeros(self._model.na)
                activation[slots] = moments.episode.state("activation", here)[0]
                pose(self._model, data, moments.episode.state("qpos", here)[0], activation)
                look_at = data.xpos[self._pelvis].copy()
                look_at[2] = ground_height(self._model, data, self._ground, look_at[0]) + _MIDDLE_M
                picture = Image.fromarray(np.ascontiguousarray(scene.picture(data, look_at)))
                left = index % self._columns * width
                top = round(index // self._columns * (height + 1.6 * self._letter) + 1.6 * self._letter)
                image.paste(picture.resize((width, height), Image.Resampling.BOX), (left, top))
                middle = (left + width / 2, top + height / 2)
                self._draw_ground(draw, data, look_at, middle)
                if settings.force_arrows:
                    self._draw_forces(draw, moments.episode, here, look_at, middle)
                place = (middle[0], top - 0.7 * self._letter)
                draw.text(place, moments.labels[index], anchor="mm", font=self._font, fill=_TEXT)
        self._draw_legend(draw, moments.words)
        return image

    def _pixel(self, point: np.ndarray, look_at: np.ndarray, middle: tuple[float, float]) -> tuple[float, float]:
        """Where a point (x, …, z) of the world lies in the sheet."""
        return (
            middle[0] + float(point[0] - look_at[0]) * self._per_m,
            middle[1] - float(point[-1] - look_at[2]) * self._per_m,
        )

    def _draw_ground(
        self, draw: ImageDraw.ImageDraw, data: mujoco.MjData, look_at: np.ndarray, middle: tuple[float, float]
    ) -> None:
        half = 0.48 * _SPAN_M[0]
        xs = look_at[0] + np.linspace(-half, half, 47)
        points = [np.array([x, ground_height(self._model, data, self._ground, x)]) for x in xs]
        line = [self._pixel(point, look_at, middle) for point in points]
        draw.line(line, fill=_GROUND, width=max(1, round(_LINE_PT * self._point)))

    def _draw_forces(
        self,
        draw: ImageDraw.ImageDraw,
        episode: Episode,
        here: slice,
        look_at: np.ndarray,
        middle: tuple[float, float],
    ) -> None:
        force = episode.state("ground_reaction_force", here)[0] / self._weight_n
        point = episode.state("center_of_pressure", here)[0]
        for i, side in enumerate(SIDES):
            if np.isfinite(point[i]).all() and np.linalg.norm(force[i]) > 0.02:
                tip = point[i] + _ARROW_M_PER_BW * force[i]
                ends = (self._pixel(point[i], look_at, middle), self._pixel(tip, look_at, middle))
                self._draw_arrow(draw, *ends, SIDE_COLORS[side])

    def _draw_arrow(
        self,
        draw: ImageDraw.ImageDraw,
        start: tuple[float, float],
        end: tuple[float, float],
        color: tuple[int, int, int],
    ) -> None:
        along = np.subtract(end, start)
        length = float(np.linalg.norm(along))
        along = along / max(length, 1e-9)
        head = min(4.5 * self._point, length)
        across = np.array([-along[1], along[0]]) * 0.45 * head
        base = np.array(end) - head * along
        draw.line([start, tuple(base)], fill=color, width=max(1, round(1.2 * self._point)))
        draw.polygon([end, tuple(base + across), tuple(base - across)], fill=color)

    def _draw_legend(self, draw: ImageDraw.ImageDraw, words: str) -> None:
        """What the sheet shows, length, force and activation, from left to right below the pictures."""
        letter, y = self._letter, self._size[1] - 1.1 * self._letter
        bar, thick = _SCALE_BAR_M * self._per_m, max(1, round(_LINE_PT * self._point))

        def write(x: float, text: str) -> float:
            draw.text((x, y), text, anchor="lm", font=self._font, fill=_TEXT)
            return x + draw.textlength(text, font=self._font)

        x = write(0.5 * letter, words) + 1.5 * letter
        for end in (x, x + bar):
            draw.line([(end, y - 0.3 * letter), (end, y + 0.3 * letter)], fill=_TEXT, width=thick)
        draw.line([(x, y), (x + bar, y)], fill=_TEXT, width=thick)
        x = write(x + bar + 0.5 * letter, f"{_SCALE_BAR_M:g} m") + 1.5 * letter
        if self._settings.force_arrows:
            length = _ARROW_M_PER_BW * self._per_m
            for side in SIDES:
                self._draw_arrow(draw, (x, y), (x + length, y), SIDE_COLORS[side])
                x = write(x + length + 0.5 * letter, f"1 BW, {_NAMES[side]}") + 1.2 * letter
        x = write(x + 0.3 * letter, "Activation 0") + 0.4 * letter
        colors = np.round(255 * muscle_colors(np.linspace(0, 1, 48))).astype(int).tolist()
        step = 5 * letter / len(colors)
        for color in colors:
            draw.rectangle([x, y - 0.35 * letter, x + step, y + 0.35 * letter], fill=tuple(color))
            x += step
        write(x + 0.4 * letter, "1")
