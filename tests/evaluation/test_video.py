import imageio_ffmpeg
import numpy as np
import pytest

from myoassist.config.evaluation import VideoSettings
from myoassist.errors import InputError
from myoassist.evaluation import opengl_scene
from myoassist.evaluation.inset import SIDE_COLORS
from myoassist.evaluation.video import Beside, replay
from myoassist.formats.files import sha256

SMALL = {"width": 320, "height": 192, "fps": 20}


def make(body, fallen, path, *, beside=None, labels=(), **settings):
    options = {"renderer": "drawing", **SMALL, **settings}
    replay(
        VideoSettings(**options),
        model=body.model_path,
        manifest=body.manifest_path,
        rollouts=fallen,
        video=path,
        beside=beside,
        labels=labels,
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

    monkeypatch.setattr(opengl_scene.OpenGLScene, "__enter__", refuse)
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


def colored(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Where a picture has (about, after compression) a colour."""
    return (np.abs(picture.astype(int) - color) < 60).all(axis=-1)


def test_curves_of_both_sides_stand_below_the_body_with_a_cursor_that_moves(body, fallen, tmp_path):
    path = make(body, fallen, tmp_path / "a.mp4", inset=["hip_angle", "vertical_force"], height=384)
    _, pictures = frames(path)
    strip = pictures[:, -114:]
    assert (strip[0] > 230).all(axis=-1).mean() > 0.7, "dark on white"
    for color in SIDE_COLORS.values():
        assert colored(strip[0], color).sum() > 20
    dark = (strip[:, 20:80].max(axis=-1) < 120).sum(axis=1)  # in columns of the panels
    cursor = [int(np.argmax(row[30:150])) for row in dark[[0, 8, 16]]]
    assert cursor[0] < cursor[1] < cursor[2]


def test_curves_that_the_body_lacks_are_refused(body, fallen, tmp_path):
    with pytest.raises(InputError, match=r"inset.*device_torque"):
        make(body, fallen, tmp_path / "a.mp4", inset=["device_torque"])
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="twice"):
        VideoSettings(inset=["hip_angle", "hip_angle"])


def test_two_rollouts_side_by_side_show_the_same_as_alone(body, fallen, tmp_path):
    other = Beside(body.model_path, body.manifest_path, fallen)
    _, both = frames(make(body, fallen, tmp_path / "a.mp4", beside=other, width=512))
    _, alone = frames(make(body, fallen, tmp_path / "b.mp4", width=256))
    assert both.shape[1:] == (192, 512, 3)
    assert len(both) == len(alone)
    for half in (both[:, :, :250], both[:, :, 256:506]):
        assert np.abs(half.astype(int) - alone[:, :, :250]).mean() < 4, "but for compression"


def test_the_shorter_of_two_waits_in_its_last_state(body, fallen, tmp_path):
    from myoassist.evaluation.video import _side_by_side

    films = [iter([np.full((2, 4, 3), value) for value in values]) for values in ([1, 2], [3, 4, 5])]
    shown = [(int(frame[0, 0, 0]), int(frame[0, -1, 0])) for frame in _side_by_side(films)]
    assert shown == [(1, 3), (2, 4), (2, 5)]


def test_labels_replace_the_title_and_must_fit_the_number_of_halves(body, fallen, tmp_path):
    labelled = make(body, fallen, tmp_path / "a.mp4", labels=["Device off"], duration_s=0.2)
    assert sha256(labelled) != sha256(make(body, fallen, tmp_path / "b.mp4", duration_s=0.2))
    with pytest.raises(InputError, match="--labels: expected 1"):
        make(body, fallen, tmp_path / "c.mp4", labels=["one", "two"])


def test_two_opengl_scenes_do_not_disturb_each_other(body, fallen, tmp_path):
    options = {"renderer": "opengl", "overlay": False, "duration_s": 0.2}
    other = Beside(body.model_path, body.manifest_path, fallen)
    try:
        _, both = frames(make(body, fallen, tmp_path / "a.mp4", beside=other, width=512, **options))
    except InputError as error:
        pytest.skip(str(error))
    assert np.abs(both[:, :, :250].astype(int) - both[:, :, 256:506]).mean() < 4
    assert both[0][20:170, 60:200].max() > 200
