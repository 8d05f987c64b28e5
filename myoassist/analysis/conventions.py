"""How reports name, sign and scale what the files hold: degrees, flexion +, anterior tilt +, body weights.

This is the only place where analysis turns a model's sign into a report's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SIDES = ("r", "l")
SIDE_NAMES = {"r": "right", "l": "left"}


@dataclass(frozen=True)
class Angle:
    """An angle of the reports.

    Attributes:
        name: name in tables (without unit) and in the norm.
        coordinate: name in the model, ``{side}`` standing for r or l.
        sign: factor from the model's angle to the report's.
        label: axis label without unit.
        short: name in metric keys such as ``rmse_hip``.
    """

    name: str
    coordinate: str
    sign: int
    label: str
    short: str

    def column(self, names: Sequence[str], side: str) -> int | None:
        """Index of the side's coordinate among names; None if the model has none."""
        name = self.coordinate.format(side=side)
        return names.index(name) if name in names else None


ANGLES = (
    Angle("pelvis_tilt", "pelvis_tilt", -1, "Pelvis tilt (anterior +)", "pelvis"),
    Angle("hip_flexion", "hip_flexion_{side}", 1, "Hip flexion", "hip"),
    Angle("knee_flexion", "knee_angle_{side}", -1, "Knee flexion", "knee"),
    Angle("ankle_dorsiflexion", "ankle_angle_{side}", 1, "Ankle dorsiflexion", "ankle"),
)
"""The sagittal angles that are scored."""

LEG_ANGLES = ANGLES[1:]


def signed_angles(manifest: Mapping[str, Any]) -> tuple[Angle, ...]:
    """`ANGLES` with the knee's sign taken from its range, for bodies whose knee flexion is positive.

    Args:
        manifest: of the model; its joints give ``name`` and ``range`` (rad).
    """
    knee_sign = -1
    for joint in manifest.get("joints", []):
        limits = joint.get("range")
        if joint.get("name") == "knee_angle_r" and limits and limits[1] > -limits[0]:
            knee_sign = 1
    return tuple(
        Angle(a.name, a.coordinate, knee_sign, a.label, a.short) if a.name == "knee_flexion" else a for a in ANGLES
    )


def side_of(name: str) -> str | None:
    """Side of a name that ends in ``_r`` or ``_l``; None for others."""
    return name[-1] if name[-2:] in ("_r", "_l") else None


def base_of(name: str) -> str:
    """Name without the side at its end."""
    return name[:-2] if side_of(name) else name
