"""Stage ``preprocess_figure``: quality control of the reference, raw samples against the periodic curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from myoassist.config.base import decode_json
from myoassist.config.reference import ReferenceSettings
from myoassist.formats.files import atomic_output
from myoassist.formats.reference_motion import read_reference_motion

RIGHT, LEFT, PROCESSED = "#0072B2", "#D55E00", "#1c2833"
PANELS = {  # coordinate -> title, factor to report signs
    "pelvis_tilt": ("Pelvis tilt", -1, "anterior +"),
    "hip_flexion": ("Hip", 1, "flexion +"),
    "knee_angle": ("Knee", -1, "flexion +"),
    "ankle_angle": ("Ankle", 1, "dorsiflexion +"),
}


def preprocess_figure(*, reference: Path, figure: Path) -> None:
    """Draw raw and processed angles and angular velocities (degrees, degrees per second) of a reference.

    Args:
        reference: reference file of the stage ``preprocess``, which holds the raw samples and the settings too.
        figure: png (same input, same bytes).

    Raises:
        InputError: if the file is missing, damaged or no such reference.
    """
    motion = read_reference_motion(reference)
    settings = ReferenceSettings.parse(decode_json(motion.settings, where=str(reference)), where=str(reference))
    drawing = Figure(figsize=(11, 6.6), layout="constrained")
    axes = drawing.subplots(2, 4, sharex=True)
    percent = np.append(np.arange(motion.frames), motion.frames) * 100 / motion.frames
    step = motion.stride_time_s / (len(motion.raw_phase) - 1)
    for column, (base, (title, factor, sign)) in enumerate(PANELS.items()):
        top, bottom = axes[:, column]
        sides = [("", PROCESSED, "both")] if base == "pelvis_tilt" else [("_r", RIGHT, "right"), ("_l", LEFT, "left")]
        for suffix, color, label in sides:
            index = motion.column(base + suffix)
            half = 0.5 if suffix == "_l" else 0.0  # the left side over its own cycle
            raw = factor * np.rad2deg(motion.raw_positions[:, index])
            raw_velocity = factor * np.rad2deg(np.gradient(motion.raw_positions[:, index], step))
            phase = 100 * ((motion.raw_phase - half) % 1)
            top.plot(phase, raw, ".", color=color, ms=2.2, alpha=0.45, label=f"raw, {label}")
            bottom.plot(phase, raw_velocity, ".", color=color, ms=2.2, alpha=0.45)
            curve, velocity = (
                np.roll(factor * np.rad2deg(data[:, index]), -round(half * motion.frames))
                for data in (motion.positions, motion.velocities)
            )
            both = settings.symmetric or base == "pelvis_tilt"
            shown = PROCESSED if both else color
            name = "processed" if both else f"processed, {label}"
            again = both and suffix == "_l"
            top.plot(percent, np.append(curve, curve[0]), color=shown, lw=1.6, label=None if again else name)
            bottom.plot(percent, np.append(velocity, velocity[0]), color=shown, lw=1.6)
        top.set_title(f"{title} ({sign})", fontsize=10)
        bottom.set_xlabel("own gait cycle (%)")
        for axis in (top, bottom):
            axis.grid(alpha=0.25, lw=0.5)
            axis.spines[["top", "right"]].set_visible(False)
            axis.set_xlim(0, 100)
    axes[0, 0].set_ylabel("angle (°)")
    axes[1, 0].set_ylabel("angular velocity (°/s)")
    axes[0, 0].legend(fontsize=7.5, frameon=False, loc="upper right")
    axes[0, 1].legend(fontsize=7.5, frameon=False, loc="lower right")
    symmetry = "left and right averaged half a cycle apart" if settings.symmetric else "left and right as recorded"
    drawing.suptitle(
        f"{motion.source}: stride of {motion.stride_time_s:.3f} s at {motion.speed_m_s:.2f} m/s; low-pass"
        f" {settings.cutoff_hz:g} Hz, {symmetry}; 0 % = own heel strike",
        fontsize=10.5,
    )
    with atomic_output(figure) as temporary:
        drawing.savefig(temporary, dpi=130, metadata={"Software": None})
