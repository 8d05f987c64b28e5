"""The tables across runs: each a Parquet file with format and version, and the same rows as CSV for any program.

Tidy: one number or interval a row, what it is about in columns. ``measure`` names a number of a whole evaluation,
``quantity`` one over training steps or the gait cycle; ``unit`` is that of all numbers of its row. Intervals are those
of a bootstrap over ``resampled`` (seed or episode; empty where there is no interval), ``n`` of them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from myoassist.config.study import STUDY_TABLES
from myoassist.errors import InputError
from myoassist.formats.files import atomic_output

FORMAT = "myoassist-study"
VERSION = 1
AXIS = "axis_"
"""Before the name of an axis where it is a column."""

MEASURE = ("group", "measure", "label", "unit")
INTERVAL = ("mean", "ci_low", "ci_high", "n", "resampled")
COLUMNS = {
    "evaluations": ("run", "experiment", "condition", "seed", "scenario", "steps", *MEASURE, "value", "sd", "episodes"),
    "conditions": (
        *("experiment", "scenario", *MEASURE, "mean", "sd", "ci_low", "ci_high"),
        *("n", "resampled", "seeds", "seeds_left_out"),
    ),
    "comparisons": (
        *("comparison", "condition", "baseline", *MEASURE, "baseline_mean", "condition_mean"),
        *("difference", "difference_ci_low", "difference_ci_high"),
        *("change_percent", "change_ci_low_percent", "change_ci_high_percent"),
        *("n", "resampled", "paired", "seeds"),
    ),
    "curves": (
        *("comparison", "condition", "role", "quantity", "unit", "percent", *INTERVAL),
        *("difference", "difference_ci_low", "difference_ci_high", "paired"),
    ),
    "training": ("condition", "quantity", "term", "unit", "steps", *INTERVAL),
}
"""Table -> the columns that it has at least; ``evaluations`` and ``conditions`` have one more for each axis."""
_TEXT = frozenset(
    ("run", "experiment", "condition", "scenario", "comparison", "baseline", "role", "steps", "quantity", "term")
) | {*MEASURE, "resampled"}
_WHOLE = frozenset(("seed", "seeds", "seeds_left_out", "n", "episodes"))


def write_study_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Write one table, as Parquet and as CSV (numbers with six digits).

    Raises:
        ValueError: if it lacks a column.
    """
    missing = [column for column in COLUMNS[name] if column not in table.columns]
    if missing:
        raise ValueError(f"table {name}: column '{missing[0]}' is missing")
    table = table.astype({column: _kind(name, column) for column in table.columns})
    metadata = {"format": FORMAT, "version": str(VERSION), "table": name}
    content = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(metadata)
    with atomic_output(folder / f"{name}.parquet") as temporary:
        pq.write_table(content, temporary, compression="zstd", write_page_checksum=True)
    with atomic_output(folder / f"{name}.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def _kind(table: str, column: str) -> str:
    """Type of a column, also where the table has no row."""
    if column in _WHOLE or (table, column) == ("training", "steps"):
        return "int64"
    if column == "paired":
        return "bool"
    return "str" if column in _TEXT or column.startswith(AXIS) else "float64"


def read_study_table(folder: Path, name: str) -> pd.DataFrame:
    """Read one table from its Parquet file.

    Raises:
        InputError: if it is missing, damaged, another table or of an unknown version.
    """
    path = folder / f"{name}.parquet"
    if name not in STUDY_TABLES:
        raise ValueError(f"no table '{name}'; known are {', '.join(STUDY_TABLES)}")
    if not path.is_file():
        raise InputError(f"{path}: file not found (expected the table '{name}' across runs)")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}
            if metadata.get("format") != FORMAT or metadata.get("table") != name:
                raise InputError(f"{path}: not the table '{name}' across runs (field 'format' or 'table')")
            if metadata.get("version") != str(VERSION):
                raise InputError(f"{path}: version {metadata.get('version')} is unknown, expected version {VERSION}")
            return file.read().to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: not a whole table: truncated or damaged ({reason})") from None
