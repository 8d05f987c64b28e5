"""A SLURM of one node for the tests of this folder, where it can be started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slurm_node import SlurmNode, missing, running_node


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmNode]:
    if reason := missing():
        pytest.skip(f"the one-node SLURM {reason}")
    with running_node() as node:
        yield node
