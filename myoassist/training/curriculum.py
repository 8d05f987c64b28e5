"""Which phase of the curriculum a segment is in, and what it measures for the next one to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loguru import logger

from myoassist.config.curriculum import Condition, PhaseChange, SegmentCurriculum, SegmentPhase
from myoassist.config.environment import EnvironmentSettings
from myoassist.config.training import SegmentSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo

TIME_LIMIT = "time_limit"


@dataclass(frozen=True)
class CurrentPhase:
    """The phase that a segment is in.

    Attributes:
        name: of the phase; empty without a curriculum.
        segments: how many segments have been in it, this one included.
        environment: its environment.
        body: which of the segment's bodies it walks with.
    """

    name: str
    segments: int
    environment: EnvironmentSettings
    body: int


def current_phase(settings: SegmentSettings, previous: CheckpointInfo | None) -> CurrentPhase:
    """Find the phase of a segment from its settings and the checkpoint before it.

    Raises:
        InputError: if the checkpoint does not belong to this curriculum.
    """
    curriculum = settings.curriculum
    if curriculum is None:
        return CurrentPhase("", 0, settings.environment, 0)
    if previous is None:
        first = curriculum.phases[0]
        return CurrentPhase(first.name, 1, first.environment, first.body)
    phase, segments = next_phase(curriculum, previous.phase, previous.phase_segments, previous.measured)
    if phase.name != previous.phase:
        logger.info(
            "curriculum: '{}' ends after {} segments; '{}' begins", previous.phase, previous.phase_segments, phase.name
        )
    return CurrentPhase(phase.name, segments, phase.environment, phase.body)


def next_phase(
    curriculum: SegmentCurriculum, before: str, segments: int, measured: Mapping[str, float]
) -> tuple[SegmentPhase, int]:
    """Return the phase of a segment, and which segment of that phase it is (from 1).

    Args:
        curriculum: what the segment knows of it.
        before: phase of the segment before.
        segments: how many segments were in it.
        measured: what the last of them measured.

    Raises:
        InputError: if the segment before was in a phase that it cannot have been in.
    """
    name, count = before, segments + 1
    for change in curriculum.changes:
        if change.leaves == before and happens(change, segments, measured):
            name, count = change.enters, 1
    for phase in curriculum.phases:
        if phase.name == name:
            return phase, count
    known = ", ".join(phase.name for phase in curriculum.phases)
    raise InputError(f"training: field 'curriculum': the segment before was in phase '{before}' (expected {known})")


def happens(change: PhaseChange, segments: int, measured: Mapping[str, float]) -> bool:
    """Tell whether a phase ends after so many segments in it, with what the last one measured."""
    if segments >= change.largest_segments:
        return True
    return segments >= change.smallest_segments and change.until is not None and holds(change.until, measured)


def holds(condition: Condition, measured: Mapping[str, float]) -> bool:
    """Tell whether a condition holds.

    Raises:
        InputError: if its metric was not measured.
    """
    if condition.metric not in measured:
        known = ", ".join(sorted(measured)) or "none"
        raise InputError(f"training: field 'curriculum': '{condition.metric}' was not measured (known: {known})")
    value = measured[condition.metric]
    if condition.at_least is not None:
        return value >= condition.at_least
    return condition.at_most is not None and value <= condition.at_most


def measure(records: Sequence[dict[str, Any]], settings: SegmentSettings, *, control_s: float) -> dict[str, float]:
    """Sum up the second half of a segment: what conditions of the curriculum are about.

    Args:
        records: one a rollout, as in the train log.
        settings: of the segment.
        control_s: duration of a control step.

    Returns:
        metric -> value. Where no episode ended, their length is the time that each environment has run.
    """
    middle = (settings.start_steps + settings.stop_steps) / 2
    late = [record for record in records if record["steps"] > middle]
    if not late:
        return {}
    before = [record["steps"] for record in records if record["steps"] <= middle]
    steps = late[-1]["steps"] - (before[-1] if before else settings.start_steps)
    falls = sum(count for record in late for reason, count in record["terminations"].items() if reason != TIME_LIMIT)
    episodes = sum(record["episodes"] for record in late)
    measured = {
        "reward_per_step": _mean(record["reward_per_step"] for record in late),
        "seconds_per_fall": steps * control_s / max(falls, 1),
        "speed_error_m_s": _mean(record["speed_error_m_s"] for record in late),
    }
    total_s = sum(record["episode_length_s"] * record["episodes"] for record in late if record["episodes"])
    measured["episode_length_s"] = total_s / episodes if episodes else steps * control_s / settings.learner.n_envs
    for name in late[0]["reward_terms"]:
        measured[f"reward_terms.{name}"] = _mean(record["reward_terms"][name]["raw"] for record in late)
    return measured


def _mean(values: Any) -> float:
    found = list(values)
    return float(sum(found) / len(found))
