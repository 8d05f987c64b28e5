import dataclasses

import h5py
import numpy as np
import pytest

from myoassist.errors import InputError
from myoassist.formats.reference_motion import (
    read_fitted_reference,
    read_reference_motion,
    write_fitted_reference,
    write_reference_motion,
)

KINDS = {
    "reference": (read_reference_motion, write_reference_motion),
    "fitted": (read_fitted_reference, write_fitted_reference),
}


@pytest.fixture(params=sorted(KINDS))
def kind(request, reference_files):
    return (*KINDS[request.param], reference_files[request.param])


def test_what_was_written_is_read_again_and_gives_the_same_bytes(tmp_path, kind):
    read, write, path = kind
    content = read(path)
    write(tmp_path / "again.h5", content)
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()
    again = read(tmp_path / "again.h5")
    for field in dataclasses.fields(content):
        before, after = getattr(content, field.name), getattr(again, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(before, after)
            assert before.dtype == after.dtype
        else:
            assert before == after


def damaged(tmp_path, path, change):
    copy = tmp_path / "damaged.h5"
    copy.write_bytes(path.read_bytes())
    change(copy)
    return copy


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    with h5py.File(path) as file:
        name = "positions" if "positions" in file else "qpos"
        start = file[name].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[start + 100] ^= 0xFF
    path.write_bytes(bytes(content))


def edit(action):
    def change(path):
        with h5py.File(path, "r+") as file:
            action(file)

    return change


def remove_array(file):
    del file["positions" if "positions" in file else "activation"]


def cut_array(file):
    name = "velocities" if "velocities" in file else "qvel"
    data = file[name][:-1]
    del file[name]
    file[name] = data


def set_nan(file):
    name = "positions" if "positions" in file else "qpos"
    file[name][3, 1] = np.nan


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (truncate, "damaged"),
        (flip, "damaged"),
        (lambda path: path.write_bytes(b"no hdf5"), "damaged"),
        (lambda path: path.unlink(), "not found"),
        (edit(lambda file: file.attrs.__setitem__("version", 99)), "version"),
        (edit(lambda file: file.attrs.__setitem__("format", "other")), "format"),
        (edit(remove_array), "missing entry"),
        (edit(cut_array), "expected shape"),
        (edit(set_nan), "finite"),
        (edit(lambda file: file.attrs.__delitem__("settings")), "settings"),
        (edit(lambda file: file.attrs.__setitem__("stride_time_s", -1.0)), "stride_time_s"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, kind, change, word):
    read, _, path = kind
    copy = damaged(tmp_path, path, change)
    with pytest.raises(InputError) as error:
        read(copy)
    assert str(error.value).startswith(str(copy))
    assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_the_two_kinds_are_not_mistaken_for_each_other(reference_files):
    with pytest.raises(InputError, match="myoassist-fitted-reference"):
        read_fitted_reference(reference_files["reference"])


def test_an_unknown_coordinate_is_named(motion, fitted):
    with pytest.raises(InputError, match="elbow"):
        motion.column("elbow")
    with pytest.raises(InputError, match="elbow"):
        fitted.column("elbow")


def test_a_failed_write_leaves_nothing(tmp_path, fitted):
    broken = dataclasses.replace(fitted, activation=fitted.activation[:-1])
    with pytest.raises(ValueError, match="activation"):
        write_fitted_reference(tmp_path / "x.h5", broken)
    assert not list(tmp_path.iterdir())
