"""Captions of figures: reStructuredText with variables, or what stands beside the pictures, to HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from docutils.core import publish_parts
from docutils.utils import SystemMessage
from jinja2 import ChainableUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from myoassist.config.base import read_json
from myoassist.errors import InputError

_FIELD = re.compile(r":(title|category):\s*(.*)")
_RST_SPECIAL = re.compile(r"([\\*`_|<>:\[\]{}])")
BESIDE = "captions.json"
"""File in a folder of pictures: figure name -> {title, category, caption}."""


@dataclass(frozen=True)
class Caption:
    """What is written about a figure; `html` is safe to insert."""

    title: str
    category: str
    html: Markup


class Captions:
    """Finds captions: a file ``<name>.rst`` in the captions folder comes before the text beside the picture."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._beside: dict[Path, dict[str, Any]] = {}
        self._jinja = SandboxedEnvironment(undefined=ChainableUndefined, finalize=_escape_rst, autoescape=False)

    def find(self, name: str, picture: Path, variables: Mapping[str, Any]) -> Caption:
        """Return the caption of a figure.

        Args:
            name: of the figure.
            picture: its file; captions may lie beside it.
            variables: what ``{{ ... }}`` in the caption may refer to; what is not known stays empty.

        Raises:
            InputError: if the caption is no valid reStructuredText or template.
        """
        source, where = self._source(name, picture)
        title, category = name.replace("_", " ").capitalize(), "Other"
        lines = source.splitlines()
        while lines and (match := _FIELD.fullmatch(lines[0].strip())):
            field, value = match.groups()
            title, category = (value, category) if field == "title" else (title, value)
            lines.pop(0)
        try:
            text = self._jinja.from_string("\n".join(lines)).render(**variables)
        except TemplateError as error:
            raise InputError(f"{where}: {error}") from None
        return Caption(title, category, to_html(text, where=where))

    def _source(self, name: str, picture: Path) -> tuple[str, str]:
        file = self._folder / f"{name}.rst" if self._folder else None
        if file is not None and file.is_file():
            return file.read_text(encoding="utf-8"), str(file)
        beside = picture.parent / BESIDE
        if beside not in self._beside:
            content = read_json(beside) if beside.is_file() else {}
            self._beside[beside] = content if isinstance(content, dict) else {}
        entry = self._beside[beside].get(name)
        if not isinstance(entry, dict):
            return "", str(beside)
        fields = "".join(
            f":{field}: {' '.join(str(entry[field]).split())}\n" for field in ("title", "category") if entry.get(field)
        )
        return fields + "\n" + str(entry.get("caption", "")).replace("{", "{{ '{' }}"), str(beside)


@cache
def to_html(text: str, *, where: str = "caption") -> Markup:
    """Turn reStructuredText into an HTML fragment; raw HTML and file inclusion are refused.

    Raises:
        InputError: if the text is malformed.
    """
    options = {
        "_disable_config": True,
        "raw_enabled": False,
        "file_insertion_enabled": False,
        "halt_level": 2,
        "report_level": 5,
        "doctitle_xform": False,
        "initial_header_level": 5,
        "syntax_highlight": "none",
        "math_output": "MathML",
        "embed_stylesheet": False,
    }
    try:
        parts = publish_parts(text, writer="html5", settings_overrides=options)
    except SystemMessage as error:
        raise InputError(f"{where}: not valid reStructuredText: {' '.join(str(error).split())[:160]}") from None
    return Markup(parts["fragment"])


def _escape_rst(value: Any) -> Any:
    """Let inserted text stand as it is instead of being read as markup."""
    return _RST_SPECIAL.sub(r"\\\1", value) if isinstance(value, str) else value
