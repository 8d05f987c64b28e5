"""Matrix files: which runs they make, how those are called, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myoassist.config.matrix import Plan
from myoassist.errors import InputError

ROOT = Path(__file__).parents[2]
TRAINING = {"n_envs": 2, "parameters": {"n_steps": 8}, "segment_steps": 16, "total_steps": 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "matrices").mkdir()
    scenarios = {"level": {}, "noisy": {"initial_position_noise_rad": 0.1}}
    for name in ("walk", "exo"):
        content = {"training": TRAINING, "evaluation": {"scenarios": scenarios}}
        (tmp_path / "experiments" / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def load(folder: Path, text: str, name: str = "study.yaml") -> Plan:
    file = folder / "matrices" / name
    file.write_text(text)
    return Plan.load(file)


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


def test_axes_are_crossed_and_fields_of_a_value_linked(folder: Path) -> None:
    plan = load(folder, AXES)
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


def test_ids_stay_when_values_and_axes_with_a_base_are_added(folder: Path) -> None:
    before = set(load(folder, "experiments: [walk]\naxes: {n: {a: {training.n_envs: 2}}}\n").runs)
    more = "experiments: [exo, walk]\naxes: {n: {a: {training.n_envs: 2}, b: {training.n_envs: 3}}"
    assert before < set(load(folder, more + ", m: {base: {}, c: {figures.dpi: 90}}}\nseeds: [2, 1]\n").runs)


def test_an_experiment_may_have_seeds_of_its_own(folder: Path) -> None:
    text = "experiments: [walk, {name: exo, seeds: [2, 9]}]\nseeds: [1, 2]\nexclude: [{experiment: exo, seed: 9}]\n"
    assert list(load(folder, text).runs) == ["walk-s1", "walk-s2", "exo-s2"]
    assert set(load(folder, "experiments: [walk, exo]\nseeds: [1, 2]\n").runs) > {"walk-s1", "walk-s2", "exo-s2"}


def test_what_some_runs_lack_is_one_difference(folder: Path) -> None:
    file = folder / "experiments" / "exo.json"
    content = json.loads(file.read_text())
    content["evaluation"]["scenarios"]["steps"] = {"target_velocity": {"mode": "step"}, "episodes": 20}
    file.write_text(json.dumps(content))
    plan = load(folder, "experiments: [walk, exo]\n")
    assert plan.differences(plan.runs["walk-s1"]) == {"evaluation.scenarios.steps": None}
    assert plan.differences(plan.runs["exo-s1"])["evaluation.scenarios.steps"]["episodes"] == 20


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
def test_overrides_that_hide_each_other_are_refused(folder: Path, axes: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        load(folder, f"experiments: [walk]\naxes: {axes}\n")
    assert str(error.value) == f"{folder / 'matrices' / 'study.yaml'}: {said}"


def test_overrides_beside_each_other_are_fine(folder: Path) -> None:
    axes = "{a: {x: {training.policy: {actor: [9]}}, y: {training.policy.actor: [8]}}, b: {z: {training.n_envs: 3}}}"
    runs = load(folder, f"experiments: [walk]\naxes: {axes}\n").runs
    assert [run.experiment.training.policy.actor for run in runs.values()] == [(9,), (8,)]


def test_an_id_that_is_too_long_for_a_path_is_refused(folder: Path) -> None:
    """Of 120 characters it is taken; of one more, run and matrix are named."""

    def axes(last: int) -> str:
        lengths = [48, 48, last]
        fields = ["training.n_envs: 3", "figures.dpi: 100", "retarget.frames: 120"]
        values = [f"a{i}: {{{'x' * n}: {{{field}}}}}" for i, (n, field) in enumerate(zip(lengths, fields, strict=True))]
        return f"experiments: [walk]\naxes: {{{', '.join(values)}}}\n"

    (longest,) = load(folder, axes(14)).runs
    assert len(longest) == 120
    with pytest.raises(InputError) as error:
        load(folder, axes(15))
    matrix, run = folder / "matrices" / "study.yaml", longest.replace("-s1", "x-s1")
    said = f"{matrix}: run {run}: expected an id of at most 120 characters (found 121); give values shorter names"
    assert str(error.value) == said


def test_excluded_combinations_are_left_out(folder: Path) -> None:
    plan = load(folder, AXES + "exclude:\n  - {effort: low, net: large}\n  - {net: small, seed: 7}\n")
    assert list(plan.runs) == ["walk-small-s1", "walk-large-s1", "walk-large-s7", "walk-low-small-s1"]


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
def test_checkpoints_become_numbers_of_steps(folder: Path, checkpoints: str, expected: tuple[int | str, ...]) -> None:
    run = load(folder, f"experiments: [walk]\ncheckpoints: {checkpoints}\n").runs["walk-s1"]
    assert run.checkpoints == expected
    assert run.compared == max((steps for steps in expected if steps != "best"), default="best")


def test_scenarios_are_all_or_those_named(folder: Path) -> None:
    assert load(folder, "experiments: [walk]\n").runs["walk-s1"].scenarios == ("level", "noisy")
    assert load(folder, "experiments: [walk]\nscenarios: [noisy]\n").runs["walk-s1"].scenarios == ("noisy",)


def test_experiment_may_be_a_path(folder: Path) -> None:
    assert list(load(folder, "experiments: [../experiments/exo.json]\n").runs) == ["exo-s1"]


COMPARED = """
experiments: [walk]
comparisons:
  c: {{baseline: {}, conditions: [{{experiment: walk, scenario: noisy, label: noise}}]}}
"""


def test_comparisons_select_runs_by_experiment_scenario_and_axes(folder: Path) -> None:
    plan = load(
        folder,
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


def test_off_is_a_name(folder: Path) -> None:
    file = folder / "experiments" / "exo.json"
    file.write_text(json.dumps({"training": TRAINING, "evaluation": {"scenarios": {"level": {}, "off": {}}}}))
    sides = "{baseline: {experiment: exo, scenario: off}, conditions: [{experiment: exo, scenario: level}]}"
    plan = load(folder, f"experiments: [exo]\nscenarios: [off, level]\ncomparisons: {{worn: {sides}}}\n")
    assert plan.runs["exo-s1"].scenarios == ("off", "level")


def test_episodes_that_start_alike_are_told_from_others(folder: Path) -> None:
    run = load(folder, "experiments: [walk]\n").runs["walk-s1"]
    assert run.starts("level") == run.starts("level") != run.starts("noisy")


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
def test_mistake_is_one_line_with_file_and_field(folder: Path, text: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert "study.yaml" in message
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_checkpoint_between_segments_is_refused(folder: Path) -> None:
    plan = load(folder, "experiments: [walk]\ncheckpoints: [20]\n")
    with pytest.raises(InputError, match=r"study\.yaml.*no checkpoint at 20 steps.*16, 32, 48, 64"):
        _ = plan.runs["walk-s1"].checkpoints


@pytest.mark.parametrize("name", ["two words.yaml", "Caps.yaml", "a;b.yaml"])
def test_name_of_the_results_folder_is_safe(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="lower-case"):
        load(folder, "experiments: [walk]\n", name)


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
def test_warm_start_is_the_run_with_the_same_values_and_seed(folder, start, experiments, expected) -> None:
    file = folder / "experiments" / "exo.json"
    content = json.loads(file.read_text())
    content.setdefault("training", {})["warm_start"] = start
    file.write_text(json.dumps(content))
    text = f"experiments: {experiments}\nseeds: [7]\naxes: {{effort: {{low: {{training.n_envs: 2}}}}}}\n"
    if isinstance(expected, str):
        with pytest.raises(InputError) as caught:
            load(folder, text)
        assert expected in str(caught.value)
    else:
        plan = load(folder, text)
        source, steps = plan.warm_start(plan.runs["exo-low-s7"])
        assert (source.id, steps) == (expected[0].format("low"), expected[1])
        assert plan.warm_start(plan.runs["walk-low-s7"]) is None
