"""Stored episodes for other programs: what is read back is what was stored, in the other program's units and signs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from myoassist import cli
from myoassist.config.reference import ReferenceSettings
from myoassist.errors import InputError, OutputError
from myoassist.export import export as exporting
from myoassist.export.export import export
from myoassist.export.opensim import to_opensim
from myoassist.formats.opensim_storage import write_storage
from myoassist.formats.rollout_columns import BLOCKS, MUSCLE_CONSTANTS
from myoassist.formats.rollouts import RolloutHeader, RolloutModel, Rollouts, RolloutWriter
from myoassist.reference.readers import read_stride

RATE_HZ, STRIDE_S, SPEED_M_S = 250.0, 1.1, 1.2
LEG = ("hip_flexion", "knee_angle", "ankle_angle")
JOINTS = ("pelvis_tx", "pelvis_ty", "pelvis_tilt", *(f"{name}_{side}" for side in "rl" for name in LEG))
COUPLED = "knee_r_translation1"
SLIDES = ("pelvis_tx", "pelvis_ty", COUPLED)
COORDINATES = (*JOINTS, COUPLED)


def header() -> RolloutHeader:
    limits = {"knee_angle_r": [-2.1, 0.1]}
    kinds = [
        {"name": name, "kind": "slide" if name in SLIDES else "hinge", "range": limits.get(name)}
        for name in COORDINATES
    ]
    model = RolloutModel(
        total_mass_kg=70.0,
        gravity_m_s2=9.81,
        leg_length_m=0.9,
        state_rate_hz=RATE_HZ,
        control_rate_hz=50.0,
        coordinates=COORDINATES,
        dofs=COORDINATES,
        joints=JOINTS[2:],
        muscles=("soleus_r", "soleus_l"),
        devices=(),
        device_joints=(),
        actions=("soleus_r", "soleus_l"),
        reward_terms=("alive",),
        muscle_constants={name: np.ones(2) for name in MUSCLE_CONSTANTS},
        manifest={"joints": kinds, "couplings": [{"dependent": COUPLED, "independent": "knee_angle_r"}]},
    )
    hashes = {name: "a" * 64 for name in ("model_sha256", "checkpoint_sha256", "reference_sha256")}
    return RolloutHeader(settings="{}", seed=1, checkpoint_steps=5, versions={}, model=model, **hashes)


def gait(rows: int) -> dict[str, np.ndarray]:
    """Strides with joint angles that a walk could have, in the rollouts' units and signs, and known forces."""
    time = np.arange(rows) / RATE_HZ
    phase = 2 * np.pi * time / STRIDE_S
    state = {
        column.name: np.zeros((rows, *column.shape(header().model.sizes)), column.dtype) for column in BLOCKS["state"]
    }
    state["time"] = time
    angles = {"pelvis_tx": SPEED_M_S * time, "pelvis_ty": 0.9 + 0.02 * np.cos(2 * phase), COUPLED: 0.01 * time}
    for side, shift in (("r", 0.0), ("l", np.pi)):
        swing = np.clip(np.sin(phase + shift - 2.5), 0, None)
        angles[f"hip_flexion_{side}"] = 0.1 + 0.4 * np.cos(phase + shift)
        angles[f"knee_angle_{side}"] = -0.1 - 0.9 * swing
        angles[f"ankle_angle_{side}"] = 0.1 * np.sin(phase + shift)
    for name, values in angles.items():
        state["qpos"][:, COORDINATES.index(name)] = values
    state["activation"][:] = np.linspace(0, 1, rows)[:, None] * [1.0, 0.5]
    state["ground_reaction_force"][:, 0] = (10.0, -20.0, 700.0)  # forward, to the right, up
    state["center_of_pressure"][:, 0] = (0.5, -0.1, 0.0)
    state["center_of_pressure"][:, 1] = np.nan  # the left foot is in the air
    return state


@pytest.fixture
def rollouts(tmp_path: Path) -> Path:
    path = tmp_path / "rollouts.h5"
    with RolloutWriter(path, header()) as writer:
        for rows in (1100, 3):
            episode = writer.begin_episode(phase0=0.0, target_velocity_mean_m_s=SPEED_M_S)
            episode.append_state(gait(rows))
            control = {column.name: np.zeros((5, *column.shape(header().model.sizes))) for column in BLOCKS["control"]}
            episode.append_control(control)
            episode.end(termination="time_limit", fell=False, duration_s=rows / RATE_HZ)
    return path


def table(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Read a storage file: header fields and columns by label."""
    lines = path.read_text().splitlines()
    end = lines.index("endheader")
    fields = dict(line.split("=") for line in lines[:end] if "=" in line)
    labels = lines[end + 1].split("\t")
    values = np.array([line.split("\t") for line in lines[end + 2 :]], float).reshape(-1, len(labels))
    return fields, dict(zip(labels, values.T, strict=True))


@pytest.mark.parametrize("positive", [False, True])
def test_kinematics_come_back_through_the_reader_of_opensim_motion(rollouts, tmp_path, positive):
    export(rollouts, tmp_path / "out", knee_flexion_positive=positive)
    settings = ReferenceSettings(reader="opensim_motion", sampling_rate_hz=None, start_s=1.1, end_s=2.2)
    stride = read_stride(settings, tmp_path / "out" / "episode_0000" / "kinematics.mot")
    qpos = gait(1100)["qpos"][275:551]
    assert stride.duration_s == pytest.approx(STRIDE_S)
    assert stride.forward_velocity.mean() == pytest.approx(SPEED_M_S, abs=1e-6)
    for index, name in enumerate(stride.coordinates):
        np.testing.assert_allclose(stride.positions[:, index], qpos[:, COORDINATES.index(name)], atol=1e-8)


def test_kinematics_are_in_degrees_and_metres_without_coupled_coordinates(rollouts, tmp_path):
    export(rollouts, tmp_path / "out")
    fields, columns = table(tmp_path / "out" / "episode_0000" / "kinematics.mot")
    assert (fields["inDegrees"], fields["nRows"], fields["nColumns"]) == ("yes", "1100", str(1 + len(JOINTS)))
    assert list(columns) == ["time", *JOINTS]
    assert columns["hip_flexion_r"][0] == pytest.approx(np.rad2deg(0.5))
    assert columns["pelvis_ty"][0] == pytest.approx(0.92)
    assert columns["knee_angle_r"].min() < -50


def test_ground_forces_have_y_up_and_z_to_the_right(rollouts, tmp_path):
    export(rollouts, tmp_path / "out")
    fields, columns = table(tmp_path / "out" / "episode_0000" / "ground_forces.mot")
    assert fields["inDegrees"] == "no"
    assert list(columns)[1:10] == [
        *(f"ground_force_r_v{axis}" for axis in "xyz"),
        *(f"ground_force_r_p{axis}" for axis in "xyz"),
        *(f"ground_torque_r_{axis}" for axis in "xyz"),
    ]
    row = {label: values[7] for label, values in columns.items()}
    assert [row[f"ground_force_r_v{axis}"] for axis in "xyz"] == [10.0, 700.0, 20.0]
    assert [row[f"ground_force_r_p{axis}"] for axis in "xyz"] == pytest.approx([0.5, 0.0, 0.1])
    assert all(value == 0 for label, value in row.items() if "_l_" in label or "torque" in label)


def test_turning_to_opensim_keeps_lengths_and_handedness():
    x, y, z = to_opensim(np.eye(3))
    np.testing.assert_allclose(np.cross(x, y), z)
    vectors = np.random.default_rng(0).normal(size=(5, 2, 3))
    np.testing.assert_allclose(np.linalg.norm(to_opensim(vectors), axis=-1), np.linalg.norm(vectors, axis=-1))


def test_activations_are_labelled_as_states_of_a_model(rollouts, tmp_path):
    export(rollouts, tmp_path / "out")
    _, columns = table(tmp_path / "out" / "episode_0000" / "activations.sto")
    assert list(columns) == ["time", "/forceset/soleus_r/activation", "/forceset/soleus_l/activation"]
    np.testing.assert_allclose(columns["/forceset/soleus_l/activation"], np.linspace(0, 0.5, 1100), atol=1e-7)


def test_csv_holds_every_stored_number_and_names_its_unit(rollouts, tmp_path):
    export(rollouts, tmp_path / "out")
    with open(tmp_path / "out" / "columns.csv") as file:
        described = {(row["file"], row["column"]): row for row in csv.DictReader(file)}
    with Rollouts(rollouts) as stored:
        for block, columns in BLOCKS.items():
            path = tmp_path / "out" / "episode_0000" / f"{block}.csv"
            with open(path) as file:
                labels = next(csv.reader(file))
            values = np.genfromtxt(path, delimiter=",", skip_header=1)
            read = stored[0].state if block == "state" else stored[0].control
            wanted = np.concatenate([read(c.name).reshape(len(values), -1) for c in columns], axis=1)
            np.testing.assert_array_equal(values.astype("f4"), wanted.astype("f4"))
            assert all((path.name, label) in described for label in labels)
    assert described["state.csv", "ground_reaction_force.r.z"]["unit"] == "N"
    with open(tmp_path / "out" / "episodes.csv") as file:
        assert [row["termination"] for row in csv.DictReader(file)] == ["time_limit"] * 2


def test_long_episodes_are_written_piece_by_piece(rollouts, tmp_path, monkeypatch):
    export(rollouts, tmp_path / "whole")
    monkeypatch.setattr("myoassist.export.opensim.ROWS_AT_ONCE", 97)
    export(rollouts, tmp_path / "pieces")
    files = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.*"))
    assert len(files) == 12
    for file in files:
        assert (tmp_path / "pieces" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_chosen_episodes_only(rollouts, tmp_path):
    export(rollouts, tmp_path / "out", episodes=(1,))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["columns.csv", "episode_0001", "episodes.csv"]
    with pytest.raises(InputError, match="holds episodes 0 to 1, not 5"):
        export(rollouts, tmp_path / "other", episodes=(5,))
    assert not (tmp_path / "other").exists()


def test_folder_appears_whole_or_not_at_all(rollouts, tmp_path, monkeypatch):
    before = set(tmp_path.iterdir())

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "write_activations", fail)
    with pytest.raises(OutputError, match="out: cannot be written: No space left"):
        export(rollouts, tmp_path / "out")
    assert set(tmp_path.iterdir()) == before


def test_folder_with_something_in_it_is_left_alone(rollouts, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="out: expected a new or an empty folder"):
        export(rollouts, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    (tmp_path / "out" / "mine.txt").unlink()
    export(rollouts, tmp_path / "out")


def test_command_names_a_damaged_file_in_one_line(rollouts, tmp_path, capsys):
    rollouts.write_bytes(rollouts.read_bytes()[:-3000])
    with pytest.raises(SystemExit) as stop:
        cli.main(["export", str(rollouts), "--output", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert "rollouts.h5: not a whole rollouts file" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("columns", "part", "rows"),
    [
        (["a b"], np.zeros((2, 2)), 2),
        (["a", "a"], np.zeros((2, 3)), 2),
        (["a"], np.zeros((2, 3)), 2),
        (["a"], np.array([[0.0, np.nan]]), 1),
        (["a"], np.zeros((2, 2)), 3),
    ],
)
def test_storage_refuses_what_opensim_could_not_read(tmp_path, columns, part, rows):
    with pytest.raises(ValueError):
        write_storage(tmp_path / "a.sto", "a", columns, [part], rows=rows, in_degrees=False)
