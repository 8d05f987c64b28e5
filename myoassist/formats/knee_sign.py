"""Which way a body's knee bends: flexion is negative in most, and reports turn it round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def knee_flexion_sign(manifest: Mapping[str, Any]) -> int:
    """Return 1 if knee flexion is positive in the model, by the larger part of the knee's range, else -1.

    Args:
        manifest: of the model, as plain data; its joints give ``name`` and ``range`` (rad).
    """
    for joint in manifest.get("joints", []):
        limits = joint.get("range")
        if joint.get("name") == "knee_angle_r" and limits and limits[1] > -limits[0]:
            return 1
    return -1
