"""Times learning over some rollouts in the middle of it, as a long training goes on, and the bare physics of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stable_baselines3.common.callbacks import BaseCallback

from myoassist.policies.overlapping import OverlappingPPO

if TYPE_CHECKING:
    from myoassist.bench.speed import PhysicsCalls, Spent


class Laps(BaseCallback):
    """Measures from the start of one rollout to the start of a later one, then ends the learning.

    So what is measured holds as many updates as rollouts, whether an update comes after its rollout or runs beside
    the next one. After each rollout, when no update runs, the clock stands still while its physics are repeated bare:
    within seconds of each other, so that other work on the machine slows both alike.
    """

    def __init__(self, calls: PhysicsCalls, spent: Spent, bare: Spent, *, skipped: int, measured: int):
        """Watch a learning; it has to be the last of its callbacks.

        Args:
            calls: note the physics calls of one rollout.
            spent: takes the time of learning, without that of noting the calls.
            bare: takes the time of the bare physics.
            skipped: steps of all environments together before the measurement.
            measured: steps that it takes.
        """
        super().__init__()
        self._calls, self._spent, self._bare = calls, spent, bare
        self._skipped, self._measured = skipped, measured
        self._running = self._done = False

    def _on_training_start(self) -> None:
        self._begin = self.num_timesteps + self._skipped

    def _on_rollout_start(self) -> None:
        if self._running and self.num_timesteps >= self._begin + self._measured:
            self._spent.__exit__()
            self._spent.steps = self.num_timesteps - self._begin
            self._running, self._done = False, True
        elif not self._running and not self._done and self.num_timesteps >= self._begin:
            self._begin = self.num_timesteps
            self._calls.clear()
            self._spent.__enter__()
            self._running = True

    def _on_rollout_end(self) -> None:
        if not self._running:
            return
        if isinstance(self.model, OverlappingPPO):  # as it would be in a moment
            self.model.wait()
        self._spent.__exit__()
        self._spent -= self._calls.noting
        self._bare += self._calls.repeat()
        self._calls.clear()
        self._spent.__enter__()

    def _on_step(self) -> bool:
        return not self._done
