"""What an experiment is: one file that holds, or inherits, the settings of every stage."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from myoassist.config.analysis import AnalysisSettings
from myoassist.config.base import Settings, describe, read_json
from myoassist.config.curriculum import PhaseSettings, merged, phase_environment
from myoassist.config.environment import EnvironmentSettings
from myoassist.config.evaluation import BestSettings, ContactSheetSettings, EvaluationStage, Scenario, VideoSettings
from myoassist.config.figures import FiguresSettings
from myoassist.config.model import ModelSettings
from myoassist.config.policy import CriticSettings, NetworkSettings
from myoassist.config.reference import ReferenceSettings, RetargetSettings
from myoassist.config.training import SegmentSettings, TrainingSettings
from myoassist.config.validation import ValidationSettings, ValidationStage
from myoassist.errors import InputError

SAFE_NAME = r"[a-z0-9]+(_[a-z0-9]+)*"
"""Names that become part of a path: lower-case letters and digits, words joined by single underscores."""


def check_name(name: str) -> str:
    """Accept a name that is safe in paths, shell commands and run ids; at most 48 characters."""
    if not re.fullmatch(SAFE_NAME, name) or len(name) > 48:
        raise ValueError(f"name '{name[:60]}' must be lower-case letters, digits and single underscores, at most 48")
    return name


SafeName = Annotated[str, AfterValidator(check_name)]


class EvaluationSettings(Settings):
    """What is done with a trained policy: scenarios that it is put through, and how they are filmed."""

    scenarios: dict[SafeName, Scenario] = Field(
        {"level": Scenario()}, min_length=1, description="scenario name -> its settings"
    )
    video: VideoSettings = VideoSettings()
    contact_sheet: ContactSheetSettings = ContactSheetSettings()
    best: BestSettings = Field(BestSettings(), description="what a matrix's checkpoint 'best' is")


class Experiment(Settings):
    """Everything that one experiment depends on; a section for each stage."""

    description: str = Field("", max_length=2000, description="what the experiment is about, for the report")
    model: ModelSettings = ModelSettings()
    reference: ReferenceSettings = ReferenceSettings()
    retarget: RetargetSettings = RetargetSettings()
    environment: EnvironmentSettings = EnvironmentSettings()
    validation: ValidationSettings = ValidationSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    figures: FiguresSettings = FiguresSettings()

    @model_validator(mode="after")
    def _phases(self) -> Self:
        for phase in self.training.curriculum:
            phase_environment(phase, self.environment)
            self._on_ground_of(phase)
        return self

    @model_validator(mode="after")
    def _scenarios(self) -> Self:
        for name, scenario in self.evaluation.scenarios.items():
            self.scenario_model(name)
            self.scenario_video(name)
            if scenario.device_torque_scale is not None and self.model.device is None:
                raise ValueError(f"evaluation.scenarios.{name}.device_torque_scale: the model has no device")
        return self

    @model_validator(mode="after")
    def _networks(self) -> Self:
        policy = self.training.policy
        networks: dict[str, NetworkSettings | CriticSettings] = dict(policy.networks or {})
        if isinstance(policy.critic, CriticSettings):
            networks["critic"] = policy.critic
        observed = [group.name for group in self.environment.observation.groups]
        actions = ["muscles"] if self.model.device is None else ["muscles", "device"]
        for name, network in networks.items():
            wanted = [("observes", group, observed) for group in network.observes or ()]
            if isinstance(network, NetworkSettings):
                wanted += [("acts", group, actions) for group in network.acts]
            for field_name, group, known in wanted:
                if group.split("/")[0] not in known:
                    place = "critic" if name == "critic" else f"networks.{name}"
                    raise ValueError(
                        f"training.policy.{place}.{field_name}: no group '{group}' (known: {', '.join(known)})"
                    )
        return self

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read an experiment file and the files that it extends.

        Args:
            path: the JSON file. Its field ``extends`` names another one, relative to itself, whose values it
                overrides: objects are merged field by field, everything else is replaced.

        Raises:
            InputError: naming the file that holds the mistake, the field and what was expected.
        """
        return cls.from_layers(Layers.read(Path(path)))

    @classmethod
    def from_layers(cls, layers: Layers) -> Self:
        """Validate merged files.

        Raises:
            InputError: naming the file that holds the mistake, the field and what was expected.
        """
        try:
            return cls.model_validate(_with_class_file(layers))
        except ValidationError as error:
            raise InputError(describe(error, layers.origin_of(error))) from None

    def override(self, values: Mapping[str, Any], *, where: str) -> Self:
        """Return the experiment with some fields changed.

        Args:
            values: new values by dotted field name, such as ``{"training.n_envs": 16}``; objects are merged.
            where: what an error shall name as the origin of the values.

        Raises:
            InputError: naming origin, field and expectation.
        """
        if not values:
            return self
        data, origins = self.plain(), {}
        for name, value in values.items():
            nested: Any = value
            for part in reversed(name.split(".")):
                nested = {part: nested}
            data = _merge(data, nested, (), where, origins)
        return type(self).parse(data, where=where)

    def plain(self) -> dict[str, Any]:
        """Return the complete experiment as plain data that `parse` reads again."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def file_schema(cls) -> dict[str, Any]:
        """Return the JSON schema of an experiment file, which may also have the field ``extends``."""
        schema = cls.model_json_schema()
        extends = {"type": "string", "description": "file to inherit from, relative to this one"}
        schema["properties"] = {"$schema": {"type": "string"}, "extends": extends, **schema["properties"]}
        return schema

    def check_files(self, *, where: str) -> None:
        """Check that the files which the experiment names exist, relative to the working folder.

        Names with braces are refused: a workflow would take them for wildcards, and read another file.

        Raises:
            InputError: naming ``where``, the field and the file.
        """
        start = self.training.warm_start
        named = {
            "reference.source": self.reference.source,
            "training.warm_start.file": None if start is None else start.file,
        }
        for name, file in named.items():
            if file is None:
                continue
            if not Path(file).is_file():
                raise InputError(f"{where}: field '{name}': file {file} not found")
            if "{" in file or "}" in file:
                raise InputError(f"{where}: field '{name}': expected a file name without braces (found {file})")

    def classes(self) -> tuple[str, ...]:
        """Name the user's own classes, whose files count as code of the stages that use the environment."""
        name = self.environment.environment_class
        return () if name is None else (name,)

    def validation_stage(self) -> ValidationStage:
        """Return what the stage `validate` depends on."""
        return ValidationStage(environment=self.environment, validation=self.validation)

    def segments(self, seed: int) -> list[SegmentSettings]:
        """Return what each segment of a training run depends on, in order."""
        return self.training.segments(self.environment, seed)

    def segment_models(self, segment: SegmentSettings) -> list[ModelSettings]:
        """Return the models that a segment could train on, in the order that its phases count them."""
        if segment.curriculum is None:
            return [self.model]
        phases = {phase.name: phase for phase in self.training.curriculum}
        bodies = {possible.body: self._on_ground_of(phases[possible.name]) for possible in segment.curriculum.phases}
        return [bodies[body] for body in sorted(bodies)]

    def with_model(self, model: ModelSettings) -> Self:
        """Return the experiment with another model."""
        return (
            self if model == self.model else type(self).parse({**self.plain(), "model": model.model_dump(mode="json")})
        )

    def _on_ground_of(self, phase: PhaseSettings) -> ModelSettings:
        return self._on_ground(phase.ground, where=f"training.curriculum: phase '{phase.name}'")

    def _on_ground(self, ground: Mapping[str, Any], *, where: str) -> ModelSettings:
        if not ground:
            return self.model
        return ModelSettings.parse(merged(self.model.model_dump(mode="json"), {"ground": ground}), where=where)

    def scenario_model(self, scenario: str) -> ModelSettings:
        """Return the model that a scenario walks with: the experiment's, perhaps on another ground.

        Raises:
            InputError: if there is no such scenario, or no such ground.
        """
        return self._on_ground(self._scenario(scenario).ground, where=f"evaluation.scenarios: '{scenario}'")

    def scenario_video(self, scenario: str) -> VideoSettings:
        """Return how a scenario is filmed.

        Raises:
            InputError: if there is no such scenario, or it cannot be filmed like that.
        """
        video, changed = self.evaluation.video, self._scenario(scenario).video
        if not changed:
            return video
        where = f"evaluation.scenarios: '{scenario}': video"
        return VideoSettings.parse(merged(video.model_dump(mode="json"), changed), where=where)

    def _scenario(self, name: str) -> Scenario:
        known = self.evaluation.scenarios
        if name not in known:
            raise InputError(f"field 'evaluation.scenarios': no scenario '{name}'; known are {', '.join(known)}")
        return known[name]

    def evaluation_stage(self, scenario: str, seed: int) -> EvaluationStage:
        """Return what the stage `evaluate` depends on.

        Raises:
            InputError: if the experiment has no such scenario.
        """
        return EvaluationStage(environment=self.environment, scenario=self._scenario(scenario).settings(), seed=seed)

    @cached_property
    def model_key(self) -> str:
        """Name of the folder of the compiled model; equal settings share it."""
        return content_key(self.model)

    @cached_property
    def reference_key(self) -> str:
        """Name of the folder of the model-free reference."""
        return content_key(self.reference)

    @cached_property
    def retarget_key(self) -> str:
        """Name of the folder of the reference fitted to the body."""
        return content_key(self.reference, self.model, self.retarget)


def _with_class_file(layers: Layers) -> dict[str, Any]:
    """Name an own class's file from the working folder, which may lie beside the experiment file that names it."""
    environment = layers.data.get("environment")
    named = environment.get("environment_class") if isinstance(environment, dict) else None
    if not isinstance(named, str) or ".py:" not in named:
        return layers.data
    file, name = named.rsplit(":", 1)
    beside = normal_path(Path(layers.origins["environment", "environment_class"]).parent / file)
    if not beside.is_file():
        return layers.data
    if beside.is_absolute() and beside.is_relative_to(Path.cwd()):
        beside = beside.relative_to(Path.cwd())
    return {**layers.data, "environment": {**environment, "environment_class": f"{beside}:{name}"}}


def content_key(*settings: Settings) -> str:
    """Return a short hash over settings: 10 hexadecimal digits."""
    return hashlib.sha256("\n".join(item.canonical() for item in settings).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Layers:
    """Plain data merged from an experiment file and those it extends, with the origin of every value.

    Attributes:
        files: the file itself, then what it extends, in order.
        data: the merged object, without ``extends``.
        origins: path of a value -> the file (or other origin) that set it last.
    """

    files: tuple[Path, ...]
    data: dict[str, Any]
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, below: tuple[Path, ...] = ()) -> Self:
        """Read a file and, first, the one that it extends.

        Raises:
            InputError: if a file is missing or no JSON object, or if files extend each other in a circle.
        """
        if path.resolve() in [file.resolve() for file in below]:
            circle = " extends ".join(str(file) for file in (*below, path))
            raise InputError(f"{below[-1]}: field 'extends': files extend each other in a circle ({circle})")
        if below and not path.is_file():
            raise InputError(f"{below[-1]}: field 'extends': file {path} not found")
        content = read_json(path)
        if not isinstance(content, dict):
            raise InputError(f"{path}: expected a JSON object with the sections of an experiment")
        own = dict(content)
        own.pop("$schema", None)
        extends = own.pop("extends", None)
        if extends is None:
            base = cls(files=(), data={})
        elif isinstance(extends, str) and extends.endswith(".json"):
            base = cls.read(normal_path(path.parent / extends), (*below, path))
        else:
            raise InputError(f"{path}: field 'extends': expected the path of a .json file")
        origins = dict(base.origins)
        data = _merge(base.data, own, (), str(path), origins)
        return cls(files=(path, *base.files), data=data, origins=origins)

    def origin_of(self, error: ValidationError) -> str:
        """Name the file that the first mistake stands in, or the outermost one."""
        place = tuple(str(part) for part in error.errors()[0]["loc"])
        for end in range(len(place), 0, -1):
            if place[:end] in self.origins:
                return self.origins[place[:end]]
        return str(self.files[0])


def normal_path(path: Path) -> Path:
    """Take ``..`` out of a path as text: symbolic links are left alone."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)


def _merge(
    base: dict[str, Any],
    over: dict[str, Any],
    place: tuple[str, ...],
    where: str,
    origins: dict[tuple[str, ...], str],
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        here = (*place, key)
        origins[here] = where
        if isinstance(value, dict):
            old = merged.get(key)
            merged[key] = _merge(old if isinstance(old, dict) else {}, value, here, where, origins)
        else:
            merged[key] = value
    return merged
