"""rollouts.h5: seeded evaluation episodes with everything that is needed to read them years later.

``RolloutWriter`` streams any number of concurrently open episodes into one file with bounded memory;
``Rollouts`` reads it lazily. Both follow the column tables of `myoassist.formats.rollout_columns`; the
layout is described in ``docs/rollouts.md``. Needs neither torch nor mujoco.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from myoassist.errors import InputError
from myoassist.formats.files import atomic_output
from myoassist.formats.hdf5 import member, read_texts, set_text, text, write_texts
from myoassist.formats.rollout_columns import (
    BLOCKS,
    CHUNK_ROWS,
    EPISODE_FIELDS,
    FORMAT,
    HEADER_FIELDS,
    MUSCLE_CONSTANTS,
    NAME_LISTS,
    SIDES,
    VERSION,
    Column,
    EpisodeInfo,
    RolloutHeader,
    RolloutModel,
)

__all__ = [
    "SIDES",
    "Episode",
    "EpisodeInfo",
    "EpisodeWriter",
    "RolloutHeader",
    "RolloutModel",
    "RolloutWriter",
    "Rollouts",
]


class EpisodeWriter:
    """Appends rows to one open episode; whole chunks go to disk, so memory stays bounded."""

    def __init__(self, group: h5py.Group, sizes: Mapping[str, int], where: str) -> None:
        self._group = group
        self._where = where
        self._datasets: dict[str, dict[str, h5py.Dataset]] = {}
        self._pending: dict[str, dict[str, list[np.ndarray]]] = {}
        self._waiting: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._sizes = sizes
        self.ended = False
        for block, columns in BLOCKS.items():
            child = _create_group(group, block)
            self._datasets[block] = {c.name: _create_column(child, c, sizes) for c in columns}
            self._pending[block] = {c.name: [] for c in columns}
            self._waiting[block] = self._rows[block] = 0

    def append_state(self, block: Mapping[str, Any]) -> None:
        """Append rows of ``state``: every column, shape (rows, ...); one row also as (...).

        Columns whose named dimension has no entries (no device) may be left out.

        Raises:
            ValueError: if a column is missing or unknown, or has the wrong shape.
        """
        self._append("state", block)

    def append_control(self, block: Mapping[str, Any]) -> None:
        """Append rows of ``control``; see `append_state`."""
        self._append("control", block)

    def end(
        self,
        *,
        termination: str,
        fell: bool,
        duration_s: float,
        steps: int | None = None,
        target_velocity_mean_m_s: float | None = None,
    ) -> None:
        """Close the episode.

        Args:
            termination: reason, e.g. ``time_limit``.
            fell: whether the reason counts as a fall.
            duration_s: simulated seconds.
            steps: control steps; by default the number of control rows.
            target_velocity_mean_m_s: replaces what `RolloutWriter.begin_episode` was given.
        """
        for block in BLOCKS:
            self._flush(block)
        attributes = self._group.attrs
        if target_velocity_mean_m_s is not None:
            attributes["target_velocity_mean_m_s"] = float(target_velocity_mean_m_s)
        attributes["steps"] = int(self._rows["control"] if steps is None else steps)
        attributes["duration_s"] = float(duration_s)
        set_text(attributes, "termination", termination)
        attributes["fell"] = np.bool_(fell)
        attributes["state_rows"] = int(self._rows["state"])
        attributes["control_rows"] = int(self._rows["control"])
        self.ended = True
        self._datasets.clear()  # closes them: HDF5 gives their caches back

    def _append(self, block: str, values: Mapping[str, Any]) -> None:
        if self.ended:
            raise ValueError(f"{self._where}: rows appended after its end")
        unknown = set(values) - {column.name for column in BLOCKS[block]}
        if unknown:
            raise ValueError(f"{self._where}: unknown {block} column '{sorted(unknown)[0]}'")
        count: int | None = None
        arrays = {}
        for column in BLOCKS[block]:
            shape = column.shape(self._sizes)
            if column.name not in values:
                if 0 in shape:
                    continue
                raise ValueError(f"{self._where}: {block} column '{column.name}' is missing")
            array = np.array(values[column.name], dtype=column.dtype)  # a copy: callers reuse buffers
            if array.ndim == len(shape):
                array = array[None]
            if array.shape[1:] != shape or (count is not None and len(array) != count):
                raise ValueError(
                    f"{self._where}: {block} column '{column.name}' has shape {array.shape}, "
                    f"expected ({'rows' if count is None else count}, {', '.join(map(str, shape))})"
                )
            count = len(array)
            arrays[column.name] = array
        for name, array in arrays.items():
            self._pending[block][name].append(array)
        self._waiting[block] += count or 0
        self._rows[block] += count or 0
        if self._waiting[block] >= CHUNK_ROWS:
            self._flush(block, whole_chunks=True)

    def _flush(self, block: str, *, whole_chunks: bool = False) -> None:
        waiting = self._waiting[block]
        take = waiting - waiting % CHUNK_ROWS if whole_chunks else waiting
        for column in BLOCKS[block]:
            dataset = self._datasets[block][column.name]
            parts = self._pending[block][column.name]
            start = dataset.shape[0]
            dataset.resize(start + take, axis=0)
            if parts and take:
                array = parts[0] if len(parts) == 1 else np.concatenate(parts)
                dataset[start:] = array[:take]
                self._pending[block][column.name] = [array[take:].copy()] if take < waiting else []
        self._waiting[block] = waiting - take


class RolloutWriter:
    """Writes a rollouts file; use it as a context manager.

    The file appears under its name when the block ends without an exception, and never in part. The same
    calls give the same bytes. Any number of episodes may be open at once::

        with RolloutWriter(path, header) as writer:
            episodes = [writer.begin_episode(phase0=p, target_velocity_mean_m_s=1.25) for p in phases]
            ...
            episodes[i].append_state({...})
            episodes[i].append_control({...})
            episodes[i].end(termination="time_limit", fell=False, duration_s=10.0)
    """

    def __init__(self, path: Path | str, header: RolloutHeader) -> None:
        self.path = Path(path)
        self.header = header
        self._episodes: list[EpisodeWriter] = []
        self._stack = ExitStack()
        self._file: h5py.File | None = None

    def __enter__(self) -> Self:
        _check_header(self.header)
        temporary = self._stack.enter_context(atomic_output(self.path))
        try:
            # The 1.10 format carries a checksum on every piece of metadata; fletcher32 covers the data. Only whole
            # chunks are written, so a cache of chunks would be of no use, and 1 MB for each column of each episode.
            self._file = self._stack.enter_context(h5py.File(temporary, "w", libver=("v110", "v110"), rdcc_nbytes=0))
            _write_header(self._file, self.header)
            _create_group(self._file, "episodes")
        except BaseException:
            self._stack.__exit__(*sys.exc_info())  # told why, nothing half-written takes the file's name
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            unfinished = [i for i, episode in enumerate(self._episodes) if not episode.ended]
            if unfinished:
                raise ValueError(f"{self.path}: episode {unfinished[0]} was begun and not ended")
            self._opened.attrs["episode_count"] = len(self._episodes)

    @property
    def _opened(self) -> h5py.File:
        if self._file is None:
            raise ValueError(f"{self.path}: the writer is used outside its `with` block")
        return self._file

    def begin_episode(self, *, phase0: float, target_velocity_mean_m_s: float = float("nan")) -> EpisodeWriter:
        """Open the next episode (numbered in the order of these calls).

        Args:
            phase0: phase of the reference at the start, 0 to 1.
            target_velocity_mean_m_s: mean velocity asked for; may be given to ``end`` instead.
        """
        index = len(self._episodes)
        group = _create_group(self._opened["episodes"], f"{index:04d}")
        group.attrs["index"] = index
        group.attrs["phase0"] = float(phase0)
        group.attrs["target_velocity_mean_m_s"] = float(target_velocity_mean_m_s)
        episode = EpisodeWriter(group, self.header.model.sizes, f"{self.path}: episode {index}")
        self._episodes.append(episode)
        return episode


class Episode:
    """One episode of a rollouts file; columns are read when asked for."""

    def __init__(self, group: h5py.Group, info: EpisodeInfo, path: Path) -> None:
        self._group = group
        self._path = path
        self.info = info

    def state(self, name: str, rows: slice | None = None) -> np.ndarray:
        """Read a column of ``state``, shape (rows, ...) as in the column table.

        Raises:
            InputError: if the data is damaged.
        """
        return self._read("state", name, rows)

    def control(self, name: str, rows: slice | None = None) -> np.ndarray:
        """Read a column of ``control``; see `state`."""
        return self._read("control", name, rows)

    def _read(self, block: str, name: str, rows: slice | None) -> np.ndarray:
        if name not in {column.name for column in BLOCKS[block]}:
            raise KeyError(f"a rollouts file has no {block} column '{name}'")
        with _named(self._path):
            return member(self._group[block], name)[slice(None) if rows is None else rows]


class Rollouts:
    """Reads a rollouts file lazily; a context manager and a sequence of `Episode`.

    Raises:
        InputError: in one line naming the file, if it is missing, truncated, damaged, not a rollouts file or
            of an unknown version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"{self.path}: file not found (expected a rollouts file)")
        with _named(self.path):
            self._file = h5py.File(self.path, "r")
        try:
            with _named(self.path):
                self.header = _read_header(self._file, self.path)
                self.episodes = self._read_episodes()
        except BaseException:
            self._file.close()
            raise

    def _read_episodes(self) -> list[Episode]:
        groups = member(self._file, "episodes")
        expected = int(self._file.attrs["episode_count"])
        if len(groups) != expected:
            raise InputError(f"{self.path}: holds {len(groups)} episodes, expected {expected}")
        episodes = []
        for name in sorted(groups, key=int):  # from episode 10,000 on, names have more digits
            group = member(groups, name)
            attributes = group.attrs
            values = {key: kind(text(attributes[key])) for key, kind in EPISODE_FIELDS.items()}
            info = EpisodeInfo(**values)
            self._check_rows(group, info)
            episodes.append(Episode(group, info, self.path))
        return episodes

    def _check_rows(self, group: h5py.Group, info: EpisodeInfo) -> None:
        sizes = self.header.model.sizes
        for block, columns in BLOCKS.items():
            rows = info.state_rows if block == "state" else info.control_rows
            child = member(group, block)
            for column in columns:
                shape = member(child, column.name).shape
                expected = (rows, *column.shape(sizes))
                if shape != expected:
                    raise InputError(
                        f"{self.path}: episode {info.index}, {block}/{column.name} has shape {shape}, "
                        f"expected {expected}"
                    )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self.episodes)

    def __iter__(self) -> Iterator[Episode]:
        return iter(self.episodes)

    def __getitem__(self, index: int) -> Episode:
        return self.episodes[index]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn whatever HDF5 says about a damaged file into one line that names it."""
    try:
        yield
    except InputError as error:
        told = str(error)
        raise InputError(told if told.startswith(str(path)) else f"{path}: {told}") from None
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: not a whole rollouts file: truncated or damaged ({reason})") from None


def _create_group(parent: h5py.Group, name: str) -> h5py.Group:
    """Create a group without time stamps, so that the same content gives the same bytes."""
    properties = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    properties.set_obj_track_times(False)
    h5py.h5g.create(parent.id, name.encode(), gcpl=properties)
    return parent[name]


def _create_column(group: h5py.Group, column: Column, sizes: Mapping[str, int]) -> h5py.Dataset:
    shape = column.shape(sizes)
    dataset = group.create_dataset(
        column.name,
        shape=(0, *shape),
        maxshape=(None, *(size or None for size in shape)),  # HDF5 wants room for a chunk
        chunks=(CHUNK_ROWS, *(max(size, 1) for size in shape)),
        dtype=column.dtype,
        compression="gzip",
        compression_opts=4,
        shuffle=True,
        fletcher32=True,
        track_times=False,
    )
    set_text(dataset.attrs, "unit", column.unit)
    set_text(dataset.attrs, "meaning", column.meaning)
    if column.dims:
        set_text(dataset.attrs, "dims", ",".join(("row", *column.dims)))
    return dataset


def _check_header(header: RolloutHeader) -> None:
    model = header.model
    for name in MUSCLE_CONSTANTS:
        shape = np.shape(model.muscle_constants.get(name))
        if name not in model.muscle_constants or shape != (len(model.muscles),):
            raise ValueError(f"muscle constant '{name}' has shape {shape}, expected ({len(model.muscles)},)")
    if model.state_rate_hz < 250:
        raise ValueError(f"states come at {model.state_rate_hz} Hz, expected at least 250 Hz")
    if not 0 <= model.device_mass_kg < model.total_mass_kg:
        raise ValueError(f"a device of {model.device_mass_kg} kg is not part of {model.total_mass_kg} kg")
    if len(model.device_joints) != len(model.devices):
        raise ValueError("each device needs the name of the joint that it drives")


def _write_header(file: h5py.File, header: RolloutHeader) -> None:
    set_text(file.attrs, "format", FORMAT)
    file.attrs["version"] = VERSION
    file.attrs["seed"] = int(header.seed)
    file.attrs["checkpoint_steps"] = int(header.checkpoint_steps)
    for name in ("model_sha256", "checkpoint_sha256", "reference_sha256"):
        set_text(file.attrs, name, getattr(header, name))
    write_texts(file, "settings", (header.settings,))
    write_texts(file, "versions", (json.dumps(dict(header.versions), sort_keys=True),))
    model = _create_group(file, "model")
    for name in HEADER_FIELDS:
        model.attrs[name] = float(getattr(header.model, name))
    for dataset, (attribute, meaning) in NAME_LISTS.items():
        write_texts(model, dataset, tuple(getattr(header.model, attribute)))
        set_text(model[dataset].attrs, "meaning", meaning)
    write_texts(model, "side", SIDES)
    for name, (unit, meaning) in MUSCLE_CONSTANTS.items():
        values = np.asarray(header.model.muscle_constants[name], dtype=float)
        options = {"chunks": values.shape, "fletcher32": True} if values.size else {}
        dataset = model.create_dataset(name, data=values, track_times=False, **options)
        set_text(dataset.attrs, "unit", unit)
        set_text(dataset.attrs, "meaning", meaning)
    write_texts(model, "manifest", (json.dumps(header.model.manifest, sort_keys=True),))


def _read_header(file: h5py.File, path: Path) -> RolloutHeader:
    if text(file.attrs.get("format", b"")) != FORMAT:
        raise InputError(f"{path}: not a rollouts file (field 'format' is missing or not '{FORMAT}')")
    version = int(file.attrs["version"])
    if version != VERSION:
        raise InputError(f"{path}: rollouts version {version} is unknown, expected version {VERSION}")
    model = member(file, "model")
    if read_texts(model, "side") != SIDES:
        raise InputError(f"{path}: field 'model/side': expected r, l")
    return RolloutHeader(
        settings=read_texts(file, "settings")[0],
        seed=int(file.attrs["seed"]),
        checkpoint_steps=int(file.attrs["checkpoint_steps"]),
        versions=json.loads(read_texts(file, "versions")[0]),
        model=RolloutModel(
            **{name: float(model.attrs[name]) for name in HEADER_FIELDS},
            **{attribute: read_texts(model, name) for name, (attribute, _) in NAME_LISTS.items()},
            muscle_constants={name: member(model, name)[:] for name in MUSCLE_CONSTANTS},
            manifest=json.loads(read_texts(model, "manifest")[0]),
        ),
        **{name: text(file.attrs[name]) for name in ("model_sha256", "checkpoint_sha256", "reference_sha256")},
    )
