"""Which stored states become frames of a film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoassist.config.evaluation import VideoSettings
from myoassist.errors import InputError
from myoassist.formats.rollouts import Episode, Rollouts

_LINGER_S = 0.4
"""How long the last state of an episode stays, with the reason why it ended."""


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
