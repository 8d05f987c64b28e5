"""OpenSim's motion and storage files (.mot, .sto): a short header, then a table of text that begins with the time.

The layout is described in OpenSim's documentation, "Motion (.mot) Files" and "Storage (.sto) Files". Recorded motion in
this format is read by `myoassist.reference.readers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

_DIGITS = "%.10g"


def write_storage(
    path: Path,
    title: str,
    columns: Sequence[str],
    parts: Iterable[np.ndarray],
    *,
    rows: int,
    in_degrees: bool,
    remark: str = "",
) -> None:
    """Write a table piece by piece.

    Args:
        path: the file, .mot or .sto; it is not written atomically.
        title: name under which OpenSim lists the data.
        columns: labels after ``time``.
        parts: pieces of the table, each (n, 1 + number of columns), times (s) in the first column; finite.
        rows: number of rows of all pieces together, which the header has to tell.
        in_degrees: whether columns that OpenSim takes for angles are in degrees.
        remark: one more line for the header.

    Raises:
        ValueError: if the pieces have other shapes than announced, or a number is not finite.
    """
    if any(len(label.split()) != 1 for label in columns) or len(set(columns)) < len(columns):
        raise ValueError(f"{path}: expected different labels without spaces")
    header = [title, "version=1", f"nRows={rows}", f"nColumns={1 + len(columns)}"]
    header += [f"inDegrees={'yes' if in_degrees else 'no'}", *([remark] if remark else []), "endheader"]
    written = 0
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(header) + "\n")
        file.write("\t".join(["time", *columns]) + "\n")
        for part in parts:
            if part.shape[1:] != (1 + len(columns),) or not np.isfinite(part).all():
                raise ValueError(f"{path}: expected finite numbers in {1 + len(columns)} columns")
            np.savetxt(file, part, fmt=_DIGITS, delimiter="\t")
            written += len(part)
    if written != rows:
        raise ValueError(f"{path}: {written} rows were given, {rows} announced")
