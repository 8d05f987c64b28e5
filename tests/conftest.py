"""The real parts that tests share: a compiled body and the measured stride fitted to it, made once for all workers."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_once import made_once

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("MYOASSIST_SITE", None)  # of the developer's own cluster

# torch's optimisers import triton, which crashes if Mesa's software OpenGL has loaded its own LLVM before.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _log():
    """The log is on, as on the command line, whatever a test before has done with it."""
    from loguru import logger

    logger.enable("myoassist")


@dataclass(frozen=True)
class Assets:
    """Input files of the later stages."""

    model: Path
    manifest: Path
    motion: Path
    reference: Path

    @property
    def files(self) -> dict[str, Path]:
        """The three files that environments are made of."""
        return {"model": self.model, "manifest": self.manifest, "reference": self.reference}


def assets_in(folder: Path) -> Assets:
    return Assets(*(folder / name for name in ("model.mjb", "manifest.json", "motion.h5", "reference.h5")))


def make_assets(folder: Path, **model_settings) -> None:
    from myoassist.config.model import ModelSettings
    from myoassist.config.reference import ReferenceSettings, RetargetSettings
    from myoassist.models.build import build
    from myoassist.reference.preprocess import preprocess
    from myoassist.reference.retarget import retarget

    made = assets_in(folder)
    build(ModelSettings.parse(model_settings), model=made.model, manifest=made.manifest)
    settings = ReferenceSettings()
    preprocess(settings, source=REPOSITORY / settings.source, output=made.motion)
    retarget(
        RetargetSettings(),
        reference=made.motion,
        model=made.model,
        manifest=made.manifest,
        output=made.reference,
    )


def shared_assets(tmp_path_factory, name: str, **model_settings) -> Assets:
    return assets_in(made_once(tmp_path_factory, name, lambda folder: make_assets(folder, **model_settings)))


@pytest.fixture(scope="session")
def assets(tmp_path_factory) -> Assets:
    """The planar 22-muscle body on flat ground."""
    return shared_assets(tmp_path_factory, "body")


@pytest.fixture(scope="session")
def exo_assets(tmp_path_factory) -> Assets:
    """The same body wearing an ankle exoskeleton."""
    return shared_assets(tmp_path_factory, "body_with_exo", device="DephyExoBoot_L1")


@pytest.fixture(scope="session")
def assets_of(tmp_path_factory):
    """Return a function from an experiment to the assets of its model, made once for all workers."""
    from myoassist.config.model import ModelSettings

    def make(experiment) -> Assets:
        name = f"body_{experiment.model_key}"
        for model, known in ((ModelSettings(), "body"), (ModelSettings(device="DephyExoBoot_L1"), "body_with_exo")):
            name = known if experiment.model == model else name
        return shared_assets(tmp_path_factory, name, **experiment.model.model_dump(mode="json"))

    return make


@pytest.fixture(scope="session")
def make_handler():
    """Return a function from assets and environment settings (plain data) to an `EnvironmentHandler`."""
    from myoassist.config.environment import EnvironmentSettings
    from myoassist.envs.environment_handler import EnvironmentHandler

    def make(assets: Assets, **settings) -> EnvironmentHandler:
        return EnvironmentHandler.from_files(EnvironmentSettings.parse(settings), **assets.files)

    return make
