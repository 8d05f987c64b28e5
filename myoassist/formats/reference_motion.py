"""The two reference files: a periodic model-free stride, and the same stride fitted to one body.

Both are HDF5 with a format name and a version in the root attributes. All arrays are periodic over one
stride: frame ``i`` of ``F`` lies at phase ``i / F``, the end point (= the first frame of the next stride)
is left out, and phase 0 is right heel strike. Angles are radians: hip flexion +, ankle dorsiflexion +, knee
flexion −, pelvis tilt + = backward lean.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from myoassist.config.base import canonical
from myoassist.errors import InputError
from myoassist.formats.files import atomic_output
from myoassist.formats.hdf5 import content_digest, member, read_texts, set_text, text, write_texts

MOTION_FORMAT = "myoassist-reference-motion"
FITTED_FORMAT = "myoassist-fitted-reference"
VERSION = 1
DIGEST = "content_sha256"
SIDES = ("r", "l")
SIGNS = {
    "pelvis_tilt": "backward lean +",
    "hip_flexion": "flexion +",
    "knee_angle": "flexion -",
    "ankle_angle": "dorsiflexion +",
    "mtp_angle": "toe extension +",
}


def mirrored(name: str) -> str:
    """Name of the same coordinate on the other side (itself if it has no side)."""
    if name.endswith("_r"):
        return name[:-2] + "_l"
    return name[:-2] + "_r" if name.endswith("_l") else name


@dataclass(frozen=True)
class ReferenceMotion:
    """One periodic stride that knows no body.

    Attributes:
        coordinates: n names as the models have them (``pelvis_tilt``, ``hip_flexion_r`` …).
        positions: (F, n) rad.
        velocities: (F, n) rad/s, the exact derivative of the Fourier series through ``positions``.
        stride_time_s: duration of the recorded stride.
        forward_velocity: (F,) m/s of the pelvis; its mean is the walking speed.
        raw_phase: (R,) phase of the raw samples, right heel strike = 0, within [-1, 1].
        raw_positions: (R, n) rad, unfiltered and unclosed, in internal signs.
        closure: (n,) rad, last minus first raw sample: what closing the cycle removed.
        signs: coordinate -> meaning of the positive direction.
        source: file name of the raw data.
        source_sha256: hash of its bytes.
        settings: canonical JSON of the stage's settings.
    """

    coordinates: tuple[str, ...]
    positions: np.ndarray
    velocities: np.ndarray
    stride_time_s: float
    forward_velocity: np.ndarray
    raw_phase: np.ndarray
    raw_positions: np.ndarray
    closure: np.ndarray
    signs: dict[str, str]
    source: str
    source_sha256: str
    settings: str

    @property
    def frames(self) -> int:
        """Samples a cycle."""
        return len(self.positions)

    @property
    def speed_m_s(self) -> float:
        """Mean walking speed."""
        return float(self.forward_velocity.mean())

    def column(self, coordinate: str) -> int:
        """Index of a coordinate.

        Raises:
            InputError: if the reference does not have it.
        """
        try:
            return self.coordinates.index(coordinate)
        except ValueError:
            known = ", ".join(self.coordinates)
            raise InputError(f"reference: no coordinate '{coordinate}' (it has {known})") from None


@dataclass(frozen=True)
class FittedReference:
    """One periodic stride of one body, with everything an episode needs to start in it.

    Attributes:
        stride_time_s: duration of the fitted stride (its length over its speed).
        speed_m_s: mean walking speed.
        joint_names: nq names of the model's joints in ``qpos`` order (one degree of freedom each).
        independent: names of the joints that no coupling determines.
        qpos: (F, nq) rad or m. The column ``pelvis_tx`` starts at 0 and runs through one stride; in stride
            ``k`` add ``k * speed_m_s * stride_time_s``. Coupled joints are at their coupled values.
        qvel: (F, nv) rad/s or m/s, derivative of the periodic series and its chain rule through the
            couplings.
        muscle_names: m names in actuator order.
        activation: (F, m) within [0, 1], by static optimisation.
        foot_position: (F, 2, 3) m, origin of calcn_r and calcn_l relative to the pelvis, world axes.
        contact: (F, 2) bool, right and left foot loaded.
        sole_height: (F, 2) m, lowest point of each foot over the ground (negative = pressed in).
        ground_reaction_force: (F, 2, 3) N on right and left foot, world axes, that inverse dynamics asks for.
        center_of_pressure: (F, 2, 3) m in the frame of ``qpos`` (NaN where a foot carries nothing).
        joint_moment: (F, len(independent)) N·m that the muscles have to give (pelvis columns are 0).
        reserve_moment: (F, len(independent)) N·m of it that they cannot give.
        root_residual: (F, 3) N, N, N·m on pelvis_tx, pelvis_ty, pelvis_tilt, unexplained by the ground.
        reference_position: (F, len(independent)) the reference before the fit, at the same phases (NaN if
            not given).
        change: joint -> {offset_rad, rms_change_rad, max_change_rad}: fitted minus reference.
        quality: measured numbers of the fit, by name with unit suffix.
        model_sha256: hash of the compiled body.
        reference_sha256: hash of the model-free reference file.
        settings: canonical JSON of the stage's settings.
    """

    stride_time_s: float
    speed_m_s: float
    joint_names: tuple[str, ...]
    independent: tuple[str, ...]
    qpos: np.ndarray
    qvel: np.ndarray
    muscle_names: tuple[str, ...]
    activation: np.ndarray
    foot_position: np.ndarray
    contact: np.ndarray
    sole_height: np.ndarray
    ground_reaction_force: np.ndarray
    center_of_pressure: np.ndarray
    joint_moment: np.ndarray
    reserve_moment: np.ndarray
    root_residual: np.ndarray
    reference_position: np.ndarray
    change: dict[str, dict[str, float]]
    quality: dict[str, float]
    model_sha256: str
    reference_sha256: str
    settings: str

    @property
    def frames(self) -> int:
        """Samples a cycle."""
        return len(self.qpos)

    @property
    def stride_length_m(self) -> float:
        """Advance of one stride."""
        return self.speed_m_s * self.stride_time_s

    def column(self, joint: str) -> int:
        """Index of a joint in ``qpos`` and ``qvel``.

        Raises:
            InputError: if the body does not have it.
        """
        try:
            return self.joint_names.index(joint)
        except ValueError:
            raise InputError(f"fitted reference: the body has no joint '{joint}'") from None


def write_reference_motion(path: Path | str, motion: ReferenceMotion) -> None:
    """Write a model-free reference (same content, same bytes)."""
    frames, count = motion.positions.shape
    _require(len(motion.coordinates) == count, "one coordinate a column of positions")
    _require(motion.velocities.shape == (frames, count), "velocities shaped as positions")
    with _create(path, MOTION_FORMAT) as file:
        _write(
            file,
            texts={"coordinates": motion.coordinates},
            arrays={
                "positions": motion.positions,
                "velocities": motion.velocities,
                "forward_velocity": motion.forward_velocity,
                "raw_phase": motion.raw_phase,
                "raw_positions": motion.raw_positions,
                "closure": motion.closure,
            },
            attributes={
                "stride_time_s": float(motion.stride_time_s),
                "signs": canonical(motion.signs),
                "source": motion.source,
                "source_sha256": motion.source_sha256,
                "settings": motion.settings,
                "units": canonical({"positions": "rad", "velocities": "rad/s", "forward_velocity": "m/s"}),
            },
        )


def read_reference_motion(path: Path | str) -> ReferenceMotion:
    """Read a model-free reference.

    Raises:
        InputError: naming the file, if it is missing, damaged, of another format or an unknown version.
    """
    with _open(path, MOTION_FORMAT) as file:
        coordinates = read_texts(file, "coordinates")
        count = len(coordinates)
        positions = _array(file, "positions", (None, count))
        frames = len(positions)
        raw_phase = _array(file, "raw_phase", (None,))
        return ReferenceMotion(
            coordinates=coordinates,
            positions=positions,
            velocities=_array(file, "velocities", (frames, count)),
            stride_time_s=_positive(file, "stride_time_s"),
            forward_velocity=_array(file, "forward_velocity", (frames,)),
            raw_phase=raw_phase,
            raw_positions=_array(file, "raw_positions", (len(raw_phase), count)),
            closure=_array(file, "closure", (count,)),
            signs=json.loads(_attribute(file, "signs")),
            source=_attribute(file, "source"),
            source_sha256=_attribute(file, "source_sha256"),
            settings=_attribute(file, "settings"),
        )


_FITTED_NAMES = ("joint_names", "independent", "muscle_names")
_FITTED_NUMBERS = ("stride_time_s", "speed_m_s")
_FITTED_TEXT = ("model_sha256", "reference_sha256", "settings")
_FITTED_JSON = ("change", "quality")


def _fitted_shapes(frames: int | None, nq: int, independent: int, muscles: int) -> dict[str, tuple[int | None, ...]]:
    return {
        "qpos": (frames, nq),
        "qvel": (frames, nq),
        "activation": (frames, muscles),
        "foot_position": (frames, 2, 3),
        "contact": (frames, 2),
        "sole_height": (frames, 2),
        "ground_reaction_force": (frames, 2, 3),
        "center_of_pressure": (frames, 2, 3),
        "joint_moment": (frames, independent),
        "reserve_moment": (frames, independent),
        "root_residual": (frames, 3),
        "reference_position": (frames, independent),
    }


_MAY_BE_NAN = ("center_of_pressure", "reference_position")


def write_fitted_reference(path: Path | str, fitted: FittedReference) -> None:
    """Write a fitted reference (same content, same bytes)."""
    shapes = _fitted_shapes(fitted.frames, len(fitted.joint_names), len(fitted.independent), len(fitted.muscle_names))
    for name, shape in shapes.items():
        _require(np.shape(getattr(fitted, name)) == shape, f"{name} of shape {shape}")
    with _create(path, FITTED_FORMAT) as file:
        _write(
            file,
            texts={name: getattr(fitted, name) for name in _FITTED_NAMES},
            arrays={name: getattr(fitted, name) for name in shapes},
            attributes={
                **{name: float(getattr(fitted, name)) for name in _FITTED_NUMBERS},
                **{name: getattr(fitted, name) for name in _FITTED_TEXT},
                **{name: json.dumps(getattr(fitted, name), allow_nan=False) for name in _FITTED_JSON},
            },
        )


def read_fitted_reference(path: Path | str) -> FittedReference:
    """Read a fitted reference.

    Raises:
        InputError: naming the file, if it is missing, damaged, of another format or an unknown version.
    """
    with _open(path, FITTED_FORMAT) as file:
        names = {name: read_texts(file, name) for name in _FITTED_NAMES}
        frames = len(_array(file, "qpos", (None, len(names["joint_names"]))))
        shapes = _fitted_shapes(
            frames, len(names["joint_names"]), len(names["independent"]), len(names["muscle_names"])
        )
        arrays = {name: _array(file, name, shape, name in _MAY_BE_NAN) for name, shape in shapes.items()}
        arrays["contact"] = arrays["contact"].astype(bool)
        return FittedReference(
            **names,
            **arrays,
            **{name: _positive(file, name) for name in _FITTED_NUMBERS},
            **{name: _attribute(file, name) for name in _FITTED_TEXT},
            **{name: json.loads(_attribute(file, name)) for name in _FITTED_JSON},
        )


def _require(condition: bool, expected: str) -> None:
    if not condition:
        raise ValueError(f"reference file: expected {expected}")


@contextmanager
def _create(path: Path | str, name: str) -> Iterator[h5py.File]:
    content = io.BytesIO()  # a full disk would find HDF5 unable to close its file
    with h5py.File(content, "w", libver=("v110", "v110")) as file:
        set_text(file.attrs, "format", name)
        file.attrs["version"] = VERSION
        yield file
        set_text(file.attrs, DIGEST, content_digest(file, without=DIGEST))
    with atomic_output(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def _write(
    file: h5py.File,
    *,
    texts: dict[str, tuple[str, ...]],
    arrays: dict[str, np.ndarray],
    attributes: dict[str, Any],
) -> None:
    for key, value in attributes.items():
        if isinstance(value, str):
            set_text(file.attrs, key, value)
        else:
            file.attrs[key] = value
    for key, value in texts.items():
        write_texts(file, key, value)
    for key, value in arrays.items():
        data = np.ascontiguousarray(value, dtype=np.uint8 if np.asarray(value).dtype == bool else np.float64)
        file.create_dataset(key, data=data, chunks=data.shape, fletcher32=True, track_times=False)


@contextmanager
def _open(path: Path | str, expected: str) -> Iterator[h5py.File]:
    """Open for reading, turning every way in which a file can be wrong into one ``InputError``."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: file not found (expected a {expected} file)")
    try:
        with h5py.File(path, "r") as file:
            found, version = text(file.attrs.get("format")), file.attrs.get("version")
            if found != expected:
                raise InputError(f"{path}: field 'format': expected {expected}, found {found}")
            if version != VERSION:
                raise InputError(f"{path}: field 'version': expected {VERSION}, found {version}")
            yield file
            digest = text(file.attrs.get(DIGEST))  # earlier versions wrote none
            if digest is not None and digest != content_digest(file, without=DIGEST):
                raise InputError(f"{path}: damaged (attribute '{DIGEST}': its content has another digest)")
    except InputError as error:
        told = str(error)
        raise InputError(told if told.startswith(str(path)) else f"{path}: {told}") from None
    except KeyError as error:
        raise InputError(f"{path}: damaged {expected} file, missing entry {error}") from None
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: damaged, or not a {expected} file ({reason})") from None


def _attribute(file: h5py.File, key: str) -> Any:
    if key not in file.attrs:
        raise InputError(f"missing attribute '{key}'")
    return text(file.attrs[key])


def _array(file: h5py.File, key: str, shape: tuple[int | None, ...], may_be_nan: bool = False) -> np.ndarray:
    data = np.asarray(member(file, key)[...])
    fits = len(data.shape) == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, data.shape, strict=True)
    )
    if not fits or not data.size:
        raise InputError(f"field '{key}': expected shape {shape}, found {data.shape}")
    if not may_be_nan and not np.isfinite(data).all():
        raise InputError(f"field '{key}': expected finite numbers")
    return data


def _positive(file: h5py.File, key: str) -> float:
    value = float(_attribute(file, key))
    if not np.isfinite(value) or value <= 0:
        raise InputError(f"field '{key}': expected a positive number, found {value}")
    return value
