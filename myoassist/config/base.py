"""The common ground of all settings: strict, frozen, and with one canonical text form."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from myoassist.errors import InputError

LARGEST_TEXT_BYTES = 256_000_000


class Settings(BaseModel):
    """Base of every settings class: unknown fields are errors, values do not change after creation."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True
    )

    def canonical(self) -> str:
        """Return the settings as canonical JSON (defaults filled in, sorted keys, no spaces).

        Equal settings give equal text, so the text serves as a cache key and as a Snakemake parameter.
        """
        return canonical(self.model_dump(mode="json"))

    @classmethod
    def parse(cls, value: Any, *, where: str = "settings") -> Self:
        """Validate a plain value (dict as read from JSON).

        Args:
            value: what to validate.
            where: file name (or other origin) that the error message shall name.

        Raises:
            InputError: naming origin, field and expectation, for the first few problems.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InputError(describe(error, where)) from None

    @classmethod
    def load(cls, source: str | Path) -> Self:
        """Validate canonical JSON text (starts with ``{``) or the JSON file with that path.

        Raises:
            InputError: if the file is missing or unreadable, the JSON is malformed or a field is wrong.
        """
        text = str(source)
        if text.lstrip().startswith("{"):
            return cls.parse(decode_json(text, where="settings"), where="settings")
        return cls.parse(read_json(Path(text)), where=text)


def canonical(value: Any) -> str:
    """Serialise plain data to canonical JSON: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: if it is missing, not a file, not UTF-8 or not JSON.
    """
    return decode_json(read_text(path), where=str(path))


def read_text(path: Path) -> str:
    """Read a text file of at most `LARGEST_TEXT_BYTES`.

    Raises:
        InputError: if it is missing, not a file, too large or not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_TEXT_BYTES:
            raise InputError(f"{path}: {size:,} bytes; expected at most {LARGEST_TEXT_BYTES:,}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None


def decode_json(text: str, *, where: str) -> Any:
    """Decode JSON text, refusing duplicate keys, NaN and infinities.

    Raises:
        InputError: naming ``where``, line and column.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in pairs:
            if key in result:
                raise InputError(f"{where}: field '{key}' is given twice")
            result[key] = item
        return result

    def refuse(constant: str) -> Any:
        raise InputError(f"{where}: {constant} is not a number that settings may hold")

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(shorten(digits))

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except InputError:
        raise
    except (RecursionError, ValueError) as error:  # brackets without end; numbers with thousands of digits
        raise InputError(f"{where}: not JSON that settings may hold ({shorten(str(error), 160)})") from None


def describe(error: ValidationError, where: str) -> str:
    """Turn a pydantic error into one line: origin, field, expectation, and the value that was found."""
    problems = []
    for item in error.errors()[:3]:
        field = ".".join(str(part) for part in item["loc"])
        prefix = f"field '{field}': " if field else ""
        message, value = item["msg"].removeprefix("Value error, "), item["input"]
        if item["type"] == "extra_forbidden":
            message = "unknown field"
        elif item["type"] in ("model_type", "dict_type"):
            message = f"expected named fields (found {shorten(value)})"
        elif item["type"] != "missing" and not (item["type"] == "value_error" and isinstance(value, Mapping)):
            message += f" (found {shorten(value)})"  # a rule about several fields names them itself
        problems.append(prefix + message)
    more = len(error.errors()) - len(problems)
    tail = f"; and {more} more" if more > 0 else ""
    return f"{where}: " + "; ".join(problems) + tail


def shorten(value: Any, limit: int = 60) -> str:
    """Show a value in at most ``limit`` characters on one line."""
    text = repr(value).replace("\n", " ")
    return text if len(text) <= limit else text[: limit - 1] + "…"
