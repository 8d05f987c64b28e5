"""Matrix files: what is refused, and what only looks like a mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from myoassist.config.plan import Plan
from myoassist.errors import InputError

PlanOf = Callable[..., Plan]
TRAINING = {"n_envs": 2, "parameters": {"n_steps": 8}, "segment_steps": 16, "total_steps": 64}


COMPARED = """
experiments: [walk]
comparisons:
  c: {{baseline: {}, conditions: [{{experiment: walk, scenario: noisy, label: noise}}]}}
"""


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (
            "{a: {x: {training.n_envs: 2}}, b: {y: {training.n_envs: 3}}}",
            "axes: b.y overrides training.n_envs, and a.x too",
        ),
        (
            "{a: {base: {}, x: {training.policy.actor: [8]}}, b: {base: {}, y: {training.policy: {actor: [9]}}}}",
            "axes: b.y overrides training.policy, and a.x overrides its part training.policy.actor",
        ),
        (
            "{a: {x: {training.policy: {actor: [9]}, training.policy.actor: [8]}}}",
            "axes: a.x overrides training.policy, and a.x overrides its part training.policy.actor",
        ),
    ],
)
def test_overrides_that_hide_each_other_are_refused(folder: Path, plan_of: PlanOf, axes: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        plan_of(f"experiments: [walk]\naxes: {axes}\n")
    assert str(error.value) == f"{folder / 'matrices' / 'study.yaml'}: {said}"


def test_overrides_beside_each_other_are_fine(plan_of: PlanOf) -> None:
    axes = "{a: {x: {training.policy: {actor: [9]}}, y: {training.policy.actor: [8]}}, b: {z: {training.n_envs: 3}}}"
    runs = plan_of(f"experiments: [walk]\naxes: {axes}\n").runs
    assert [run.experiment.training.policy.actor for run in runs.values()] == [(9,), (8,)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("experiments: [walk]\nseed: [1]\n", ("'seed'", "unknown field")),
        ("experiments: [walk]\nseeds: [1]\nseeds: [2]\n", ("line 3", "'seeds'", "twice")),
        ("experiments: [walk]\nseeds: [one]\n", ("'seeds.0'", "integer")),
        ("experiments: [walk]\nseeds: [1, 1]\n", ("seeds", "twice")),
        ("experiments: [walk]\nseeds: [-1]\n", ("'seeds.0'", "greater than or equal to 0")),
        ("experiments: [{name: walk, seeds: [2, 2]}]\n", ("'experiments.0'", "seeds", "twice")),
        ("experiments: [{name: walk, seed: 2}]\n", ("'experiments.0.seed'", "unknown field")),
        ("experiments: [{name: walk}, walk]\n", ("experiments", "twice")),
        ("experiments: [{name: walk, seeds: [4]}, walk]\n", ("experiments", "same name")),
        ("experiments: [run]\n", ("'experiments'", "run.json", "not found")),
        ("experiments: ['x; touch y']\n", ("'experiments.0'", "lower-case")),
        ("experiments: ['../../etc']\n", ("'experiments.0'", "lower-case")),
        ("experiments: []\n", ("'experiments'", "at least 1")),
        ("experiments: [walk\n", ("not valid YAML", "line")),
        ("", ("expected named fields (found None)",)),
        ("- walk\n", ("expected named fields (found ['walk'])",)),
        ("experiments: [walk]\n1: 1\n", ("line 2", "quotes")),
        ("experiments: [walk]\nno: 1\n", ("'no'", "unknown field")),
        ("experiments: [walk]\naxes: {a: {'$(x)': {training.n_envs: 2}}}\n", ("axes.a", "lower-case")),
        ("experiments: [walk]\naxes: {a: {b: {n_envs: 2}}}\n", ("axes.a.b", "'n_envs'", "training")),
        (
            "experiments: [walk]\naxes: {a: {b: {training.n_env: 2}}}\n",
            ("walk with a = b", "'training.n_env'", "unknown field"),
        ),
        ("experiments: [walk]\naxes: {seed: {b: {}}}\n", ("axes", "'seed'")),
        ("experiments: [walk]\naxes: {a: {b: {}, c: {}}}\n", ("axes", "walk-s1", "other names")),
        ("experiments: [walk]\nexclude: [{a: b}]\n", ("exclude.0", "unknown axis 'a'")),
        ("experiments: [walk]\nexclude: [{experiment: wolk}]\n", ("exclude.0", "unknown value 'wolk'")),
        ("experiments: [walk]\nexclude: [{experiment: walk}]\n", ("exclude", "no run is left")),
        ("experiments: [walk]\nscenarios: [uphill]\n", ("'scenarios'", "'uphill'", "level, noisy")),
        ("experiments: [walk]\ncheckpoints: [last]\n", ("'checkpoints.0'", "'final'")),
        (COMPARED.format("{experiment: walk}"), ("'comparisons.c.baseline'", "'scenario' is missing")),
        (
            COMPARED.format("{experiment: wolk, scenario: level}"),
            ("comparisons.c.baseline.experiment", "'wolk'", "walk"),
        ),
        (COMPARED.format("{experiment: walk, scenario: hill}"), ("'comparisons.c.baseline'", "scenario = hill")),
        (
            COMPARED.format("{experiment: walk, scenario: level, speed: x}"),
            ("comparisons.c.baseline", "unknown axis 'speed'"),
        ),
        (
            COMPARED.format("{experiment: walk, scenario: level, label: noise}"),
            ("label", "already means something else"),
        ),
        (COMPARED.format("walk"), ("'comparisons.c.baseline'", "expected named fields")),
        ("experiments: [walk]\ncomparisons: {c: {}}\n", ("'comparisons.c.baseline'", "required")),
        ("experiments: [walk]\naxes: {scenario: {b: {}}}\n", ("axes", "'scenario'")),
    ],
)
def test_mistake_is_one_line_with_file_and_field(plan_of: PlanOf, text: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        plan_of(text)
    message = str(caught.value)
    assert "study.yaml" in message
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("name", ["two words.yaml", "Caps.yaml", "a;b.yaml"])
def test_name_of_the_results_folder_is_safe(plan_of: PlanOf, name: str) -> None:
    with pytest.raises(InputError, match="lower-case"):
        plan_of("experiments: [walk]\n", name)


def test_off_is_a_name(folder: Path, plan_of: PlanOf) -> None:
    file = folder / "experiments" / "exo.json"
    file.write_text(json.dumps({"training": TRAINING, "evaluation": {"scenarios": {"level": {}, "off": {}}}}))
    sides = "{baseline: {experiment: exo, scenario: off}, conditions: [{experiment: exo, scenario: level}]}"
    plan = plan_of(f"experiments: [exo]\nscenarios: [off, level]\ncomparisons: {{worn: {sides}}}\n")
    assert plan.runs["exo-s1"].scenarios == ("off", "level")


def test_an_id_that_is_too_long_for_a_path_is_refused(folder: Path, plan_of: PlanOf) -> None:
    """Of 120 characters it is taken; of one more, run and matrix are named."""

    def axes(last: int) -> str:
        lengths = [48, 48, last]
        fields = ["training.n_envs: 3", "figures.dpi: 100", "retarget.frames: 120"]
        values = [f"a{i}: {{{'x' * n}: {{{field}}}}}" for i, (n, field) in enumerate(zip(lengths, fields, strict=True))]
        return f"experiments: [walk]\naxes: {{{', '.join(values)}}}\n"

    (longest,) = plan_of(axes(14)).runs
    assert len(longest) == 120
    with pytest.raises(InputError) as error:
        plan_of(axes(15))
    matrix, run = folder / "matrices" / "study.yaml", longest.replace("-s1", "x-s1")
    said = f"{matrix}: run {run}: expected an id of at most 120 characters (found 121); give values shorter names"
    assert str(error.value) == said
