"""Stage ``retarget_figure``: what the fit changed, what the feet do, and which forces and activations it asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from myoassist.config.base import decode_json
from myoassist.config.reference import RetargetSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import read_manifest
from myoassist.formats.files import atomic_output
from myoassist.formats.reference_motion import FittedReference, read_fitted_reference

RIGHT, LEFT, REFERENCE = "#0072B2", "#D55E00", "#7f8c8d"
JOINTS = {  # joint -> title, factor to report signs, positive direction
    "pelvis_tilt": ("Pelvis tilt", -1, "anterior +"),
    "hip_flexion": ("Hip", 1, "flexion +"),
    "knee_angle": ("Knee", -1, "flexion +"),
    "ankle_angle": ("Ankle", 1, "dorsiflexion +"),
    "mtp_angle": ("Toes", 1, "extension +"),
}


def retarget_figure(*, reference: Path, manifest: Path, figure: Path) -> None:
    """Draw the fit.

    Args:
        reference: fitted reference of the stage ``retarget``, which holds the settings too: promises become lines.
        manifest: of the body that it was fitted to; its weight is the unit of the ground forces.
        figure: png (same input, same bytes).

    Raises:
        InputError: if a file is missing, damaged or of another kind, or the body is not that of the reference.
    """
    fitted = read_fitted_reference(reference)
    settings = RetargetSettings.parse(decode_json(fitted.settings, where=str(reference)), where=str(reference))
    body = read_manifest(manifest)
    if body.model_sha256 != fitted.model_sha256:
        raise InputError(f"{reference}: was fitted to another body than {manifest} describes (SHA-256 differs)")
    drawing = Figure(figsize=(15, 11.5))
    rows = [
        drawing.add_gridspec(1, 5, left=0.05, right=0.985, top=0.92, bottom=0.69, wspace=0.3),
        drawing.add_gridspec(1, 3, left=0.05, right=0.985, top=0.62, bottom=0.40, wspace=0.2),
        drawing.add_gridspec(1, 2, left=0.09, right=0.985, top=0.33, bottom=0.05, wspace=0.06, width_ratios=[1.25, 1]),
    ]
    for column, joint in enumerate(JOINTS):
        _joint(drawing.add_subplot(rows[0][column]), fitted, joint)
    _heights(drawing.add_subplot(rows[1][0]), fitted, settings)
    _forces(drawing.add_subplot(rows[1][1]), fitted, body.total_mass_kg * body.gravity_m_s2)
    _residuals(drawing.add_subplot(rows[1][2]), fitted)
    _activations(drawing.add_subplot(rows[2][0]), fitted)
    _table(drawing.add_subplot(rows[2][1]), fitted)
    quality = fitted.quality
    drawing.suptitle(
        f"Fit to the body: stride {fitted.stride_length_m:.2f} m in {fitted.stride_time_s:.3f} s at"
        f" {fitted.speed_m_s:.2f} m/s (recorded {quality['recorded_stride_time_s']:.3f} s); 0 % = right heel strike,"
        " shaded: right stance",
        fontsize=12,
        y=0.975,
    )
    with atomic_output(figure) as temporary:
        drawing.savefig(temporary, dpi=110, metadata={"Software": None})


def _percent(fitted: FittedReference) -> np.ndarray:
    return np.arange(fitted.frames + 1) * 100 / fitted.frames


def _closed(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, values[:1]])


def _style(axis: Axes, fitted: FittedReference, title: str, unit: str) -> None:
    shade = _closed(fitted.contact[:, 0])
    axis.fill_between(
        _percent(fitted), 0, 1, where=shade, color=RIGHT, alpha=0.07, lw=0, transform=axis.get_xaxis_transform()
    )
    axis.set_title(title, fontsize=10)
    axis.set_ylabel(unit, fontsize=9, labelpad=1)
    axis.set_xlabel("right gait cycle (%)", fontsize=9)
    axis.set_xlim(0, 100)
    axis.tick_params(labelsize=8.5)
    axis.grid(alpha=0.25, lw=0.5)
    axis.spines[["top", "right"]].set_visible(False)


def _joint(axis: Axes, fitted: FittedReference, joint: str) -> None:
    title, factor, sign = JOINTS[joint]
    sides = [("", "#1c2833", "")] if joint == "pelvis_tilt" else [("_r", RIGHT, "right "), ("_l", LEFT, "left ")]
    for suffix, color, label in sides:
        name = joint + suffix
        fit = factor * np.rad2deg(fitted.qpos[:, fitted.column(name)])
        recorded = factor * np.rad2deg(fitted.reference_position[:, fitted.independent.index(name)])
        axis.plot(_percent(fitted), _closed(fit), color=color, lw=1.6, label=f"{label}fitted")
        if np.isfinite(recorded).all():
            axis.plot(_percent(fitted), _closed(recorded), color=color, lw=1, ls=":", label=f"{label}reference")
    _style(axis, fitted, f"{title} ({sign})", "angle (°)")
    if joint == "knee_angle":
        low, high = axis.get_ylim()
        axis.set_ylim(low, high + 0.35 * (high - low))
        axis.legend(fontsize=7.5, frameon=False, ncol=2, loc="upper center")


def _heights(axis: Axes, fitted: FittedReference, settings: RetargetSettings) -> None:
    for side, (color, label) in enumerate(((RIGHT, "right"), (LEFT, "left"))):
        axis.plot(_percent(fitted), _closed(1000 * fitted.sole_height[:, side]), color=color, lw=1.6, label=label)
    target = 1000 * settings.swing_clearance_m
    axis.axhline(0, color="k", lw=0.7)
    axis.axhline(target, color=REFERENCE, lw=1, ls="--", label=f"clearance promised: {target:g} mm")
    _style(axis, fitted, "Lowest point of each sole over the ground", "height (mm)")
    axis.set_ylim(-4, 1000 * fitted.sole_height.max() * 1.55)
    quality = fitted.quality
    axis.text(
        0.5,
        0.97,
        f"stance {1000 * quality['stance_height_rms_m']:.2f} mm rms,"
        f" slip {1000 * quality['slip_rms_m_s']:.0f} mm/s rms,"
        f" mid-swing ≥ {1000 * quality['clearance_min_m']:.1f} mm",
        transform=axis.transAxes,
        ha="center",
        va="top",
        fontsize=8,
    )
    axis.legend(fontsize=7.5, frameon=False, loc="upper left", bbox_to_anchor=(0, 0.92))


def _forces(axis: Axes, fitted: FittedReference, weight: float) -> None:
    percent = _percent(fitted)
    for side, (color, label) in enumerate(((RIGHT, "right"), (LEFT, "left"))):
        force = _closed(fitted.ground_reaction_force[:, side]) / weight
        axis.plot(percent, force[:, 2], color=color, lw=1.6, label=f"{label}, vertical")
        axis.plot(percent, force[:, 0], color=color, lw=1, ls="--", label=f"{label}, forward")
    total = _closed(fitted.ground_reaction_force[..., 2].sum(axis=1)) / weight
    axis.plot(percent, total, color=REFERENCE, lw=1, label="both, vertical")
    _style(axis, fitted, "Ground reaction force that the motion asks for", "force (body weights)")
    axis.set_ylim(top=2.0)
    axis.legend(fontsize=7.5, frameon=False, ncol=2, loc="upper center")


def _residuals(axis: Axes, fitted: FittedReference) -> None:
    percent = _percent(fitted)
    force = np.hypot(fitted.root_residual[:, 0], fitted.root_residual[:, 1])
    axis.plot(percent, _closed(force), color="#1c2833", lw=1.3, label="root force (N)")
    axis.plot(percent, _closed(fitted.root_residual[:, 2]), color="#8e44ad", lw=1.3, label="root moment (N·m)")
    for name, style in (("hip_flexion_r", "-"), ("knee_angle_r", "--"), ("ankle_angle_r", "-."), ("mtp_angle_r", ":")):
        reserve = fitted.reserve_moment[:, fitted.independent.index(name)]
        label = f"reserve {name.split('_')[0]}, right (N·m)"
        axis.plot(percent, _closed(reserve), color="#d68910", ls=style, lw=1.1, label=label)
    _style(axis, fitted, "Not explained by ground or muscles", "N or N·m")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.7 * (high - low))
    axis.legend(fontsize=7, frameon=False, ncol=2, loc="upper center")


def _activations(axis: Axes, fitted: FittedReference) -> None:
    image = axis.imshow(
        fitted.activation.T,
        aspect="auto",
        cmap="magma_r",
        vmin=0,
        vmax=1,
        interpolation="nearest",
        extent=(0, 100, len(fitted.muscle_names), 0),
    )
    axis.set_yticks(np.arange(len(fitted.muscle_names)) + 0.5, fitted.muscle_names, fontsize=7.5)
    axis.set_xlabel("right gait cycle (%)", fontsize=9)
    axis.set_title("Muscle activations by static optimisation", fontsize=10)
    axis.figure.colorbar(image, ax=axis, pad=0.01, label="activation")


def _table(axis: Axes, fitted: FittedReference) -> None:
    axis.axis("off")
    rows = [
        [
            name,
            *(
                f"{np.rad2deg(change[key]):+.1f}" if key == "offset_rad" else f"{np.rad2deg(change[key]):.1f}"
                for key in ("offset_rad", "rms_change_rad", "max_change_rad")
            ),
        ]
        for name, change in fitted.change.items()
    ]
    table = axis.table(
        cellText=rows,
        colLabels=["change of (model's sign)", "offset (°)", "rms about it (°)", "largest (°)"],
        colWidths=[0.34, 0.2, 0.24, 0.2],
        bbox=(0.02, 0.3, 0.96, 0.72),
        cellLoc="right",
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8.5)
    quality = fitted.quality
    axis.text(
        0.02,
        0.02,
        f"root residuals: {quality['root_force_residual_rms_n']:.1f} N rms"
        f" (max {quality['root_force_residual_max_n']:.0f}),"
        f" {quality['root_moment_residual_rms_n_m']:.1f} N·m rms (max {quality['root_moment_residual_max_n_m']:.0f})\n"
        f"reserve moments: {quality['reserve_moment_rms_n_m']:.1f} N·m rms"
        f" (max {quality['reserve_moment_max_n_m']:.0f});"
        f" mean activation {quality['activation_mean']:.2f}\n"
        f"vertical force: mean {quality['vertical_force_mean_bw']:.2f}, max {quality['vertical_force_max_bw']:.2f} body"
        f" weights; stance {100 * quality['stance_share']:.0f} %, double support"
        f" {100 * quality['double_support_share']:.0f} % of the cycle",
        transform=axis.transAxes,
        fontsize=8.5,
        va="bottom",
    )
