from pathlib import Path

import numpy as np
import pytest

from myoassist.formats.compiled_model import load_model
from myoassist.formats.reference_motion import read_fitted_reference, read_reference_motion

SOURCE = Path(__file__).parents[2] / "reference_data" / "myosuite_stride.csv"


@pytest.fixture(scope="session")
def stride_csv():
    return SOURCE


@pytest.fixture(scope="session")
def reference_files(assets):
    """The files of the real chain up to the fit, which tests of later stages share."""
    return {
        "reference": assets.motion,
        "model": assets.model,
        "manifest": assets.manifest,
        "fitted": assets.reference,
    }


@pytest.fixture(scope="session")
def motion(reference_files):
    return read_reference_motion(reference_files["reference"])


@pytest.fixture(scope="session")
def fitted(reference_files):
    return read_fitted_reference(reference_files["fitted"])


@pytest.fixture(scope="session")
def body_model(reference_files):
    return load_model(reference_files["model"], reference_files["manifest"])


def write_mot(path, motion, *, strides=3, speed=1.3, degrees=True, knee_sign=1, drop=(), treadmill=False):
    """An OpenSim motion file of several strides of a reference motion."""
    count = motion.frames * strides + 30
    index = np.arange(count) % motion.frames
    time = np.arange(count) * motion.stride_time_s / motion.frames
    columns = {"time": time}
    for name, values in zip(motion.coordinates, motion.positions[index].T, strict=True):
        sign = -knee_sign if name.startswith("knee") else 1
        columns[name] = sign * (np.rad2deg(values) if degrees else values)
    columns["pelvis_tx"] = np.zeros(count) if treadmill else speed * time
    columns["lumbar_extension"] = np.zeros(count)
    for name in drop:
        del columns[name]
    lines = ["Coordinates", "version=1", f"nRows={count}", f"nColumns={len(columns)}"]
    lines += [f"inDegrees={'yes' if degrees else 'no'}", "", "endheader", "\t".join(columns)]
    lines += ["\t".join(f"{value:.8f}" for value in row) for row in np.stack(list(columns.values()), axis=1)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def mot_writer():
    return write_mot
