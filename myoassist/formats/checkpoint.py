"""Checkpoints: zip files that the algorithm's own `load` reads, equal to the byte for equal content.

SB3's `save` writes the date, wall-clock times and memory addresses; here dates are fixed, members sorted and
volatile fields left out. The member `myoassist.json` says what we need to know without unpickling anything, and
our own reader takes that and the weights, never the pickled fields that SB3 keeps for itself.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from myoassist.config.base import decode_json, describe
from myoassist.errors import InputError
from myoassist.formats.files import atomic_output, sha256

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

FORMAT = "myoassist-checkpoint"
VERSION = 1
_MEMBER = "myoassist.json"
_SB3_MEMBER = "_stable_baselines3_version"
_LARGEST_RATIO = 20
_DATE = (1980, 1, 1, 0, 0, 0)
# wall clock, environment leftovers, and functions that are made anew from the numbers beside them
_VOLATILE = {
    "start_time", "ep_info_buffer", "ep_success_buffer", "_last_obs", "_last_original_obs", "_last_episode_starts",
    "lr_schedule", "_total_timesteps", "_num_timesteps_at_start", "_current_progress_remaining", "_n_updates_at_start",
}  # fmt: skip


Count = Annotated[int, Field(ge=0, lt=2**63)]
Labels = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=100_000)]


class _Stored(BaseModel):
    """A part of stored settings that is relied on; other fields may be there, as versions come and go."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class _StoredDevice(_Stored):
    enabled: bool = True


class _StoredAction(_Stored):
    device: _StoredDevice = _StoredDevice()


class _StoredGroup(_Stored):
    name: str
    scale: float = 1.0


class _StoredObservation(_Stored):
    groups: list[_StoredGroup] = []


class _StoredEnvironment(_Stored):
    action: _StoredAction = _StoredAction()
    observation: _StoredObservation = _StoredObservation()


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself.

    Attributes:
        steps: environment steps trained so far.
        seed: of the run.
        segment: index of the segment that wrote it.
        learner: `LearnerSettings` as plain data.
        environment: `EnvironmentSettings` as plain data, of that segment.
        observation_labels: `group/label` of every observed number.
        action_labels: the same of actions.
        observation_bound: observations lie within ± this.
        model_sha256: of the compiled model it was trained on.
        versions: of the packages that made it.
        phase: of the curriculum that the segment was in; empty without one.
        phase_segments: how many segments have been in that phase so far.
        measured: metric -> value in that segment, on which the next phase may depend.
    """

    steps: Count
    seed: Count
    segment: Count
    learner: dict[str, Any]
    environment: dict[str, Any]
    observation_labels: Labels
    action_labels: Labels
    observation_bound: Annotated[float, Field(gt=0.0, le=1000.0)]
    model_sha256: str
    versions: dict[str, str]
    phase: str = ""
    phase_segments: Count = 0
    measured: dict[str, float] = field(default_factory=dict)

    @property
    def device_enabled(self) -> bool:
        """Whether a worn device acted in that segment."""
        return self._environment.action.device.enabled

    @property
    def observation_scales(self) -> dict[str, float]:
        """Group of the observation -> its scale."""
        return {group.name: group.scale for group in self._environment.observation.groups}

    @property
    def _environment(self) -> _StoredEnvironment:
        return _StoredEnvironment.model_validate(self.environment)


def write_checkpoint(path: Path, algorithm: BaseAlgorithm, info: CheckpointInfo) -> None:
    """Write an algorithm's policy, optimiser and fields canonically and atomically."""
    import stable_baselines3
    import torch

    state_names, tensor_names = algorithm._get_torch_save_params()
    excluded = set(algorithm._excluded_save_params()) | _VOLATILE
    excluded |= {name.split(".")[0] for name in (*state_names, *tensor_names)}
    state = {name: _encode(value) for name, value in sorted(vars(algorithm).items()) if name not in excluded}
    members = {
        _SB3_MEMBER: stable_baselines3.__version__.encode(),
        "data": json.dumps(state, indent=1).encode(),
        _MEMBER: json.dumps({"format": FORMAT, "version": VERSION, **asdict(info)}, indent=1, sort_keys=True).encode(),
    }
    for name in state_names:
        members[f"{name}.pth"] = _tensors(_attribute(algorithm, name).state_dict(), torch)
    if tensor_names:
        tensors = {name: _attribute(algorithm, name) for name in tensor_names}
        members["pytorch_variables.pth"] = _tensors(tensors, torch)
    _write_members(path, members)


def write_without_moments(path: Path, source: Path) -> None:
    """Copy a checkpoint without what its optimisers remember of past gradients, which is two thirds of it.

    Policy and statistics stay as they are, and the algorithm's own `load` reads it; learning that goes on from it
    begins with fresh moments.

    Raises:
        InputError: if the source is missing or damaged.
    """
    import torch

    with _open(source) as archive:
        members = {name: _read(archive, name, source) for name in archive.namelist()}
    for name, state in read_parameters(source).items():
        if name.endswith("optimizer"):
            members[f"{name}.pth"] = _tensors({**state, "state": {}}, torch)
    _write_members(path, members)


def _write_members(path: Path, members: Mapping[str, bytes]) -> None:
    with atomic_output(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, date_time=_DATE), members[name])


def _attribute(owner: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        owner = getattr(owner, part)
    return owner


def _tensors(value: Any, torch: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _encode(value: Any) -> Any:
    """JSON where possible, a schedule as its current number, otherwise a pickle as SB3 expects it."""
    from gymnasium.spaces import Box
    from stable_baselines3.common.utils import FloatSchedule

    if isinstance(value, FloatSchedule):
        value = value(0.0)
    if isinstance(value, Box):
        value = Box(value.low, value.high, dtype=value.dtype)  # without the state of its random stream
    try:
        json.dumps(value, allow_nan=False)
        return value
    except (TypeError, ValueError):
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, protocol=4)
        pickler.fast = True  # no memo: bytes must not depend on which equal strings are one object
        pickler.dump(value)
        return {":type:": type(value).__name__, ":serialized:": base64.b64encode(buffer.getvalue()).decode()}


def read_checkpoint_info(path: Path) -> CheckpointInfo:
    """Read what a checkpoint says of itself.

    Raises:
        InputError: if it is missing, damaged, not one of ours, of an unknown version, or a field is wrong.
    """
    with _open(path) as archive:
        names = archive.namelist()
        if _MEMBER not in names and _SB3_MEMBER in names:
            raise InputError(
                f"{path}: saved by Stable-Baselines3 itself: it holds pickles, which are never read, and does not say"
                " what it observes; if you trust it, load it with Stable-Baselines3 and save it with"
                " myoassist.formats.checkpoint.write_checkpoint"
            )
        if _MEMBER not in names:
            raise InputError(f"{path}: not a myoassist checkpoint (it has no {_MEMBER})")
        text = _read(archive, _MEMBER, path)
    try:
        raw = decode_json(text.decode("utf-8"), where=f"{path}: {_MEMBER}")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: damaged checkpoint ({error})") from None
    if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
        raise InputError(f"{path}: field 'format': expected '{FORMAT}'")
    version = raw.pop("version", None)
    if version != VERSION:
        raise InputError(f"{path}: field 'version': expected {VERSION} (found {version!r})")
    unknown = sorted(set(raw) - {item.name for item in fields(CheckpointInfo)})
    if unknown:
        raise InputError(f"{path}: {_MEMBER}: field '{unknown[0][:60]}': unknown field")
    try:
        info = TypeAdapter(CheckpointInfo).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise InputError(describe(error, f"{path}: {_MEMBER}")) from None
    try:
        _StoredEnvironment.model_validate(info.environment)
    except ValidationError as error:
        raise InputError(describe(error, f"{path}: {_MEMBER}: environment")) from None
    return info


def check_checkpoint(path: Path, log: Mapping[str, Any] | None = None) -> CheckpointInfo:
    """Check that a checkpoint is whole, down to the checksum of every member, without reading weights.

    Args:
        path: the checkpoint.
        log: content of its train log, which tells steps and digest (early ones only steps).

    Returns:
        What it says of itself.

    Raises:
        InputError: if it is missing, damaged, not one of ours, or not the one that the log tells of.
    """
    info = read_checkpoint_info(path)
    with _open(path) as archive:
        names = archive.namelist()
        for name in names:
            _read(archive, name, path)
    if "policy.pth" not in names:
        raise InputError(f"{path}: damaged checkpoint (it has no member policy.pth)")
    told = {} if log is None else log
    if told.get("stop_steps", info.steps) != info.steps:
        raise InputError(f"{path}: holds {info.steps:,} steps; its train log tells of {told['stop_steps']}")
    if told.get("checkpoint_sha256") not in (None, sha256(path)):
        raise InputError(f"{path}: damaged, or not the checkpoint of its train log (SHA-256 differs)")
    return info


def read_parameters(path: Path) -> dict[str, Any]:
    """Read the state dicts and tensors of a checkpoint, weights only: no code from the file is run.

    Returns:
        `policy`, `policy.optimizer`, … -> state dict; `pytorch_variables` -> tensors, where there are any.

    Raises:
        InputError: if the file is missing or damaged, or holds anything but tensors.
    """
    import torch

    parameters = {}
    with _open(path) as archive:
        for name in archive.namelist():
            content = _read(archive, name, path)
            if not name.endswith(".pth"):
                continue
            try:
                with zipfile.ZipFile(io.BytesIO(content)) as inner:
                    _refuse_bomb(inner, len(content), f"{path}: member {name}")
                value = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            except InputError:
                raise
            except Exception as error:  # whatever torch's readers say of bytes that they did not write
                line = (str(error).splitlines() or [type(error).__name__])[0]
                raise InputError(f"{path}: member {name} is damaged or not plain weights ({line[:160]})") from None
            if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
                raise InputError(f"{path}: member {name}: expected weights by name")
            if not name.endswith("optimizer.pth"):
                odd = next((key for key, item in value.items() if not isinstance(item, torch.Tensor)), None)
                if odd is not None:
                    raise InputError(f"{path}: member {name}: entry '{odd[:60]}' is no tensor")
            parameters[name.removesuffix(".pth")] = value
    if "policy" not in parameters:
        raise InputError(f"{path}: damaged checkpoint (it has no member policy.pth)")
    return parameters


def stored_numbers(state: Mapping[str, Any]) -> int:
    """Count the numbers that a state dict really holds: a tensor may claim to repeat a few of them without end."""
    held: dict[int, int] = {}
    for tensor in state.values():
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes() // tensor.element_size()
    return sum(held.values())


def _open(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"{path}: file not found (expected a checkpoint)") from None
    except Exception as error:  # zipfile has no one error for bytes that are no zip file
        raise InputError(f"{path}: damaged checkpoint ({error})") from None
    try:
        _refuse_bomb(archive, Path(path).stat().st_size, str(path))
    except InputError:
        archive.close()
        raise
    return archive


def _refuse_bomb(archive: zipfile.ZipFile, size: int, where: str) -> None:
    """Refuse members that claim to be far larger than the archive: weights hardly compress, and ours are not."""
    claimed = sum(member.file_size for member in archive.infolist())
    if claimed > _LARGEST_RATIO * size:
        raise InputError(f"{where}: refused: its members claim {claimed:,} bytes and it has {size:,}")


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        return archive.read(name)  # checks the CRC
    except Exception as error:  # zlib's, zipfile's, encryption, unknown compression
        raise InputError(f"{path}: damaged checkpoint (member {name}: {error})") from None
