"""Random actions and what is told of them."""

import json

import pytest

from myoassist import cli
from myoassist.evaluation.smoke import UNFINISHED, smoke_run


def test_the_summary_accounts_for_every_step(assets, make_handler):
    run = smoke_run(make_handler(assets), **assets.files, steps=120, seed=1)
    assert sum(length for length, _ in run.episodes) == pytest.approx(120 * 0.02)
    assert run.episodes[-1][1] == UNFINISHED
    assert {reason for _, reason in run.episodes[:-1]} <= {"fall_height", "trunk_lean"}
    assert run.rewards["muscle_effort"][1] == pytest.approx(-0.1 * run.rewards["muscle_effort"][0])
    text = run.summary()
    for word in ("120 control steps", "ended by", "fall_height", "joint_position_imitation", "clipped", "divergences"):
        assert word in text


def test_the_same_seed_tells_the_same(assets, make_handler):
    runs = [smoke_run(make_handler(assets), **assets.files, steps=60, seed=2) for _ in range(2)]
    assert runs[0].rewards == runs[1].rewards
    assert runs[0].episodes == runs[1].episodes


def test_a_video_shows_the_episodes(assets, make_handler, tmp_path):
    video = tmp_path / "out.mp4"
    smoke_run(make_handler(assets), **assets.files, steps=40, video=video)
    assert video.stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_the_command_takes_an_experiment_file(assets, tmp_path, capsys):
    experiment = tmp_path / "own.json"
    experiment.write_text(json.dumps({"environment": {"reward": {"alive": {"weight": 0.25}}, "episode_s": 0.2}}))
    files = [word for name, path in assets.files.items() for word in (f"--{name}", str(path))]
    cli.main(["sim", str(experiment), "--steps", "30", *files])
    out = capsys.readouterr().out
    assert "time_limit 3" in out
    assert "alive" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sim", "no_such_file.json"], "no file 'no_such_file.json'"),
        (["sim", "--steps", "0"], "--steps: expected 1 or more"),
        (["sim", "--model", "only_one.mjb"], "give --model, --manifest and --reference together"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert message in error
    assert error.count("\n") == 1


def test_without_a_display_the_window_is_refused(assets, make_handler, monkeypatch):
    from myoassist.errors import InputError

    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="--render: no display"):
        smoke_run(make_handler(assets), **assets.files, steps=5, render=True)
