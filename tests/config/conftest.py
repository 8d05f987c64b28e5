"""A folder with two small experiments, and matrix files in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from myoassist.config.plan import Plan

TRAINING = {"n_envs": 2, "parameters": {"n_steps": 8}, "segment_steps": 16, "total_steps": 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold `experiments/` with `walk` and `exo` (four segments of 16 steps, two scenarios) and `matrices/`."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "matrices").mkdir()
    scenarios = {"level": {}, "noisy": {"initial_position_noise_rad": 0.1}}
    for name in ("walk", "exo"):
        content = {"training": TRAINING, "evaluation": {"scenarios": scenarios}}
        (tmp_path / "experiments" / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


@pytest.fixture
def plan_of(folder: Path) -> Callable[..., Plan]:
    """Load a matrix file with the given text."""

    def load(text: str, name: str = "study.yaml") -> Plan:
        file = folder / "matrices" / name
        file.write_text(text)
        return Plan.load(file)

    return load
