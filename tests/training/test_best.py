"""The best of a run's checkpoints, by what its train logs measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myoassist.config.evaluation import BestSettings
from myoassist.errors import InputError
from myoassist.training.best import choose, select_best


def write_logs(folder: Path, *rewards: float, phases: str = "") -> list[Path]:
    """Write logs (and checkpoints) of segments of 100 steps."""
    logs = []
    for index, reward in enumerate(rewards):
        steps = 100 * (index + 1)
        measured = {"reward_per_step": reward, "episode_length_s": 10.0 - reward}
        phase = {"phase": phases[index]} if phases else {}
        logs.append(folder / f"train_log_{steps}.json")
        logs[-1].write_text(json.dumps({"stop_steps": steps, "measured": measured, **phase}))
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


def test_copy_has_the_same_bytes(tmp_path: Path) -> None:
    logs = write_logs(tmp_path, 1.0, 3.0, 2.0)
    select_best(BestSettings(), logs=logs, checkpoint=tmp_path / "best.zip", choice=tmp_path / "best.json")
    assert (tmp_path / "best.zip").read_bytes() == b"200"
    assert json.loads((tmp_path / "best.json").read_text())["value"] == 3.0


def test_missing_or_unfit_files_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    logs = write_logs(tmp_path, 1.0, 2.0)
    (tmp_path / "model_200.zip").unlink()
    outputs = {"checkpoint": tmp_path / "best.zip", "choice": tmp_path / "best.json"}
    with pytest.raises(InputError, match=r"model_200\.zip: file not found.*delete train_log_200\.json"):
        select_best(BestSettings(), logs=logs, **outputs)
    with pytest.raises(InputError, match=r"'reward_terms\.x' was not measured \(known: episode_length_s, reward"):
        select_best(BestSettings(metric="reward_terms.x"), logs=logs, **outputs)
    logs[0].write_text("{}")
    with pytest.raises(InputError, match=r"train_log_100\.json: not a train log"):
        select_best(BestSettings(), logs=logs, **outputs)
    assert not any(path.exists() for path in outputs.values())
