"""YAML files of plain data, read without the surprises of YAML 1.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from myoassist.errors import InputError


class _Loader(yaml.SafeLoader):
    """The safe loader, refusing what would silently lose something."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise InputError(f"line {key_node.start_mark.line + 1}: key {key!r} is no text; put it in quotes")
        if key in result:
            raise InputError(f"line {key_node.start_mark.line + 1}: field '{key}' is given twice")
        result[key] = loader.construct_object(value_node, deep=True)
    return result


# Words such as `off` and `no` are names here, as in YAML 1.2; the safe loader would read them as false.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """Read a YAML file of plain data.

    Raises:
        InputError: if it is missing, not UTF-8, not YAML, or gives a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    try:
        return yaml.load(text, Loader=_Loader)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise InputError(f"{path}: not valid YAML{place}: {problem}") from None
