"""What happens around learning: metrics, observation statistics, progress. It never stops training by failing."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from loguru import logger
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.policies.normalization import extractors
from myoassist.policies.overlapping import OverlappingPPO
from myoassist.training.progress import TrainingProgress

_TRAINED = {
    "approx_kl": "train/approx_kl",
    "explained_variance": "train/explained_variance",
    "clip_fraction": "train/clip_fraction",
    "entropy_loss": "train/entropy_loss",
    "value_loss": "train/value_loss",
    "policy_std": "train/std",
    "learning_rate": "train/learning_rate",
}
_TRAINED_OFF_POLICY = {
    "actor_loss": "train/actor_loss",
    "critic_loss": "train/critic_loss",
    "entropy_coefficient": "train/ent_coef",
    "learning_rate": "train/learning_rate",
}
OFF_POLICY_RECORD_STEPS = 128


class LearningCallback(BaseCallback):
    """Collects one record per rollout and keeps the policy's observation statistics.

    Statistics are frozen while a rollout is collected and while it is learned from; they absorb it afterwards. An
    algorithm with a replay buffer collects a few steps at a time; there, a rollout is what was collected in
    `OFF_POLICY_RECORD_STEPS` steps of each environment, and the buffer holds observations as they were seen, so
    that all of them are standardised by the statistics of the moment.

    Attributes:
        records: one entry per rollout, as written to the train log.
    """

    def __init__(
        self,
        env: MyoAssistLegBase,
        *,
        stop_steps: int,
        torch_threads: int = 1,
        on_record: Callable[[dict[str, Any]], None] | None = None,
    ):
        """Watch a training.

        Args:
            env: what it learns on.
            stop_steps: absolute steps it ends at.
            torch_threads: of the gradient steps. While a rollout is collected the network has one thread: the
                physics has the others, and a batch of observations is too small to gain by more.
            on_record: is shown each record.
        """
        super().__init__()
        self.torch_threads = torch_threads
        self.on_record = on_record
        self.env = env
        self.stop_steps = stop_steps
        self.records: list[dict[str, Any]] = []
        self._progress: TrainingProgress | None = None
        self._pending: deque[tuple[dict[str, Any], list[np.ndarray]]] = deque()  # not learned from yet, what was seen
        self._running_return = np.zeros(env.num_envs)  # of episodes that go on from one rollout to the next
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        # sums over steps, environment by environment
        self._reward, self._speed, self._speed_error = np.zeros((3, self.env.num_envs))
        self._raw = np.zeros_like(self.env.raw_terms)
        self._seen: list[np.ndarray] = []
        self._reasons: Counter[str] = Counter()
        self._lengths: list[int] = []
        self._returns: list[float] = []
        self._began = time.perf_counter()

    @property
    def _on_policy(self) -> bool:
        return isinstance(self.model, OnPolicyAlgorithm)

    @property
    def _overlapping(self) -> bool:
        """Whether a rollout has begun before the one before has been learned from."""
        return isinstance(self.model, OverlappingPPO)

    def _on_training_start(self) -> None:
        if self._overlapping:
            self.model.after_update = self._finish_record
        self._progress = TrainingProgress(self.num_timesteps, self.stop_steps)
        torch.set_num_threads(1 if self._on_policy else self.torch_threads)

    def _on_rollout_start(self) -> None:
        if self._on_policy:
            torch.set_num_threads(1)
        if self._on_policy or self._pending:
            if not self._overlapping:
                self._finish_record()
            self._clear()

    def _on_step(self) -> bool:
        env = self.env
        self._count += 1
        self._reward += self.locals["rewards"]
        step = env.step_result
        self._speed += step.forward_velocity
        self._speed_error += np.abs(step.forward_velocity - step.target_velocity)
        if not self._on_policy:
            self._seen.append(self.locals["new_obs"].copy())
        self._raw += env.raw_terms
        self._running_return += self.locals["rewards"]
        ended = np.flatnonzero(self.locals["dones"])
        if len(ended):
            self._returns += self._running_return[ended].tolist()
            self._running_return[ended] = 0.0
            for info in self.locals["infos"]:
                if info:
                    self._reasons[info["termination"]] += 1
                    self._lengths.append(info["episode_steps"])
        return True

    def _on_rollout_end(self) -> None:
        if self._on_policy:
            torch.set_num_threads(self.torch_threads)
        if self._on_policy or self._count >= OFF_POLICY_RECORD_STEPS:
            self._begin_record()

    def _begin_record(self) -> None:
        """Sum up the steps since the last record."""
        if self._on_policy:  # a buffer's arrays are new ones before the next rollout's start is told
            self._seen = [self.model.rollout_buffer.observations]
        raw = self._raw.mean(axis=1) / self._count
        seconds = [steps * self.env.control_s for steps in self._lengths]
        record = {
            "steps": int(self.num_timesteps),
            "reward_per_step": float(self._reward.mean()) / self._count,
            "episodes": len(seconds),
            "episode_length_s": float(np.mean(seconds)) if seconds else None,
            "episode_return": float(np.mean(self._returns)) if self._returns else None,
            "terminations": dict(sorted(self._reasons.items())),
            "speed_m_s": float(self._speed.mean()) / self._count,
            "speed_error_m_s": float(self._speed_error.mean()) / self._count,
            "reward_terms": {
                name: {"raw": float(value), "weighted": float(value * weight)}
                for name, value, weight in zip(self.env.reward_terms, raw, self.env.weights, strict=True)
            },
            "clipped_share": self.env.clipped_share,
            "divergences": self.env.simulation.divergences,
            "collect_s": time.perf_counter() - self._began,
        }
        self._pending.append((record, self._seen))

    def _finish_record(self) -> None:
        """After the gradient steps on a rollout: absorb its observations, complete and show its record."""
        if not self._pending:
            return
        record, seen = self._pending.popleft()
        self._absorb(seen)
        for name, key in (_TRAINED if self._on_policy else _TRAINED_OFF_POLICY).items():
            value = self.model.logger.name_to_value.get(key)
            record[name] = None if value is None or not math.isfinite(float(value)) else float(value)
        if self._overlapping:
            record["update_s"] = self.model.update_s
            elapsed = (max if self.model.concurrent else sum)([record["collect_s"], record["update_s"]])
        else:
            elapsed = time.perf_counter() - self._began
            record["update_s"] = elapsed - record["collect_s"]
        record["steps_per_second"] = self._count * self.env.num_envs / elapsed
        self.records.append(record)
        self._show(record)
        if self.on_record is not None:
            try:
                self.on_record(record)
            except Exception as error:
                logger.warning("what watches the training failed and is not asked again: {}", error)
                self.on_record = None

    def _absorb(self, seen: list[np.ndarray]) -> None:
        found = extractors(self.model.policy)
        if not found:
            return
        together = np.concatenate(seen)
        observations = torch.as_tensor(together.reshape(-1, together.shape[-1]))
        for extractor in found:
            extractor.update(observations)

    def _show(self, record: dict[str, Any]) -> None:
        length = record["episode_length_s"]
        note = f"reward/step {record['reward_per_step']:.3f}, " + (
            "no episode ended" if length is None else f"episodes {length:.2f} s"
        )
        if self._progress is not None:
            self._progress.show(record["steps"], note)

    def _on_training_end(self) -> None:
        if not self._pending and not self._on_policy and self._count:
            self._begin_record()
        if self._overlapping:
            self.model.wait()
        self._finish_record()
        self.close()

    def close(self) -> None:
        """End the progress bar, if there is one."""
        if self._progress is not None:
            self._progress.close()
            self._progress = None
