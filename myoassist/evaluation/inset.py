"""Curves below a film: vertical force, joint angles or device torque of both sides, with a cursor that moves along.

Angles are shown as reports show them: degrees, flexion and dorsiflexion positive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from myoassist.config.evaluation import VideoSettings
from myoassist.errors import InputError
from myoassist.evaluation.shots import Shot
from myoassist.formats.knee_sign import knee_flexion_sign
from myoassist.formats.rollouts import SIDES, RolloutModel

HEIGHT_SHARE = 0.3
"""Share of the film's height that curves take."""
SIDE_COLORS = {"r": (0, 114, 178), "l": (213, 94, 0)}
"""Blue and vermilion of Okabe and Ito (2008), as in all figures."""
_SIDE_NAMES = {"r": "right", "l": "left"}
_FINER = 2
_TEXT, _AXIS, _GRID, _CURSOR = (40, 40, 40), (120, 120, 120), (225, 225, 225), (20, 20, 20)
_MOST_TICKS = 4
_TITLES = {
    "vertical_force": "Vertical force (BW)",
    "fore_aft_force": "Forward force (BW)",
    "hip_angle": "Hip flexion (°)",
    "knee_angle": "Knee flexion (°)",
    "ankle_angle": "Dorsiflexion (°)",
    "device_torque": "Device torque (N·m)",
}
_COORDINATES = {"hip_angle": "hip_flexion", "knee_angle": "knee_angle", "ankle_angle": "ankle_angle"}


@dataclass(frozen=True)
class Curves:
    """What is drawn of one shot.

    Attributes:
        time: (n,) s.
        values: quantity -> side -> (n,); sides that have none are left out.
    """

    time: np.ndarray
    values: dict[str, dict[str, np.ndarray]]


def read_curves(shot: Shot, quantities: Sequence[str], model: RolloutModel) -> Curves:
    """Read the curves of a shot at the full rate of the states.

    Raises:
        InputError: if the model has no such quantity.
    """
    rows = slice(int(shot.rows[0]), int(shot.rows[-1]) + 1)
    values = {name: _quantity(shot, name, rows, model) for name in quantities}
    return Curves(shot.episode.state("time", rows), values)


def limits(curves: Sequence[Curves], quantities: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the vertical range of each quantity that all curves lie in; zero belongs to every range."""
    ranges = {}
    for name in quantities:
        values = np.concatenate([[0.0], *(side for item in curves for side in item.values[name].values())])
        low, high = float(values.min()), float(values.max())
        room = 0.05 * max(high - low, 1e-6)
        ranges[name] = (low - room, high + room)
    return ranges


class Inset:
    """Draws the strip of panels below one body."""

    def __init__(
        self, settings: VideoSettings, size: tuple[int, int], ranges: Mapping[str, tuple[float, float]]
    ) -> None:
        """Prepare the panels.

        Args:
            settings: which quantities, and how much time a panel covers.
            size: width and height of the strip in pixels.
            ranges: vertical range of each quantity.
        """
        self._settings = settings
        self._width, self._height = size
        self._ranges = ranges
        self._font_size = max(9, round(0.115 * self._height))
        self._font = ImageFont.load_default(self._font_size * _FINER)
        self._page: tuple[int, float] | None = None
        self._background: Image.Image | None = None

    def draw(self, curves: Curves, time: float) -> np.ndarray:
        """Return the strip (height, width, 3) with the cursor at a time (s) of the episode."""
        window = self._settings.inset_window_s
        first, last = float(curves.time[0]), float(curves.time[-1])
        start = first + window * np.floor((time - first) / window + 1e-9)
        start = min(start, max(first, last - window))  # the last page is full too
        if self._page != (id(curves), start):
            self._page, self._background = (id(curves), start), self._draw_page(curves, start)
        assert self._background is not None
        image = self._background.copy()
        draw = ImageDraw.Draw(image)
        for index, name in enumerate(self._settings.inset):
            left, top, right, bottom = box = self._box(index)
            x = left + (time - start) / window * (right - left)
            draw.line([(x, top), (x, bottom)], fill=_CURSOR, width=_FINER)
            for side, values in curves.values[name].items():
                y = self._pixel(name, box, float(np.interp(time, curves.time, values)))
                radius = 2.2 * _FINER
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=SIDE_COLORS[side])
        return np.asarray(image.resize((self._width, self._height), Image.Resampling.BOX))

    def _box(self, index: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of a panel's axes, in fine pixels."""
        letter = self._font_size * _FINER
        step = self._width * _FINER / len(self._settings.inset)
        return index * step + 2.4 * letter, 1.5 * letter, (index + 1) * step - 0.8 * letter, self._bottom

    @property
    def _bottom(self) -> float:
        return (self._height - 2.5 * self._font_size) * _FINER

    def _pixel(self, name: str, box: tuple[float, float, float, float], value: float) -> float:
        low, high = self._ranges[name]
        return box[3] - (value - low) / (high - low) * (box[3] - box[1])

    def _draw_page(self, curves: Curves, start: float) -> Image.Image:
        """Draw everything but the cursor."""
        image = Image.new("RGB", (self._width * _FINER, self._height * _FINER), (255, 255, 255))
        draw = ImageDraw.Draw(image)
        window = self._settings.inset_window_s
        for index, name in enumerate(self._settings.inset):
            left, top, right, bottom = box = self._box(index)
            self._write(draw, (left, 0.75 * self._font_size * _FINER), _TITLES[name], "lm")
            for tick in ticks(*self._ranges[name], most=_MOST_TICKS):
                y = self._pixel(name, box, tick)
                draw.line([(left, y), (right, y)], fill=_AXIS if tick == 0 else _GRID, width=_FINER)
                self._write(draw, (left - 4, y), f"{tick:g}", "rm")
            for tick in ticks(start, start + window, most=_MOST_TICKS):
                x = left + (tick - start) / window * (right - left)
                draw.line([(x, bottom), (x, bottom + 6)], fill=_AXIS, width=_FINER)
                self._write(draw, (x, bottom + 0.75 * self._font_size * _FINER), f"{tick:g}", "mm")
            draw.line([(left, top), (left, bottom), (right, bottom)], fill=_AXIS, width=_FINER)
            shown = (curves.time >= start - 1e-9) & (curves.time <= start + window + 1e-9)
            x = left + (curves.time[shown] - start) / window * (right - left)
            for side, values in curves.values[name].items():
                y = [self._pixel(name, box, value) for value in values[shown]]
                if len(y) > 1:
                    points = list(zip(x.tolist(), y, strict=True))
                    draw.line(points, fill=SIDE_COLORS[side], width=2 * _FINER - 1, joint="curve")
        self._draw_footer(draw)
        return image

    def _draw_footer(self, draw: ImageDraw.ImageDraw) -> None:
        """What the horizontal axes are, and which colour is which side."""
        letter = self._font_size * _FINER
        y, x = (self._height - 0.6 * self._font_size) * _FINER, 2.4 * letter
        self._write(draw, (x, y), "Time (s)", "lm")
        x += 6 * letter
        for side in SIDES:
            draw.line([(x, y), (x + 1.6 * letter, y)], fill=SIDE_COLORS[side], width=2 * _FINER)
            self._write(draw, (x + 2 * letter, y), _SIDE_NAMES[side], "lm")
            x += 5.5 * letter

    def _write(self, draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, anchor: str) -> None:
        draw.text(place, text, anchor=anchor, font=self._font, fill=_TEXT)


def ticks(low: float, high: float, *, most: int) -> list[float]:
    """Return round numbers between two limits, as many as possible but no more than ``most``."""
    for power in range(-6, 7):
        for base in (1, 2, 5):
            step = base * 10.0**power
            first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
            if last - first + 1 <= most:
                return [round(float(k * step), 6) + 0.0 for k in np.arange(first, last + 1)]
    return []


def _quantity(shot: Shot, name: str, rows: slice, model: RolloutModel) -> dict[str, np.ndarray]:
    episode = shot.episode
    if name in ("vertical_force", "fore_aft_force"):
        force = episode.state("ground_reaction_force", rows)[:, :, 2 if name == "vertical_force" else 0]
        return {side: force[:, i] / model.body_weight_n for i, side in enumerate(SIDES)}
    if name == "device_torque":
        torque = episode.state("device_torque", rows)
        worn = {joint[-1]: torque[:, i] for i, joint in enumerate(model.device_joints) if joint[-2:] in ("_r", "_l")}
        if not worn:
            raise InputError("settings: field 'inset': device_torque: the body wears no device on a leg")
        return worn
    qpos = episode.state("qpos", rows)
    sign = knee_flexion_sign(model.manifest) if name == "knee_angle" else 1
    found = {}
    for side in SIDES:
        coordinate = f"{_COORDINATES[name]}_{side}"
        if coordinate in model.coordinates:
            found[side] = sign * np.degrees(qpos[:, model.coordinates.index(coordinate)])
    if not found:
        raise InputError(f"settings: field 'inset': {name}: the body has no such joint")
    return found
