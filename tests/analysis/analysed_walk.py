"""A synthetic walk with its analysis: what most tests of this folder look at."""

from pathlib import Path
from types import SimpleNamespace

import synthetic_gait

from myoassist.analysis.analyze import analyze
from myoassist.config.analysis import TABLES, AnalysisSettings
from myoassist.formats.gait_tables import read_cycles, read_metrics, read_spatiotemporal
from myoassist.formats.tidy_tables import read_table

NORM = Path(__file__).parents[2] / "reference_data" / "normative_kinematics.csv"


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
    analyze(settings or AnalysisSettings(), **paths, tables=folder)
    return SimpleNamespace(
        folder=folder,
        paths=paths,
        metrics=read_metrics(paths["metrics"]),
        cycles=read_cycles(paths["cycles"]),
        spatiotemporal=read_spatiotemporal(paths["spatiotemporal"]),
        **{name: read_table(folder / f"{name}.parquet") for name in TABLES},
    )
