"""Figures by name: a new plot is one function with ``@figure`` and its name in `myoassist.config.figures`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.figure import Figure

Kind = Literal["run", "matrix"]


@dataclass(frozen=True)
class Drawing:
    """A drawn figure and its caption, which tells units and how many cycles, episodes or seeds are shown."""

    figure: Figure
    caption: str


@dataclass(frozen=True)
class Entry:
    """A registered figure.

    Attributes:
        name: its name in settings and files.
        kind: ``run`` for one run in one scenario, ``matrix`` for figures across runs.
        title: short title for reports.
        category: heading under which reports list it.
        function: draws it from `RunData` or `MatrixData`.
    """

    name: str
    kind: Kind
    title: str
    category: str
    function: Callable[[Any], Drawing]


FIGURES: dict[str, Entry] = {}


def figure(
    name: str, *, title: str, category: str, kind: Kind = "run"
) -> Callable[[Callable[[Any], Drawing]], Callable[[Any], Drawing]]:
    """Register a function that draws a figure.

    Args:
        name: unique name.
        title: short title for reports.
        category: heading under which reports list it.
        kind: what the function takes: ``run`` data or ``matrix`` data.
    """

    def register(function: Callable[[Any], Drawing]) -> Callable[[Any], Drawing]:
        if name in FIGURES:
            raise ValueError(f"figure '{name}' is registered twice")
        FIGURES[name] = Entry(name, kind, title, category, function)
        return function

    return register
