import imageio_ffmpeg
import numpy as np
import pytest

from myoassist.config.evaluation import VideoSettings
from myoassist.errors import InputError
from myoassist.evaluation import opengl_scene, video
from myoassist.evaluation.video import replay
from myoassist.formats.files import sha256

SMALL = {"width": 320, "height": 192, "fps": 20}


def make(body, fallen, path, **settings):
    options = {"renderer": "drawing", **SMALL, **settings}
    replay(
        VideoSettings(**options),
        model=body.model_path,
        manifest=body.manifest_path,
        rollouts=fallen,
        video=path,
    )
    return path


def frames(path) -> tuple[dict, np.ndarray]:
    reader = imageio_ffmpeg.read_frames(str(path))
    facts = next(reader)
    width, height = facts["size"]
    return facts, np.array([np.frombuffer(raw, np.uint8).reshape(height, width, 3) for raw in reader])


def test_shows_the_longest_episode_in_real_time_and_its_end_for_a_moment(body, fallen, tmp_path):
    facts, pictures = frames(make(body, fallen, tmp_path / "a.mp4"))
    assert facts["codec"] == "h264"
    assert facts["fps"] == 20
    assert len(pictures) == 17 + 8, "0.8 s at 20 frames/s, first and last included, then 0.4 s"


def test_moving_body_gives_different_frames(body, fallen, tmp_path):
    _, pictures = frames(make(body, fallen, tmp_path / "a.mp4", overlay=False))
    changes = np.abs(np.diff(pictures[:17:4].astype(int), axis=0)).max(axis=(1, 2, 3))
    assert (changes > 60).all()


def test_active_muscles_are_redder(body, fallen, tmp_path):
    _, pictures = frames(make(body, fallen, tmp_path / "a.mp4", overlay=False))
    red = [int(((p[..., 0] - p[..., 1].astype(int)) > 40).sum()) for p in pictures[[0, 16]]]
    assert red[1] > red[0] + 20


def test_is_never_longer_than_asked(body, fallen, tmp_path):
    settings = {"episode": "sequence", "playback_speed": 0.1, "duration_s": 1.5}
    _, pictures = frames(make(body, fallen, tmp_path / "a.mp4", **settings))
    assert len(pictures) == 30
    with pytest.raises(ValueError, match="less than or equal to 8"):
        VideoSettings(duration_s=9)


def test_sequence_shows_one_episode_after_another(body, fallen, tmp_path):
    _, pictures = frames(make(body, fallen, tmp_path / "a.mp4", episode="sequence"))
    assert len(pictures) == (9 + 8) + (17 + 8)


def test_start_beyond_the_end_shows_the_last_state(body, fallen, tmp_path):
    _, pictures = frames(make(body, fallen, tmp_path / "a.mp4", start_s=100.0))
    assert len(pictures) == 1 + 8


def test_same_inputs_same_bytes(body, fallen, tmp_path):
    first = make(body, fallen, tmp_path / "a.mp4")
    second = make(body, fallen, tmp_path / "b.mp4")
    assert sha256(first) == sha256(second)


def test_opengl_draws_a_lit_body_in_front_of_a_patterned_ground(body, fallen, tmp_path):
    try:
        path = make(body, fallen, tmp_path / "a.mp4", renderer="opengl", overlay=False, duration_s=0.3)
    except InputError as error:
        pytest.skip(str(error))
    _, pictures = frames(path)
    middle, floor = pictures[0][20:170, 120:200], pictures[0][150:]
    assert middle.max() > 200, "bones are bright"
    assert floor[..., 0].std() > 4, "the ground has squares"
    assert np.abs(pictures[0].astype(int) - pictures[-1]).max() > 40


def test_without_opengl_a_drawing_takes_its_place(body, fallen, tmp_path, monkeypatch):
    def refuse(self):
        raise opengl_scene.NoOpenGL("no OpenGL here")

    monkeypatch.setattr(video.OpenGLScene, "__enter__", refuse)
    drawn = make(body, fallen, tmp_path / "a.mp4")
    automatic = make(body, fallen, tmp_path / "b.mp4", renderer="auto")
    assert sha256(drawn) == sha256(automatic)
    with pytest.raises(InputError, match="renderer"):
        make(body, fallen, tmp_path / "c.mp4", renderer="opengl")
    assert not (tmp_path / "c.mp4").exists()


def test_unknown_episode_is_refused_and_nothing_written(body, fallen, tmp_path):
    with pytest.raises(InputError, match="episodes 0 to 1, not 7"):
        make(body, fallen, tmp_path / "a.mp4", episode=7)
    assert not list(tmp_path.iterdir())


def test_rollouts_of_another_model_are_refused(body, fallen, tmp_path):
    from myoassist.config.model import ModelSettings
    from myoassist.models.build import build

    other = {"model": tmp_path / "m.mjb", "manifest": tmp_path / "m.json"}
    build(ModelSettings(mass_factor=1.1), **other)
    with pytest.raises(InputError, match="another model"):
        replay(VideoSettings(), **other, rollouts=fallen, video=tmp_path / "a.mp4")
