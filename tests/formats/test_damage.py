"""Damage to an artefact of any kind is told in one line that names the file, or changes nothing that is read."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_gait_tables import write_cycles
from test_rollouts import read_all
from test_rollouts import write as write_rollouts

from myoassist.errors import InputError
from myoassist.formats.checkpoint import CheckpointInfo, read_checkpoint_info, read_parameters, write_checkpoint
from myoassist.formats.compiled_model import load_model, read_manifest
from myoassist.formats.documents import TRAIN_LOG_FORMAT, read_document, write_document
from myoassist.formats.gait_tables import (
    SPATIOTEMPORAL_COLUMNS,
    check_tables,
    read_cycles,
    read_metrics,
    read_spatiotemporal,
    table_digests,
    write_metrics,
    write_spatiotemporal,
)
from myoassist.formats.reference_motion import read_fitted_reference, read_reference_motion

FLIPS = 24
"""Bits that are flipped in a file, one after the other."""


@dataclass(frozen=True)
class Artefact:
    """A file, and what its readers make of a copy of it."""

    file: Path
    read: Callable[[Path], Any]


def same_form(value: Any) -> Any:
    """Turn whatever a reader returns into plain data that can be compared."""
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        return {key: same_form(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [same_form(item) for item in value]
    if isinstance(value, pd.DataFrame):
        return value.to_csv()
    if hasattr(value, "numpy"):
        value = value.numpy()
    return (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else repr(value)


def make_checkpoint(path: Path) -> None:
    from stable_baselines3 import PPO

    algorithm = PPO("MlpPolicy", "Pendulum-v1", n_steps=8, batch_size=8, policy_kwargs={"net_arch": [8]}, device="cpu")
    info = CheckpointInfo(
        steps=8,
        seed=1,
        segment=0,
        learner={"algorithm": "PPO"},
        environment={"control_rate_hz": 50.0},
        observation_labels=["phase/cos", "phase/sin", "target_velocity/forward"],
        action_labels=["muscles/soleus_r"],
        observation_bound=10.0,
        model_sha256="a" * 64,
        versions={"mujoco": "3.11.0"},
    )
    write_checkpoint(path, algorithm, info)


def read_checkpoint(path: Path) -> Any:
    return read_checkpoint_info(path), read_parameters(path)


@pytest.fixture(scope="module")
def artefacts(assets, tmp_path_factory) -> dict[str, Artefact]:
    """One artefact of every kind that a stage reads."""
    folder = tmp_path_factory.mktemp("artefacts")
    files = {name: folder / name for name in ("model.zip", "rollouts.h5", "cycles.parquet", "metrics.json")}
    make_checkpoint(files["model.zip"])
    write_rollouts(files["rollouts.h5"])
    write_cycles(files["cycles.parquet"])
    table = pd.DataFrame([["step_time", "s", "r", 0.55, 0.01, 4]] * 12, columns=SPATIOTEMPORAL_COLUMNS)
    summary, log = folder / "spatiotemporal.csv", folder / "train_log.json"
    write_spatiotemporal(summary, table)
    write_document(log, TRAIN_LOG_FORMAT, 1, {"seed": 1, "rollouts": [{"steps": 64, "reward_per_step": 0.25}] * 8})
    tables = table_digests(cycles=files["cycles.parquet"], spatiotemporal=summary)
    write_metrics(files["metrics.json"], {"speed_mean": 1.21, "gate": {"speed": [0.1, None]}, "tables": tables})
    numbers = read_metrics(files["metrics.json"])

    def cycles(path: Path) -> Any:
        check_tables(numbers, cycles=path, spatiotemporal=summary)
        return read_cycles(path)

    def spatiotemporal(path: Path) -> Any:
        check_tables(numbers, cycles=files["cycles.parquet"], spatiotemporal=path)
        return read_spatiotemporal(path)

    def model(path: Path) -> Any:
        return load_model(path, assets.manifest)[1]

    return {
        "model": Artefact(assets.model, model),
        "manifest": Artefact(assets.manifest, read_manifest),
        "reference": Artefact(assets.motion, read_reference_motion),
        "fitted reference": Artefact(assets.reference, read_fitted_reference),
        "checkpoint": Artefact(files["model.zip"], read_checkpoint),
        "train log": Artefact(log, lambda path: read_document(path, TRAIN_LOG_FORMAT, 1)),
        "rollouts": Artefact(files["rollouts.h5"], read_all),
        "cycles": Artefact(files["cycles.parquet"], cycles),
        "spatiotemporal": Artefact(summary, spatiotemporal),
        "metrics": Artefact(files["metrics.json"], read_metrics),
    }


KINDS = (
    "model",
    "manifest",
    "reference",
    "fitted reference",
    "checkpoint",
    "train log",
    "rollouts",
    "cycles",
    "spatiotemporal",
    "metrics",
)


def told(artefact: Artefact, path: Path, expected: Any) -> bool:
    """Whether reading tells of the damage; if not, it must have changed nothing."""
    message = ""
    try:
        found = artefact.read(path)
    except InputError as error:
        message = str(error)
    if not message:
        assert same_form(found) == expected
        return False
    assert str(path) in message
    assert "\n" not in message
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_told(artefacts, tmp_path, kind):
    artefact = artefacts[kind]
    content, copy = artefact.file.read_bytes(), tmp_path / artefact.file.name
    for share in (0.0, 0.1, 0.5, 0.9, 0.99):
        copy.write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError) as error:
            artefact.read(copy)
        assert str(copy) in str(error.value), share
        assert "\n" not in str(error.value)
    for remains in (content[:1], content[:-2], bytes(len(content))):
        copy.write_bytes(remains)
        with pytest.raises(InputError):
            artefact.read(copy)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_told_or_changes_nothing(artefacts, tmp_path, kind):
    artefact = artefacts[kind]
    content, copy = bytearray(artefact.file.read_bytes()), tmp_path / artefact.file.name
    expected = same_form(artefact.read(artefact.file))
    rng = np.random.default_rng(5)
    noticed = 0
    for position in rng.integers(0, len(content), FLIPS):
        damaged = content.copy()
        damaged[position] ^= 1 << rng.integers(0, 8)
        copy.write_bytes(damaged)
        noticed += told(artefact, copy, expected)
    assert noticed >= FLIPS / 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_block_is_told_or_changes_nothing(artefacts, tmp_path, kind):
    """A sector that was never written reads as zeros; so does a hole."""
    artefact = artefacts[kind]
    content, copy = bytearray(artefact.file.read_bytes()), tmp_path / artefact.file.name
    expected = same_form(artefact.read(artefact.file))
    length = min(512, len(content) // 4)
    for share in (0.0, 0.3, 0.6, 0.97):
        damaged, start = content.copy(), int(share * (len(content) - length))
        damaged[start : start + length] = bytes(length)
        copy.write_bytes(damaged)
        told(artefact, copy, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_is_refused(artefacts, tmp_path, kind):
    artefact = artefacts[kind]
    copy = tmp_path / artefact.file.name
    for other in KINDS:
        if other != kind:
            shutil.copyfile(artefacts[other].file, copy)
            with pytest.raises(InputError) as error:
                artefact.read(copy)
            assert str(copy) in str(error.value)
            assert "\n" not in str(error.value)
