from pathlib import Path
from types import SimpleNamespace

import pytest
import synthetic_gait

from myoassist.analysis.analyze import analyze
from myoassist.config.analysis import AnalysisSettings
from myoassist.formats.gait_tables import read_cycles, read_metrics, read_spatiotemporal

NORM = Path(__file__).parents[2] / "reference_data" / "normative_kinematics.csv"


@pytest.fixture(scope="session")
def reference_file(tmp_path_factory):
    return synthetic_gait.write_reference(tmp_path_factory.mktemp("reference") / "reference.h5")


def run_analysis(folder, reference, settings=None, **walk):
    """Write a walk, analyse it, and return paths and tables."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        "rollouts": synthetic_gait.write_walk(folder / "rollouts.h5", **walk),
        "reference": reference,
        "norm": NORM,
        "metrics": folder / "metrics.json",
        "cycles": folder / "cycles.parquet",
        "spatiotemporal": folder / "spatiotemporal.csv",
    }
    analyze(settings or AnalysisSettings(), **paths)
    return SimpleNamespace(
        paths=paths,
        metrics=read_metrics(paths["metrics"]),
        cycles=read_cycles(paths["cycles"]),
        spatiotemporal=read_spatiotemporal(paths["spatiotemporal"]),
    )


@pytest.fixture(scope="session")
def walk(tmp_path_factory, reference_file):
    """Two episodes of 10 s of perfect walking, analysed."""
    return run_analysis(tmp_path_factory.mktemp("walk"), reference_file)


@pytest.fixture(scope="session")
def fall(tmp_path_factory, reference_file):
    """Two episodes that end in a fall before a second is over, analysed."""
    return run_analysis(tmp_path_factory.mktemp("fall"), reference_file, durations_s=(0.6, 0.9), fell=True)
