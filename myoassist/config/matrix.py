"""The matrix file: which experiments, axes and seeds a workflow run covers, and what is evaluated of each run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from myoassist.config.base import Settings
from myoassist.config.experiment import Experiment, SafeName, check_name
from myoassist.config.report import LARGEST_PAGE_MB
from myoassist.config.study import LABEL, ComparisonSettings

BEST = "best"
"""Instead of a number of steps: the checkpoint that is the best by `evaluation.best` of its experiment."""

LONGEST_ID = 120
"""Characters of a run's id; it is the name of a folder and part of those of logs, and a file system takes 255 bytes."""

MATRIX_FIELDS = ("experiment", "label", "scenario", "seed")
"""Words that an axis cannot be called, since exclusions and comparisons use them."""


def _field_name(name: str) -> str:
    parts = name.split(".")
    if not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+", name) or parts[0] not in Experiment.model_fields:
        sections = ", ".join(key for key in Experiment.model_fields if key != "description")
        raise ValueError(f"'{name[:60]}' is no dotted field of an experiment (its sections: {sections})")
    return name


def _experiment_name(name: str) -> str:
    if name.endswith(".json"):
        check_name(Path(name).stem)
        return name
    return check_name(name)


def _checkpoint(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"final|best|all|every [1-9][0-9]{0,5}", value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ValueError("expected 'final', 'best', 'all', 'every N' (segments) or a number of steps")


FieldName = Annotated[str, AfterValidator(_field_name)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
RunName = Annotated[str, Field(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*-s[0-9]+$", max_length=LONGEST_ID)]


class ExperimentEntry(Settings):
    """An experiment of a matrix, with seeds of its own if it is not to have those of the matrix."""

    name: Annotated[str, AfterValidator(_experiment_name)] = Field(description="as in a list of names alone")
    seeds: tuple[Seed, ...] | None = Field(None, min_length=1, description="left out: those of the matrix")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: an entry is listed twice")
        return self


def _entry(value: Any) -> Any:
    """Read a name alone as an experiment with the seeds of the matrix."""
    return {"name": _experiment_name(value)} if isinstance(value, str) else value


Entry = Annotated[ExperimentEntry, BeforeValidator(_entry, json_schema_input_type=str | ExperimentEntry)]


class Matrix(Settings):
    """A matrix file. Its own name is that of its results folder."""

    title: str = Field("", max_length=200, description="heading of the report; left out: the file's name")
    description: str = Field("", max_length=5000, description="what the matrix is about, for the report")
    experiments: tuple[Entry, ...] = Field(
        min_length=1,
        description="names of files in ../experiments, or paths of .json files relative to the matrix file; {name,"
        " seeds} gives one seeds of its own",
    )
    pretrained: tuple[RunName, ...] = Field(
        (), description="names of folders in ../../pretrained: policies that are evaluated too, without training"
    )
    axes: dict[SafeName, dict[SafeName, dict[FieldName, Any]]] = Field(
        {},
        description="axis -> value name -> dotted fields that it overrides; axes are crossed with each other,"
        " fields of one value are linked. A value that overrides nothing does not show in run ids",
    )
    exclude: tuple[dict[str, str | int], ...] = Field(
        (), description="combinations left out, by axis (also: experiment, seed); all named parts must agree"
    )
    seeds: tuple[Seed, ...] = Field((1,), min_length=1, description="seeds of training and evaluation")
    checkpoints: tuple[Annotated[Any, AfterValidator(_checkpoint)], ...] = Field(
        ("final",), min_length=1, description="what is evaluated: final, best, all, every N (segments), or steps"
    )
    retention: tuple[Annotated[Any, AfterValidator(_checkpoint)], ...] = Field(
        (),
        description="checkpoints that `myoassist matrix thin` keeps besides the final one, those that are evaluated,"
        " the best and those that other runs start from: best, all, every N (segments), or steps",
    )
    largest_page_mb: float = Field(
        LARGEST_PAGE_MB, gt=0, description="above this, the report becomes an overview and a zip with everything"
    )
    scenarios: tuple[SafeName, ...] | None = Field(
        None, min_length=1, description="scenarios to evaluate; left out: all that an experiment has"
    )
    comparisons: dict[SafeName, ComparisonSettings] = Field(
        {}, description="name -> a baseline and the conditions that are compared with it, paired where seeds pair"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("experiments", "pretrained", "seeds", "checkpoints", "retention", "scenarios"):
            items = getattr(self, name) or ()
            if len(set(items)) < len(items):
                raise ValueError(f"{name}: an entry is listed twice")
        for axis, values in self.axes.items():
            if axis in MATRIX_FIELDS:
                raise ValueError(f"axes: '{axis}' cannot be the name of an axis")
            if not values:
                raise ValueError(f"axes.{axis}: at least one named value is needed")
        self._refuse_conflicts()
        names = {Path(entry.name).stem for entry in self.experiments}
        seeds = {*self.seeds, *(seed for entry in self.experiments for seed in entry.seeds or ())}
        if len(names) < len(self.experiments):
            raise ValueError("experiments: two files have the same name")
        for index, parts in enumerate(self.exclude):
            for key, value in parts.items():
                known: Any = {"experiment": names, "seed": seeds, **self.axes}.get(key)
                if known is None:
                    raise ValueError(f"exclude.{index}: unknown axis '{key}'")
                if value not in known:
                    raise ValueError(f"exclude.{index}.{key}: unknown value '{value}'")
        names |= {pretrained_name(entry) for entry in self.pretrained}
        for place, selection in self.selections():
            for key, value in selection.items():
                known = {"experiment": names, "scenario": self.scenarios or (value,), **self.axes}.get(key)
                if key == LABEL:
                    continue
                if known is None:
                    raise ValueError(f"{place}: unknown axis '{key}'")
                if value not in known:
                    raise ValueError(f"{place}.{key}: unknown value '{value}' (known: {', '.join(sorted(known))})")
        called: dict[str, dict[str, str]] = {}
        for place, selection in self.selections():
            label = selection.get(LABEL)
            if label is not None and called.setdefault(label, selection) != selection:
                raise ValueError(f"{place}.label: '{label}' already means something else")
        return self

    def _refuse_conflicts(self) -> None:
        """Refuse overrides of which only the last would hold: of one field, or of a field and of a part of it."""
        overrides = [
            (axis, value, field)
            for axis, values in self.axes.items()
            for value, fields in values.items()
            for field in fields
        ]
        where: dict[str, dict[str, list[str]]] = {}
        for axis, value, field in overrides:
            where.setdefault(field, {}).setdefault(axis, []).append(value)
        for axis, value, field in overrides:
            words = field.split(".")
            for whole in (".".join(words[:end]) for end in range(1, len(words) + 1)):
                for other, values in where.get(whole, {}).items():
                    if other != axis or (value in values and whole != field):  # of one axis, a run has one value
                        its = value if other == axis else values[0]
                        also = "too" if whole == field else f"overrides its part {field}"
                        raise ValueError(f"axes: {other}.{its} overrides {whole}, and {axis}.{value} {also}")

    def selections(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield every selection of the comparisons with its place in the file."""
        for name, comparison in self.comparisons.items():
            yield f"comparisons.{name}.baseline", comparison.baseline
            for index, selection in enumerate(comparison.conditions):
                yield f"comparisons.{name}.conditions.{index}", selection


def pretrained_name(entry: str) -> str:
    """Return the name that stands for the experiment of a policy that was trained before."""
    return f"{entry.rsplit('-s', 1)[0].replace('-', '_')}_pretrained"
