"""Episodes as CSV, in the units and signs of the rollouts file, with a table that says what each column is."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from myoassist.export.opensim import row_slices
from myoassist.formats.rollout_columns import BLOCKS, Column
from myoassist.formats.rollouts import SIDES, Episode, EpisodeInfo, RolloutModel


def write_block(episode: Episode, model: RolloutModel, block: str, path: Path) -> None:
    """Write all columns of a block, one CSV column for each number of a row; NaN becomes an empty cell.

    Args:
        episode: whose rows.
        model: names of the columns' entries.
        block: ``state`` or ``control``.
        path: the file; not written atomically.
    """
    columns = BLOCKS[block]
    schema = pa.schema([(label, _kind(column)) for column in columns for label in labels(column, model)])
    rows = episode.info.state_rows if block == "state" else episode.info.control_rows
    read = episode.state if block == "state" else episode.control
    with pyarrow.csv.CSVWriter(path, schema) as writer:
        for piece in row_slices(rows):
            arrays = []
            for column in columns:
                values = read(column.name, piece)
                flat = values.reshape(len(values), -1)
                arrays += [pa.array(flat[:, i], type=_kind(column), from_pandas=True) for i in range(flat.shape[1])]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def write_columns(model: RolloutModel, path: Path) -> None:
    """Write what each CSV column is: file, name, unit, meaning."""
    described = [
        {"file": f"{block}.csv", "column": label, "unit": column.unit, "meaning": column.meaning}
        for block, columns in BLOCKS.items()
        for column in columns
        for label in labels(column, model)
    ]
    pyarrow.csv.write_csv(pa.Table.from_pylist(described), path)


def write_episodes(infos: Iterable[EpisodeInfo], path: Path) -> None:
    """Write one row for each episode: how it started, how long it was, why it ended."""
    names = [item.name for item in fields(EpisodeInfo)]
    rows = [asdict(info) for info in infos]
    pyarrow.csv.write_csv(pa.table({name: [row[name] for row in rows] for name in names}), path)


def labels(column: Column, model: RolloutModel) -> list[str]:
    """Names of a column's CSV columns, such as ``ground_reaction_force.r.z``."""
    entries = {
        "coordinate": model.coordinates,
        "dof": model.dofs,
        "joint": model.joints,
        "muscle": model.muscles,
        "device": model.devices,
        "action": model.actions,
        "reward_term": model.reward_terms,
        "side": SIDES,
        "xyz": ("x", "y", "z"),
    }
    return [".".join((column.name, *names)) for names in itertools.product(*(entries[dim] for dim in column.dims))]


def _kind(column: Column) -> pa.DataType:
    return pa.float64() if column.dtype == "f8" else pa.float32()
