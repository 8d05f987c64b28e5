"""A small results folder as the workflow leaves it, with made-up numbers."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from myoassist.config.report import ReportEvaluation, ReportFigure, ReportRun, ReportSettings
from myoassist.formats.documents import MANIFEST_VERSION

STEPS = 1000


def run(name: str, seed: int = 1, **fields) -> ReportRun:
    """Describe the files of a run, as the workflow does."""
    here, folder = f"runs/{name}", f"runs/{name}/evaluation/{STEPS}/level"
    return ReportRun(
        id=name,
        experiment="walk",
        seed=seed,
        configuration={"environment": {"control_rate_hz": 50}},
        model_manifest="models/abc/manifest.json",
        validation=f"{here}/validation.json",
        train_logs=[f"{here}/trained_models/train_log_{STEPS}.json"],
        evaluations=[
            ReportEvaluation(
                steps=STEPS,
                scenario="level",
                rollouts=f"{folder}/rollouts.h5",
                metrics=f"{folder}/metrics.json",
                spatiotemporal=f"{folder}/spatiotemporal.csv",
                video=f"{folder}/replay.mp4",
                contact_sheet=f"{folder}/contact_sheet.png",
                figures=[ReportFigure(name="joint_angles", path=f"{folder}/figures/joint_angles.png")],
            )
        ],
        figures=[
            ReportFigure(name="retarget_qc", path="retargeted/abc/qc.png"),
            ReportFigure(name="validation", path=f"{here}/validation.png"),
        ],
        benchmarks={f"train to {STEPS}": f"benchmarks/train/{name}.tsv"},
        logs={f"train to {STEPS}": f"logs/train/{name}.log"},
        **fields,
    )


def report(*runs: ReportRun, **fields) -> ReportSettings:
    figures = [ReportFigure(name="learning_curves", path="figures/learning_curves.png")]
    return ReportSettings(title="Study", runs=list(runs), figures=figures, **fields)


def write(path: Path, content: bytes | str | dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, dict):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def metrics(durations_s: float = 0.62, *, walks: bool = False) -> dict:
    bound = {"label": "longest episode", "value": durations_s, "unit": "s", "bound": [20.0, None], "holds": walks}
    return {
        "format": "myoassist-metrics",
        "version": 1,
        "summary": "8 episodes of one policy.",
        "fall_free_fraction": 1.0 if walks else 0.0,
        "speed_mean": 1.1,
        "activation_mean": 0.1,
        "gate_holds": walks,
        "gate": {"longest_episode": bound},
        "episodes": {"count": 8, "duration_s": {"median": durations_s}},
        "tracking_rmse_deg": {"hip_flexion": 12.3, "knee_flexion": None, "ankle_dorsiflexion": 9.0},
        "source": {"checkpoint_sha256": "c" * 64, "versions": {"mujoco": "3.11.0"}},
        "inputs": {"rollouts_sha256": "d" * 64, "reference_sha256": "e" * 64},
    }


def head(kind: str, version: int = 1) -> dict:
    return {"format": f"myoassist-{kind}", "version": version}


def write_run(root: Path, entry: ReportRun, untrained: float = 0.1, trained: float = 0.2) -> None:
    """Write every file that a run has."""
    rollouts = [{"steps": s, "reward_per_step": trained, "steps_per_second": 900} for s in (500, STEPS)]
    write(
        root / entry.train_logs[0], {**head("train-log"), "untrained_reward_per_step": untrained, "rollouts": rollouts}
    )
    check = {"name": "finite", "passed": True, "measured": "all finite", "expected": "no NaN"}
    write(root / entry.validation, {**head("validation"), "checks": [check]})
    body = {"body": "myolegs22", "device": None, "total_mass_kg": 78.1, "muscles": [{}] * 22}
    write(root / entry.model_manifest, {**head("model", MANIFEST_VERSION), **body, "model_sha256": "a" * 64})
    for evaluation in entry.evaluations:
        write(root / evaluation.rollouts, b"hdf")
        write(root / evaluation.metrics, metrics())
        write(root / evaluation.spatiotemporal, "quantity,unit,side,mean,sd,n\nstep_time,s,r,0.55,0.01,4\n")
        write(root / evaluation.video, b"\0\0\0\x18ftypmp42" + bytes(100))
        write_picture(root / evaluation.contact_sheet, seed=3)
        for figure in evaluation.figures:
            write_picture(root / figure.path)
    for figure in entry.figures:
        write_picture(root / figure.path, seed=1)
    write_picture(root / "figures/learning_curves.png", seed=2)
    write(root / next(iter(entry.benchmarks.values())), "s\th:m:s\tmax_rss\n12.5\t0:00:12\t640.0\n")
