"""Small trainings that tests share."""

from pathlib import Path

import pytest

TINY = {
    "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 2},
    "policy": {"actor": [16], "critic": [16]},
    "n_envs": 8,
    "total_steps": 256,
    "segment_steps": 128,
}


@pytest.fixture(scope="session")
def train_all():
    """Return a function that trains all segments of a small training and returns its checkpoints."""
    from myoassist.config.environment import EnvironmentSettings
    from myoassist.config.training import TrainingSettings
    from myoassist.training.segment import train_segment

    def run(assets, folder: Path, training: dict, environment: dict | None = None, *, seed: int = 1, warm=None):
        folder.mkdir(parents=True, exist_ok=True)
        settings = TrainingSettings.parse({**TINY, **training})
        made: list[Path] = []
        for segment in settings.segments(EnvironmentSettings.parse(environment or {}), seed):
            output = folder / f"model_{segment.stop_steps}.zip"
            train_segment(
                segment,
                **assets.files,
                previous=made[-1] if made else None,
                warm_start=None if made else warm,
                output=output,
                log=folder / f"train_log_{segment.stop_steps}.json",
                threads=1,
            )
            made.append(output)
        return made

    return run
