"""What is written into the frames of a film."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from myoassist.config.evaluation import VideoSettings
from myoassist.evaluation.muscle_colors import muscle_colors

_WHITE = (255, 255, 255)
_BAR = (20, 26, 34, 200)
_WIDE_LINES = 30
"""Pictures that are this many lines wide have room for the word that says what the colours mean."""


class Caption:
    """Writes time, speed and the meaning of the colours into the top of a frame (players cover the bottom)."""

    def __init__(self, settings: VideoSettings, size: tuple[int, int]) -> None:
        """Prepare fonts.

        Args:
            settings: whether anything is written, and at what speed the film runs.
            size: width and height of the picture in pixels.
        """
        self._shown = settings.overlay
        self._line = max(11, round(size[1] / 24))
        self._font = ImageFont.load_default(self._line)
        self._slow = "" if settings.playback_speed == 1 else f" · shown at {settings.playback_speed:g}x speed"

    def write(self, picture: np.ndarray, title: str, text: str) -> np.ndarray:
        """Return the picture with two lines of text and the scale of the colours."""
        if not self._shown:
            return np.ascontiguousarray(picture)
        image = Image.fromarray(np.ascontiguousarray(picture))
        draw = ImageDraw.Draw(image, "RGBA")
        width, line = image.size[0], self._line
        draw.rectangle([0, 0, width, round(3.2 * line)], fill=_BAR)
        for row, words in ((0.95, title + self._slow), (2.3, text)):
            place = (line / 2, row * line)
            draw.text(place, self._fitting(draw, words, width - line), anchor="lm", font=self._font, fill=_WHITE)
        wide = width >= _WIDE_LINES * line
        self._draw_scale(draw, width - (13 if wide else 7.5) * line, 2.3 * line, "activation  0" if wide else "0")
        return np.asarray(image)

    def _fitting(self, draw: ImageDraw.ImageDraw, words: str, width: float) -> str:
        """Cut what does not fit."""
        if draw.textlength(words, font=self._font) <= width:
            return words
        while words and draw.textlength(words + "…", font=self._font) > width:
            words = words[:-1]
        return words + "…"

    def _draw_scale(self, draw: ImageDraw.ImageDraw, left: float, middle: float, word: str) -> None:
        line = self._line
        style = {"font": self._font, "fill": _WHITE, "anchor": "lm"}
        draw.text((left, middle), word, **style)
        colors = np.round(255 * muscle_colors(np.linspace(0, 1, 24))).astype(int).tolist()
        start = left + draw.textlength(word, font=self._font) + line / 2
        step, half = 5 * line / len(colors), line / 3
        for color in colors:
            draw.rectangle([start, middle - half, start + step, middle + half], fill=tuple(color))
            start += step
        draw.text((start + line / 2, middle), "1", **style)
