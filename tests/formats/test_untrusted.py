"""Files from somebody else: nothing in them is run, nothing outside them is opened, no claim of theirs is believed."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from test_rollouts import read_all
from test_rollouts import write as write_rollouts

from myoassist.config.base import read_json
from myoassist.config.experiment import Experiment
from myoassist.config.reference import ReferenceSettings
from myoassist.config.yaml_files import read_yaml
from myoassist.errors import InputError
from myoassist.formats.checkpoint import check_checkpoint, read_checkpoint_info, read_parameters
from myoassist.formats.compiled_model import read_manifest
from myoassist.formats.documents import TRAIN_LOG_FORMAT, read_document
from myoassist.formats.gait_tables import read_norm, read_spatiotemporal
from myoassist.formats.reference_motion import read_fitted_reference, read_reference_motion
from myoassist.policies.learner import load_policy
from myoassist.reference.readers import read_stride

TRAINING = {
    "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1},
    "policy": {"actor": [16], "critic": [16]},
    "n_envs": 4,
    "segment_steps": 64,
    "total_steps": 64,
}


class Intruder:
    """Unpickling it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture(scope="module")
def checkpoint(assets, tmp_path_factory) -> Path:
    """A whole checkpoint of a real, tiny training."""
    from myoassist.training.segment import train_segment

    folder = tmp_path_factory.mktemp("whole")
    (segment,) = Experiment.parse({"training": TRAINING}).segments(1)
    train_segment(
        segment, **assets.files, previous=None, output=folder / "model.zip", log=folder / "log.json", threads=1
    )
    return folder / "model.zip"


def forged(checkpoint: Path, target: Path, members: dict[str, bytes], *, packed: bool = False) -> Path:
    """Copy a checkpoint with some members replaced."""
    with zipfile.ZipFile(checkpoint) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in {**content, **members}.items():
            archive.writestr(name, data)
    return target


def claiming(checkpoint: Path, target: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Copy a checkpoint that says something else of itself."""
    with zipfile.ZipFile(checkpoint) as archive:
        says = json.loads(archive.read("myoassist.json"))
    change(says)
    return forged(checkpoint, target, {"myoassist.json": json.dumps(says).encode()})


def saved(value: Any, *, as_zip: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=as_zip)
    return buffer.getvalue()


def refused(read: Callable[[Path], Any], path: Path, words: str = "") -> str:
    """The one line with which a reader refuses a file."""
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert words in message
    return message


@pytest.mark.parametrize("member", ["policy.pth", "policy.optimizer.pth"])
@pytest.mark.parametrize("form", ["zip", "legacy", "bare pickle"])
def test_a_pickle_among_the_weights_is_refused_and_not_run(checkpoint, tmp_path, member, form):
    trace = tmp_path / "was_run"
    value = {"weight": Intruder(trace)}
    data = pickle.dumps(value) if form == "bare pickle" else saved(value, as_zip=form == "zip")
    file = forged(checkpoint, tmp_path / "model.zip", {member: data})
    refused(read_parameters, file, f"member {member} is damaged or not plain weights")
    refused(load_policy, file, f"member {member}")
    assert not trace.exists()
    pickle.loads(pickle.dumps(value))
    assert trace.exists(), "it would have worked"


def test_pickled_fields_that_sb3_would_unpickle_are_never_read(checkpoint, tmp_path):
    trace = tmp_path / "was_run"
    hidden = base64.b64encode(pickle.dumps(Intruder(trace))).decode()
    data = json.dumps({"policy_class": {":type:": "x", ":serialized:": hidden}}).encode()
    file = forged(checkpoint, tmp_path / "model.zip", {"data": data})
    observation = np.zeros((1, len(read_checkpoint_info(file).observation_labels)), np.float32)
    expected = load_policy(checkpoint).act(observation)
    np.testing.assert_array_equal(load_policy(file).act(observation), expected)
    assert not trace.exists()


def test_what_sb3_itself_saved_is_refused_with_the_reason(tmp_path):
    """A file of `PPO.save` holds pickles by nature."""
    from stable_baselines3 import PPO

    file = tmp_path / "model.zip"
    PPO("MlpPolicy", "Pendulum-v1", n_steps=8, batch_size=8, policy_kwargs={"net_arch": [8]}, device="cpu").save(file)
    for read in (read_checkpoint_info, check_checkpoint, load_policy):
        said = refused(read, file, "saved by Stable-Baselines3 itself: it holds pickles, which are never read")
        assert "save it with myoassist.formats.checkpoint.write_checkpoint" in said


@pytest.mark.parametrize("member", ["policy.pth", "data", "more"])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(checkpoint, tmp_path, member, monkeypatch):
    file = forged(checkpoint, tmp_path / "model.zip", {member: bytes(60_000_000)}, packed=True)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    for read in (read_checkpoint_info, read_parameters, check_checkpoint, load_policy):
        refused(read, file, "refused: its members claim ")


def test_a_bomb_within_the_weights_is_refused(checkpoint, tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(60_000_000))
    file = forged(checkpoint, tmp_path / "model.zip", {"policy.pth": inner.getvalue()})
    refused(read_parameters, file, "member policy.pth: refused: its members claim ")


def test_a_member_that_lies_about_its_size_is_refused(checkpoint, tmp_path):
    file = forged(checkpoint, tmp_path / "model.zip", {"more": bytes(60_000_000)}, packed=True)
    content = file.read_bytes().replace((60_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    file.write_bytes(content)
    refused(check_checkpoint, file, "damaged checkpoint (member more: ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda says: says["environment"].update(action=[]), "environment: field 'action': expected named fields"),
        (lambda says: says["environment"].update(action={"device": 7}), "environment: field 'action.device': expected"),
        (lambda says: says["environment"].update(observation={"groups": [7]}), "field 'observation.groups.0'"),
        (lambda says: says.update(environment=[]), "field 'environment'"),
        (lambda says: says.update(observation_bound=-1), "field 'observation_bound'"),
        (lambda says: says.update(observation_bound=1e300), "field 'observation_bound'"),
        (lambda says: says.update(steps=-1), "field 'steps'"),
        (lambda says: says.update(observation_labels=[]), "field 'observation_labels'"),
        (lambda says: says.update(action_labels=["x"] * 200_000), "field 'action_labels'"),
        (lambda says: says.update(versions=7), "field 'versions'"),
        (lambda says: says.update(surprise=7), "field 'surprise': unknown field"),
    ],
)
def test_what_a_checkpoint_says_of_itself_is_checked(checkpoint, tmp_path, change, words):
    file = claiming(checkpoint, tmp_path / "model.zip", change)
    for read in (read_checkpoint_info, load_policy):
        refused(read, file, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda says: says["learner"]["policy"].update(actor=[4096] * 200), "learner: field 'policy.actor'"),
        (lambda says: says["learner"]["policy"].update(actor=[4096] * 16), "its networks claim 251,"),
        (lambda says: says["learner"]["policy"].update(critic=[4096, 4096]), "its networks claim 16,"),
        (lambda says: says.update(action_labels=[f"muscles/m{i}" for i in range(90_000)]), "its networks claim 1,"),
        (lambda says: says.update(action_labels=says["action_labels"][:-1]), "do not fit its networks"),
        (lambda says: says["learner"].update(mirror=True, algorithm="PPO2"), "unknown algorithm 'PPO2'"),
        (lambda says: says["learner"]["parameters"].update(gamma="__import__('os')"), "'parameters.gamma': expected"),
        (lambda says: says["learner"].update(mirror="maybe"), "learner: field 'mirror'"),
    ],
)
def test_nothing_is_built_that_the_weights_do_not_fill(checkpoint, tmp_path, change, words):
    refused(load_policy, claiming(checkpoint, tmp_path / "model.zip", change), words)


def test_a_few_numbers_that_claim_to_be_many_are_counted_as_few(checkpoint, tmp_path):
    weights = read_parameters(checkpoint)["policy"]
    weights["mlp_extractor.policy_net.0.weight"] = torch.zeros(1).expand(4096, 100_000)
    file = claiming(checkpoint, tmp_path / "a.zip", lambda says: says["learner"]["policy"].update(actor=[4096] * 3))
    file = forged(file, tmp_path / "model.zip", {"policy.pth": saved(weights)})
    refused(load_policy, file, "its networks claim ")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({7: torch.zeros(2)}, "expected weights by name"),
        ([torch.zeros(2)], "expected weights by name"),
        ({"weight": "heavy"}, "entry 'weight' is no tensor"),
        ({"weight": torch.zeros(2)}, "its networks claim"),
    ],
)
def test_weights_are_tensors_by_name(checkpoint, tmp_path, weights, words):
    refused(load_policy, forged(checkpoint, tmp_path / "model.zip", {"policy.pth": saved(weights)}), words)


def test_a_segment_refuses_a_forged_predecessor(checkpoint, assets, tmp_path):
    from myoassist.training.segment import train_segment

    second = Experiment.parse({"training": {**TRAINING, "total_steps": 128}}).segments(1)[1]
    state = {"state": {}, "param_groups": 7}
    for member, value in (("policy.optimizer.pth", state), ("policy.pth", {"weight": torch.zeros(2)})):
        file = forged(checkpoint, tmp_path / "model_64.zip", {member: saved(value)})

        def train(path: Path) -> None:
            outputs = {"output": tmp_path / "out/model.zip", "log": tmp_path / "out/log.json"}
            train_segment(second, **assets.files, previous=path, threads=1, **outputs)

        refused(train, file, "its weights do not fit the settings' networks")
        assert not (tmp_path / "out").exists()


H5_READERS: dict[str, Callable[[Path], Any]] = {
    "rollouts": read_all,
    "reference": read_reference_motion,
    "fitted reference": read_fitted_reference,
}
H5_ENTRIES = {"rollouts": "episodes/0000/state/time", "reference": "positions", "fitted reference": "qpos"}


@pytest.fixture(scope="module")
def h5_files(assets, tmp_path_factory) -> dict[str, Path]:
    rollouts = tmp_path_factory.mktemp("h5") / "rollouts.h5"
    write_rollouts(rollouts)
    return {"rollouts": rollouts, "reference": assets.motion, "fitted reference": assets.reference}


def external_link(group: h5py.Group, name: str, secret: Path) -> None:
    group[name] = h5py.ExternalLink(str(secret), "/secret")


def soft_link(group: h5py.Group, name: str, _: Path) -> None:
    group[name] = h5py.SoftLink("/nowhere")


def external_storage(group: h5py.Group, name: str, secret: Path) -> None:
    group.create_dataset(name, shape=(100,), dtype="u1", external=[(str(secret), 0, 100)])


def virtual_dataset(group: h5py.Group, name: str, secret: Path) -> None:
    layout = h5py.VirtualLayout(shape=(8,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(secret), "/secret", shape=(8,))
    group.create_virtual_dataset(name, layout)


def huge_claim(group: h5py.Group, name: str, _: Path) -> None:
    group.create_dataset(name, shape=(10**11, 9), chunks=(1000, 9), dtype="f8", compression="gzip")


@pytest.mark.parametrize("kind", H5_READERS)
@pytest.mark.parametrize("forge", [external_link, soft_link, external_storage, virtual_dataset, huge_claim])
def test_hdf5_readers_stay_in_the_file_and_believe_no_claim(h5_files, tmp_path, kind, forge):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["secret"] = np.arange(8.0)
    forged_file = tmp_path / "forged.h5"
    shutil.copyfile(h5_files[kind], forged_file)
    with h5py.File(forged_file, "r+") as file:
        parent, _, name = H5_ENTRIES[kind].rpartition("/")
        group = file[parent or "/"]
        del group[name]
        forge(group, name, secret)
    refused(H5_READERS[kind], forged_file)


STRIDE = Path(__file__).parents[2] / "reference_data" / "myosuite_stride.csv"
NORM = Path(__file__).parents[2] / "reference_data" / "normative_kinematics.csv"


@pytest.mark.parametrize("number", ["nan", "inf", "-1e400", "", "0x10", "__import__('os')"])
def test_tables_hold_sensible_numbers(tmp_path, number):
    for source, read in ((STRIDE, lambda path: read_stride(ReferenceSettings(), path)), (NORM, read_norm)):
        lines = source.read_text().splitlines()
        cells = lines[10].split(",")
        lines[10] = ",".join([*cells[:1], number, *cells[2:]])
        file = tmp_path / source.name
        file.write_text("\n".join(lines))
        refused(read, file)


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n" + "1" * 200_000 + ",2\n",
        "a,b\n" + "1,2\n" * 3 + "1" + ",2" * 1000,
        '"' + "x" * 200_000,
        "," * 100_000,
        "\0" * 1000,
    ],
)
def test_tables_of_absurd_form_are_refused(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_text(content)
    refused(lambda path: read_stride(ReferenceSettings(), path), file)
    refused(read_norm, file)
    refused(read_spatiotemporal, file)


def test_a_table_of_absurd_width_is_refused_by_its_header(tmp_path, monkeypatch):
    file = tmp_path / "table.csv"
    for columns, read in ((1000, True), (1001, False), (100_000, False)):
        file.write_text(",".join(f"c{index}" for index in range(columns)) + "\n" + ",".join("1" * columns) + "\n")
        if read:
            refused(read_spatiotemporal, file, "expected the columns quantity, ")
            monkeypatch.setattr(pd, "read_csv", lambda *_: pytest.fail("parsed"))
        else:
            refused(read_spatiotemporal, file, f"{columns:,} columns; expected a table of at most 1,000")


def test_files_of_absurd_size_are_not_read(tmp_path):
    file = tmp_path / "sparse.json"
    with open(file, "wb") as sparse:
        sparse.truncate(10**12)
    refused(read_json, file, "1,000,000,000,000 bytes")
    refused(read_norm, file, "1,000,000,000,000 bytes")
    refused(read_yaml, file, "1,000,000,000,000 bytes")
    refused(lambda path: read_stride(ReferenceSettings(), path), file, "1,000,000,000,000 bytes")


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, "9" * 100_000, '{"a": 1e999}', '{"a": NaN}'])
def test_json_without_end_is_one_line(checkpoint, tmp_path, content):
    file = tmp_path / "a.json"
    file.write_text(content)
    readers = (Experiment.from_file, read_manifest, lambda path: read_document(path, TRAIN_LOG_FORMAT, 1))
    for read in readers:
        refused(read, file)
    bad = forged(checkpoint, tmp_path / "model.zip", {"myoassist.json": content.encode()})
    refused(read_checkpoint_info, bad)


def test_yaml_that_grows_or_nests_without_end_is_one_line(tmp_path):
    levels = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    circle = "experiments: &a [*a]"
    for content, words in (("\n".join(levels), "anchors repeat"), ("[" * 20_000, "deep"), (circle, "anchors repeat")):
        file = tmp_path / "bomb.yaml"
        file.write_text(content)
        refused(read_yaml, file, words)
    file.write_text("common: &seeds [1, 2]\nseeds: *seeds\n")
    assert read_yaml(file)["seeds"] == [1, 2]
