"""placeholder."""
from pathlib import Path


def write_retarget_figure(fitted, settings, path: Path) -> None:
    """Draw."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
