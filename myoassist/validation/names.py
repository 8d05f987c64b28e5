"""Names in an experiment that only the body, the device or the learner can confirm."""

from __future__ import annotations

import ast
import tempfile
from functools import lru_cache
from pathlib import Path

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.model import ModelSettings
from myoassist.config.training import LearnerSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest
from myoassist.models.build import build
from myoassist.policies.hyper_parameters import check_parameters
from myoassist.provenance import class_file


def check_names(model: ModelSettings, environment: EnvironmentSettings, learner: LearnerSettings) -> None:
    """Check body, device, muscles, joints, own class, algorithm and hyper-parameters; builds the model to know.

    An own class is looked for in its file's text. Nothing of that file is run: it may come from somebody else.

    Raises:
        InputError: naming the field and what is known.
    """
    manifest = _manifest(model.canonical())
    for field, names in _joint_fields(environment).items():
        _check_joints(manifest, field, names)
    observed = {group.name for group in environment.observation.groups}
    if not manifest.devices and (environment.id == "myoAssistLegImitationExo-v0" or "device_torque" in observed):
        raise InputError("field 'model.device': the environment needs a device with motors (found none)")
    if environment.environment_class is not None:
        _check_class(environment.environment_class)
    check_parameters(learner)


def _joint_fields(environment: EnvironmentSettings) -> dict[str, list[str]]:
    reward, termination = environment.reward, environment.termination
    fields = {"environment.termination.joint_deviation_rad": list(termination.joint_deviation_rad)}
    if reward.joint_position_imitation is not None:
        fields["environment.reward.joint_position_imitation"] = list(reward.joint_position_imitation.scales_rad)
    if reward.joint_velocity_imitation is not None:
        fields["environment.reward.joint_velocity_imitation"] = list(reward.joint_velocity_imitation.scales_rad_s)
    return fields


def _check_joints(manifest: Manifest, field: str, names: list[str]) -> None:
    joints = [joint.name for joint in manifest.independent_joints if joint.name != manifest.root["forward"]]
    for name in names:
        if name not in joints and not any(f"{name}_{side}" in joints for side in SIDES):
            raise InputError(f"field '{field}': unknown joint or group '{name}' (known: {', '.join(joints)})")


def _check_class(own: str) -> None:
    field, name = "field 'environment.environment_class'", own.rsplit(":", 1)[1]
    try:
        file = class_file(own)
        tree = ast.parse(file.read_bytes())
    except InputError as error:
        raise InputError(f"{field}: {error}") from None
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{field}: {file}: not Python that can be read ({error})") from None
    if name not in _names_at_top(tree.body):
        raise InputError(f"{field}: {file} has no class '{name}'")


def _names_at_top(statements: list[ast.stmt]) -> set[str]:
    """Names that a module defines, imports or assigns, conditional blocks included."""
    names: set[str] = set()
    for node in statements:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.If | ast.Try):
            inner = [*node.body, *node.orelse, *(getattr(node, "finalbody", None) or [])]
            names |= _names_at_top(inner)
    return names


@lru_cache(maxsize=16)
def _manifest(settings: str) -> Manifest:
    with tempfile.TemporaryDirectory() as folder:
        return build(
            ModelSettings.load(settings), model=Path(folder) / "model.mjb", manifest=Path(folder) / "manifest.json"
        )
