"""Left and right are alike: one policy for both halves of the gait cycle, which acts in the mirror in the second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from myoassist.errors import InputError

_OTHER = {"_r": "_l", "_l": "_r", "_R": "_L", "_L": "_R"}
_SINE, _COSINE = "phase/sin", "phase/cos"


def mirror_columns(labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return how a vector with these labels looks in the mirror: value[columns] * signs.

    Right and left change places; the phase moves by half a cycle, which turns the sign of its sine and cosine. In
    the sagittal plane nothing else changes its sign.

    Raises:
        InputError: if a number has no counterpart on the other side.
    """
    columns, signs = [], []
    for label in labels:
        side = label[-2:]
        other = label[:-2] + _OTHER[side] if side in _OTHER else label
        if other not in labels:
            raise InputError(f"training: field 'mirror': '{label}' has no counterpart '{other}'")
        columns.append(labels.index(other))
        signs.append(-1.0 if label in (_SINE, _COSINE) else 1.0)
    return np.array(columns, dtype=np.intp), np.array(signs, dtype=np.float32)


class Mirror:
    """Shows a policy the first half of the gait cycle only, from right heel strike to left heel strike.

    In the second half it sees the body's mirror image and its actions go to the other side, so the walk is symmetric
    by construction (the PHASE method of Abdolhosseini et al. 2019, "On learning symmetric locomotion").
    """

    def __init__(self, observation_labels: Sequence[str], action_labels: Sequence[str]):
        """Find every number's counterpart.

        Raises:
            InputError: if a number has none, or the gait phase is not observed.
        """
        if _SINE not in observation_labels:
            raise InputError("training: field 'mirror': needs the gait phase among the observations")
        self._sine = list(observation_labels).index(_SINE)
        self._observed, self._signs = mirror_columns(observation_labels)
        self._done, _ = mirror_columns(action_labels)

    def in_second_half(self, observations: np.ndarray) -> np.ndarray:
        """Return (N,) bool, which of (N, O) observations are from the second half of the gait cycle."""
        return observations[:, self._sine] < 0.0

    def show(self, observations: np.ndarray, turned: np.ndarray) -> np.ndarray:
        """Return (N, O) observations with the turned rows in the mirror."""
        return np.where(turned[:, None], np.take(observations, self._observed, axis=1) * self._signs, observations)

    def turn(self, actions: np.ndarray, turned: np.ndarray) -> np.ndarray:
        """Return (N, A) actions with those of the turned rows on the other side."""
        return np.where(turned[:, None], np.take(actions, self._done, axis=1), actions)
