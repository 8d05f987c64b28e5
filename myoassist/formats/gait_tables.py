"""The tables that analysis hands to figures and report: cycles, metrics, spatiotemporal summary.

- ``cycles.parquet``: one row per point of a gait cycle (101 a cycle, 0 to 100 % between own heel strikes),
  one column per quantity with its unit as suffix; columns that describe the whole cycle repeat on its rows.
- ``metrics.json``: one object; numbers that could not be computed are null, the reason under ``reasons``.
- ``spatiotemporal.csv``: one row per quantity and side: mean, standard deviation, number of strides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from myoassist.errors import InputError
from myoassist.formats.documents import read_document, write_document
from myoassist.formats.files import atomic_output, sha256

CYCLES_FORMAT = "myoassist-cycles"
METRICS_FORMAT = "myoassist-metrics"
VERSION = 1
LARGEST_TABLE_BYTES = 256_000_000
MOST_COLUMNS = 1000
POINTS = 101
"""Points of a time-normalised cycle: 0, 1, …, 100 %."""

KEYS = ("episode", "side", "cycle", "percent")
"""Columns that identify a row: episode number, own side (r or l), number of the cycle within episode and
side (as found, before any is dropped), percent of the cycle."""

STRIDE_COLUMNS = (
    "start_s",
    "stride_time_s",
    "toe_off_percent",
    "stride_length_m",
    "speed_m_s",
    "step_time_s",
    "step_length_m",
    "single_support_percent",
    "double_support_percent",
)
"""Columns that hold one number per cycle."""

SPATIOTEMPORAL_COLUMNS = ("quantity", "unit", "side", "mean", "sd", "n")


class CyclesWriter:
    """Streams cycles to a Parquet file; a context manager, the file appears whole or not at all."""

    def __init__(self, path: Path | str, curves: Sequence[str]) -> None:
        """Prepare a writer for the given curve columns (names with unit suffix)."""
        self.path = Path(path)
        self.curves = tuple(curves)
        self._schema = _schema(self.curves)
        self._stack = ExitStack()
        self._pending: list[tuple[int, str, int, list[float], np.ndarray]] = []

    def __enter__(self) -> Self:
        temporary = self._stack.enter_context(atomic_output(self.path))
        options = {"compression": "zstd", "write_page_checksum": True}
        self._writer = self._stack.enter_context(pq.ParquetWriter(temporary, self._schema, **options))
        return self

    def append(self, *, episode: int, side: str, cycle: int, stride: Mapping[str, float], curves: np.ndarray) -> None:
        """Add one cycle.

        Args:
            episode: number of the episode.
            side: ``r`` or ``l``.
            cycle: number of the cycle within episode and side.
            stride: value of each of ``STRIDE_COLUMNS``; NaN where unknown.
            curves: shape (101, number of curves), units as the column names say.
        """
        numbers = [stride[name] for name in STRIDE_COLUMNS]
        self._pending.append((episode, side, cycle, numbers, np.asarray(curves, dtype=np.float32)))
        if len(self._pending) * POINTS > 50_000:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            episodes, sides, cycles, numbers, curves = zip(*self._pending, strict=True)
            columns: list[Any] = [
                pa.array(np.repeat(np.array(episodes, dtype=np.int32), POINTS)),
                pa.array(np.repeat(np.array(sides, dtype=object), POINTS), pa.string()),
                pa.array(np.repeat(np.array(cycles, dtype=np.int32), POINTS)),
                pa.array(np.tile(np.arange(POINTS, dtype=np.int32), len(cycles))),
            ]
            columns += [pa.array(column) for column in np.repeat(np.array(numbers, np.float32), POINTS, axis=0).T]
            columns += [pa.array(np.ascontiguousarray(column)) for column in np.concatenate(curves).T]
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._pending = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._flush()


def _schema(curves: Sequence[str]) -> pa.Schema:
    fields = [("episode", pa.int32()), ("side", pa.string()), ("cycle", pa.int32()), ("percent", pa.int32())]
    fields += [(name, pa.float32()) for name in (*STRIDE_COLUMNS, *curves)]
    return pa.schema(fields, metadata={"format": CYCLES_FORMAT, "version": str(VERSION)})


def read_cycles(path: Path | str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read the cycles, all columns or the key columns and those named; unknown names are left out.

    Raises:
        InputError: if the file is missing, damaged, not a cycles table or of an unknown version.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: file not found (expected a cycles table)")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = file.schema_arrow.metadata or {}
            if metadata.get(b"format", b"").decode() != CYCLES_FORMAT:
                raise InputError(f"{path}: not a cycles table (field 'format' is not '{CYCLES_FORMAT}')")
            version = metadata.get(b"version", b"?").decode()
            if version != str(VERSION):
                raise InputError(f"{path}: cycles version {version} is unknown, expected version {VERSION}")
            names = None
            if columns is not None:
                present = set(file.schema_arrow.names)
                names = [name for name in dict.fromkeys((*KEYS, *columns)) if name in present]
            return file.read(columns=names).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: not a whole cycles table: truncated or damaged ({reason})") from None


def write_metrics(path: Path | str, metrics: Mapping[str, Any]) -> None:
    """Write metrics; NaN and infinities become null."""
    write_document(path, METRICS_FORMAT, VERSION, plain(metrics))


def read_metrics(path: Path | str) -> dict[str, Any]:
    """Read metrics.

    Raises:
        InputError: if the file is missing, damaged, no metrics file or of an unknown version.
    """
    return read_document(path, METRICS_FORMAT, VERSION)


def table_digests(*, cycles: Path | str, spatiotemporal: Path | str) -> dict[str, str]:
    """Return what metrics say of the tables that were made with them: SHA-256 by name."""
    return {"cycles_sha256": sha256(cycles), "spatiotemporal_sha256": sha256(spatiotemporal)}


def check_tables(
    metrics: Mapping[str, Any], *, cycles: Path | str | None = None, spatiotemporal: Path | str | None = None
) -> None:
    """Check that tables are those that were made with the metrics, to the byte.

    Args:
        metrics: as `read_metrics` returns them; older ones say nothing of the tables.
        cycles: Parquet table; None: not checked.
        spatiotemporal: CSV table; None: not checked.

    Raises:
        InputError: naming the table that is missing, damaged or of another analysis.
    """
    expected = metrics.get("tables")
    if expected is None:
        return
    for name, path in (("cycles_sha256", cycles), ("spatiotemporal_sha256", spatiotemporal)):
        if path is not None and (not isinstance(expected, Mapping) or expected.get(name) != sha256(path)):
            raise InputError(f"{path}: damaged, or not of the analysis that the metrics are from (SHA-256 differs)")


def plain(value: Any) -> Any:
    """Turn numpy values into plain ones, and numbers that are not finite into None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def write_spatiotemporal(path: Path | str, table: pd.DataFrame) -> None:
    """Write the spatiotemporal summary, columns as in ``SPATIOTEMPORAL_COLUMNS``."""
    with atomic_output(path) as temporary:
        table.loc[:, list(SPATIOTEMPORAL_COLUMNS)].to_csv(
            temporary, index=False, float_format="%.6g", lineterminator="\n"
        )


def read_spatiotemporal(path: Path | str) -> pd.DataFrame:
    """Read the spatiotemporal summary.

    Raises:
        InputError: if the file is missing or not such a table.
    """
    table = read_csv(Path(path))
    if tuple(table.columns) != SPATIOTEMPORAL_COLUMNS:
        raise InputError(f"{path}: expected the columns {', '.join(SPATIOTEMPORAL_COLUMNS)}")
    return table


def read_norm(path: Path | str) -> pd.DataFrame:
    """Read the norm: columns ``<angle>_mean`` and ``<angle>_sd`` in degrees, 101 rows for 0 to 100 %.

    Raises:
        InputError: if the file is missing, a value is no finite number, or rows or columns are missing.
    """
    table = read_csv(Path(path))
    needed = ["gait_cycle_percent"]
    needed += [
        f"{n}_{s}" for n in ("pelvis_tilt", "hip_flexion", "knee_flexion", "ankle_dorsiflexion") for s in ("mean", "sd")
    ]
    for name in needed:
        if name not in table.columns:
            raise InputError(f"{path}: column '{name}' is missing")
        if not (pd.api.types.is_numeric_dtype(table[name]) and np.isfinite(table[name]).all()):
            raise InputError(f"{path}: column '{name}': expected finite numbers")
    if not np.array_equal(table["gait_cycle_percent"], np.arange(POINTS)):
        raise InputError(f"{path}: column 'gait_cycle_percent': expected 0, 1, …, 100")
    return table


def read_csv(path: Path) -> pd.DataFrame:
    """Read a comma-separated table.

    Raises:
        InputError: if it is missing, absurdly large or wide, or cannot be parsed.
    """
    if not path.is_file():
        raise InputError(f"{path}: file not found (expected a table)")
    size = path.stat().st_size
    if size > LARGEST_TABLE_BYTES:
        raise InputError(f"{path}: {size:,} bytes; expected a table of at most {LARGEST_TABLE_BYTES:,}")
    try:
        with open(path, "rb") as file:  # pandas takes seconds to give names to thousands of columns
            columns = file.readline().partition(b"\r")[0].count(b",") + 1
        if columns > MOST_COLUMNS:
            raise InputError(f"{path}: {columns:,} columns; expected a table of at most {MOST_COLUMNS:,}")
        return pd.read_csv(path)
    except (ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: not a table of comma-separated values ({reason})") from None
