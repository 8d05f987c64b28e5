"""Times learning over some rollouts in the middle of it, as a long training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stable_baselines3.common.callbacks import BaseCallback

if TYPE_CHECKING:
    from myoassist.bench.speed import PhysicsCalls, Spent


class Laps(BaseCallback):
    """Measures from the start of one rollout to the start of a later one, then ends the learning.

    So what is measured holds as many updates as rollouts, whether an update comes after its rollout or runs beside
    the next one.
    """

    def __init__(self, calls: PhysicsCalls, spent: Spent, *, skipped: int, measured: int):
        """Watch a learning.

        Args:
            calls: forget what they noted when the measurement begins.
            spent: takes the time.
            skipped: steps of all environments together before the measurement.
            measured: steps that it takes.
        """
        super().__init__()
        self._calls, self._spent = calls, spent
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

    def _on_step(self) -> bool:
        return not self._done
