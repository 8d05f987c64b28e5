"""The whole stage: files in, five tables out, the same bytes every time."""

import pandas as pd
import pytest
from analysed_walk import run_analysis
from synthetic_training import write_train_log

from myoassist.analysis.study.build import build_study
from myoassist.config.study import STUDY_TABLES, StudySettings, study_file_names
from myoassist.errors import InputError
from myoassist.formats.study_tables import COLUMNS, read_study_table


@pytest.fixture(scope="module")
def settings(tmp_path_factory, reference_file, walk):
    folder = tmp_path_factory.mktemp("study")
    worn = run_analysis(folder / "worn", reference_file, devices=2, offset_deg=1.0)
    runs, evaluations = [], []
    for seed in (1, 2, 3):
        log = write_train_log(folder / f"log{seed}.json", seed=seed, gain=seed)
        runs.append({"run": f"exo-s{seed}", "condition": "exo", "seed": seed, "train_logs": [str(log)]})
        for scenario, found in (("off", walk), ("level", worn)):
            evaluations.append(
                {
                    "run": f"exo-s{seed}",
                    "experiment": "exo",
                    "condition": "exo",
                    "seed": seed,
                    "scenario": scenario,
                    "steps": 100,
                    "metrics": str(found.paths["metrics"]),
                    "cycles": str(found.paths["cycles"]),
                }
            )
    sides = {"baseline": {"experiment": "exo", "scenario": "off"}}
    sides |= {"conditions": [{"experiment": "exo", "scenario": "level"}]}
    comparisons = {"device": sides}
    return StudySettings.parse({"runs": runs, "evaluations": evaluations, "comparisons": comparisons, "resamples": 200})


def test_tables_are_written_as_parquet_and_csv_with_the_same_rows(settings, tmp_path):
    build_study(settings, output_dir=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(study_file_names())
    for name in STUDY_TABLES:
        table = read_study_table(tmp_path, name)
        assert len(table) > 0
        assert set(COLUMNS[name]) <= set(table.columns)
        written = pd.read_csv(tmp_path / f"{name}.csv", keep_default_na=False)
        assert list(written.columns) == list(table.columns)
        assert len(written) == len(table)


def test_the_offset_between_the_conditions_is_found(settings, tmp_path):
    build_study(settings, output_dir=tmp_path)
    table = read_study_table(tmp_path, "comparisons").set_index("measure")
    row = table.loc["hip_flexion_largest_deg"]
    assert row["difference"] == pytest.approx(1.0, abs=0.01)
    assert (row["n"], row["resampled"], row["paired"]) == (3, "seed", True)
    assert table.loc["speed_m_s", "difference"] == pytest.approx(0.0, abs=1e-6)
    curves = read_study_table(tmp_path, "curves")
    hip = curves[(curves["quantity"] == "hip_flexion_deg") & (curves["role"] == "condition")]
    assert hip["difference"].to_numpy() == pytest.approx(1.0, abs=0.01)


def test_numbers_of_whole_evaluations_are_aggregated_over_seeds(settings, tmp_path):
    build_study(settings, output_dir=tmp_path)
    table = read_study_table(tmp_path, "conditions")
    off = table[table["scenario"] == "off"].set_index("measure")
    for measure in ("margin_least_m", "toe_clearance_m", "loading_rate_bw_s", "hip_flexion_norm_r", "speed_cv_percent"):
        row = off.loc[measure]
        assert (row["n"], row["resampled"], row["seeds"], row["seeds_left_out"]) == (3, "seed", 3, 0)
        assert row["ci_low"] == pytest.approx(row["mean"])
        assert row["ci_high"] == pytest.approx(row["mean"])


def test_same_files_same_bytes(settings, tmp_path):
    for folder in ("a", "b"):
        build_study(settings, output_dir=tmp_path / folder)
    for name in study_file_names():
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_without_comparisons_the_tables_are_there_and_empty(settings, tmp_path):
    build_study(settings.model_copy(update={"comparisons": {}, "runs": ()}), output_dir=tmp_path)
    for name in ("comparisons", "curves", "training"):
        table = read_study_table(tmp_path, name)
        assert len(table) == 0
        assert list(table.columns) == list(COLUMNS[name])


def test_a_damaged_input_is_named_and_nothing_is_written(settings, tmp_path):
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(settings.evaluations[0].cycles.read_bytes()[:500])
    entry = settings.evaluations[0].model_copy(update={"cycles": broken})
    with pytest.raises(InputError, match=r"broken\.parquet"):
        build_study(settings.model_copy(update={"evaluations": (entry,)}), output_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_and_foreign_tables_are_refused(settings, tmp_path):
    build_study(settings, output_dir=tmp_path)
    (tmp_path / "curves.parquet").write_bytes((tmp_path / "conditions.parquet").read_bytes())
    with pytest.raises(InputError, match=r"curves\.parquet: not the table 'curves'"):
        read_study_table(tmp_path, "curves")
    whole = (tmp_path / "conditions.parquet").read_bytes()
    (tmp_path / "conditions.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"conditions\.parquet: not a whole table"):
        read_study_table(tmp_path, "conditions")
    with pytest.raises(InputError, match="file not found"):
        read_study_table(tmp_path / "nowhere", "training")
