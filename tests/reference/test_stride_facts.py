"""What reference_data/README.md says about the stride, measured again."""

import csv

import mujoco
import numpy as np
import pytest

from myoassist.reference.body import PlanarBody

STANCE = {"l": slice(30, 115), "r": slice(154, 235)}


@pytest.fixture(scope="module")
def column(stride_csv):
    with open(stride_csv, newline="") as file:
        rows = list(csv.reader(file))
    table = np.array(rows[1:], dtype=float)
    return {name: table[:, index] for index, name in enumerate(rows[0])}


def foot_in_world(column, side, lean_sign):
    """Forefoot relative to the pelvis (forward, up), turned from the pelvis's axes by the pitch as forward lean."""
    x, z = column[f"{side}_foot_relative_X"], column[f"{side}_foot_relative_Z"]
    lean = lean_sign * column["pelvis_euler_pitch"]
    return x * np.cos(lean) + z * np.sin(lean), z * np.cos(lean) - x * np.sin(lean)


def test_foot_columns_are_in_the_pelvis_axes(column, body_model):
    model, manifest = body_model
    body, data = PlanarBody(model, manifest), mujoco.MjData(model)
    errors = {}
    for sign in (-1, 0, 1):
        rows, wanted = [], []
        for side, knee, ankle in (
            ("l", "knee_angle_l", "ankle_angle_l"),
            ("r", "osl_knee_angle_r", "osl_ankle_angle_r"),
        ):
            pose = np.zeros((len(column[knee]), len(body.names)))
            pose[:, body.index("pelvis_tilt")] = -sign * column["pelvis_euler_pitch"]
            pose[:, body.index(f"hip_flexion_{side}")] = column[f"hip_flexion_{side}"]
            pose[:, body.index(f"knee_angle_{side}")] = -column[knee]
            pose[:, body.index(f"ankle_angle_{side}")] = column[ankle]
            zero = np.zeros_like(pose)
            for k, qpos in enumerate(body.full(pose, zero, zero)[0]):
                data.qpos[:] = qpos
                mujoco.mj_kinematics(model, data)
                foot, pelvis = data.body(f"calcn_{side}"), data.body("pelvis")
                turns = [item.xmat.reshape(3, 3)[[0, 2]][:, [0, 1]] for item in (foot, pelvis)]
                rows.append(np.hstack(turns))
                measured = [column[f"{side}_foot_relative_{axis}"][k] for axis in "XZ"]
                wanted.append(np.array(measured) - (foot.xpos - pelvis.xpos)[[0, 2]])
        matrix, target = np.vstack(rows), np.concatenate(wanted)
        rest = target - matrix @ np.linalg.lstsq(matrix, target, rcond=None)[0]
        errors[sign] = np.sqrt(2 * (rest**2).mean())
    assert errors[0] < 0.005
    assert min(errors[1], errors[-1]) > 0.015


@pytest.mark.parametrize("side", ["l", "r"])
def test_pitch_is_forward_lean_because_then_the_planted_foot_stands_still(column, side):
    still = {}
    for sign in (1, -1):
        forward, _ = foot_in_world(column, side, sign)
        deviations = []
        for rate in np.arange(190, 230, 1.0):
            way = forward + np.cumsum(column["pelvis_vel_X"]) / rate
            deviations.append(way[STANCE[side]].std())
        still[sign] = min(deviations)
    assert still[1] < 0.007
    assert still[-1] > 3 * still[1]


def test_planted_feet_give_the_sampling_rate(column):
    rates = []
    candidates = np.arange(190, 230, 0.5)
    for side, stance in STANCE.items():
        forward, _ = foot_in_world(column, side, 1)
        drift = [(forward + np.cumsum(column["pelvis_vel_X"]) / rate)[stance].std() for rate in candidates]
        rates.append(candidates[int(np.argmin(drift))])
    assert np.mean(rates) == pytest.approx(208, abs=4)
