"""The entry points behind `gymnasium.make` and `make_vec`: default or own assets become environments.

The default body and the fitted default reference are made once and kept in a cache folder
(`MYOASSIST_CACHE`, otherwise the user's cache), under names that tell what they were made from.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.model import ModelSettings
from myoassist.config.reference import ReferenceSettings, RetargetSettings
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.single import SingleEnvironment
from myoassist.errors import InputError
from myoassist.provenance import fingerprint

DEFAULT_DEVICE = "DephyExoBoot_L1"
EXO_ID = "myoAssistLegImitationExo-v0"
FILES = ("model", "manifest", "reference")


def make_single(
    environment_id: str, settings: EnvironmentSettings | dict[str, Any] | None = None, **files: Any
) -> SingleEnvironment:
    """Make one environment; the entry point of `gymnasium.make(id)`.

    Args:
        environment_id: one of the registered ids.
        settings: of the environment (object or plain data, with the id's defaults for what it does not name); None
            takes the defaults.
        **files: `model`, `manifest` and `reference` of own assets, all three or none.

    Raises:
        InputError: for bad settings or files, or an unknown keyword.
    """
    _check_keywords(environment_id, files, "settings")
    return SingleEnvironment(handler(environment_id, settings, **files).make_batch(1, threads=1, autoreset=False))


def make_batch(
    environment_id: str,
    num_envs: int = 1,
    settings: EnvironmentSettings | dict[str, Any] | None = None,
    threads: int | None = None,
    autoreset: bool = True,
    **files: Any,
) -> MyoAssistLegBase:
    """Make N environments as one batch; the entry point of `gymnasium.make_vec(id, num_envs=N)`.

    Args:
        environment_id: one of the registered ids.
        num_envs: N.
        settings: of the environment (object or plain data, with the id's defaults for what it does not name); None
            takes the defaults.
        threads: physics threads; None takes the CPUs this process may use.
        autoreset: whether environments that end start anew within the same step (Gymnasium's SAME_STEP); False leaves
            that to `reset(options={"reset_mask": terminated | truncated})` (DISABLED).
        **files: `model`, `manifest` and `reference` of own assets, all three or none.

    Raises:
        InputError: for bad settings or files, or an unknown keyword.
    """
    _check_keywords(environment_id, files, "num_envs", "settings", "threads", "autoreset")
    return handler(environment_id, settings, **files).make_batch(num_envs, threads=threads, autoreset=autoreset)


def _check_keywords(environment_id: str, files: dict[str, Any], *others: str) -> None:
    unknown = sorted(files.keys() - set(FILES))
    if unknown:
        hints = {"render_mode": "; `myoassist sim --render` shows it", "seed": "; `reset` takes the seed"}
        raise InputError(
            f"{environment_id}: unknown keyword '{unknown[0]}' (known: {', '.join([*others, *FILES])})"
            + hints.get(unknown[0], "")
        )


def handler(
    environment_id: str, settings: EnvironmentSettings | dict[str, Any] | None = None, **files: Path
) -> EnvironmentHandler:
    """Return the factory for an id, with own assets or the default ones.

    Raises:
        InputError: for bad settings or files.
    """
    if settings is None:
        settings = default_settings(environment_id)
    elif isinstance(settings, dict):
        settings = EnvironmentSettings.parse({"id": environment_id, **settings}, where="settings")
    if not files:
        files = default_assets(default_device(environment_id))
    if files.keys() != set(FILES):
        raise InputError(f"{environment_id}: expected model, manifest and reference, or none of them")
    return EnvironmentHandler.from_files(settings, **{name: Path(path) for name, path in files.items()})


def default_device(environment_id: str) -> str | None:
    """The device that an id's default body wears."""
    return DEFAULT_DEVICE if environment_id == EXO_ID else None


def default_settings(environment_id: str) -> EnvironmentSettings:
    """The settings that an id stands for."""
    return EnvironmentSettings.parse({"id": environment_id})


def default_assets(device: str | None) -> dict[str, Path]:
    """Make (once) the default body, with or without a device, and the measured stride fitted to it.

    Returns:
        Paths of `model`, `manifest` and `reference`.
    """
    return made_assets(ModelSettings(device=device), ReferenceSettings(), RetargetSettings())


def made_assets(model: ModelSettings, reference: ReferenceSettings, fit: RetargetSettings) -> dict[str, Path]:
    """Make (once) a body and the reference fitted to it, in the cache folder.

    Returns:
        Paths of `model`, `manifest` and `reference`.

    Raises:
        InputError: if the settings or the reference's source file are wrong.
    """
    from myoassist.models.build import build
    from myoassist.reference.preprocess import preprocess
    from myoassist.reference.retarget import retarget

    source = data_file(reference.source)
    key = hashlib.sha256(
        "\n".join(
            [model.canonical(), reference.canonical(), fit.canonical()]
            + [fingerprint(stage) for stage in ("build", "preprocess", "retarget")]
            + [source.read_text(encoding="utf-8")]
        ).encode()
    ).hexdigest()[:16]
    folder = cache_folder() / f"{model.body}-{model.device or 'bare'}-{key}"
    files = {
        "model": folder / "model.mjb",
        "manifest": folder / "manifest.json",
        "reference": folder / "reference.h5",
    }
    if not all(path.is_file() for path in files.values()):
        build(model, model=files["model"], manifest=files["manifest"])
        motion = folder / "motion.h5"
        preprocess(reference, source=source, output=motion)
        retarget(
            fit,
            reference=motion,
            model=files["model"],
            manifest=files["manifest"],
            output=files["reference"],
        )
    return files


def data_file(relative: str) -> Path:
    """Find a data file: in the working folder, in a checkout of the project or in the installed package.

    Raises:
        InputError: if it is in none of them.
    """
    package = Path(__file__).parent
    for folder in (Path(), package.parent, package):
        if (folder / relative).is_file():
            return folder / relative
    raise InputError(f"{relative}: file not found")


def experiment_file(name: str) -> Path:
    """Find one of the project's own experiments, in the same places as `data_file`.

    Raises:
        InputError: if it is in none of them.
    """
    installed = Path(__file__).parent / "experiments" / f"{name}.json"
    return installed if installed.is_file() else data_file(f"configs/experiments/{name}.json")


def cache_folder() -> Path:
    """The folder for made assets: `MYOASSIST_CACHE`, or `myoassist` in the user's cache."""
    own = os.environ.get("MYOASSIST_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "myoassist"
