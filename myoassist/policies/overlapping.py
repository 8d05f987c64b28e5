"""PPO that collects the next rollout while it still learns from the last one."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from myoassist.policies.collecting import ROWS, collect, value

LARGEST_WEIGHT = 2.0
"""Of an advantage: how many times likelier than when it was taken an action may count."""
_SCHEDULES = ("lr_schedule", "clip_range", "clip_range_vf")


class OverlappingPPO(PPO):
    """PPO whose rollouts are collected by the policy of one update before.

    While gradient steps are taken on rollout k, rollout k + 1 is collected by a copy of the policy as it was before
    them, so that no core waits for the other's work. The objective is the decoupled one of Hilton, Cobbe and Schulman
    2021 ("Batch size-invariance for policy optimization"): clipping is around the policy that an update begins
    with, and advantages are weighted by its probability of each action over that of the policy that collected,
    truncated as by Espeholt et al. 2018 (IMPALA). The first two rollouts of every `learn` are collected by the policy
    that it starts with, and it returns when the last update is done.

    Between two steps of the bodies only the actors are asked. The values of a rollout are those of the policy that
    collected it, as in PPO, but for all steps at once and beside the next rollout.

    On a machine with nothing else to do, gradient steps take what the physics leave of the cores: the physics threads
    wait for each other at every step, and would else wait for the one that gave its core away.

    Which policy collects what does not depend on timing: with `concurrent` off, everything is done in the calling
    thread and gives the same bytes.

    Attributes:
        concurrent: whether gradient steps have a thread of their own.
        after_update: is called when an update has ended and before the acting policy learns of it; what it changes in
            the policy reaches the acting one too.
        update_s: time that the last update took (s).
    """

    concurrent: bool = False
    after_update: Callable[[], None] | None = None
    update_s: float = 0.0

    def _setup_model(self) -> None:
        super()._setup_model()
        with torch.random.fork_rng(devices=[]):  # weights come from the policy: copies shall cost no random numbers
            self._acting, self._collected_by = (
                self.policy_class(
                    self.observation_space,
                    self.action_space,
                    self.lr_schedule,
                    use_sde=self.use_sde,
                    **self.policy_kwargs,
                )
                for _ in range(2)
            )
        self._worker: ThreadPoolExecutor | None = None
        self._update: Future[tuple[int, float]] | None = None

    def _excluded_save_params(self) -> list[str]:
        ours = ["_acting", "_collected_by", "_worker", "_update", "concurrent", "after_update", "update_s"]
        return [*super()._excluded_save_params(), *ours]

    def learn(self, *arguments: Any, **named: Any) -> OverlappingPPO:
        """Learn as PPO does; see there. Whatever happens, no update goes on after it."""
        self._acting.load_state_dict(self.policy.state_dict())
        try:
            super().learn(*arguments, **named)
            self.wait()
        finally:
            self._update = None
            if self._worker is not None:
                self._worker.shutdown()  # waits, if learning was interrupted
                self._worker = None
        return self

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Collect a rollout with the acting policy; its values and advantages are left for the update to fill in."""
        learned, self.policy = self.policy, self._acting
        try:
            return collect(self, env, callback, rollout_buffer, n_rollout_steps)
        finally:
            self.policy = learned

    def train(self) -> None:
        """Wait for the update before, let the acting policy have it, and begin to learn from the last rollout."""
        noise = self._acting.log_std
        self.wait()
        if not self.policy.log_std.requires_grad:  # follows a schedule: the noise that the rollout was collected with
            with torch.no_grad():
                self.policy.log_std.copy_(noise)
        self._acting, self._collected_by = self._collected_by, self._acting
        self._acting.load_state_dict(self.policy.state_dict())
        rollout = (self._student(), self._collected_by)
        if self.concurrent:
            # a new thread each time: without privileges, one that gave way cannot take it back
            self._worker = ThreadPoolExecutor(1, "gradient-steps", _become_background, (_others_wait(),))
            self._update = self._worker.submit(_timed_update, *rollout)
            self._worker.shutdown(wait=False)  # it ends with the update
        else:
            self._update = Future()
            self._update.set_result(_timed_update(*rollout))

    def wait(self) -> None:
        """Wait until the update that is under way has ended, if there is one.

        Raises:
            Exception: whatever went wrong in it.
        """
        if self._update is None:
            return
        update, self._update = self._update, None
        self._n_updates, self.update_s = update.result()
        if self.after_update is not None:
            self.after_update()

    def _student(self) -> PPO:
        """What takes the gradient steps: this algorithm as it is now, whatever steps are counted meanwhile."""
        student = copy.copy(self)
        student.rollout_buffer = copy.copy(self.rollout_buffer)  # the next rollout gets new arrays
        for name in _SCHEDULES:
            schedule = getattr(self, name)
            if schedule is not None:
                setattr(student, name, FloatSchedule(schedule(self._current_progress_remaining)))
        return student


@torch.no_grad()
def decouple(buffer: RolloutBuffer, policy: ActorCriticPolicy) -> None:
    """Make a rollout one that a policy learns from which did not collect it.

    Args:
        buffer: a full one; its `log_probs` become the policy's own, and its advantages are weighted by the ratio.
        policy: what an update begins with.
    """
    policy.set_training_mode(False)
    now = np.empty_like(buffer.log_probs)
    flat, observations = now.reshape(-1), buffer.observations.reshape(-1, buffer.observations.shape[-1])
    actions = buffer.actions.reshape(-1, buffer.actions.shape[-1])
    for start in range(0, len(flat), ROWS):
        rows = slice(start, start + ROWS)
        distribution = policy.get_distribution(torch.as_tensor(observations[rows]))
        flat[rows] = distribution.log_prob(torch.as_tensor(actions[rows])).numpy()
    weight = np.minimum(np.exp(now - buffer.log_probs), np.float32(LARGEST_WEIGHT))
    buffer.advantages = buffer.advantages * weight
    buffer.log_probs = now


def _others_wait() -> bool:
    """Whether the load average says that others want the CPUs, too; a learning has at most a thread more than CPUs."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return not hasattr(os, "getloadavg") or os.getloadavg()[0] > allowed + 1.5


def _become_background(among_others: bool) -> None:
    """Prepare this thread for gradient steps; unless among others, which would leave it nothing, let it give way."""
    torch.set_num_threads(1)
    if not among_others and hasattr(os, "SCHED_IDLE"):  # Linux only
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _timed_update(student: PPO, collected_by: ActorCriticPolicy) -> tuple[int, float]:
    """Learn from the rollout that a policy collected; return the number of epochs so far and how long it took (s)."""
    began = time.perf_counter()
    value(student.rollout_buffer, collected_by, student._last_obs, student._last_episode_starts)
    decouple(student.rollout_buffer, student.policy)
    PPO.train(student)
    return student._n_updates, time.perf_counter() - began
