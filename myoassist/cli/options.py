"""What the commands have in common: how settings are given, and how files and numbers are checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from tyro.conf import OmitArgPrefixes, arg

from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.config.base import Settings
    from myoassist.config.experiment import Experiment

    SettingsT = TypeVar("SettingsT", bound=Settings)

File = Annotated[Path, arg(metavar="FILE")]
Files = Annotated[tuple[Path, ...], arg(metavar="FILE ...")]
Number = Annotated[int | None, arg(metavar="INT", help_behavior_hint="")]
Word = Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")]
Words = Annotated[tuple[str, ...], arg(metavar="NAME ...", help_behavior_hint="")]
Folder = Annotated[Path, arg(metavar="DIR")]
OptionalFile = Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")]
OptionalFolder = Annotated[Path | None, arg(metavar="DIR", help_behavior_hint="")]
Given = Annotated[str, arg(metavar="JSON|FILE")]
Assignments = Annotated[tuple[str, ...], arg(metavar="FIELD=VALUE ...", help_behavior_hint="")]


@dataclass(frozen=True)
class SettingsSource:
    """Where the stage's settings come from."""

    settings: Annotated[str | None, arg(metavar="JSON|FILE", help_behavior_hint="")] = None
    """The stage's own settings, as JSON text or a JSON file."""
    experiment: OptionalFile = None
    """An experiment file; the stage takes what it needs from it."""
    set: Assignments = ()
    """With --experiment: override fields, e.g. training.n_envs=16 (values in JSON)."""

    def take(self, kind: type[SettingsT], pick: Callable[[Experiment], SettingsT]) -> SettingsT:
        """Return the stage's settings.

        Raises:
            InputError: if neither or both sources are given, or what they hold is wrong.
        """
        if (self.settings is None) == (self.experiment is None):
            raise InputError("give the settings either by --settings JSON|FILE or by --experiment FILE")
        if self.settings is not None:
            if self.set:
                raise InputError("--set: only together with --experiment")
            return load_settings(kind, self.settings)
        return pick(self.read_experiment())

    def read_experiment(self) -> Experiment:
        """Read the experiment file and apply the overrides.

        Raises:
            InputError: if no file is given or something in it, or in an override, is wrong.
        """
        from myoassist.config.experiment import Experiment

        if self.experiment is None:
            raise InputError("--experiment: an experiment file is needed here")
        return Experiment.from_file(self.experiment).override(overrides(self.set), where="--set")


Source = OmitArgPrefixes[SettingsSource]


def load_settings(kind: type[SettingsT], text: str) -> SettingsT:
    """Read settings given as JSON text, packed text or the name of a JSON file.

    Raises:
        InputError: naming the file and the field that is wrong.
    """
    from myoassist.config.packed import unpack

    return kind.load(unpack(text))


def overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """Read assignments such as ``training.n_envs=16``; a value that is not JSON is text.

    Raises:
        InputError: if one has no ``=``, or no dotted name before it.
    """
    result: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not all(name.split(".")):
            raise InputError(f"--set: expected FIELD=VALUE such as training.n_envs=16 (found {assignment!r})")
        try:
            result[name] = json.loads(value)
        except json.JSONDecodeError:
            result[name] = value
    return result


def require(**files: Path | None) -> None:
    """Check that input files are there, before anything is computed.

    Raises:
        InputError: naming the option and the file.
    """
    for option, path in files.items():
        if path is not None and not path.is_file():
            found = "is no file" if path.exists() else "not found"
            raise InputError(f"--{option.replace('_', '-')}: file {path} {found}")


def only_with_experiment(source: SettingsSource, **options: Any) -> None:
    """Refuse options that pick something out of an experiment where none is given.

    Raises:
        InputError: naming the option.
    """
    for option, value in options.items():
        if value is not None and source.experiment is None:
            raise InputError(f"--{option}: only together with --experiment")


def at_least_one(**options: int | None) -> None:
    """Refuse counts below one.

    Raises:
        InputError: naming the option.
    """
    for option, value in options.items():
        if value is not None and value < 1:
            raise InputError(f"--{option.replace('_', '-')}: expected 1 or more (found {value})")


def as_film(**options: Path | None) -> None:
    """Refuse names of videos that are not .mp4, before anything is computed.

    Raises:
        InputError: naming the option and the file.
    """
    for option, path in options.items():
        if path is not None and path.suffix != ".mp4":
            raise InputError(f"--{option}: expected a name that ends in .mp4 (found {path})")


def complain(error: Exception) -> None:
    """Print an error as one line."""
    print(f"myoassist: {' '.join(str(error).split())}", file=sys.stderr)
