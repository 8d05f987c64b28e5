"""The tidy tables of an evaluation, each as Parquet and as CSV from one writer.

One observation a row, one variable a column. Units stand in a column ``unit`` or in the columns' names, and with every
column of the Parquet file as metadata (``unit``). Both files hold the same rows; the CSV has six significant digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from myoassist.config.analysis import TABLES
from myoassist.errors import InputError
from myoassist.formats.files import atomic_output, sha256

FORMAT = "myoassist-table"
VERSION = 1

SUMMARY_COLUMNS = (
    "group",
    "quantity",
    "unit",
    "side",
    "mean",
    "sd",
    "n",
    "within_episode_sd",
    "cv_percent",
    "symmetry_index_percent",
)
"""Columns of ``summary``: one row a quantity and side (r, l, both)."""
CURVE_COLUMNS = ("quantity", "unit", "side", "percent", "mean", "sd", "n")
"""Columns of ``curves``: one row a quantity, side and percent of the cycle."""
SCORE_COLUMNS = (
    "side",
    "angle",
    "against",
    "measure",
    "unit",
    "value",
    "reference_value",
    "control_mean",
    "control_sd",
    "n",
)
"""Columns of ``scores``: one row a side, angle, target and measure."""

_UNITS = (
    ("_deg_s", "°/s"),
    ("_deg", "°"),
    ("_nm_kg", "N·m/kg"),
    ("_w_kg", "W/kg"),
    ("_steps_min", "steps/min"),
    ("_percent", "%"),
    ("_bw_s", "BW/s"),
    ("_m_s", "m/s"),
    ("_bw", "BW"),
    ("_m", "m"),
    ("_s", "s"),
    ("_n", "N"),
)


def split_unit(column: str) -> tuple[str, str]:
    """Split the name of a curve into quantity and unit; activations and unknown suffixes have the unit 1."""
    if not column.startswith("activation_"):
        for suffix, unit in _UNITS:
            if column.endswith(suffix):
                return column.removesuffix(suffix), unit
    return column, "1"


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame], units: Mapping[str, str]) -> dict[str, str]:
    """Write every table of ``TABLES`` as ``<name>.parquet`` and ``<name>.csv``.

    Args:
        folder: where they go.
        tables: name -> table.
        units: unit of columns, by name; text, counts and the units of a column ``unit`` need none.

    Returns:
        SHA-256 of each file by its name, as metrics keep them.
    """
    digests = {}
    for name in TABLES:
        table = pa.Table.from_pandas(tables[name], preserve_index=False)
        fields = [
            field.with_metadata({"unit": units[field.name]}) if field.name in units else field for field in table.schema
        ]
        metadata = {"format": FORMAT, "version": str(VERSION), "table": name}
        with atomic_output(folder / f"{name}.parquet") as temporary:
            pq.write_table(
                table.cast(pa.schema(fields, metadata=metadata)),
                temporary,
                compression="zstd",
                write_page_checksum=True,
            )
        with atomic_output(folder / f"{name}.csv") as temporary:
            tables[name].to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
        digests |= {f"{name}.{kind}": sha256(folder / f"{name}.{kind}") for kind in ("parquet", "csv")}
    return digests


def read_table(path: Path | str) -> pd.DataFrame:
    """Read one table from its Parquet file.

    Raises:
        InputError: if it is missing, damaged, not such a table or of an unknown version.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: file not found (expected a table of an analysis)")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = file.schema_arrow.metadata or {}
            if metadata.get(b"format", b"").decode() != FORMAT:
                raise InputError(f"{path}: not a table of an analysis (field 'format' is not '{FORMAT}')")
            version = metadata.get(b"version", b"?").decode()
            if version != str(VERSION):
                raise InputError(f"{path}: table version {version} is unknown, expected version {VERSION}")
            return file.read().to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: not a whole table: truncated or damaged ({reason})") from None
