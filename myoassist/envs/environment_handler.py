"""The factory: settings, model and reference become environments of the right class."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import mujoco

from myoassist.config.environment import EnvironmentSettings
from myoassist.envs.allotment import available_cpus
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.myoassist_leg_imitation import MyoAssistLegImitationEnv
from myoassist.envs.myoassist_leg_imitation_exo import MyoAssistLegImitationExoEnv
from myoassist.envs.single import SingleEnvironment
from myoassist.envs.variation import vary
from myoassist.errors import InputError
from myoassist.formats.compiled_model import Manifest, load_model, physics_only
from myoassist.formats.reference_motion import FittedReference, read_fitted_reference

if TYPE_CHECKING:
    from myoassist.envs.sb3 import SB3VecEnv

CLASSES: dict[str, type[MyoAssistLegBase]] = {
    "myoAssistLeg-v0": MyoAssistLegBase,
    "myoAssistLegImitation-v0": MyoAssistLegImitationEnv,
    "myoAssistLegImitationExo-v0": MyoAssistLegImitationExoEnv,
}


class EnvironmentHandler:
    """Makes environments of one experiment: batched, single, or as SB3's `VecEnv`."""

    def __init__(
        self,
        settings: EnvironmentSettings,
        *,
        model: mujoco.MjModel | Sequence[mujoco.MjModel],
        manifest: Manifest,
        reference: FittedReference | None,
    ):
        """Keep what environments are made of; `from_files` reads it from a stage's inputs.

        Args:
            settings: of the environments.
            model: the model, whose twin without visuals is stepped; or one for each environment, as they are.
            manifest: of the model.
            reference: fitted to the model.
        """
        self.settings = settings
        one = isinstance(model, mujoco.MjModel)
        self.full_model = model if one else model[0]
        self.model = physics_only(model) if one else model
        self.manifest = manifest
        self.reference = reference
        self.environment_class = resolve_class(settings)

    @classmethod
    def from_files(
        cls, settings: EnvironmentSettings, *, model: Path, manifest: Path, reference: Path
    ) -> EnvironmentHandler:
        """Read model and fitted reference.

        Raises:
            InputError: if a file is missing or damaged or they do not belong together.
        """
        compiled, described = load_model(model, manifest)
        fitted = read_fitted_reference(reference)
        if fitted.model_sha256 != described.model_sha256:
            raise InputError(f"{reference}: fitted to another model than {model} (run retarget with this model)")
        return cls(settings, model=compiled, manifest=described, reference=fitted)

    def make_batch(self, num_envs: int, *, threads: int | None = None, autoreset: bool = True) -> MyoAssistLegBase:
        """Make N environments as one Gymnasium `VectorEnv`; `threads` None takes the allowed CPUs."""
        model = self.model
        if isinstance(model, mujoco.MjModel):
            model = vary(self.settings.variation, model, self.manifest, num_envs)
        return self.environment_class(
            self.settings,
            model=model,
            manifest=self.manifest,
            reference=self.reference,
            num_envs=num_envs,
            threads=min(num_envs, threads or available_cpus()),
            autoreset=autoreset,
        )

    def make_single(self) -> SingleEnvironment:
        """Make one Gymnasium `Env`."""
        return SingleEnvironment(self.make_batch(1, threads=1, autoreset=False))

    def make_sb3(self, num_envs: int, *, threads: int | None = None) -> SB3VecEnv:
        """Make N environments as one SB3 `VecEnv`."""
        from myoassist.envs.sb3 import SB3VecEnv

        return SB3VecEnv(self.make_batch(num_envs, threads=threads))


def resolve_class(settings: EnvironmentSettings) -> type[MyoAssistLegBase]:
    """Return the environment class of the settings: the id's, or the experiment's own.

    Raises:
        InputError: if an own class cannot be found or is not an environment of this family.
    """
    own = settings.environment_class
    if own is None:
        return CLASSES[settings.id]
    where, name = own.rsplit(":", 1)
    if where.endswith(".py"):
        module = _load_file(Path(where))
    else:
        try:
            module = importlib.import_module(where)
        except ImportError as error:
            raise InputError(f"environment: field 'environment_class': cannot import '{where}' ({error})") from None
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, MyoAssistLegBase)):
        raise InputError(
            f"environment: field 'environment_class': '{where}' has no class '{name}' that extends MyoAssistLegBase"
        )
    return found


def _load_file(path: Path) -> object:
    if not path.is_file():
        raise InputError(
            f"environment: field 'environment_class': file '{path}' not found "
            "(expected beside the experiment file that names it, or from the working folder)"
        )
    name = f"myoassist_own_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
