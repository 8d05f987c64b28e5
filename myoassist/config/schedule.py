"""Values that change over the absolute steps of a training."""

from __future__ import annotations

from pydantic import Field

from myoassist.config.base import Settings


class LinearSchedule(Settings):
    """A value that moves from one end to the other over absolute steps and stays there.

    Its course is `policies.schedules.value_at`.
    """

    start: float = Field(alias="from")
    end: float = Field(alias="to")
    schedule_steps: float = Field(gt=0)


class Schedule(Settings):
    """`{"linear": {"from": 3e-4, "to": 1e-5, "schedule_steps": 5e6}}`."""

    linear: LinearSchedule
