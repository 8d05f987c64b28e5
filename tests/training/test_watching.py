"""Watching a training: films and TensorBoard, neither of which can stop it."""

import json
import subprocess
import sys
import types
from pathlib import Path

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
    process = watching.preview(film, checkpoint=tmp_path / "none.zip", **files(assets))
    assert process.wait(120) == 1
    assert (tmp_path / "film.log").read_text().startswith(f"no preview of {tmp_path / 'none.zip'}: ")
    assert "file not found" in (tmp_path / "film.log").read_text()
    monkeypatch.setattr(watching.sys, "executable", "/nowhere/python")
    assert watching.preview(film, checkpoint=checkpoint, **files(assets)) is None
    assert not film.exists()
    assert [line.split(":")[0].split(" of ")[0] for line in said] == ["preview", "no preview"]


def test_no_preview_unless_asked_for(assets, checkpoint, monkeypatch):
    monkeypatch.delenv("MYOASSIST_PREVIEW", raising=False)
    monkeypatch.setattr(watching.subprocess, "Popen", lambda *_, **__: pytest.fail("not asked for"))
    assert watching.preview(None, checkpoint=checkpoint, **files(assets)) is None


HANGING = """#!/bin/sh
sleep 1000 &
echo $! >> {folder}/sleeping
wait
"""


def test_a_hanging_preview_blocks_nothing_and_is_killed_with_its_children(checkpoint, assets, tmp_path):
    hanging = tmp_path / "hanging"
    hanging.write_text(HANGING.format(folder=tmp_path))
    hanging.chmod(0o755)
    program = (
        "import sys\n"
        "from myoassist.cli import filming\n"
        f"filming.PATIENCE_S, sys.executable = 2.0, {str(hanging)!r}\n"
        "sys.exit(filming.main(sys.argv[1:]))"
    )
    words = [str(tmp_path / "film.mp4"), str(checkpoint), *map(str, (assets.model, assets.manifest, assets.reference))]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == f"no preview of {checkpoint}: not done after 2 s, given up\n"
    (child,) = (tmp_path / "sleeping").read_text().split()
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_the_end_of_a_segment_does_not_wait_for_a_preview(assets, checkpoint, tmp_path, monkeypatch):
    hanging = tmp_path / "python"
    hanging.write_text("#!/bin/sh\nexec sleep 1000\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(watching.sys, "executable", str(hanging))
    process = watching.preview(tmp_path / "film.mp4", checkpoint=checkpoint, **files(assets))
    try:
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_preview_is_a_film(assets, checkpoint, monkeypatch):
    monkeypatch.setenv("MYOASSIST_PREVIEW", "1")
    process = watching.preview(None, checkpoint=checkpoint, **files(assets))
    film = checkpoint.with_name("preview_128.mp4")
    assert process.wait(300) == 0, film.with_suffix(".log").read_text()
    assert film.stat().st_size > 1000
    assert not film.with_suffix(".log").exists()


def test_without_tensorboard_training_goes_on(checkpoint, tmp_path, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert watching.tensorboard(tmp_path / "logs", checkpoint) is None
    assert said == ["no files for TensorBoard: the package 'tensorboard' is missing (the extra 'tensorboard')"]
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


def test_tensorboard_reads_what_was_written(assets, train_all, tmp_path, checkpoint):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write = watching.tensorboard(tmp_path / "board", checkpoint)
    log = json.loads(checkpoint.with_name("train_log_128.json").read_text())
    for record in log["rollouts"]:
        write(record)
    events = accumulator.EventAccumulator(str(tmp_path / "board"))
    events.Reload()
    for record in log["rollouts"]:
        for name, value in watching.numbers(record):
            assert [(event.step, event.value) for event in events.Scalars(name) if event.step == record["steps"]] == [
                (record["steps"], pytest.approx(value, rel=1e-6))
            ]
    assert "reward_terms/forward_velocity/raw" in events.Tags()["scalars"]


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
