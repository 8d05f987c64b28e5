"""A policy that is kept: its folder says where it comes from, and a matrix takes it up again."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from myoassist.config.experiment import Experiment
from myoassist.config.kept import find_kept
from myoassist.config.matrix import Plan
from myoassist.errors import InputError
from myoassist.formats.files import write_json
from myoassist.pretrained.keeping import keep, merged_log
from myoassist.training.segment import train_segment

EXPERIMENT = {
    "description": "A tiny walk.",
    "training": {
        "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1},
        "policy": {"actor": [8], "critic": [8]},
        "n_envs": 4,
        "total_steps": 128,
        "segment_steps": 64,
    },
}


def metrics(holds: bool) -> dict:
    bound = {"label": "speed error", "value": 0.052, "unit": "m/s", "bound": [None, 0.1], "holds": holds}
    return {"summary": "20 episodes.", "fall_free_fraction": 1.0, "gate": {"speed_error": bound}}


@pytest.fixture(scope="module")
def project(assets, tmp_path_factory) -> Path:
    """A project with one matrix, of which seed 1 is trained and evaluated, and seed 2 evaluated too."""
    root = tmp_path_factory.mktemp("project")
    write_json(root / "configs/experiments/tiny.json", EXPERIMENT)
    (root / "configs/matrices").mkdir()
    (root / "configs/matrices/two.yaml").write_text(yaml.safe_dump({"experiments": ["tiny"], "seeds": [1, 2]}))
    trained, previous = root / "results/two/runs/tiny-s1/trained_models", None
    for segment in Experiment.parse(EXPERIMENT).segments(1):
        output = trained / f"model_{segment.stop_steps}.zip"
        log = trained / f"train_log_{segment.stop_steps}.json"
        train_segment(segment, **assets.files, previous=previous, output=output, log=log, threads=1)
        previous = output
    for run, holds in (("tiny-s1", True), ("tiny-s2", False)):
        write_json(root / f"results/two/runs/{run}/evaluation/128/level/metrics.json", metrics(holds))
    plan = Plan.load(root / "configs/matrices/two.yaml")
    keep(plan, plan.runs["tiny-s1"], results=root / "results/two", output=root / "pretrained")
    return root


def test_the_folder_holds_checkpoint_experiment_log_and_card(project):
    folder = project / "pretrained/tiny-s1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "experiment.json",
        "model_128.zip",
        "train_log_128.json",
    ]
    source = project / "results/two/runs/tiny-s1/trained_models"
    assert (folder / "model_128.zip").read_bytes() == (source / "model_128.zip").read_bytes()
    assert Experiment.from_file(folder / "experiment.json") == Experiment.parse(EXPERIMENT)
    log = json.loads((folder / "train_log_128.json").read_text())
    assert (log["start_steps"], log["stop_steps"]) == (0, 128)
    assert [record["steps"] for record in log["rollouts"]] == [64, 128]
    assert not list((project / "pretrained").glob(".*"))


def test_the_card_tells_data_steps_gate_and_the_other_seeds(project):
    card = (project / "pretrained/tiny-s1/README.md").read_text()
    assert "# tiny, seed 1" in card
    assert "reference_data/myosuite_stride.csv" in card
    assert "128 control steps" in card
    assert "| speed error | 0.052 m/s | ≤ 0.1 | yes |" in card
    assert "| tiny-s2 | level | 0 of 1 | 100 % |" in card


def test_a_matrix_takes_it_up_as_a_run_without_training(project):
    path = project / "configs/matrices/again.yaml"
    path.write_text(yaml.safe_dump({"experiments": ["tiny"], "pretrained": ["tiny-s1"]}))
    plan = Plan.load(path)
    assert list(plan.runs) == ["tiny-s1", "tiny-pretrained-s1"]
    run = plan.runs["tiny-pretrained-s1"]
    assert (run.seed, list(run.segments), run.checkpoints) == (1, [128], (128,))
    assert run.kept == find_kept(project / "pretrained/tiny-s1")


def test_it_is_replaced_as_a_whole(project):
    plan = Plan.load(project / "configs/matrices/two.yaml")
    (project / "pretrained/tiny-s1/model_64.zip").write_bytes(b"old")
    keep(plan, plan.runs["tiny-s1"], results=project / "results/two", output=project / "pretrained")
    assert len(list((project / "pretrained/tiny-s1").iterdir())) == 4


def test_what_is_not_there_is_named(project, tmp_path):
    plan = Plan.load(project / "configs/matrices/two.yaml")
    with pytest.raises(InputError, match="tiny-s2"):
        keep(plan, plan.runs["tiny-s2"], results=project / "results/two", output=tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="expected one checkpoint"):
        find_kept(tmp_path)
    shutil.copytree(project / "pretrained/tiny-s1", tmp_path / "tiny-s1")
    (tmp_path / "tiny-s1/train_log_128.json").unlink()
    with pytest.raises(InputError, match=r"train_log_128\.json: file not found"):
        find_kept(tmp_path / "tiny-s1")


def test_logs_are_joined_in_their_order():
    logs = [
        {"segment": n, "start_steps": n, "stop_steps": n + 1, "wall_s": 2.0, "threads": 1 + n, "measured": n}
        | {"rollouts": [{"steps": n}], **({"untrained_reward_per_step": 0.1} if n == 0 else {})}
        for n in range(3)
    ]
    joined = merged_log(logs)
    assert (joined["start_steps"], joined["stop_steps"], joined["wall_s"], joined["threads"]) == (0, 3, 6.0, 3)
    assert joined["untrained_reward_per_step"] == 0.1
    assert [record["steps"] for record in joined["rollouts"]] == [0, 1, 2]
