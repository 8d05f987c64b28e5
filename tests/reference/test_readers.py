import numpy as np
import pytest

from myoassist.config.reference import ReferenceSettings
from myoassist.errors import InputError
from myoassist.reference.preprocess import periodic_reference
from myoassist.reference.readers import find_heel_strikes, heel_forward, read_stride

OPENSIM = ReferenceSettings(reader="opensim_motion", sampling_rate_hz=None)


def changed(tmp_path, stride_csv, change):
    path = tmp_path / "stride.csv"
    path.write_bytes(change(stride_csv.read_bytes().decode()).encode())
    return path


def test_the_stride_has_internal_signs_and_units(stride_csv):
    stride = read_stride(ReferenceSettings(), stride_csv)
    column = dict(zip(stride.coordinates, np.rad2deg(stride.positions).T, strict=True))
    assert column["knee_angle_r"].min() < -55  # flexion −
    assert column["hip_flexion_l"].max() > 25
    assert column["ankle_angle_r"].min() < -15  # push-off
    assert -6 < column["pelvis_tilt"].mean() < 0  # the recorded pelvis leans forward
    assert stride.forward_velocity.mean() == pytest.approx(1.242, abs=0.001)
    assert stride.duration_s == pytest.approx(246 / 208)


def test_right_foot_is_half_a_cycle_after_the_left(stride_csv):
    stride = read_stride(ReferenceSettings(), stride_csv)
    right = heel_forward(stride.coordinates, stride.positions, "r").argmax()
    assert 0.45 < right / len(stride.positions) < 0.55


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("hip_flexion_r", "hip_r"), ["column 'hip_flexion_r' is missing"]),
        (
            lambda text: text.replace("\r\n", ",1\r\n").replace("_Z,1\r\n", "_Z,extra\r\n", 1),
            ["unknown column 'extra'"],
        ),
        (lambda text: text.replace("0.482554915", "abc", 1), ["numbers only"]),
        (lambda text: text.replace("0.482554915", "nan", 1), ["line 2", "hip_flexion_l", "finite"]),
        (lambda text: text.replace("0.482554915", "27.6", 1), ["hip_flexion_l", "radians"]),
        (lambda text: "\r\n".join(text.split("\r\n")[:10]), ["9 rows", "at least 20"]),
        (lambda text: text.replace("0.482554915,", "", 1), ["line 2", "expected 22 values, found 21"]),
        (lambda text: "", ["empty"]),
    ],
)
def test_a_wrong_csv_is_refused_in_one_line_that_names_it(tmp_path, stride_csv, change, words):
    path = changed(tmp_path, stride_csv, change)
    with pytest.raises(InputError) as error:
        read_stride(ReferenceSettings(), path)
    assert "\n" not in str(error.value)
    for word in [str(path), *words]:
        assert word in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: file not found"):
        read_stride(ReferenceSettings(), tmp_path / "nowhere.csv")


@pytest.mark.parametrize(("degrees", "knee_sign"), [(True, 1), (True, -1), (False, 1)])
def test_opensim_motion_gives_back_the_stride_it_was_made_of(tmp_path, motion, mot_writer, degrees, knee_sign):
    path = mot_writer(tmp_path / "walk.mot", motion, degrees=degrees, knee_sign=knee_sign)
    stride = read_stride(OPENSIM, path)
    assert stride.duration_s == pytest.approx(motion.stride_time_s, abs=2 * motion.stride_time_s / motion.frames)
    assert stride.forward_velocity.mean() == pytest.approx(1.3, abs=1e-6)
    again = periodic_reference(OPENSIM.model_copy(update={"cutoff_hz": 20.0}), stride)
    assert np.abs(again.positions - motion.positions).max() < np.deg2rad(2)


def test_opensim_stride_can_be_chosen_by_time_and_by_number(tmp_path, motion, mot_writer):
    path = mot_writer(tmp_path / "walk.mot", motion, strides=4)
    t = motion.stride_time_s
    by_time = read_stride(
        ReferenceSettings(reader="opensim_motion", sampling_rate_hz=None, start_s=0.5 * t, end_s=1.5 * t), path
    )
    assert by_time.duration_s == pytest.approx(t, rel=0.01)
    second = read_stride(OPENSIM.model_copy(update={"stride": 1}), path)
    first = read_stride(OPENSIM, path)
    np.testing.assert_allclose(first.positions, second.positions, atol=1e-6)
    with pytest.raises(InputError, match=r"whole strides .*reference\.stride"):
        read_stride(OPENSIM.model_copy(update={"stride": 7}), path)


def test_a_treadmill_walk_needs_its_speed(tmp_path, motion, mot_writer):
    path = mot_writer(tmp_path / "belt.mot", motion, treadmill=True)
    with pytest.raises(InputError, match=r"reference\.speed_m_s"):
        read_stride(OPENSIM, path)
    stride = read_stride(OPENSIM.model_copy(update={"speed_m_s": 1.1}), path)
    assert stride.forward_velocity.mean() == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("endheader\n", "\n", "endheader"),
        ("inDegrees=yes\n", "", "inDegrees"),
        ("inDegrees=yes", "inDegrees=maybe", "yes or no"),
        ("inDegrees=yes", "inDegrees=no", "radians"),
        ("hip_flexion_l", "hip_flexion_x", "'hip_flexion_l' is missing"),
        ("lumbar_extension", "hip_flexion_l", "given twice"),
    ],
)
def test_a_wrong_motion_file_is_refused(tmp_path, motion, mot_writer, old, new, words):
    path = mot_writer(tmp_path / "walk.mot", motion)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as error:
        read_stride(OPENSIM, path)
    assert str(path) in str(error.value)
    assert words in str(error.value)


def test_heel_strikes_of_a_noisy_series_are_found_once_each():
    time = np.arange(0, 6, 0.01)
    noise = 0.02 * np.random.default_rng(0).normal(size=len(time))
    strikes = find_heel_strikes(np.cos(2 * np.pi * (time - 0.6)) + noise, 100)
    np.testing.assert_allclose(time[strikes], np.arange(0.6, 6, 1.0), atol=0.05)
