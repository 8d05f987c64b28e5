import json
import math

import numpy as np
import pytest

from myoassist.errors import InputError
from myoassist.formats.gait_tables import (
    STRIDE_COLUMNS,
    CyclesWriter,
    read_cycles,
    read_metrics,
    read_norm,
    read_spatiotemporal,
    write_metrics,
)


def write_cycles(path, count=2):
    with CyclesWriter(path, ("hip_flexion_deg", "grf_vertical_bw")) as writer:
        for cycle in range(count):
            writer.append(
                episode=3,
                side="l",
                cycle=cycle,
                stride=dict.fromkeys(STRIDE_COLUMNS, 1.5),
                curves=np.full((101, 2), [cycle, 0.5]),
            )


def test_cycles_come_back_and_can_be_chosen_by_column(tmp_path):
    write_cycles(tmp_path / "c.parquet")
    table = read_cycles(tmp_path / "c.parquet")
    assert len(table) == 202
    assert set(table["side"]) == {"l"}
    assert table.loc[table["cycle"] == 1, "hip_flexion_deg"].eq(1).all()
    assert table["percent"].max() == 100
    some = read_cycles(tmp_path / "c.parquet", ["grf_vertical_bw", "unknown"])
    assert list(some.columns) == ["episode", "side", "cycle", "percent", "grf_vertical_bw"]


def test_no_cycle_is_a_table_without_rows(tmp_path):
    write_cycles(tmp_path / "c.parquet", count=0)
    table = read_cycles(tmp_path / "c.parquet")
    assert len(table) == 0
    assert "hip_flexion_deg" in table.columns


def test_same_cycles_same_bytes(tmp_path):
    write_cycles(tmp_path / "a.parquet")
    write_cycles(tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_damaged_cycles_are_named(tmp_path):
    write_cycles(tmp_path / "c.parquet")
    whole = (tmp_path / "c.parquet").read_bytes()
    for content in (b"", b"text", whole[:-20], whole[: len(whole) // 2]):
        (tmp_path / "d.parquet").write_bytes(content)
        with pytest.raises(InputError, match=r"d\.parquet: .*damaged"):
            read_cycles(tmp_path / "d.parquet")
    with pytest.raises(InputError, match="file not found"):
        read_cycles(tmp_path / "none.parquet")


def test_numbers_that_are_not_finite_become_null(tmp_path):
    write_metrics(tmp_path / "m.json", {"a": math.nan, "b": [np.float32(1), np.inf], "c": {"d": np.bool_(True)}})
    metrics = read_metrics(tmp_path / "m.json")
    assert (metrics["a"], metrics["b"], metrics["c"]) == (None, [1.0, None], {"d": True})


def test_damaged_metrics_are_named(tmp_path):
    path = tmp_path / "m.json"
    for content in ("{", "[]", "{}", json.dumps({"format": "myoassist-metrics", "version": 9})):
        path.write_text(content)
        with pytest.raises(InputError, match=r"m\.json"):
            read_metrics(path)


def test_tables_with_wrong_columns_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"t\.csv: expected the columns"):
        read_spatiotemporal(path)
    with pytest.raises(InputError, match=r"t\.csv: column 'gait_cycle_percent' is missing"):
        read_norm(path)
