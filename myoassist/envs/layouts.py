"""What every number of an observation and of an action means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A named run of an observation or an action.

    Attributes:
        name: of the group, as in the settings.
        start: first index.
        stop: one past the last index.
        labels: a name for every number.
        unit: of the unscaled numbers.
        scale: observed = clip(scale x value); 1 for actions.
    """

    name: str
    start: int
    stop: int
    labels: tuple[str, ...]
    unit: str
    scale: float = 1.0

    @property
    def slice(self) -> slice:
        """The block as a slice of the last axis."""
        return slice(self.start, self.stop)

    def __len__(self) -> int:
        return self.stop - self.start


class Layout(tuple[Block, ...]):
    """The blocks of an observation or an action in their order."""

    @classmethod
    def of(cls, parts: Sequence[tuple[str, Sequence[str], str, float]]) -> Layout:
        """Stack (name, labels, unit, scale) parts behind each other."""
        blocks, start = [], 0
        for name, labels, unit, scale in parts:
            blocks.append(Block(name, start, start + len(labels), tuple(labels), unit, scale))
            start += len(labels)
        return cls(blocks)

    @property
    def size(self) -> int:
        """Length of the whole vector."""
        return self[-1].stop if self else 0

    @property
    def labels(self) -> list[str]:
        """`group/label` for every number."""
        return [f"{block.name}/{label}" for block in self for label in block.labels]

    def block(self, name: str) -> Block:
        """Return the block with that name.

        Raises:
            KeyError: if there is none.
        """
        for block in self:
            if block.name == name:
                return block
        raise KeyError(f"no block '{name}' (blocks: {', '.join(block.name for block in self)})")
