"""Every stage x every kind of file that it reads: a cut file and a changed byte end in one line, and in no output."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import h5py
import pytest

from myoassist import cli

FILES = {
    "model": "models/*/model.mjb",
    "manifest": "models/*/manifest.json",
    "motion": "reference/*/reference.h5",
    "fitted": "retargeted/*/reference.h5",
    "checkpoint": "runs/*/trained_models/model_64.zip",
    "log": "runs/*/trained_models/train_log_64.json",
    "rollouts": "runs/*/evaluation/128/level/rollouts.h5",
    "cycles": "runs/*/evaluation/128/level/cycles.parquet",
    "metrics": "runs/*/evaluation/128/level/metrics.json",
    "spatiotemporal": "runs/*/evaluation/128/level/spatiotemporal.csv",
    "tables": "study/training.parquet",
}
"""Kind of file -> one of it below the results."""

WALKER = "--model {model} --manifest {manifest} --reference {fitted}"
DRAWN = "--rollouts {rollouts} --reference {fitted} --norm reference_data/normative_kinematics.csv"
ANALYSED = "--metrics out/m.json --cycles out/c.parquet --spatiotemporal out/s.csv --tables out"
ACROSS = "--settings {settings} --output-dir out"
STAGES = {
    "retarget": "--model {model} --manifest {manifest} --reference {motion} --output out/reference.h5",
    "preprocess-figure": "--reference {motion} --figure out/qc.png",
    "retarget-figure": "--reference {fitted} --manifest {manifest} --figure out/qc.png",
    "validate": WALKER + " --output out/validation.json --figure out/validation.png",
    "train": WALKER + " --segment 1 --previous {checkpoint} --output out/model.zip --log out/log.json",
    "pretrained": "--checkpoint {checkpoint} --log {log} --output out/model.zip --output-log out/log.json",
    "best": "--logs {log} --checkpoint out/best.zip --choice out/best.json",
    "evaluate": WALKER + " --checkpoint {checkpoint} --rollouts out/rollouts.h5",
    "replay": "--model {model} --manifest {manifest} --rollouts {rollouts} --video out/replay.mp4",
    "analyze": f"{DRAWN} {ANALYSED}",
    "contact-sheet": "--model {model} --manifest {manifest} --rollouts {rollouts} --cycles {cycles} --sheet out/s.png",
    "figures": DRAWN + " --metrics {metrics} --cycles {cycles} --spatiotemporal {spatiotemporal} --output-dir out",
    "matrix tables": ACROSS,
    "matrix figures": ACROSS,
}
"""Command -> its options. Those across runs name their files in the settings."""

ALSO = {
    "best": ("checkpoint",),  # beside the log
    "matrix tables": ("log", "metrics", "cycles"),
    "matrix figures": ("log", "metrics", "tables"),
}
WITHOUT_SETTINGS = ("preprocess-figure", "retarget-figure", "pretrained", "matrix tables", "matrix figures")
CASES = [
    (stage, kind)
    for stage, options in STAGES.items()
    for kind in FILES
    if f"{{{kind}}}" in options or kind in ALSO.get(stage, ())
]


@pytest.fixture(scope="module")
def project(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose files can be damaged, and put back."""
    folder = tmp_path_factory.mktemp("by_hand") / "project"
    shutil.copytree(drawn, folder, symlinks=True)
    return folder


def settings_across(stage: str, paths: dict[str, str]) -> str:
    """What the workflow would give to a stage across runs."""
    run = {"run": "tiny-s1", "condition": "tiny", "seed": 1, "train_logs": [paths["log"]]}
    if stage == "matrix figures":
        run |= {"experiment": "tiny", "metrics": {"level": paths["metrics"]}}
        return json.dumps({"figures": {"matrix": ["learning_curves"]}, "runs": [run], "study": "results/tiny/study"})
    evaluation = {"run": "tiny-s1", "experiment": "tiny", "condition": "tiny", "seed": 1, "scenario": "level"}
    evaluation |= {"steps": 128, "metrics": paths["metrics"], "cycles": paths["cycles"]}
    return json.dumps({"runs": [run], "evaluations": [evaluation]})


def words(stage: str, paths: dict[str, str]) -> list[str]:
    filled = {**paths, "settings": settings_across(stage, paths)}
    options = [word.format(**filled) for word in STAGES[stage].split()]
    source = [] if stage in WITHOUT_SETTINGS else ["--experiment", "configs/experiments/tiny.json"]
    return [*stage.split(), *source, *options]


def damaged(file: Path, how: str, stage: str) -> bytes:
    """Cut a file, or change one byte in its middle; of text, a digit into another."""
    content = file.read_bytes()
    middle = len(content) // 2
    if how == "cut":
        return content[:middle]
    if file.name == "rollouts.h5":  # no stage reads everything in it
        with h5py.File(file) as rollouts:
            name = "qpos" if stage == "contact-sheet" else "time"
            chunk = rollouts[f"episodes/0000/state/{name}"].id.get_chunk_info(0)
        middle = chunk.byte_offset + chunk.size // 2
    if file.suffix not in (".json", ".csv"):
        return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]
    digit = re.compile(rb"[0-9]").search(content, middle) or next(re.finditer(rb"[0-9]", content))
    other = b"1" if digit[0] != b"1" else b"2"
    return content[: digit.start()] + other + content[digit.end() :]


@pytest.mark.parametrize("how", ["cut", "changed"])
@pytest.mark.parametrize(("stage", "kind"), CASES)
def test_damage_is_one_line_and_no_output(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stage: str, kind: str, how: str
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("MYOASSIST_LOG_LEVEL", "ERROR")
    results = Path("results/tiny")
    paths = {name: str(next(iter(sorted(results.glob(pattern))))) for name, pattern in FILES.items()}
    file = Path(paths[kind])
    whole = file.read_bytes()
    file.write_bytes(damaged(file, how, stage))
    before = set(project.rglob("*"))
    try:
        with pytest.raises(SystemExit) as stop:
            cli.main(words(stage, paths))
    finally:
        file.write_bytes(whole)
    lines = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert stop.value.code == 2
    assert len(lines) == 1, lines
    assert lines[0].startswith("myoassist: ")
    assert str(file) in lines[0]
    assert {path for path in project.rglob("*") if path.is_file()} <= before
