"""Watching a training: films and TensorBoard, neither of which can stop it."""

import sys
import types

import pytest
from loguru import logger

from myoassist.cli import watching


@pytest.fixture
def said():
    lines: list[str] = []
    handle = logger.add(lambda message: lines.append(message.record["message"]), level="INFO")
    yield lines
    logger.remove(handle)


@pytest.fixture(scope="module")
def checkpoint(assets, train_all, tmp_path_factory):
    return train_all(assets, tmp_path_factory.mktemp("watched"), {"total_steps": 128})[0]


def files(assets) -> dict:
    return {name: [path] for name, path in assets.files.items()}


def test_a_failing_preview_is_logged_and_nothing_else(assets, checkpoint, tmp_path, said, monkeypatch):
    film = tmp_path / "film.mp4"
    monkeypatch.setattr(watching.sys, "executable", "/nowhere/python")
    watching.preview(film, checkpoint=checkpoint, **files(assets))
    watching.preview(film, checkpoint=tmp_path / "none.zip", **files(assets))
    assert not film.exists()
    assert [line.split(":")[0].split(" of ")[0] for line in said] == ["no preview", "no preview"]
    assert "file not found" in said[1]


def test_no_preview_unless_asked_for(assets, checkpoint, monkeypatch):
    monkeypatch.delenv("MYOASSIST_PREVIEW", raising=False)
    monkeypatch.setattr(watching, "_film", lambda *_: pytest.fail("not asked for"))
    watching.preview(None, checkpoint=checkpoint, **files(assets))


@pytest.mark.slow
def test_a_preview_is_a_film(assets, checkpoint, monkeypatch, said):
    monkeypatch.setenv("MYOASSIST_PREVIEW", "1")
    watching.preview(None, checkpoint=checkpoint, **files(assets))
    film = checkpoint.with_name("preview_128.mp4")
    assert said == [f"preview: {film}"]
    assert film.stat().st_size > 1000


def test_without_tensorboard_training_goes_on(checkpoint, tmp_path, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert watching.tensorboard(tmp_path / "logs", checkpoint) is None
    assert "TensorBoard" in said[0]
    monkeypatch.delenv("MYOASSIST_TENSORBOARD", raising=False)
    assert watching.tensorboard(None, checkpoint) is None


def test_tensorboard_gets_every_number(assets, train_all, tmp_path, checkpoint, monkeypatch):
    written, folders = {}, []

    class Writer:
        def __init__(self, folder):
            folders.append(folder)

        def add_scalar(self, name, value, steps):
            written[name, steps] = value

        def flush(self):
            pass

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.SimpleNamespace(SummaryWriter=Writer))
    monkeypatch.setenv("MYOASSIST_TENSORBOARD", str(tmp_path))
    write = watching.tensorboard(None, tmp_path / "runs" / "walk-s1" / "trained_models" / "model_1.zip")
    write({"steps": 128, "speed_m_s": 1.0, "reward_terms": {"alive": {"raw": 2.0}}, "episode_length_s": None})
    assert written == {("speed_m_s", 128): 1.0, ("reward_terms/alive/raw", 128): 2.0}
    assert folders == [str(tmp_path / "walk-s1")]


def test_a_failing_watcher_does_not_stop_training(assets, tmp_path, said):
    from myoassist.config.environment import EnvironmentSettings
    from myoassist.config.training import TrainingSettings
    from myoassist.training.segment import train_segment

    settings = {"n_envs": 4, "parameters": {"n_steps": 8, "batch_size": 32, "n_epochs": 1}, "segment_steps": 64}
    segment = TrainingSettings.parse(settings).segments(EnvironmentSettings(), 1)[0]
    asked = []

    def fail(record):
        asked.append(record)
        raise OSError("disk full")

    output = tmp_path / "model.zip"
    train_segment(
        segment, **assets.files, previous=None, output=output, log=tmp_path / "log.json", threads=1, on_record=fail
    )
    assert output.exists()
    assert len(asked) == 1
    assert any("disk full" in line for line in said)
