"""One self-contained page about the runs of a matrix; an overview and an archive if that would be too large."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from loguru import logger
from markupsafe import Markup

from myoassist.config.report import ReportSettings
from myoassist.formats.files import atomic_output
from myoassist.report.contents import Contents, Gatherer
from myoassist.report.overview import DASH, EVALUATION_COLUMNS, MINUS, TRAINING_COLUMNS
from myoassist.report.packing import pack_page

_HERE = Path(__file__).parent


def build_report(settings: ReportSettings, *, root: Path, output: Path, captions: Path | None = None) -> None:
    """Write the report. It needs no other file, no network and no scripts to be read.

    A page above the settings' largest size becomes an archive beside it, of the same name but `.zip`, with the page
    and its pictures and films as files; the page itself is then an overview that points to it.

    Missing and damaged files make no error: the page lists them with the reason as far as it is known. The same
    inputs give the same bytes.

    Args:
        settings: runs, the paths of their files below ``root``, and figures across runs.
        root: results folder of the matrix.
        output: where the page goes (html).
        captions: folder with ``<figure name>.rst``; figures without one take the text beside their picture.
    """
    contents = Gatherer(settings, root, captions).gather()
    page = _render(contents)
    archive = output.with_suffix(".zip")
    if len(page.encode()) > settings.largest_page_mb * 1e6:
        pack_page(contents, archive, render=_render)
        page = _render(replace(contents, packed=archive.name))
    else:
        archive.unlink(missing_ok=True)
    with atomic_output(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    for problem in contents.problems:
        logger.warning("{} {}: {} ({})", problem.run or "matrix", problem.step, problem.what, problem.why)
    logger.info("{}: {} runs, {:.1f} MB", output, len(contents.runs), len(page) / 1e6)


def _render(contents: Contents) -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment.get_template("page.html.j2").render(
        page=contents,
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        training_columns=TRAINING_COLUMNS,
        evaluation_columns=EVALUATION_COLUMNS,
    )


def number(value: object, digits: int = 3) -> str:
    """Write a number for a table: a true minus sign, a dash where there is none, text as it is."""
    if value is None or value == "":
        return DASH
    try:
        amount = float(str(value))
    except ValueError:
        return str(value)
    if amount.is_integer() and abs(amount) < 1e15:
        return f"{int(amount):,}".replace("-", MINUS).replace(",", "\N{NO-BREAK SPACE}")
    return f"{amount:.{digits}g}".replace("-", MINUS)
