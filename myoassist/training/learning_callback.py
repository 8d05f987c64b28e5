"""What happens around learning: metrics, observation statistics, progress. It never stops training by failing."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from typing import Any

import numpy as np
import torch
from loguru import logger
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback

from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.policies.normalization import NormalizingExtractor

_TRAINED = {
    "approx_kl": "train/approx_kl",
    "explained_variance": "train/explained_variance",
    "clip_fraction": "train/clip_fraction",
    "entropy_loss": "train/entropy_loss",
    "value_loss": "train/value_loss",
    "policy_std": "train/std",
    "learning_rate": "train/learning_rate",
}
_PLAIN_LINE_EVERY_S = 15.0


class LearningCallback(BaseCallback):
    """Collects one record per rollout and keeps the policy's observation statistics.

    Statistics are frozen while a rollout is collected and while it is learned from; they absorb it afterwards.

    Attributes:
        records: one entry per rollout, as written to the train log.
    """

    def __init__(self, env: MyoAssistLegBase, *, stop_steps: int):
        """Watch `env` until `stop_steps` absolute steps."""
        super().__init__()
        self.env = env
        self.stop_steps = stop_steps
        self.records: list[dict[str, Any]] = []
        self._progress: Progress | None = None
        self._pending: dict[str, Any] | None = None
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        self._reward = 0.0
        self._speed = 0.0
        self._raw = np.zeros(len(self.env.reward_terms))
        self._reasons: Counter[str] = Counter()
        self._lengths: list[int] = []
        self._began = time.perf_counter()

    def _on_training_start(self) -> None:
        self._started = self._last_line = time.perf_counter()
        self._first_steps = self.num_timesteps
        if sys.stderr.isatty():
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
            )
            self._task = self._progress.add_task("train", total=self.stop_steps, completed=self.num_timesteps, note="")
            self._progress.start()

    def _on_rollout_start(self) -> None:
        self._finish_record()
        self._clear()

    def _on_step(self) -> bool:
        env = self.env
        self._count += 1
        self._reward += float(np.mean(self.locals["rewards"]))
        self._speed += float(env.step_result.forward_velocity.mean())
        self._raw += env.raw_terms.mean(axis=1)
        if self.locals["dones"].any():
            for info in self.locals["infos"]:
                if info:
                    self._reasons[info["termination"]] += 1
                    self._lengths.append(info["episode_steps"])
        return True

    def _on_rollout_end(self) -> None:
        raw = self._raw / self._count
        seconds = [steps * self.env.control_s for steps in self._lengths]
        self._pending = {
            "steps": int(self.num_timesteps),
            "reward_per_step": self._reward / self._count,
            "episodes": len(seconds),
            "episode_length_s": float(np.mean(seconds)) if seconds else None,
            "terminations": dict(sorted(self._reasons.items())),
            "speed_m_s": self._speed / self._count,
            "reward_terms": {
                name: {"raw": float(value), "weighted": float(value * weight)}
                for name, value, weight in zip(self.env.reward_terms, raw, self.env.weights, strict=True)
            },
            "clipped_share": self.env.clipped_share,
            "divergences": self.env.simulation.divergences,
            "collect_s": time.perf_counter() - self._began,
        }

    def _finish_record(self) -> None:
        """After the gradient steps on a rollout: absorb its observations, complete and show its record."""
        if self._pending is None:
            return
        record, self._pending = self._pending, None
        self._absorb_observations()
        for name, key in _TRAINED.items():
            value = self.model.logger.name_to_value.get(key)
            record[name] = None if value is None or not math.isfinite(float(value)) else float(value)
        elapsed = time.perf_counter() - self._began
        record["update_s"] = elapsed - record["collect_s"]
        record["steps_per_second"] = self._count * self.env.num_envs / elapsed
        self.records.append(record)
        self._show(record)

    def _absorb_observations(self) -> None:
        extractor = getattr(self.model.policy, "features_extractor", None)
        buffer = getattr(self.model, "rollout_buffer", None)
        if isinstance(extractor, NormalizingExtractor) and extractor.enabled and buffer is not None:
            seen = buffer.observations.reshape(-1, buffer.observations.shape[-1])
            extractor.update(torch.as_tensor(seen))

    def _show(self, record: dict[str, Any]) -> None:
        length = record["episode_length_s"]
        note = f"reward/step {record['reward_per_step']:.3f}, " + (
            "no episode ended" if length is None else f"episodes {length:.2f} s"
        )
        now = time.perf_counter()
        if self._progress is not None:
            self._progress.update(self._task, completed=record["steps"], note=note)
        elif now - self._last_line > _PLAIN_LINE_EVERY_S or record["steps"] >= self.stop_steps:
            self._last_line = now
            rate = (record["steps"] - self._first_steps) / (now - self._started)
            left = (self.stop_steps - record["steps"]) / max(rate, 1e-9)
            logger.info(
                "{:,} of {:,} steps, {:,.0f} steps/s, {:.0f} s left: {}",
                record["steps"],
                self.stop_steps,
                rate,
                left,
                note,
            )

    def _on_training_end(self) -> None:
        self._finish_record()
        self.close()

    def close(self) -> None:
        """End the progress bar, if there is one."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
