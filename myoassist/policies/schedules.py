"""The course of values that change over the absolute steps of a training."""

from __future__ import annotations

from myoassist.config.schedule import LinearSchedule


def value_at(schedule: LinearSchedule, steps: float) -> float:
    """Return the value after so many steps of the whole training: linear between both ends, constant beyond."""
    progress = min(max(steps / schedule.schedule_steps, 0.0), 1.0)
    return schedule.start + (schedule.end - schedule.start) * progress
