"""Compiling the arithmetic between two physics calls to machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and numbers at its first call, and keep the machine code for later processes.

    Between two physics calls nothing is left in the processor's caches, so that what counts is how much different
    code runs: one loop over bodies takes as long as two or three calls of NumPy. Arithmetic is done in the order as
    written, in IEEE's double precision (`fastmath` is off), so it gives what NumPy would.

    The code is kept in `__pycache__` beside the source, or in the user's cache folder where that is not writable, or
    not at all. What is kept is known to be old by the time stamp of the function's own file, so a compiled function
    must not call compiled functions of other files.
    """
    try:
        return numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # nowhere to keep it
        return numba.njit(error_model="numpy")(function)
