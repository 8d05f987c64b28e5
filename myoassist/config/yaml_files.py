"""YAML files of plain data, read without the surprises of YAML 1.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from myoassist.config.base import read_text
from myoassist.errors import InputError

LARGEST_DOCUMENT = 1_000_000
"""Values in a file."""


class _Loader(yaml.SafeLoader):
    """The safe loader, refusing what would silently lose something, or grow without end."""

    def get_single_node(self) -> yaml.Node | None:
        """Compose the document; anchors that repeat each other must not make a few lines into millions."""
        node = super().get_single_node()
        if node is not None and _spelt_out(node, {}) > LARGEST_DOCUMENT:
            raise InputError("anchors repeat more than a matrix can hold")
        return node


def _spelt_out(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the values of a document with every anchor written out."""
    if id(node) not in known:
        known[id(node)] = LARGEST_DOCUMENT  # of an anchor within itself
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        inner = (item for part in parts for item in (part if isinstance(part, tuple) else (part,)))
        known[id(node)] = 1 + sum(_spelt_out(item, known) for item in inner)
    return known[id(node)]


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
    text = read_text(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise InputError(f"{path}: not valid YAML: nested too deeply") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise InputError(f"{path}: not valid YAML{place}: {problem}") from None
