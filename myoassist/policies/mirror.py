"""Left and right are alike: every rollout is learned from together with its mirror image."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import RolloutBufferSamples

from myoassist.errors import InputError

_OTHER = {"_r": "_l", "_l": "_r", "_R": "_L", "_L": "_R"}
_HALF_A_CYCLE = ("phase/sin", "phase/cos")


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
        signs.append(-1.0 if label in _HALF_A_CYCLE else 1.0)
    return np.array(columns, dtype=np.intp), np.array(signs, dtype=np.float32)


class MirroredRolloutBuffer(RolloutBuffer):
    """A rollout and its mirror image.

    The mirror image has the advantages and returns of the original; its probabilities and values are those that the
    policy gives to the mirrored actions and observations before it learns.

    Attributes:
        policy: the policy that learns from it; set once the algorithm is built.
    """

    policy: ActorCriticPolicy

    def __init__(self, *args: Any, observation_labels: list[str], action_labels: list[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._observed = mirror_columns(observation_labels)
        self._done = mirror_columns(action_labels)

    def get(self, batch_size: int | None = None) -> Generator[RolloutBufferSamples, None, None]:
        """Yield minibatches drawn from the rollout and its mirror image."""
        if not self.generator_ready:
            self._add_mirror_image()
            self.generator_ready = True
        size = len(self.observations)
        order = np.random.permutation(size)  # noqa: NPY002  (SB3's own stream)
        step = size if batch_size is None else batch_size
        for start in range(0, size, step):
            yield self._get_samples(order[start : start + step])

    def _add_mirror_image(self) -> None:
        names = ("observations", "actions", "values", "log_probs", "advantages", "returns")
        flat = {name: self.swap_and_flatten(getattr(self, name)) for name in names}
        image = {
            "observations": _mirrored(flat["observations"], self._observed),
            "actions": _mirrored(flat["actions"], self._done),
            "advantages": flat["advantages"],
            "returns": flat["returns"],
        }
        with torch.no_grad():
            values, log_probs, _ = self.policy.evaluate_actions(
                torch.as_tensor(image["observations"]), torch.as_tensor(image["actions"])
            )
        image["values"] = values.numpy().reshape(-1, 1)
        image["log_probs"] = log_probs.numpy().reshape(-1, 1)
        for name in names:
            setattr(self, name, np.concatenate([flat[name], image[name]]))


def _mirrored(values: np.ndarray, mirror: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    columns, signs = mirror
    return values[:, columns] * signs
