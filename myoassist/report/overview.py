"""The overview table: what each number is, and what it says in plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoassist.errors import InputError
from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, read_document
from myoassist.report.reading import lookup

_LATE_SHARE = 0.1
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Training:
    """What the train logs of one run say.

    Attributes:
        steps: environment steps trained.
        untrained: mean reward per step of the untrained policy; None if not measured.
        trained: mean over the last tenth of the rollouts; None if there is none.
        steps_per_second: environment steps per second, mean over the rollouts; None if not logged.
    """

    steps: int
    untrained: float | None
    trained: float | None
    steps_per_second: float | None


def read_train_log(path: Path) -> dict[str, Any]:
    """Read the log of one training segment.

    Raises:
        InputError: if it is damaged or no train log.
    """
    value = read_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)
    if not isinstance(value.get("rollouts"), list):
        raise InputError(f"{path}: not a train log (field 'rollouts' is missing)")
    return value


def summarize_training(logs: Sequence[dict[str, Any]]) -> Training | None:
    """Join the logs of a run's segments, in order."""
    rollouts = [entry for log in logs for entry in log["rollouts"] if isinstance(entry, dict)]
    if not rollouts:
        return None
    rewards = _numbers(rollouts, "reward_per_step")
    late = rewards[-max(1, round(_LATE_SHARE * len(rewards))) :]
    return Training(
        steps=int(rollouts[-1].get("steps") or 0),
        untrained=_number(logs[0].get("untrained_reward_per_step")),
        trained=_mean(late),
        steps_per_second=_mean(_numbers(rollouts, "steps_per_second")),
    )


@dataclass(frozen=True)
class Column:
    """One number of the overview.

    Attributes:
        head: heading.
        unit: unit; empty for numbers without one.
        meaning: what it is, in a sentence.
        value: takes training summary and metrics, gives the number or None.
        digits: digits after the point.
    """

    head: str
    unit: str
    meaning: str
    value: Callable[[Training | None, dict[str, Any] | None], float | None]
    digits: int = 2

    def text(self, training: Training | None, metrics: dict[str, Any] | None) -> str:
        """Return the number as text; a dash where it is not known."""
        number = self.value(training, metrics)
        return DASH if number is None else f"{number:.{self.digits}f}".replace("-", MINUS)


def _metric(path: str, factor: float = 1.0) -> Callable[[Training | None, dict[str, Any] | None], float | None]:
    def value(training: Training | None, metrics: dict[str, Any] | None) -> float | None:
        number = _number(lookup(metrics, path))
        return None if number is None else factor * number

    return value


TRAINING_COLUMNS = (
    Column(
        "Reward, untrained",
        "per step",
        "Mean reward per control step of the policy before any training, exploring as in training.",
        lambda training, metrics: training.untrained if training else None,
        3,
    ),
    Column(
        "Reward, trained",
        "per step",
        "The same at the end of training: mean over the last tenth of the rollouts. It says that the policy learned "
        "what it is rewarded for, not that it walks.",
        lambda training, metrics: training.trained if training else None,
        3,
    ),
)

EVALUATION_COLUMNS = (
    Column(
        "Time upright",
        "s, median",
        "Median duration of an episode, from its start in the reference motion to a fall, another early end, or the "
        "time limit.",
        _metric("episodes.duration_s.median"),
    ),
    Column(
        "Without a fall",
        "%",
        "Share of the episodes that reached the time limit.",
        _metric("fall_free_fraction", 100.0),
        0,
    ),
    Column(
        "Speed",
        "m/s",
        "Mean forward speed of the pelvis over all episodes, falling included.",
        _metric("speed_mean"),
    ),
    Column(
        "Hip error",
        "° RMS",
        "Difference of the hip angle from the reference at the same phase, over all states of all episodes, both legs.",
        _metric("tracking_rmse_deg.hip_flexion"),
        1,
    ),
    Column("Knee error", "° RMS", "The same for the knee.", _metric("tracking_rmse_deg.knee_flexion"), 1),
    Column("Ankle error", "° RMS", "The same for the ankle.", _metric("tracking_rmse_deg.ankle_dorsiflexion"), 1),
    Column(
        "Activation",
        "0 to 1",
        "Mean muscle activation over muscles and time.",
        _metric("activation_mean"),
        3,
    ),
)


def gate_held(metrics: dict[str, Any] | None) -> tuple[int, int] | None:
    """Return how many bounds of the walking gate hold, and how many there are."""
    gate = lookup(metrics, "gate")
    if not isinstance(gate, dict) or not gate:
        return None
    return sum(bool(entry.get("holds")) for entry in gate.values()), len(gate)


def statement(metrics: Sequence[dict[str, Any] | None], trainings: Sequence[Training | None]) -> list[str]:
    """Say in plain sentences what the runs show, and what they do not."""
    known = [entry for entry in metrics if entry is not None]
    sentences = []
    pairs = [(t.untrained, t.trained) for t in trainings if t and t.untrained is not None and t.trained is not None]
    if pairs:
        better = sum(trained > untrained for untrained, trained in pairs)
        sentences.append(
            f"{better} of {len(pairs)} runs end their training with a higher mean reward per step than the untrained "
            "policy has."
        )
    if known:
        walking = sum(bool(entry.get("gate_holds")) for entry in known)
        fall_free = [_number(entry.get("fall_free_fraction")) or 0.0 for entry in known]
        durations = [_number(lookup(entry, "episodes.duration_s.median")) for entry in known]
        stands = [value for value in durations if value is not None]
        if walking:
            sentences.append(f"{walking} of {len(known)} evaluations hold every bound of the walking gate.")
        else:
            sentences.append(f"None of the {len(known)} evaluations holds every bound of the walking gate.")
        if max(fall_free) == 0.0 and stands:
            sentences.append(
                "None of these policies walks: every episode ends early, after "
                f"{min(stands):.2f} to {max(stands):.2f} s in the median. Numbers per gait cycle are therefore missing "
                "or rest on very few cycles; the figures show what was measured before the episodes ended."
            )
    else:
        sentences.append("No evaluation is available.")
    return sentences


def _numbers(entries: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [number for entry in entries if (number := _number(entry.get(name))) is not None]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
