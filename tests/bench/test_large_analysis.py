"""The benchmark of the analysis makes walks that are analysed, and counts what it made."""

from __future__ import annotations

from pathlib import Path

import pytest

from myoassist.analysis.analyze import analyze
from myoassist.bench.large_analysis import benchmark_analysis, write_walks
from myoassist.config.analysis import AnalysisSettings
from myoassist.errors import InputError
from myoassist.formats.gait_tables import read_cycles, read_metrics

NORM = Path(__file__).parents[2] / "reference_data" / "normative_kinematics.csv"


@pytest.fixture
def files(assets):
    return {"reference": assets.reference, "manifest": assets.manifest, "norm": NORM}


def test_a_small_file_is_made_analysed_and_measured(files) -> None:
    found = benchmark_analysis(**files, episodes=2, duration_s=6.0, repeats=1)
    assert (found["episodes"], found["walked_s"], found["source"]) == (2, 12.0, "reference")
    assert found["cycles"] >= 2 * 2 * 2
    assert found["rollouts_mb"] > 1
    assert set(found["wall_s"]) == set(found["cpu_s"]) == {"median", "best", "worst"}
    assert found["peak_mb"] > 50


def test_a_made_walk_is_analysed_whole_energetics_included(files, tmp_path) -> None:
    rollouts = tmp_path / "rollouts.h5"
    write_walks(rollouts, reference=files["reference"], manifest=files["manifest"], episodes=1, duration_s=6.0)
    outputs = {"metrics": "metrics.json", "cycles": "cycles.parquet", "spatiotemporal": "spatiotemporal.csv"}
    paths = {name: tmp_path / file for name, file in outputs.items()}
    inputs = {"rollouts": rollouts, "reference": files["reference"], "norm": NORM}
    analyze(AnalysisSettings(), **inputs, **paths, tables=tmp_path)
    energetics, cycles = read_metrics(paths["metrics"])["energetics"], read_cycles(paths["cycles"])
    assert energetics["body_mass_kg"] == pytest.approx(78.09, abs=0.01)
    for model, numbers in energetics["models"].items():
        assert numbers["net_w_kg"] > 0
        assert (cycles[f"metabolic_{model}_w_kg"] > 0).all()


def test_episodes_of_a_file_are_cut_and_repeated(files, tmp_path) -> None:
    long = tmp_path / "long.h5"
    write_walks(long, reference=files["reference"], manifest=files["manifest"], episodes=1, duration_s=13.0)
    found = benchmark_analysis(**files, rollouts=long, episodes=3, duration_s=6.0, repeats=1)
    assert (found["walked_s"], found["source"]) == (18.0, "rollouts")
    assert found["cycles"] >= 3 * 2 * 2
    with pytest.raises(InputError, match=r"long\.h5: no episode lasts 14 s"):
        benchmark_analysis(**files, rollouts=long, episodes=1, duration_s=14.0, repeats=1)
