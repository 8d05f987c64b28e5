"""Stills of one gait cycle: which states they show, and that the sheet says what they are."""

from itertools import pairwise
from pathlib import Path

import mujoco
import numpy as np
import pytest
from PIL import Image

from myoassist.config.evaluation import ContactSheetSettings
from myoassist.errors import InputError
from myoassist.evaluation.contact_sheet import choose_moments, contact_sheet
from myoassist.evaluation.inset import SIDE_COLORS
from myoassist.formats.files import sha256
from myoassist.formats.gait_tables import STRIDE_COLUMNS, CyclesWriter
from myoassist.formats.rollouts import Rollouts

SMALL = {"renderer": "drawing", "width_mm": 80, "dpi": 100, "frames": 4, "columns": 4}


def write_cycles(path: Path, *cycles: tuple[int, str, int, float, float]) -> Path:
    """Write cycles: episode, side, number, start and duration."""
    with CyclesWriter(path, ()) as writer:
        for episode, side, number, start, duration in cycles:
            stride = dict.fromkeys(STRIDE_COLUMNS, np.nan) | {
                "start_s": start,
                "stride_time_s": duration,
                "speed_m_s": 1.25,
            }
            writer.append(episode=episode, side=side, cycle=number, stride=stride, curves=np.zeros((101, 0)))
    return path


@pytest.fixture
def cycles(tmp_path) -> Path:
    """Right cycles of 0.2, 0.4 and 0.7 s, and a left one."""
    return write_cycles(
        tmp_path / "cycles.parquet",
        (0, "r", 1, 0.1, 0.2),
        (1, "r", 1, 0.1, 0.4),
        (1, "r", 2, 0.0, 0.7),
        (1, "l", 1, 0.3, 0.3),
    )


def make(body, fallen, cycles, path, **settings):
    files = {"model": body.model_path, "manifest": body.manifest_path, "rollouts": fallen, "cycles": cycles}
    contact_sheet(ContactSheetSettings(**{**SMALL, **settings}), **files, sheet=path)
    return path


def moments(fallen, cycles, **settings):
    with Rollouts(fallen) as stored:
        return choose_moments(ContactSheetSettings(**{**SMALL, **settings}), stored, cycles)


def test_shows_the_cycle_nearest_the_median_at_equal_percentages(fallen, cycles):
    shown = moments(fallen, cycles)
    assert shown.episode.info.index == 1
    assert shown.rows.tolist() == [25, 50, 75, 100]  # from 0.1 s in steps of 0.1 s at 250 Hz
    assert shown.labels == ["0 %", "25 %", "50 %", "75 %"]
    assert shown.words == "Right gait cycle of 0.40 s at 1.25 m/s"


def test_side_episode_and_cycle_can_be_chosen(fallen, cycles):
    assert moments(fallen, cycles, side="l").rows[0] == 75
    assert moments(fallen, cycles, episode=0).episode.info.index == 0
    assert moments(fallen, cycles, episode=1, cycle=2).rows[0] == 0
    with pytest.raises(InputError, match=r"field 'cycle'.*no right cycle with cycle 9"):
        moments(fallen, cycles, cycle=9)


def test_without_a_cycle_the_longest_episode_is_shown_and_said_to_be(body, fallen, tmp_path):
    none = write_cycles(tmp_path / "none.parquet")
    shown = moments(fallen, none)
    assert shown.rows.tolist() == [0, 67, 133, 200]
    assert shown.labels == ["0.00 s", "0.27 s", "0.53 s", "0.80 s"]
    assert shown.words.startswith("No whole gait cycle; episode 2")
    assert make(body, fallen, none, tmp_path / "a.png").is_file()


def test_pictures_fill_the_sheet_and_differ(body, fallen, cycles, tmp_path):
    image = Image.open(make(body, fallen, cycles, tmp_path / "a.png"))
    assert image.size[0] == round(80 / 25.4 * 100)
    assert image.info["dpi"] == pytest.approx((100, 100), abs=0.1)
    pixels = np.asarray(image.convert("RGB")).astype(int)
    width = image.size[0] // 4
    parts = [pixels[20:-30, i * width : (i + 1) * width] for i in range(4)]
    assert all((part < 250).any(axis=-1).mean() > 0.02 for part in parts), "a body in each"
    assert all(np.abs(a - b).max() > 100 for a, b in pairwise(parts))


def test_arrows_show_forces_unless_switched_off(body, fallen, cycles, tmp_path):
    def blue(path: Path) -> int:
        pixels = np.asarray(Image.open(path).convert("RGB"))[:-30]
        return int((pixels == SIDE_COLORS["r"]).all(axis=-1).sum())

    assert blue(make(body, fallen, cycles, tmp_path / "a.png")) > 4
    assert blue(make(body, fallen, cycles, tmp_path / "b.png", force_arrows=False)) == 0


def highest_point(body, qpos: np.ndarray) -> float:
    model, data = body.model, mujoco.MjData(body.model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    heights = []
    for geom in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_MESH):
        mesh = model.geom_dataid[geom]
        start = model.mesh_vertadr[mesh]
        vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]]
        upward = data.geom_xmat[geom].reshape(3, 3)[2]
        heights.append((vertices @ upward).max() + data.geom_xpos[geom][2])
    return max(heights)


@pytest.mark.parametrize("renderer", ["drawing", "opengl"])
def test_bodies_are_to_scale(body, fallen, cycles, tmp_path, renderer):
    """The ground line is 0.96 of a picture's 1.15 m, so a pixel is known; the body is as high as it is."""
    try:
        path = make(body, fallen, cycles, tmp_path / "a.png", renderer=renderer, episode=1, cycle=2, force_arrows=False)
    except InputError as error:
        pytest.skip(str(error))
    width = Image.open(path).size[0] // 4
    per_m = round(width * 1.95 / 1.15) / 1.95
    first = np.asarray(Image.open(path).convert("L"))[18:, :width][: round(1.95 * per_m)]
    rows = np.flatnonzero((first < 245).any(axis=1))
    with Rollouts(fallen) as stored:
        top = highest_point(body, stored[1].state("qpos")[0])
    assert (rows[-1] - rows[0]) / per_m == pytest.approx(top, abs=0.03)


def test_same_inputs_same_bytes(body, fallen, cycles, tmp_path):
    first, second = (make(body, fallen, cycles, tmp_path / name) for name in ("a.png", "b.png"))
    assert sha256(first) == sha256(second)


def test_wrong_input_writes_nothing(body, fallen, cycles, tmp_path):
    cycles.write_bytes(cycles.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cycles\.parquet"):
        make(body, fallen, cycles, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
