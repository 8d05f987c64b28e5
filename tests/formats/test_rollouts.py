import errno
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from myoassist.errors import InputError, OutputError
from myoassist.formats import rollouts
from myoassist.formats.rollout_columns import BLOCKS, MUSCLE_CONSTANTS, markdown_tables
from myoassist.formats.rollouts import RolloutHeader, RolloutModel, Rollouts, RolloutWriter


def make_header(devices=1):
    model = RolloutModel(
        total_mass_kg=70.0,
        device_mass_kg=4.0 * devices,
        gravity_m_s2=9.81,
        leg_length_m=0.9,
        state_rate_hz=250.0,
        control_rate_hz=50.0,
        coordinates=("pelvis_tx", "hip_flexion_r", "knee_angle_r"),
        dofs=("pelvis_tx", "hip_flexion_r", "knee_angle_r"),
        joints=("hip_flexion_r", "knee_angle_r"),
        muscles=("müscle_r", "b_r"),
        devices=("exo_r",) * devices,
        device_joints=("knee_angle_r",) * devices,
        actions=("müscle_r", "b_r") + ("exo_r",) * devices,
        reward_terms=("pose", "speed"),
        muscle_constants={name: np.array([1.5, 2.5]) for name in MUSCLE_CONSTANTS},
        manifest={"joints": [{"name": "knee_angle_r", "range": [-2.0, 0.0]}]},
    )
    return RolloutHeader(
        settings='{"episodes":2}',
        seed=7,
        model_sha256="a" * 64,
        checkpoint_sha256="b" * 64,
        reference_sha256="c" * 64,
        checkpoint_steps=1000,
        versions={"mujoco": "3.11.0"},
        model=model,
    )


def rows(block, header, count, seed=0):
    rng = np.random.default_rng(seed)
    return {
        column.name: rng.normal(size=(count, *column.shape(header.model.sizes))).astype(column.dtype)
        for column in BLOCKS[block]
        if 0 not in column.shape(header.model.sizes)
    }


def write(path, *, lengths=(700, 3), piece=700, devices=1):
    """Episodes that are open at once and grow in pieces."""
    header = make_header(devices)
    with RolloutWriter(path, header) as writer:
        episodes = [writer.begin_episode(phase0=0.25, target_velocity_mean_m_s=1.2) for _ in lengths]
        data = [rows("state", header, n, seed=i) for i, n in enumerate(lengths)]
        for start in range(0, max(lengths), piece):
            for i, episode in enumerate(episodes):
                if start < lengths[i]:
                    episode.append_state({k: v[start : start + piece] for k, v in data[i].items()})
        for episode, n in zip(episodes, lengths, strict=True):
            episode.append_control(rows("control", header, 5))
            episode.end(termination="fall_height", fell=True, duration_s=n / 250)
    return header, data


def test_everything_that_was_written_is_read_back(tmp_path):
    header, data = write(tmp_path / "a.h5", piece=100)
    with Rollouts(tmp_path / "a.h5") as file:
        assert len(file) == 2
        assert file.header.settings == header.settings
        assert file.header.versions == header.versions
        assert file.header.seed == 7
        model = file.header.model
        assert model.muscles == ("müscle_r", "b_r")
        assert model.manifest == header.model.manifest
        assert (model.total_mass_kg, model.device_mass_kg, model.body_mass_kg) == (70, 4, 66)
        assert model.body_weight_n == pytest.approx(70 * 9.81)  # of body and device
        assert model.muscle_constants["max_isometric_force_n"].tolist() == [1.5, 2.5]
        for episode, expected in zip(file, data, strict=True):
            for name, values in expected.items():
                np.testing.assert_array_equal(episode.state(name), values)
        info = file[1].info
        assert (info.index, info.termination, info.fell, info.duration_s) == (1, "fall_height", True, 3 / 250)
        assert (info.phase0, info.target_velocity_mean_m_s) == (0.25, 1.2)
        assert (info.steps, info.state_rows, info.control_rows) == (5, 3, 5)
        np.testing.assert_array_equal(file[0].state("time", slice(10, 20)), data[0]["time"][10:20])


def test_a_model_without_device_has_empty_device_columns(tmp_path):
    write(tmp_path / "a.h5", devices=0)
    with Rollouts(tmp_path / "a.h5") as file:
        assert file[0].state("device_torque").shape == (700, 0)


def test_same_episodes_same_bytes(tmp_path):
    write(tmp_path / "a.h5")
    write(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    # HDF5 would store the time of creation where it was not told otherwise
    with h5py.File(tmp_path / "a.h5") as file:
        objects = []
        file.visititems(lambda _, item: objects.append(h5py.h5o.get_info(item.id)))
        assert len(objects) > 40


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    def begin(path, error=None):
        with RolloutWriter(path, make_header()) as writer:
            writer.begin_episode(phase0=0.0)
            if error:
                raise error

    with pytest.raises(RuntimeError):
        begin(tmp_path / "a.h5", RuntimeError())
    with pytest.raises(ValueError, match="not ended"):
        begin(tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_header_cannot_be_written_is_not_there(tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "Can't write data")

    monkeypatch.setattr(rollouts, "_write_header", no_space)
    with pytest.raises(OutputError, match=r"a\.h5: cannot be written: No space left on device"):
        RolloutWriter(tmp_path / "a.h5", make_header()).__enter__()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda block: block.pop("qpos"), "'qpos' is missing"),
        (lambda block: block.update(speed=1), "unknown state column 'speed'"),
        (lambda block: block.update(qpos=np.zeros((4, 2))), "expected"),
        (lambda block: block.update(qvel=np.zeros((3, 3))), "expected"),
    ],
)
def test_wrong_rows_are_refused(tmp_path, change, message):
    header = make_header()
    block = rows("state", header, 4)
    change(block)
    with RolloutWriter(tmp_path / "a.h5", header) as writer:
        episode = writer.begin_episode(phase0=0.0)
        with pytest.raises(ValueError, match=message):
            episode.append_state(block)
        episode.end(termination="time_limit", fell=False, duration_s=0.0)
    with Rollouts(tmp_path / "a.h5") as file:
        assert file[0].info.state_rows == 0


def test_a_single_row_needs_no_row_dimension(tmp_path):
    header = make_header()
    with RolloutWriter(tmp_path / "a.h5", header) as writer:
        episode = writer.begin_episode(phase0=0.0)
        for k in range(3):
            episode.append_state({name: values[0] + k for name, values in rows("state", header, 1).items()})
        episode.end(termination="time_limit", fell=False, duration_s=0.1, target_velocity_mean_m_s=1.0)
    with Rollouts(tmp_path / "a.h5") as file:
        assert file[0].info.target_velocity_mean_m_s == 1.0
        assert np.ptp(file[0].state("time")) == pytest.approx(2)


def read_all(path):
    with Rollouts(path) as file:
        return [episode.state(c.name).tobytes() for episode in file for c in BLOCKS["state"]]


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.h5: file not found"):
        Rollouts(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(InputError, match=r"text\.h5: not a whole rollouts file"):
        Rollouts(tmp_path / "text.h5")
    h5py.File(tmp_path / "other.h5", "w").close()
    with pytest.raises(InputError, match=r"other\.h5: not a rollouts file"):
        Rollouts(tmp_path / "other.h5")


def test_a_truncated_file_is_named(tmp_path):
    write(tmp_path / "a.h5")
    whole = (tmp_path / "a.h5").read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        (tmp_path / "cut.h5").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match=r"cut\.h5: not a whole rollouts file") as error:
            read_all(tmp_path / "cut.h5")
        assert "\n" not in str(error.value)


def test_damage_is_noticed_or_harmless(tmp_path):
    write(tmp_path / "a.h5")
    whole = bytearray((tmp_path / "a.h5").read_bytes())
    expected = read_all(tmp_path / "a.h5")
    rng = np.random.default_rng(1)
    noticed = 0
    for position in rng.integers(0, len(whole), 60):
        damaged = whole.copy()
        damaged[position] ^= 0x55
        (tmp_path / "b.h5").write_bytes(damaged)
        try:
            found = read_all(tmp_path / "b.h5")
        except InputError as error:
            found, message = None, str(error)
        assert found == expected or (found is None and "b.h5" in message)
        noticed += found is None
    assert noticed > 30


@pytest.mark.parametrize("version", [2, 99])
def test_an_unknown_version_is_refused(tmp_path, version):
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.attrs["version"] = version
    with pytest.raises(InputError, match=f"version {version} is unknown, expected version 3"):
        Rollouts(tmp_path / "a.h5")


@pytest.mark.parametrize("mass", [-1.0, 70.0])
def test_a_device_that_is_no_part_of_the_whole_is_refused(tmp_path, mass):
    header = make_header()
    object.__setattr__(header.model, "device_mass_kg", mass)
    with pytest.raises(ValueError, match="is not part of 70"), RolloutWriter(tmp_path / "a.h5", header):
        pass


def test_episodes_come_by_number_however_many_there_are(tmp_path):
    """From number 10,000 on the names of the groups have a digit more."""
    header = make_header()
    with RolloutWriter(tmp_path / "a.h5", header) as writer:
        for phase in (0.1, 0.2, 0.3):
            writer.begin_episode(phase0=phase).end(termination="time_limit", fell=False, duration_s=0.0)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        for index, number in ((2, 10_000), (1, 9_999)):
            file["episodes"].move(f"{index:04d}", f"{number:04d}")
            file["episodes"][f"{number:04d}"].attrs["index"] = number
    with Rollouts(tmp_path / "a.h5") as file:
        assert [episode.info.index for episode in file] == [0, 9_999, 10_000]
        assert [episode.info.phase0 for episode in file] == [0.1, 0.2, 0.3]


def test_states_slower_than_250_hz_are_refused(tmp_path):
    header = make_header()
    object.__setattr__(header.model, "state_rate_hz", 100.0)
    with pytest.raises(ValueError, match="250 Hz"), RolloutWriter(tmp_path / "a.h5", header):
        pass


def test_the_documentation_shows_the_columns_as_they_are():
    text = (Path(__file__).parents[2] / "docs" / "rollouts.md").read_text()
    assert text.endswith(markdown_tables())


def test_reading_needs_neither_torch_nor_mujoco():
    code = "import sys, myoassist.formats.rollouts; print(sorted({'torch', 'mujoco'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


PROGRAM = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_rollouts import make_header, rows
from myoassist.formats.rollouts import RolloutWriter
import dataclasses, numpy as np
header = make_header()
names = tuple(f"m{i}" for i in range(22))
constants = {name: np.ones(22) for name in header.model.muscle_constants}
model = dataclasses.replace(header.model, muscles=names, coordinates=tuple(f"q{i}" for i in range(39)),
    dofs=tuple(f"v{i}" for i in range(39)), muscle_constants=constants)
header = dataclasses.replace(header, model=model)
state = rows("state", header, 256)
def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
with RolloutWriter(Path(sys.argv[2]), header) as writer:
    episodes = [writer.begin_episode(phase0=0.0) for _ in range(32)]
    for length in (2, 8):
        for _ in range(length):
            for episode in episodes:
                episode.append_state(state)
        print(used())
    for episode in episodes:
        episode.end(termination="time_limit", fell=False, duration_s=1.0)
"""


def test_memory_does_not_grow_with_the_length_of_open_episodes(tmp_path):
    """32 episodes at once: five times as long, and (nearly) no more memory, though 135 MB more are written."""
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(tmp_path / "a.h5")]
    short, long = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert long - short < 25
