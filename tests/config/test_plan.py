"""The runs of a matrix: how they are called, how they differ, what they are compared with and start from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from myoassist.config.plan import Plan
from myoassist.errors import InputError

ROOT = Path(__file__).parents[2]
PlanOf = Callable[..., Plan]


AXES = """
experiments: [walk]
axes:
  effort:
    base: {}
    low: {environment.reward.muscle_effort.weight: -0.05}
  net:
    small: {training.policy.actor: [8], training.policy.critic: [8]}
    large: {training.policy.actor: [64], training.policy.critic: [64]}
seeds: [1, 7]
"""


def test_axes_are_crossed_and_fields_of_a_value_linked(plan_of: PlanOf) -> None:
    plan = plan_of(AXES)
    assert list(plan.runs) == [
        f"walk-{value}-s{seed}" for value in ("small", "large", "low-small", "low-large") for seed in (1, 7)
    ]
    run = plan.runs["walk-low-large-s7"]
    assert run.seed == 7
    assert run.values == {"effort": "low", "net": "large"}
    assert run.experiment.environment.reward.muscle_effort.weight == -0.05
    assert run.experiment.training.policy.actor == run.experiment.training.policy.critic == (64,)
    assert plan.differences(run) == {
        "environment.reward.muscle_effort.weight": -0.05,
        "training.policy.actor": [64],
        "training.policy.critic": [64],
    }


def test_ids_stay_when_values_and_axes_with_a_base_are_added(plan_of: PlanOf) -> None:
    before = set(plan_of("experiments: [walk]\naxes: {n: {a: {training.n_envs: 2}}}\n").runs)
    more = "experiments: [exo, walk]\naxes: {n: {a: {training.n_envs: 2}, b: {training.n_envs: 3}}"
    assert before < set(plan_of(more + ", m: {base: {}, c: {figures.dpi: 90}}}\nseeds: [2, 1]\n").runs)


def test_an_experiment_may_have_seeds_of_its_own(plan_of: PlanOf) -> None:
    text = "experiments: [walk, {name: exo, seeds: [2, 9]}]\nseeds: [1, 2]\nexclude: [{experiment: exo, seed: 9}]\n"
    assert list(plan_of(text).runs) == ["walk-s1", "walk-s2", "exo-s2"]
    assert set(plan_of("experiments: [walk, exo]\nseeds: [1, 2]\n").runs) > {"walk-s1", "walk-s2", "exo-s2"}


def test_what_some_runs_lack_is_one_difference(folder: Path, plan_of: PlanOf) -> None:
    file = folder / "experiments" / "exo.json"
    content = json.loads(file.read_text())
    content["evaluation"]["scenarios"]["steps"] = {"target_velocity": {"mode": "step"}, "episodes": 20}
    file.write_text(json.dumps(content))
    plan = plan_of("experiments: [walk, exo]\n")
    assert plan.differences(plan.runs["walk-s1"]) == {"evaluation.scenarios.steps": None}
    assert plan.differences(plan.runs["exo-s1"])["evaluation.scenarios.steps"]["episodes"] == 20


def test_excluded_combinations_are_left_out(plan_of: PlanOf) -> None:
    plan = plan_of(AXES + "exclude:\n  - {effort: low, net: large}\n  - {net: small, seed: 7}\n")
    assert list(plan.runs) == ["walk-small-s1", "walk-large-s1", "walk-large-s7", "walk-low-small-s1"]


def test_scenarios_are_all_or_those_named(plan_of: PlanOf) -> None:
    assert plan_of("experiments: [walk]\n").runs["walk-s1"].scenarios == ("level", "noisy")
    assert plan_of("experiments: [walk]\nscenarios: [noisy]\n").runs["walk-s1"].scenarios == ("noisy",)


def test_experiment_may_be_a_path(plan_of: PlanOf) -> None:
    assert list(plan_of("experiments: [../experiments/exo.json]\n").runs) == ["exo-s1"]


def test_comparisons_select_runs_by_experiment_scenario_and_axes(plan_of: PlanOf) -> None:
    plan = plan_of(
        AXES
        + """
comparisons:
  effort:
    baseline: {experiment: walk, scenario: level, effort: base, label: as it is}
    conditions: [{experiment: walk, scenario: level, effort: low}]
""",
    )
    comparison = plan.matrix.comparisons["effort"]
    baseline = [run.id for run in plan.selected(comparison.baseline)]
    assert baseline == ["walk-small-s1", "walk-small-s7", "walk-large-s1", "walk-large-s7"]
    assert [run.id for run in plan.selected(comparison.conditions[0])] == [
        name.replace("walk-", "walk-low-") for name in baseline
    ]
    assert plan.runs["walk-low-small-s7"].condition == "walk-low-small"


def test_demo_matrix_is_a_real_matrix() -> None:
    plan = Plan.load(ROOT / "configs" / "matrices" / "demo.yaml")
    assert len({run.name for run in plan.runs.values()}) >= 2
    assert len({run.seed for run in plan.runs.values()}) >= 2
    trained = [run for run in plan.runs.values() if run.kept is None]
    for run in trained:
        assert 60_000 <= run.final_steps <= 100_000
        assert run.experiment.training.rollout_steps <= 2048
    assert len(trained) < len(plan.runs), "a walk that was trained before belongs to the first report"


@pytest.mark.parametrize(
    ("start", "experiments", "expected"),
    [
        ({"experiment": "walk"}, "[walk, exo]", ("walk-{}-s7", 64)),
        ({"experiment": "walk", "steps": 32}, "[exo, walk]", ("walk-{}-s7", 32)),
        ({"experiment": "walk", "steps": 33}, "[walk, exo]", "no checkpoint at 33 steps, only at '16, 32, 48, 64'"),
        ({"experiment": "walk"}, "[exo]", "no run of 'walk' with seed 7"),
        ({"experiment": "exo"}, "[walk, exo]", "runs start in a circle (exo-low-s7 from exo-low-s7)"),
    ],
)
def test_warm_start_is_the_run_with_the_same_values_and_seed(folder, plan_of, start, experiments, expected) -> None:
    file = folder / "experiments" / "exo.json"
    content = json.loads(file.read_text())
    content.setdefault("training", {})["warm_start"] = start
    file.write_text(json.dumps(content))
    text = f"experiments: {experiments}\nseeds: [7]\naxes: {{effort: {{low: {{training.n_envs: 2}}}}}}\n"
    if isinstance(expected, str):
        with pytest.raises(InputError) as caught:
            plan_of(text)
        assert expected in str(caught.value)
    else:
        plan = plan_of(text)
        source, steps = plan.warm_start(plan.runs["exo-low-s7"])
        assert (source.id, steps) == (expected[0].format("low"), expected[1])
        assert plan.warm_start(plan.runs["walk-low-s7"]) is None
