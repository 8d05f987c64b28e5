"""Settings that are too long for a command line, made short enough for one."""

from __future__ import annotations

import base64
import binascii
import zlib

from myoassist.errors import InputError

LONGEST = 8_000
"""Characters from which on a text is compressed; a shell command holds 131,072 bytes, quoting included."""

_MARK = "zlib:"


def pack(text: str) -> str:
    """Return the text itself, or compressed if it is long. Equal texts give equal results."""
    if len(text) <= LONGEST:
        return text
    return _MARK + base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")


def unpack(text: str) -> str:
    """Return the text that `pack` was given.

    Raises:
        InputError: if the text says that it is compressed and is not.
    """
    if not text.startswith(_MARK):
        return text
    try:
        return zlib.decompress(base64.b64decode(text[len(_MARK) :], validate=True)).decode("utf-8")
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        raise InputError("--settings: damaged compressed text") from None
