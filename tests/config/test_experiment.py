"""Experiment files: inheritance, strictness, and messages that name file and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from myoassist.config.experiment import Experiment
from myoassist.errors import InputError

ROOT = Path(__file__).parents[2]


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_extends_merges_objects_and_replaces_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "base.json", {"training": {"n_envs": 3, "policy": {"actor": [8, 8], "critic": [4]}}})
    write(tmp_path, "sub/middle.json", {"extends": "../base.json", "training": {"policy": {"actor": [16]}}})
    top = write(tmp_path, "top.json", {"extends": "sub/middle.json", "training": {"segment_steps": 10}})
    training = Experiment.from_file(top).training
    assert (training.n_envs, training.segment_steps) == (3, 10)
    assert (training.policy.actor, training.policy.critic) == ((16,), (4,))


def test_every_shipped_experiment_is_valid_and_complete() -> None:
    files = sorted((ROOT / "configs" / "experiments").glob("*.json"))
    assert files
    for file in files:
        experiment = Experiment.from_file(file)
        assert experiment.description
        assert Experiment.parse(experiment.plain()) == experiment


def test_schedules_survive_being_written_out(tmp_path: Path) -> None:
    schedule = {"linear": {"from": 3e-4, "to": 1e-5, "schedule_steps": 1000}}
    file = write(tmp_path, "a.json", {"training": {"parameters": {"learning_rate": schedule}}})
    experiment = Experiment.from_file(file)
    assert experiment.plain()["training"]["parameters"]["learning_rate"] == schedule
    segment = experiment.segments(1)[0]
    assert type(segment).load(segment.canonical()) == segment


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ({"trainning": {}}, ("a.json", "'trainning'", "unknown field")),
        ({"training": {"n_env": 3}}, ("a.json", "'training.n_env'", "unknown field")),
        ({"training": {"n_envs": "many"}}, ("a.json", "'training.n_envs'", "integer", "'many'")),
        ({"training": {"n_envs": 0}}, ("a.json", "'training.n_envs'", "greater than or equal to 1", "0")),
        ({"training": []}, ("a.json", "'training'")),
        ({"evaluation": {"scenarios": {"../up": {}}}}, ("a.json", "evaluation.scenarios", "lower-case")),
        ({"evaluation": {"scenarios": {}}}, ("a.json", "evaluation.scenarios", "at least 1")),
        ({"environment": {"id": "Walker-v0"}}, ("a.json", "environment.id", "Walker-v0")),
        ({"figures": {"run": ["nonsense"]}}, ("a.json", "figures.run", "nonsense")),
        (
            {"training": {"policy": {"networks": {"a": {"acts": ["muscles"], "observes": ["phases"]}}}}},
            ("a.json", "training.policy.networks.a.observes", "'phases'", "joint_positions"),
        ),
        (
            {"training": {"policy": {"networks": {"a": {"acts": ["muscles", "device"]}}}}},
            ("a.json", "training.policy.networks.a.acts", "'device'", "known: muscles"),
        ),
        ('{"training": {}, "training": {}}', ("a.json", "'training'", "twice")),
        ('{"training": {"n_envs": NaN}}', ("a.json", "NaN")),
        ('{"training": }', ("a.json", "line 1, column")),
        ("[]", ("a.json", "expected a JSON object")),
        ({"extends": "none.json"}, ("a.json", "'extends'", "none.json", "not found")),
        ({"extends": 3}, ("a.json", "'extends'", "path")),
        ({"extends": "a.json"}, ("a.json", "'extends'", "circle")),
    ],
)
def test_mistake_is_one_line_with_file_and_field(tmp_path: Path, content: Any, parts: tuple[str, ...]) -> None:
    file = write(tmp_path, "a.json", content)
    with pytest.raises(InputError) as caught:
        Experiment.from_file(file)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: file not found"):
        Experiment.from_file(tmp_path / "none.json")


def test_circle_over_two_files_is_found(tmp_path: Path) -> None:
    write(tmp_path, "b.json", {"extends": "a.json"})
    with pytest.raises(InputError, match=r"b\.json: field 'extends'.*circle"):
        Experiment.from_file(write(tmp_path, "a.json", {"extends": "b.json"}))


def test_mistake_in_the_base_names_the_base(tmp_path: Path) -> None:
    write(tmp_path, "base.json", {"training": {"n_envs": -1}})
    file = write(tmp_path, "top.json", {"extends": "base.json", "training": {"segment_steps": 5}})
    with pytest.raises(InputError, match=r"/base\.json: field 'training\.n_envs'"):
        Experiment.from_file(file)


def test_override_keeps_everything_else() -> None:
    experiment = Experiment()
    changed = experiment.override({"environment.reward.muscle_effort.weight": -0.5}, where="here")
    assert changed.environment.reward.muscle_effort.weight == -0.5
    assert changed.environment.reward.forward_velocity == experiment.environment.reward.forward_velocity
    with pytest.raises(InputError, match=r"here: field 'environment\.rewards'"):
        experiment.override({"environment.rewards.alive.weight": 1}, where="here")


def test_equal_settings_share_folders_and_others_do_not() -> None:
    one, same = Experiment(), Experiment(description="other words")
    heavier = one.override({"model.mass_factor": 1.2}, where="here")
    assert one.model_key == same.model_key != heavier.model_key
    assert one.reference_key == heavier.reference_key
    assert one.retarget_key == same.retarget_key != heavier.retarget_key


def test_unknown_scenario_is_refused() -> None:
    with pytest.raises(InputError, match="no scenario 'uphill'; known are level"):
        Experiment().evaluation_stage("uphill", 1)


def test_number_of_steps_is_in_no_segment() -> None:
    short = Experiment.parse({"training": {"n_envs": 4, "segment_steps": 512, "total_steps": 1024}})
    long = short.override({"training.total_steps": 4096}, where="here")
    assert short.segments(1) == long.segments(1)[:2]
    assert len(long.segments(1)) == 8


def test_schema_knows_extends() -> None:
    schema = Experiment.file_schema()
    assert {"extends", "training", "environment"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_a_mistake_between_sections_is_told_without_dumping_them(tmp_path: Path) -> None:
    networks = {"human": {"observes": ["smell"], "acts": ["muscles"]}}
    file = write(tmp_path, "a.json", {"training": {"policy": {"networks": networks}}})
    with pytest.raises(InputError) as caught:
        Experiment.from_file(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: training.policy.networks.human.observes: no group 'smell' (known: ")
    assert "found {" not in message


@pytest.mark.parametrize("field", ["reference.source", "training.warm_start.file"])
def test_files_that_a_workflow_would_take_for_others_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"reference.source": "stride.csv", "training.warm_start.file": "start.zip"}
    for name in (*names.values(), "of {run}.csv"):
        (tmp_path / name).touch()

    def check() -> None:
        parts = {"reference": {"source": names["reference.source"]}}
        parts["training"] = {"warm_start": {"file": names["training.warm_start.file"]}}
        Experiment.parse(parts).check_files(where="a.yaml")

    check()
    names[field] = "of {run}.csv"
    with pytest.raises(InputError) as caught:
        check()
    said = f"a.yaml: field '{field}': expected a file name without braces (found of {{run}}.csv)"
    assert str(caught.value) == said
