"""A policy that is kept: its folder says where it comes from, and a matrix takes it up again."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from stable_baselines3 import PPO

from myoassist.config.experiment import Experiment
from myoassist.config.kept import find_kept
from myoassist.config.plan import Plan
from myoassist.errors import InputError
from myoassist.formats.checkpoint import read_parameters
from myoassist.formats.files import sha256, write_json
from myoassist.pretrained.card import condition, trained_speeds
from myoassist.pretrained.keeping import keep, merged_log
from myoassist.pretrained.taking import take
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
    gate = {
        "fall_free_fraction": {
            "label": "without a fall",
            "value": 1.0,
            "unit": "",
            "bound": [0.95, None],
            "holds": True,
        },
        "speed_error": {"label": "speed error", "value": 0.052, "unit": "m/s", "bound": [None, 0.1], "holds": holds},
        "rmse_hip": {"label": "hip", "value": 1.0, "unit": "°", "bound": [None, 6.0], "holds": True},
        "r_hip": {"label": "hip correlation", "value": 0.998, "unit": "", "bound": [0.93, None], "holds": True},
        "toe_off": {"label": "toe-off", "value": None, "unit": "% of cycle", "bound": [57, 66], "holds": False},
        "episode_count": {"label": "episodes", "value": 20.0, "unit": "", "bound": [20, None], "holds": True},
    }
    return {"summary": "20 episodes.", "fall_free_fraction": 1.0, "gate": gate}


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
    ours, theirs = read_parameters(folder / "model_128.zip"), read_parameters(source / "model_128.zip")
    assert ours["policy"].keys() == theirs["policy"].keys()
    assert all(torch.equal(value, theirs["policy"][name]) for name, value in ours["policy"].items())
    assert theirs["policy.optimizer"]["state"]
    assert ours["policy.optimizer"] == {**theirs["policy.optimizer"], "state": {}}
    assert (folder / "model_128.zip").stat().st_size < 0.7 * (source / "model_128.zip").stat().st_size
    assert Experiment.from_file(folder / "experiment.json") == Experiment.parse(EXPERIMENT)
    log = json.loads((folder / "train_log_128.json").read_text())
    assert (log["start_steps"], log["stop_steps"]) == (0, 128)
    assert [record["steps"] for record in log["rollouts"]] == [64, 128]
    assert log["checkpoint_sha256"] == sha256(folder / "model_128.zip")
    assert log["trained_sha256"] == sha256(source / "model_128.zip")
    assert not list((project / "pretrained").glob(".*"))


def test_learning_goes_on_from_it_with_fresh_moments(project, assets, tmp_path):
    kept = project / "pretrained/tiny-s1/model_128.zip"
    assert PPO.load(kept, device="cpu").num_timesteps == 128
    for optimizer in (False, True):
        start = {"warm_start": {"file": str(kept), "optimizer": optimizer}}
        experiment = Experiment.parse({"training": {**EXPERIMENT["training"], **start}})
        files = {
            **assets.files,
            "previous": None,
            "warm_start": kept,
            "output": tmp_path / "model.zip",
            "log": tmp_path / "log.json",
        }
        if optimizer:
            with pytest.raises(InputError, match=r"no optimiser's moments.*warm_start\.optimizer': expected false"):
                train_segment(experiment.segments(1)[0], **files, threads=1)
        else:
            train_segment(experiment.segments(1)[0], **files, threads=1)


def test_the_card_tells_data_steps_gate_and_the_other_seeds(project):
    card = (project / "pretrained/tiny-s1/README.md").read_text()
    assert "# tiny, seed 1" in card
    assert "reference_data/myosuite_stride.csv" in card
    assert "128 control steps" in card
    rows = [
        "| without a fall | 100 % | ≥ 95 % | yes |",
        "| speed error | 0.0520 m/s | ≤ 0.1 m/s | yes |",
        "| hip | 1.00° | ≤ 6° | yes |",
        "| hip correlation | 0.998 | ≥ 0.93 | yes |",
        "| toe-off | unknown | 57 to 66 % of cycle | **no** |",
        "| episodes | 20 | ≥ 20 | yes |",
        "| **tiny-s1** | level | 5 of 6 | toe-off unknown (57 to 66 % of cycle) | 100 % |",
        "| tiny-s2 | level | 4 of 6 | speed error 0.0520 m/s (≤ 0.1 m/s); "
        "toe-off unknown (57 to 66 % of cycle) | 100 % |",
    ]
    assert [row for row in rows if row not in card.splitlines()] == []
    assert sha256(project / "pretrained/tiny-s1/model_128.zip") in card
    assert sha256(project / "results/two/runs/tiny-s1/trained_models/model_128.zip") in card
    assert "Every seed of the matrix that was evaluated is listed." in card
    assert "8 episodes of 10 s at 1.25 m/s; no push; deterministic policy." in card
    assert "\n\n\n" not in card


def test_what_a_run_started_from_is_told_with_its_time(project):
    (project / "configs/experiments/onward.json").write_text(
        json.dumps({"extends": "tiny.json", "training": {"warm_start": {"experiment": "tiny"}}})
    )
    (project / "configs/matrices/onward.yaml").write_text("experiments: [tiny, onward]\nseeds: [1]\n")
    results = project / "results/two"
    shutil.copytree(results / "runs/tiny-s1", results / "runs/onward-s1", dirs_exist_ok=True)
    plan = Plan.load(project / "configs/matrices/onward.yaml")
    keep(plan, plan.runs["onward-s1"], results=results, output=project / "kept")
    card = (project / "kept/onward-s1/README.md").read_text()
    assert "It is the only seed that was trained." in card
    assert re.search(r"by the workflow, from `tiny-s1` \(128 steps in \d+ minutes\)\.", card)


def test_conditions_are_told_in_words():
    exo = Experiment.parse(
        {
            "model": {"device": "DephyExoBoot_L1"},
            "environment": {
                "target_velocity": {"mode": "step", "minimum_m_s": 0.8, "maximum_m_s": 1.6, "period_s": 5},
                "reset": {"position_noise_rad": 0.01, "velocity_noise_rad_s": 0.2},
            },
            "training": {
                "total_steps": 90_000,
                "segment_steps": 30_000,
                "curriculum": [
                    {"name": "steps", "steps": 30_000},
                    {"name": "again", "steps": 30_000, "environment": {"episode_s": 5}},
                    {"name": "swing", "environment": {"target_velocity": {"mode": "sinusoidal", "period_s": 8}}},
                ],
            },
            "evaluation": {
                "scenarios": {
                    "steps": {"episodes": 20, "duration_s": 30, "device_enabled": False},
                    "swing": {
                        "target_velocity": {"mode": "sinusoidal", "minimum_m_s": 0.8, "maximum_m_s": 1.6},
                        "initial_position_noise_rad": 0.02,
                        "initial_velocity_noise_rad_s": 0.1,
                        "push": {"force_n": -80, "duration_s": 0.2, "window_s": [4, 6], "repeat_s": 5},
                        "deterministic": False,
                    },
                }
            },
        }
    )
    told = {name: condition(exo, scenario) for name, scenario in exo.evaluation.scenarios.items()}
    assert told["steps"] == (
        "20 episodes of 30 s at 0.8 to 1.6 m/s, in steps every 5 s; starting with noise of 0.01 rad and 0.2 rad/s; "
        "device worn but off; no push; deterministic policy."
    )
    assert told["swing"] == (
        "8 episodes of 10 s at 0.8 to 1.6 m/s, swinging every 10 s; starting with noise of 0.02 rad and 0.1 rad/s; "
        "device on; a push of 80 N backward at the pelvis for 0.2 s, beginning 4 to 6 s after the start and again "
        "every 5 s; actions drawn with the policy's noise."
    )
    assert trained_speeds(exo) == "0.8 to 1.6 m/s, in steps every 5 s, then 0.8 to 1.6 m/s, swinging every 8 s"
    assert trained_speeds(Experiment.parse({})) == "1.25 m/s"


def test_a_policy_is_taken_up_only_if_it_is_whole(project, tmp_path):
    kept = find_kept(project / "pretrained/tiny-s1")
    files = {"output": tmp_path / "run/model.zip", "output_log": tmp_path / "run/log.json"}
    take(checkpoint=kept.checkpoint, log=kept.train_log, **files)
    assert files["output"].read_bytes() == kept.checkpoint.read_bytes()
    assert files["output_log"].read_bytes() == kept.train_log.read_bytes()
    shutil.rmtree(tmp_path / "run")
    damaged = bytearray(kept.checkpoint.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "model_128.zip").write_bytes(damaged)
    with pytest.raises(InputError, match=r"model_128\.zip: damaged"):
        take(checkpoint=tmp_path / "model_128.zip", log=kept.train_log, **files)
    shutil.copyfile(project / "results/two/runs/tiny-s1/trained_models/model_64.zip", tmp_path / "model_128.zip")
    with pytest.raises(InputError, match="holds 64 steps; its train log tells of 128"):
        take(checkpoint=tmp_path / "model_128.zip", log=kept.train_log, **files)
    assert not (tmp_path / "run").exists()


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
        | {"checkpoint_sha256": str(n), "phase": f"phase {n}"}
        | {"rollouts": [{"steps": n}], **({"untrained_reward_per_step": 0.1} if n == 0 else {})}
        for n in range(3)
    ]
    joined = merged_log(logs)
    assert (joined["start_steps"], joined["stop_steps"], joined["wall_s"], joined["threads"]) == (0, 3, 6.0, 3)
    assert joined["untrained_reward_per_step"] == 0.1
    assert (joined["checkpoint_sha256"], joined["phase"]) == ("2", "phase 2")
    assert [record["steps"] for record in joined["rollouts"]] == [0, 1, 2]
