"""Curricula: which segments could be in which phase, what makes one give way to the next, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.experiment import Experiment
from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.training.curriculum import next_phase

SIZES = {"n_envs": 2, "parameters": {"n_steps": 5}, "segment_steps": 10, "total_steps": 80}
STABLE = {"metric": "episode_length_s", "at_least": 2.0}
BY_STEPS = (
    {"name": "stand", "steps": 15, "environment": {"termination": {"trunk_lean_max_rad": 1.0}}},
    {"name": "walk", "steps": 10, "environment": {"target_velocity": {"maximum_m_s": 1.5}}},
    {"name": "all"},
)
BY_METRIC = (
    {"name": "loose", "until": STABLE, "smallest_segments": 2, "largest_segments": 4},
    {"name": "middle", "until": {**STABLE, "at_least": 5.0}, "largest_segments": 2},
    {"name": "tight"},
)


def segments(*phases: dict, **changes):
    settings = TrainingSettings.parse({**SIZES, "curriculum": phases, **changes})
    return settings.segments(EnvironmentSettings(), seed=1)


def names(*phases: dict) -> list[str]:
    return [" ".join(phase.name for phase in segment.curriculum.phases) for segment in segments(*phases)]


def test_phases_by_steps_are_whole_segments() -> None:
    assert names(*BY_STEPS) == ["stand", "stand", "walk", *["all"] * 5]
    first, _, third, last = segments(*BY_STEPS)[:4]
    assert first.environment.termination.trunk_lean_max_rad == 1.0
    assert first.environment.target_velocity.maximum_m_s == 1.25
    assert third.environment.target_velocity.maximum_m_s == 1.5
    assert last.environment == EnvironmentSettings()


def test_segments_hold_the_phases_they_could_be_in() -> None:
    assert names(*BY_METRIC) == [
        "loose",
        "loose",
        "loose middle",
        "loose middle tight",
        "middle tight",
        "middle tight",
        "tight",
        "tight",
    ]
    changes = [[change.leaves for change in segment.curriculum.changes] for segment in segments(*BY_METRIC)]
    assert changes == [
        [],
        [],
        ["loose"],
        ["loose", "middle"],
        ["loose", "middle"],
        ["middle"],
        ["middle"],
        [],
    ]


def test_a_phase_that_a_segment_cannot_be_in_does_not_touch_it() -> None:
    before = [segment.canonical() for segment in segments(*BY_STEPS)]
    longer = [segment.canonical() for segment in segments({**BY_STEPS[0], "steps": 25}, *BY_STEPS[1:])]
    assert [a == b for a, b in zip(before, longer, strict=True)] == [True, True, False, False, False, True, True, True]
    other = {**BY_STEPS[1], "environment": {"target_velocity": {"maximum_m_s": 1.6}}}
    changed = [segment.canonical() for segment in segments(BY_STEPS[0], other, BY_STEPS[2])]
    assert [a == b for a, b in zip(before, changed, strict=True)] == [True, True, False, *[True] * 5]


def test_phases_change_between_smallest_and_largest() -> None:
    def walk(*lengths: float) -> list[str]:
        phase, count, measured, found = "", 0, {}, []
        for segment, length in zip(segments(*BY_METRIC), lengths, strict=False):
            if segment.segment == 0:
                phase, count = segment.curriculum.phases[0].name, 1
            else:
                now, count = next_phase(segment.curriculum, phase, count, measured)
                phase = now.name
            found.append(phase)
            measured = {"episode_length_s": length}
        return found

    assert walk(9, 9, 9, 9, 9) == ["loose", "loose", "middle", "tight", "tight"]
    assert walk(0, 0, 0, 0, 0, 0, 0) == ["loose"] * 4 + ["middle"] * 2 + ["tight"]
    assert walk(0, 0, 3, 3, 3, 3, 3) == ["loose"] * 3 + ["middle"] * 2 + ["tight"] * 2
    with pytest.raises(InputError, match=r"'episode_length_s' was not measured \(known: speed\)"):
        next_phase(segments(*BY_METRIC)[2].curriculum, "loose", 2, {"speed": 1.0})
    with pytest.raises(InputError, match="was in phase 'tight'"):
        next_phase(segments(*BY_METRIC)[1].curriculum, "tight", 2, {})


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ([{"name": "a"}, {"name": "b"}], "'a' needs steps or until"),
        ([{"name": "a", "steps": 3}], "'a' is the last one"),
        ([{"name": "a", "steps": 3}, {"name": "a"}], "same name"),
        ([{"name": "a", "until": STABLE}, {"name": "b"}], "largest_segments goes together with until"),
        ([{"name": "a", "steps": 3, "until": STABLE, "largest_segments": 2}, {"name": "b"}], "either steps or until"),
        ([{"name": "a", "until": {"metric": "luck", "at_least": 1}, "largest_segments": 2}, {"name": "b"}], "metric"),
        ([{"name": "a", "until": {"metric": "reward_per_step"}, "largest_segments": 2}, {"name": "b"}], "at_least"),
        ([{"name": "a", "environment": {"observation": {}}}], "a phase cannot change 'observation'"),
        ([{"name": "a", "environment": {"reward": {"alive": {"weigth": 1}}}}], r"phase 'a'.*reward\.alive"),
        ([{"name": "a", "ground": {"slope": 3}}], "phase 'a'.*slope"),
        (
            [
                {"name": "a", "until": {"metric": "reward_terms.alive", "at_least": 1}, "largest_segments": 2},
                {"name": "b"},
            ],
            "no reward term 'alive'",
        ),
    ],
)
def test_mistakes_are_one_line_that_names_the_file(tmp_path: Path, phases: list, message: str) -> None:
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps({"training": {"curriculum": phases}}))
    with pytest.raises(InputError, match=message) as caught:
        Experiment.from_file(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_phase_on_another_ground_asks_for_another_model() -> None:
    slope = {"terrain": "slope", "slope_deg": 2.0}
    phases = [{"name": "level", "until": STABLE, "largest_segments": 2}, {"name": "hill", "ground": slope}]
    experiment = Experiment.parse({"training": {**SIZES, "curriculum": phases}})
    first, second, third = experiment.segments(1)[:3]
    assert [len(experiment.segment_models(segment)) for segment in (first, second, third)] == [1, 2, 1]
    assert [phase.body for phase in second.curriculum.phases] == [0, 1]
    level, hill = experiment.segment_models(second)
    assert level == experiment.model
    assert (hill.ground.terrain, hill.ground.slope_deg) == ("slope", 2.0)
    assert experiment.segment_models(third) == [hill]
    assert experiment.with_model(hill).retarget_key != experiment.retarget_key
