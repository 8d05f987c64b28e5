"""A compiled body and rollouts of it that no policy made."""

from pathlib import Path

import pytest
from falling_body import Body, fall, rollout_model

from myoassist.config.model import ModelSettings
from myoassist.evaluation.biomechanics import Biomechanics
from myoassist.formats.compiled_model import load_model
from myoassist.formats.rollouts import RolloutHeader, RolloutWriter
from myoassist.models.build import build


@pytest.fixture(scope="session")
def body(tmp_path_factory) -> Body:
    folder = tmp_path_factory.mktemp("body")
    build(ModelSettings(), model=folder / "model.mjb", manifest=folder / "manifest.json")
    model, manifest = load_model(folder / "model.mjb", folder / "manifest.json")
    return Body(folder / "model.mjb", folder / "manifest.json", model, manifest)


@pytest.fixture(scope="session")
def fallen(body, tmp_path_factory) -> Path:
    """Two episodes: 0.4 s and 0.8 s."""
    path = tmp_path_factory.mktemp("rollouts") / "rollouts.h5"
    biomechanics = Biomechanics(body.model, body.manifest)
    header = RolloutHeader(
        settings="{}",
        seed=0,
        model_sha256=body.manifest.model_sha256,
        checkpoint_sha256="0" * 64,
        reference_sha256="0" * 64,
        checkpoint_steps=60_000,
        versions={},
        model=rollout_model(body),
    )
    with RolloutWriter(path, header) as writer:
        for rows, push in ((101, 0.0), (201, 0.8)):
            states = fall(body, rows, push)
            episode = writer.begin_episode(phase0=0.0, target_velocity_mean_m_s=1.25)
            columns = biomechanics.compute(states["qpos"], states["qvel"], states["act"], states["ctrl"])
            episode.append_state({"time": states["time"], **columns})
            episode.end(termination="fall_height", fell=True, duration_s=float(states["time"][-1]), steps=20)
    return path
