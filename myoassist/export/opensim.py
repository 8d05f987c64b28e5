"""One episode as OpenSim reads it: coordinates in degrees, ground forces with y up, activations.

OpenSim's axes are x forward, y up and z to the right; the rollouts' are x forward, y left and z up. Coordinates keep
their names; those of a planar body mean the same in OpenSim's gait models (Delp et al. 1990, IEEE Transactions on
Biomedical Engineering 37:757, distributed as gait2392; Rajagopal et al. 2016, the same journal 63:2068): pelvis_tilt
is positive for backward lean, hip flexion, ankle dorsiflexion and toe extension are positive. Only the knee differs:
flexion is negative in the former and positive in the latter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from myoassist.formats.knee_sign import knee_flexion_sign
from myoassist.formats.opensim_storage import write_storage
from myoassist.formats.rollouts import SIDES, Episode, RolloutModel

ROWS_AT_ONCE = 20_000
"""Rows that are in memory at the same time."""
_AXES = "xyz"


def write_kinematics(episode: Episode, model: RolloutModel, path: Path, *, knee_flexion_positive: bool) -> None:
    """Write the independent coordinates: angles in degrees, pelvis translations in metres.

    Args:
        episode: whose states.
        model: names of the coordinates, and the manifest that tells which are angles and which are coupled.
        path: the .mot file.
        knee_flexion_positive: sign of knee flexion in the file.
    """
    manifest = model.manifest
    coupled = {coupling["dependent"] for coupling in manifest.get("couplings", [])}
    kinds = {joint["name"]: joint["kind"] for joint in manifest["joints"]}
    names = [name for name in model.coordinates if name not in coupled]
    columns = [model.coordinates.index(name) for name in names]
    factors = np.array([np.rad2deg(1.0) if kinds[name] == "hinge" else 1.0 for name in names])
    knee = np.array([name.startswith("knee_angle_") for name in names], bool)
    if knee_flexion_positive != (knee_flexion_sign(manifest) > 0):
        factors[knee] *= -1

    def parts() -> Iterator[np.ndarray]:
        for rows in row_slices(episode.info.state_rows):
            yield np.column_stack([episode.state("time", rows), episode.state("qpos", rows)[:, columns] * factors])

    write_storage(
        path,
        "Coordinates",
        names,
        parts(),
        rows=episode.info.state_rows,
        in_degrees=True,
        remark=f"Angles in degrees, lengths in m, knee flexion {'positive' if knee_flexion_positive else 'negative'}",
    )


def write_ground_forces(episode: Episode, path: Path) -> None:
    """Write force (N), point of application (m) and torque (N·m) of each foot, in OpenSim's axes.

    The point is zero while a foot is unloaded. The torque is zero: the free moment is not stored.
    """
    columns = []
    for side in SIDES:
        columns += [f"ground_force_{side}_{kind}{axis}" for kind in "vp" for axis in _AXES]
        columns += [f"ground_torque_{side}_{axis}" for axis in _AXES]

    def parts() -> Iterator[np.ndarray]:
        for rows in row_slices(episode.info.state_rows):
            force = to_opensim(episode.state("ground_reaction_force", rows).astype(float))
            point = to_opensim(episode.state("center_of_pressure", rows).astype(float))
            feet = np.concatenate([force, np.nan_to_num(point, nan=0.0), np.zeros_like(force)], axis=2)
            yield np.column_stack([episode.state("time", rows), feet.reshape(len(feet), -1)])

    rows = episode.info.state_rows
    write_storage(path, "Ground reaction forces", columns, parts(), rows=rows, in_degrees=False)


def write_activations(episode: Episode, model: RolloutModel, path: Path) -> None:
    """Write activations (0 to 1), labelled as the states of an OpenSim 4 model are: /forceset/MUSCLE/activation."""

    def parts() -> Iterator[np.ndarray]:
        for rows in row_slices(episode.info.state_rows):
            yield np.column_stack([episode.state("time", rows), episode.state("activation", rows).astype(float)])

    columns = [f"/forceset/{muscle}/activation" for muscle in model.muscles]
    write_storage(path, "Activations", columns, parts(), rows=episode.info.state_rows, in_degrees=False)


def to_opensim(vectors: np.ndarray) -> np.ndarray:
    """Turn vectors (..., 3) from x forward, y left, z up to x forward, y up, z right."""
    return np.stack([vectors[..., 0], vectors[..., 2], -vectors[..., 1] + 0.0], axis=-1)  # + 0.0: no minus zeros


def row_slices(rows: int) -> Iterator[slice]:
    """Yield slices that cover some rows, few enough at once for the memory."""
    for start in range(0, rows, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, rows))
