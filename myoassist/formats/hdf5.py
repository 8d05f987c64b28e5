"""Reading HDF5 from others: only what lies in the file itself, and no more than the file can hold."""

from __future__ import annotations

import hashlib
from typing import Any

import h5py
import numpy as np

from myoassist.errors import InputError

_SMALL = 1 << 20
_LARGEST_RATIO = 2000
"""gzip packs at most 1032 : 1."""


def member(group: h5py.Group, name: str) -> Any:
    """Return a group or dataset that lies in the same file.

    Links to other files are not followed: reading a file must not open another one.

    Raises:
        InputError: for a link to somewhere else, data kept in other files, or a dataset that declares far more data
            than it holds.
        KeyError: if there is no such member.
    """
    link = group.get(name, getlink=True)
    if link is None:
        raise KeyError(name)
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"entry '{group.name.rstrip('/')}/{name}' is a link to somewhere else")
    found = group[name]
    if isinstance(found, h5py.Dataset):
        if found.external or found.is_virtual:
            raise InputError(f"entry '{found.name}' keeps its data in other files")
        if found.nbytes > max(_SMALL, _LARGEST_RATIO * found.id.get_storage_size()):
            raise InputError(f"entry '{found.name}' declares {found.nbytes:,} bytes, far more than it holds")
    return found


def content_digest(file: h5py.File, *, without: str) -> str:
    """Return the SHA-256 over all root attributes and datasets of a flat file: names, types, shapes and values.

    Args:
        file: open file whose root holds datasets only.
        without: attribute that is left out, since it holds the digest.
    """
    digest = hashlib.sha256()
    for name in sorted(set(file.attrs) - {without}):
        digest.update(f"{name}\0{file.attrs[name]!r}\0".encode())
    for name in sorted(file):
        data = member(file, name)[...]
        digest.update(f"{name}\0{data.dtype.kind}\0{data.shape}\0".encode())
        digest.update(b"\0".join(data.ravel()) if data.dtype.kind == "O" else np.ascontiguousarray(data).tobytes())
    return digest.hexdigest()


def set_text(attributes: h5py.AttributeManager, name: str, value: str) -> None:
    """Store text of fixed length in the object header, which has a checksum.

    Variable-length text would lie outside it, in a heap whose damage HDF5 can read in circles without end.
    """
    data = value.encode() or b"\0"
    attributes.create(name, np.array(data), dtype=h5py.string_dtype("utf-8", len(data)))


def write_texts(group: h5py.Group, name: str, texts: tuple[str, ...]) -> None:
    """Store several texts as a dataset, padded to the longest, with a checksum."""
    data = [value.encode() for value in texts]
    kind = h5py.string_dtype("utf-8", max([1, *map(len, data)]))
    options = {"chunks": (len(data),), "fletcher32": True} if data else {}
    group.create_dataset(name, data=np.array(data, dtype=kind), dtype=kind, track_times=False, **options)


def text(value: Any) -> Any:
    """Return a stored text as text."""
    return value.decode() if isinstance(value, bytes) else value


def read_texts(group: h5py.Group, name: str) -> tuple[str, ...]:
    """Read what `write_texts` stored."""
    return tuple(item.decode() for item in member(group, name)[:])
