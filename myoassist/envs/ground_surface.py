"""The height of the ground under and ahead of bodies."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from myoassist.formats.compiled_model import Manifest

_ABOVE_M = 100.0


class GroundSurface:
    """Height of the ground along the line of walking (y = 0) under each of N bodies.

    Planes are known exactly and everywhere; other ground is sampled once by casting rays on the compiled model,
    and is 0 where there is none.

    Attributes:
        is_flat: whether the ground is z = 0 for all bodies.
        level: (N,) bool, for which bodies it is.
    """

    SPACING_M = 0.025
    REACH_M = 60.0

    def __init__(self, models: Sequence[mujoco.MjModel], manifest: Manifest):
        """Measure the ground of each distinct model once.

        Args:
            models: one per body; the same object where bodies share a model.
            manifest: of the models.
        """
        distinct = {id(model): model for model in models}
        number = {key: place for place, key in enumerate(distinct)}
        self._which = np.array([number[id(model)] for model in models], dtype=np.intp)
        self._slope: np.ndarray | None = None
        grounds = [models[0].geom(name).id for name in manifest.ground_geoms]
        if [models[0].geom_type[geom] for geom in grounds] == [mujoco.mjtGeom.mjGEOM_PLANE]:
            self._slope = np.array([_slope(model, grounds[0]) for model in distinct.values()])
            self.level = (self._slope == 0.0)[self._which]
        else:
            reach = min(float(manifest.settings["ground"]["extent_m"]) / 2, self.REACH_M)
            self._x = np.arange(-reach, reach + self.SPACING_M, self.SPACING_M)
            self._z = np.array([_sample(model, manifest, self._x) for model in distinct.values()])
            self.level = np.zeros(len(models), dtype=bool)
        self.is_flat = bool(self.level.all())

    def height(self, x: np.ndarray, rows: slice | np.ndarray | int) -> np.ndarray:
        """Return heights of the ground.

        Args:
            x: (n,) or (n, k) forward positions (m).
            rows: the n bodies that the first axis belongs to; one body's number for any shape of x.

        Returns:
            Heights (m), shaped like x; linear between samples.
        """
        which = self._which[rows]
        if np.ndim(which) and x.ndim > 1:
            which = which[:, None]
        if self._slope is not None:
            return self._slope[which] * x
        place = ((x - self._x[0]) / self.SPACING_M).clip(0.0, len(self._x) - 1.0)
        sample = np.minimum(place.astype(np.intp), len(self._x) - 2)
        low = self._z[which, sample]
        return low + (place - sample) * (self._z[which, sample + 1] - low)


def _slope(model: mujoco.MjModel, geom: int) -> float:
    """Rise per metre forward of a plane through the origin."""
    rotation = np.empty(9)
    mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
    forward, _, up = rotation[2::3]
    return float(-forward / up) if forward else 0.0


def _sample(model: mujoco.MjModel, manifest: Manifest, x: np.ndarray) -> np.ndarray:
    data = mujoco.MjData(model)
    data.qpos[manifest.joint(manifest.root["forward"]).qpos] = 1e4  # out of the rays' way
    mujoco.mj_kinematics(model, data)
    found = np.zeros(1, dtype=np.int32)
    down = np.array([0.0, 0.0, -1.0])
    distance = [mujoco.mj_ray(model, data, np.array([p, 0.0, _ABOVE_M]), down, None, 1, -1, found) for p in x]
    return np.array([_ABOVE_M - d if d >= 0.0 else 0.0 for d in distance])
