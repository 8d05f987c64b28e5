"""An hour of walking is evaluated in less than 1 GB: a long proof, with a policy that does not fall."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from myoassist.config.experiment import Experiment
from myoassist.formats.rollouts import Rollouts

KEPT = Path(__file__).parents[2] / "pretrained" / "walk22_imitation-s1"
PROGRAM = """
import resource, sys
from myoassist import cli
cli.main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
def test_an_hour_of_walking_in_less_than_a_gigabyte(assets_of, tmp_path):
    files = assets_of(Experiment.from_file(KEPT / "experiment.json")).files
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    scenario = [f"evaluation.scenarios.level.{text}" for text in ("episodes=180", "duration_s=20", "batch_size=64")]
    words = ["evaluate", "--experiment", str(KEPT / "experiment.json"), "--set", *scenario, *options]
    words += ["--checkpoint", str(next(KEPT.glob("model_*.zip"))), "--rollouts", str(tmp_path / "rollouts.h5")]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    with Rollouts(tmp_path / "rollouts.h5") as stored:
        assert sum(episode.info.duration_s for episode in stored) > 3500
    assert int(done.stdout) < 1e9
