"""Values that change over the absolute steps of a training."""

from __future__ import annotations

from pydantic import Field

from myoassist.config.base import Settings


class LinearSchedule(Settings):
    """A value that moves from one end to the other over absolute steps and stays there."""

    start: float = Field(alias="from")
    end: float = Field(alias="to")
    schedule_steps: float = Field(gt=0)

    def at(self, steps: float) -> float:
        """Return the value after so many steps of the whole training."""
        progress = min(max(steps / self.schedule_steps, 0.0), 1.0)
        return self.start + (self.end - self.start) * progress


class Schedule(Settings):
    """`{"linear": {"from": 3e-4, "to": 1e-5, "schedule_steps": 5e6}}`."""

    linear: LinearSchedule
