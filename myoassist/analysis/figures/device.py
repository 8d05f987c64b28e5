"""The device over the gait cycle in one run: torque, angle, velocity and power of the joint that it drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myoassist.analysis.conventions import SIDE_NAMES, SIDES
from myoassist.analysis.device import driven_joints
from myoassist.analysis.figures.data import RunData
from myoassist.analysis.figures.panels import both_sides, both_sides_text, nothing
from myoassist.analysis.figures.registry import Drawing, figure
from myoassist.analysis.figures.style import legend_above, panels, zero_line


@figure("device_torque_power", title="Device over the gait cycle", category="Device")
def device_torque_power(data: RunData) -> Drawing:
    """Torque, angle, velocity and power; says so if there is no device."""
    driven = driven_joints(data.model)
    if not driven:
        return nothing(data, "this model has no device that drives a leg joint")
    parts = []
    for joint in driven:
        prefix = joint.name if joint.reported else f"device_{joint.name}"
        words = joint.name.split("_")[0].capitalize()
        parts += [
            (f"device_{joint.name}_torque_nm_kg", "Device torque (N·m/kg)"),
            (f"{prefix}_deg", f"{words} angle (°)"),
            (f"{prefix}_velocity_deg_s", f"{words} velocity (°/s)"),
            (f"device_{joint.name}_power_w_kg", "Device power (W/kg)"),
        ]
    columns = 2 if data.settings.width == "single" else 4
    fig, axes = panels(data.settings, len(parts), columns=4, aspect=0.95)
    for i, (ax, (column, label)) in enumerate(zip(axes, parts, strict=True)):
        zero_line(ax)
        both_sides(ax, data, column, label=i >= len(axes) - columns)
        ax.set_ylabel(label)
    legend_above(fig, axes[0])
    return Drawing(
        fig,
        "Torque (sign of the joint's angle: dorsiflexion, flexion positive) and power (positive: the device drives the "
        "joint) of the device per kg of body mass, and angle and velocity of the joint, "
        f"{both_sides_text(data)}.{numbers_text(data.metrics.get('device'))}",
    )


def numbers_text(device: Mapping[str, Any] | None) -> str:
    """Say work and largest torque in words; nothing if they were not measured."""
    if device is None:
        return ""
    if not device["active"]:
        return " The device is switched off: it makes no torque."
    sentences = []
    for joint, sides in device["joints"].items():
        for side in SIDES:
            found = sides.get(side)
            if found is not None:
                sentences.append(
                    f" {SIDE_NAMES[side].capitalize()} {joint.split('_')[0]}, per stride: largest torque "
                    f"{_number(found['peak_torque_nm'], 1)} N·m, work {_number(found['positive_work_j'], 2)} J and "
                    f"{_number(found['negative_work_j'], 2)} J, share of the joint's moment "
                    f"{_number(found['moment_share'], 1, 100)} %."
                )
    return "".join(sentences)


def _number(entry: Mapping[str, float | None], digits: int, factor: float = 1.0) -> str:
    value = entry["mean"]
    return "unknown" if value is None else f"{factor * value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
