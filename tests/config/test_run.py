"""One run: which of its checkpoints are evaluated, and which episodes of it start alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from myoassist.config.plan import Plan
from myoassist.errors import InputError

PlanOf = Callable[..., Plan]


@pytest.mark.parametrize(
    ("checkpoints", "expected"),
    [
        ("[final]", (64,)),
        ("[all]", (16, 32, 48, 64)),
        ("[every 3]", (48,)),
        ("[every 2, 16]", (16, 32, 64)),
        ("[final, 64]", (64,)),
        ("[best]", ("best",)),
        ("[best, final, 16]", (16, 64, "best")),
    ],
)
def test_checkpoints_become_numbers_of_steps(
    plan_of: PlanOf, checkpoints: str, expected: tuple[int | str, ...]
) -> None:
    run = plan_of(f"experiments: [walk]\ncheckpoints: {checkpoints}\n").runs["walk-s1"]
    assert run.checkpoints == expected
    assert run.compared == max((steps for steps in expected if steps != "best"), default="best")


def test_checkpoint_between_segments_is_refused(plan_of: PlanOf) -> None:
    plan = plan_of("experiments: [walk]\ncheckpoints: [20]\n")
    with pytest.raises(InputError, match=r"study\.yaml.*no checkpoint at 20 steps.*16, 32, 48, 64"):
        _ = plan.runs["walk-s1"].checkpoints


def test_episodes_that_start_alike_are_told_from_others(plan_of: PlanOf) -> None:
    run = plan_of("experiments: [walk]\n").runs["walk-s1"]
    assert run.starts("level") == run.starts("level") != run.starts("noisy")
