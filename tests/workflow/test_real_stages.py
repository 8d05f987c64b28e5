"""Every stage by hand, on real parts and very small: it works without Snakemake, and its fingerprint is complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from myoassist import provenance
from myoassist.config.analysis import table_files
from myoassist.config.experiment import Experiment
from myoassist.config.figures import matrix_figure_names, run_figure_names
from myoassist.config.study import study_file_names

ROOT = Path(__file__).parents[2]
NORM = ROOT / "reference_data" / "normative_kinematics.csv"
STRIDE = ROOT / "reference_data" / "myosuite_stride.csv"
PROGRAM = """
import json, sys
from myoassist import cli
cli.main(sys.argv[2:])
own = sorted(name for name in sys.modules if name.split(".")[0] == "myoassist")
open(sys.argv[1], "w").write(json.dumps(own))
"""
WITHOUT_SETTINGS = ("preprocess_figure", "retarget_figure")
"""Their input files say with what settings they were made."""
TINY = {
    "extends": str(ROOT / "configs" / "experiments" / "demo_imitation.json"),
    "training": {
        "n_envs": 4,
        "parameters": {"n_steps": 16, "batch_size": 32, "n_epochs": 1},
        "segment_steps": 64,
        "total_steps": 128,
    },
    "evaluation": {"scenarios": {"level": {"episodes": 2, "duration_s": 1}}},
    "figures": {"run": ["dashboard"], "matrix": ["learning_curves"], "dpi": 60},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by_hand")
    (folder / "tiny.json").write_text(json.dumps(TINY))
    return folder


def stage(folder: Path, name: str, *words: str, settings: str | None = None, **files: object) -> None:
    """Run one command; check its status and that it loaded nothing outside its fingerprint."""
    source = ["--experiment", "tiny.json"] if settings is None else ["--settings", settings]
    source = [] if name in WITHOUT_SETTINGS else source
    options = [text for key, file in files.items() for text in (f"--{key.replace('_', '-')}", str(file))]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "loaded.json", *words, name, *source, *options],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads((folder / "loaded.json").read_text())
    code = {module for module in loaded if not provenance.is_exempt(module)}
    entries = provenance.ENTRIES["matrix_tables" if name == "tables" else name]
    assert code <= provenance.closure(entries)
    assert set(entries) <= code


def test_all_stages_by_hand(folder: Path) -> None:
    body = {"model": "model.mjb", "manifest": "manifest.json"}
    walker = {**body, "reference": "fitted.h5"}
    tables = {"metrics": "metrics.json", "cycles": "cycles.parquet", "spatiotemporal": "spatiotemporal.csv"}

    stage(folder, "build", **body)
    stage(folder, "preprocess", source=STRIDE, output="reference.h5")
    stage(folder, "preprocess_figure", reference="reference.h5", figure="qc.png")
    stage(folder, "retarget", **body, reference="reference.h5", output="fitted.h5")
    stage(folder, "retarget_figure", manifest="manifest.json", reference="fitted.h5", figure="fit.png")
    stage(folder, "validate", **walker, output="validation.json", figure="validation.png")
    stage(folder, "train", **walker, output="model_64.zip", log="train_log_64.json", seed=3)
    more = {"previous": "model_64.zip", "segment": 1}
    stage(folder, "train", **walker, output="model_128.zip", log="train_log_128.json", seed=3, **more)
    stage(folder, "best", logs="train_log_64.json", checkpoint="model_best.zip", choice="best.json")
    assert (folder / "model_best.zip").read_bytes() == (folder / "model_64.zip").read_bytes()
    stage(folder, "evaluate", **walker, checkpoint="model_128.zip", rollouts="rollouts.h5")
    stage(folder, "replay", **body, rollouts="rollouts.h5", video="replay.mp4")
    drawn = {"rollouts": "rollouts.h5", "reference": "fitted.h5", "norm": NORM, **tables}
    stage(folder, "analyze", **drawn, tables=".")
    assert all((folder / name).is_file() for name in table_files())
    stage(folder, "contact_sheet", **body, rollouts="rollouts.h5", cycles="cycles.parquet", sheet="sheet.png")
    stage(folder, "figures", **drawn, output_dir="figures")
    figures = Experiment.from_file(folder / "tiny.json").figures
    assert {path.name for path in (folder / "figures").iterdir()} == set(run_figure_names(figures))

    run = {"run": "a-s3", "condition": "a", "seed": 3, "train_logs": ["train_log_64.json", "train_log_128.json"]}
    evaluation = {"run": "a-s3", "experiment": "tiny", "condition": "a", "seed": 3, "scenario": "level", "steps": 128}
    evaluation |= {"metrics": "metrics.json", "cycles": "cycles.parquet"}
    selection = {"experiment": "tiny", "scenario": "level"}
    study = {"runs": [run], "evaluations": [evaluation]}
    study |= {"comparisons": {"itself": {"baseline": selection, "conditions": [selection]}}}
    stage(folder, "tables", "matrix", settings=json.dumps(study), output_dir="study")
    assert {path.name for path in (folder / "study").iterdir()} == set(study_file_names())

    run |= {"experiment": "tiny", "metrics": {"level": "metrics.json"}}
    across = {"figures": figures.model_dump(mode="json"), "runs": [run], "study": "study"}
    stage(folder, "figures", "matrix", settings=json.dumps(across), output_dir="across")
    assert {path.name for path in (folder / "across").iterdir()} == set(matrix_figure_names(figures))

    report = {
        "runs": [
            {"id": "a", "experiment": "tiny", "seed": 3, "train_logs": ["train_log_64.json", "train_log_128.json"]}
        ]
    }
    stage(folder, "report", settings=json.dumps(report), root=folder, output="report.html")
    assert "tiny" in (folder / "report.html").read_text()
