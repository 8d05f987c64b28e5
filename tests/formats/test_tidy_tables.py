"""The tidy tables: the same rows in both files, units with the columns, damage told."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from myoassist.config.analysis import TABLES, table_files
from myoassist.errors import InputError
from myoassist.formats.stride_columns import STRIDES, markdown_table
from myoassist.formats.tidy_tables import read_table, split_unit, write_tables

TABLE = pd.DataFrame({"side": ["r", "l"], "stride_time_s": [1.0625, float("nan")], "n": [3, 0]})


@pytest.fixture
def folder(tmp_path):
    write_tables(tmp_path, dict.fromkeys(TABLES, TABLE), {"stride_time_s": "s"})
    return tmp_path


def test_every_table_comes_as_parquet_and_csv_with_equal_rows(folder):
    assert {path.name for path in folder.iterdir()} == set(table_files())
    for name in TABLES:
        pd.testing.assert_frame_equal(read_table(folder / f"{name}.parquet"), TABLE)
        pd.testing.assert_frame_equal(pd.read_csv(folder / f"{name}.csv"), TABLE)


def test_units_go_with_the_columns(folder):
    schema = pq.read_schema(folder / "strides.parquet")
    assert schema.field("stride_time_s").metadata == {b"unit": b"s"}
    assert schema.field("n").metadata is None
    assert schema.metadata[b"table"] == b"strides"


def test_same_table_same_bytes(folder, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    digests = write_tables(again, dict.fromkeys(TABLES, TABLE), {"stride_time_s": "s"})
    assert set(digests) == set(table_files())
    assert all((again / name).read_bytes() == (folder / name).read_bytes() for name in table_files())


def test_damage_and_other_files_are_told(folder):
    whole = (folder / "strides.parquet").read_bytes()
    for content in (b"", b"text", whole[:-20], whole[: len(whole) // 2]):
        (folder / "d.parquet").write_bytes(content)
        with pytest.raises(InputError, match=r"d\.parquet: not a whole table"):
            read_table(folder / "d.parquet")
    TABLE.to_parquet(folder / "other.parquet")
    with pytest.raises(InputError, match=r"other\.parquet: not a table of an analysis"):
        read_table(folder / "other.parquet")
    with pytest.raises(InputError, match="file not found"):
        read_table(folder / "none.parquet")


@pytest.mark.parametrize(
    ("column", "quantity", "unit"),
    [
        ("hip_flexion_deg", "hip_flexion", "°"),
        ("hip_flexion_velocity_deg_s", "hip_flexion_velocity", "°/s"),
        ("knee_flexion_moment_nm_kg", "knee_flexion_moment", "N·m/kg"),
        ("knee_flexion_power_w_kg", "knee_flexion_power", "W/kg"),
        ("grf_vertical_bw", "grf_vertical", "BW"),
        ("force_soleus_n", "force_soleus", "N"),
        ("activation_tib_n", "activation_tib_n", "1"),
    ],
)
def test_names_of_curves_are_quantity_and_unit(column, quantity, unit):
    assert split_unit(column) == (quantity, unit)


def test_names_of_stride_columns_end_in_their_unit():
    endings = {"m/s": "_m_s", "steps/min": "_steps_min", "m": "_m", "s": "_s", "% of cycle": "_percent"}
    endings |= {"BW": "_bw", "BW/s": "_bw_s", "BW·s": "_bw_s", "1": ""}
    assert all(column.name.endswith(endings[column.unit]) for column in STRIDES)
    assert len({column.quantity for column in STRIDES}) == len(STRIDES)


def test_the_documented_columns_are_those_of_the_table(request):
    text = (request.config.rootpath / "docs" / "analysis.md").read_text()
    assert markdown_table() in text
