"""JSON files with a format name, a version and a digest of their content, so that damage is noticed.

A digit that changes in a JSON file leaves a JSON file. The field ``sha256`` is over everything else in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myoassist.config.base import canonical, read_json
from myoassist.errors import InputError
from myoassist.formats.files import write_json

DIGEST = "sha256"
BEST_FORMAT, BEST_VERSION = "myoassist-best", 1
MANIFEST_FORMAT, MANIFEST_VERSION = "myoassist-model", 2
TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION = "myoassist-train-log", 1
VALIDATION_FORMAT, VALIDATION_VERSION = "myoassist-validation", 1


def write_document(path: Path | str, kind: str, version: int, content: Mapping[str, Any]) -> None:
    """Write a document, atomically.

    Args:
        path: where it goes.
        kind: name of the format.
        version: of the format.
        content: plain data without NaN, with text as keys.
    """
    value = {"format": kind, "version": version, **content}
    write_json(path, {**value, DIGEST: _digest(json.loads(json.dumps(value, allow_nan=False)))})


def read_document(path: Path | str, kind: str, version: int) -> dict[str, Any]:
    """Read a document.

    A document without a digest is accepted: earlier versions wrote none, and people write some by hand.

    Returns:
        Its content, without format, version and digest.

    Raises:
        InputError: if the file is missing, no JSON object, damaged, of another format or of an unknown version.
    """
    value = read_json(Path(path))
    if not isinstance(value, dict) or value.get("format") != kind:
        raise InputError(f"{path}: field 'format': expected '{kind}'")
    if value.get("version") != version:
        raise InputError(f"{path}: field 'version': expected {version} (found {value.get('version')!r})")
    digest = value.pop(DIGEST, None)
    if digest is not None and digest != _digest(value):
        raise InputError(f"{path}: damaged or edited (field '{DIGEST}': its content has another digest)")
    return {key: item for key, item in value.items() if key not in ("format", "version")}


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
