"""The best of a run's checkpoints, by what its train logs measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from myoassist.config.evaluation import BestSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, write_checkpoint
from myoassist.formats.documents import (
    BEST_FORMAT,
    BEST_VERSION,
    TRAIN_LOG_FORMAT,
    TRAIN_LOG_VERSION,
    read_document,
    write_document,
)
from myoassist.formats.files import sha256
from myoassist.training.best import choose, select_best


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Whole checkpoints of a few steps, by their number."""
    from stable_baselines3 import PPO

    algorithm = PPO("MlpPolicy", "Pendulum-v1", n_steps=8, batch_size=8, policy_kwargs={"net_arch": [8]}, device="cpu")
    folder, made = tmp_path_factory.mktemp("checkpoints"), {}
    for steps in (100, 200, 300):
        info = CheckpointInfo(steps, 1, 0, {}, {}, ["phase/sin"], ["muscles/soleus_r"], 10.0, "a" * 64, {})
        made[steps] = folder / f"model_{steps}.zip"
        write_checkpoint(made[steps], algorithm, info)
    return made


def write_log(path: Path, content: dict) -> None:
    write_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, content)


def read_log(path: Path) -> dict:
    return read_document(path, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION)


def write_logs(folder: Path, *rewards: float, phases: str = "") -> list[Path]:
    """Write logs (and checkpoints) of segments of 100 steps."""
    logs = []
    for index, reward in enumerate(rewards):
        steps = 100 * (index + 1)
        measured = {"reward_per_step": reward, "episode_length_s": 10.0 - reward}
        phase = {"phase": phases[index]} if phases else {}
        logs.append(folder / f"train_log_{steps}.json")
        write_log(logs[-1], {"stop_steps": steps, "measured": measured, **phase})
        (folder / f"model_{steps}.zip").write_bytes(b"%d" % steps)
    return logs


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 300),
        ({"goal": "lowest"}, 100),
        ({"metric": "episode_length_s"}, 100),
        ({"metric": "episode_length_s", "goal": "lowest"}, 300),
    ],
)
def test_metric_and_goal_choose(tmp_path: Path, fields: dict, expected: int) -> None:
    logs = write_logs(tmp_path, 1.0, 2.0, 4.0, 3.0)
    checkpoint, described = choose(BestSettings.parse(fields), logs[::-1])
    assert checkpoint == tmp_path / f"model_{expected}.zip"
    assert described["steps"] == expected
    assert [entry["steps"] for entry in described["candidates"]] == [100, 200, 300, 400]


def test_of_equal_values_the_earliest_counts(tmp_path: Path) -> None:
    assert choose(BestSettings(), write_logs(tmp_path, 1.0, 2.0, 2.0))[1]["steps"] == 200


def test_only_segments_in_the_last_phase_compete(tmp_path: Path) -> None:
    described = choose(BestSettings(), write_logs(tmp_path, 9.0, 1.0, 2.0, phases="abb"))[1]
    assert described["steps"] == 300
    assert described["phase"] == "b"


def test_copy_has_the_same_bytes(tmp_path: Path, checkpoints: dict[int, Path]) -> None:
    logs = write_logs(tmp_path, 1.0, 3.0, 2.0)
    shutil.copyfile(checkpoints[200], tmp_path / "model_200.zip")
    select_best(BestSettings(), logs=logs, checkpoint=tmp_path / "best.zip", choice=tmp_path / "best.json")
    assert (tmp_path / "best.zip").read_bytes() == checkpoints[200].read_bytes()
    assert read_document(tmp_path / "best.json", BEST_FORMAT, BEST_VERSION)["value"] == 3.0
    assert "sha256" in json.loads((tmp_path / "best.json").read_text())


def test_a_damaged_checkpoint_is_named_and_not_copied(tmp_path: Path, checkpoints: dict[int, Path]) -> None:
    logs = write_logs(tmp_path, 1.0, 3.0, 2.0)
    outputs = {"checkpoint": tmp_path / "best.zip", "choice": tmp_path / "best.json"}
    whole = checkpoints[200].read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 1
    for content, reason in (
        (bytes(damaged), r"damaged checkpoint \(member "),
        (whole[: len(whole) // 2], "damaged checkpoint"),
        (b"200", "damaged checkpoint"),
        (checkpoints[300].read_bytes(), "holds 300 steps; its train log tells of 200"),
    ):
        (tmp_path / "model_200.zip").write_bytes(content)
        with pytest.raises(InputError, match=rf"model_200\.zip: {reason}"):
            select_best(BestSettings(), logs=logs, **outputs)
    (tmp_path / "model_200.zip").write_bytes(whole)
    log = read_log(logs[1])
    write_log(logs[1], {**log, "checkpoint_sha256": "0" * 64})
    with pytest.raises(InputError, match=r"model_200\.zip: damaged, or not the checkpoint of its train log"):
        select_best(BestSettings(), logs=logs, **outputs)
    assert not any(path.exists() for path in outputs.values())
    write_log(logs[1], {**log, "checkpoint_sha256": sha256(tmp_path / "model_200.zip")})
    select_best(BestSettings(), logs=logs, **outputs)


def test_missing_or_unfit_files_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    logs = write_logs(tmp_path, 1.0, 2.0)
    (tmp_path / "model_200.zip").unlink()
    outputs = {"checkpoint": tmp_path / "best.zip", "choice": tmp_path / "best.json"}
    with pytest.raises(InputError, match=r"model_200\.zip: file not found.*delete train_log_200\.json"):
        select_best(BestSettings(), logs=logs, **outputs)
    with pytest.raises(InputError, match=r"'reward_terms\.x' was not measured \(known: episode_length_s, reward"):
        select_best(BestSettings(metric="reward_terms.x"), logs=logs, **outputs)
    write_log(logs[0], {})
    with pytest.raises(InputError, match=r"train_log_100\.json: not a whole train log"):
        select_best(BestSettings(), logs=logs, **outputs)
    assert not any(path.exists() for path in outputs.values())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("3.0", "1.0", r"damaged or edited \(field 'sha256'"),
        ("3.0", '"a lot"', r"damaged or edited \(field 'sha256'"),
        (TRAIN_LOG_FORMAT, "notes", f"field 'format': expected '{TRAIN_LOG_FORMAT}'"),
        ("}", "", "not valid JSON at line"),
    ],
)
def test_a_damaged_log_is_named_and_nothing_is_chosen(tmp_path: Path, old: str, new: str, reason: str) -> None:
    logs = write_logs(tmp_path, 1.0, 3.0, 2.0)
    text = logs[1].read_text()
    assert old in text
    logs[1].write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"train_log_200\.json: {reason}"):
        choose(BestSettings(), logs)


@pytest.mark.parametrize("value", ["a lot", None, True, [3.0]])
def test_a_measurement_that_is_no_number_is_named(tmp_path: Path, value: object) -> None:
    logs = write_logs(tmp_path, 1.0, 3.0)
    write_log(logs[0], {"stop_steps": 100, "measured": {"reward_per_step": value}})
    with pytest.raises(InputError, match=r"train_log_100\.json: 'reward_per_step': expected a number \(found "):
        choose(BestSettings(), logs)
