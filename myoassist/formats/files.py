"""Outputs that appear whole or not at all, and the content hashes by which files know each other."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from myoassist.errors import InputError, OutputError

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG)
_HDF5_ERRNO = re.compile(r"errno = (\d+)")


@contextmanager
def atomic_output(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it replaces ``path``, on failure it vanishes.

    The temporary name keeps the suffix, since many writers choose their format by it. What a process left that was
    killed while it wrote the same file on this computer is removed.

    Raises:
        OutputError: if the disk is full, read-only or failing, or the folder may not be written to.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.{_COMPUTER}-{os.getpid()}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        reason = _why_unwritable(error, path)
        if reason is None or isinstance(error, OutputError):
            raise
        raise OutputError(f"{path}: cannot be written: {reason}") from error
    finally:
        if temporary is not None:
            with suppress(OSError):  # such as a file system that became read-only
                temporary.unlink(missing_ok=True)


_COMPUTER = hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _remove_leftovers(path: Path) -> None:
    for leftover in path.parent.glob(f".{glob.escape(path.stem)}.{_COMPUTER}-*{glob.escape(path.suffix)}"):
        process = leftover.name.removeprefix(f".{path.stem}.{_COMPUTER}-").partition(".")[0]
        if process.isdigit() and not _is_alive(int(process)):
            with suppress(OSError):
                leftover.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _why_unwritable(error: BaseException, path: Path) -> str | None:
    """Say in words why the system refused to write; None for any other error. HDF5 tells the number in its text."""
    number, file = getattr(error, "errno", None), getattr(error, "filename", None)
    if isinstance(file, str):
        folder, about = Path(os.path.abspath(path)).parent, Path(os.path.abspath(file))
        if about.parent != folder and about != folder and about not in folder.parents:
            return None  # such as an input
    if number is None and (match := _HDF5_ERRNO.search(str(error))):
        number = int(match[1])
    return os.strerror(number) if number in _UNWRITABLE else None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sha256(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file's content.

    Raises:
        InputError: if the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON atomically, indented, with keys in the order given."""
    with atomic_output(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
