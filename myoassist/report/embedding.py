"""Files as data URIs, so that the page needs nothing beside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from myoassist.errors import InputError

_KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".mp4": "video/mp4"}


def data_uri(path: Path) -> str:
    """Return a file as a data URI; png pictures are stored with a palette where that is smaller.

    Raises:
        InputError: if the file cannot be read, is damaged, or is of another kind than png, svg and mp4.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path}: expected a file of type {', '.join(_KINDS)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if kind == "image/png":
        content = _compact_png(content, path)
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _compact_png(content: bytes, path: Path) -> bytes:
    """Reduce a picture to 256 colours: plots look the same and take a third of the space."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            flat = Image.new("RGB", image.size, "white")
            flat.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: not a whole png file ({error})") from None
    output = io.BytesIO()
    small = flat.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(output, format="PNG", optimize=True)
    return min(output.getvalue(), content, key=len)
