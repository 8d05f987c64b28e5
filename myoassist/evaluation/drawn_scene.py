"""Pictures of the body where no OpenGL works: the outlines of its bones and its muscles, from the side."""

from __future__ import annotations

import mujoco
import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, QhullError

from myoassist.config.evaluation import VideoSettings
from myoassist.evaluation.muscle_colors import muscle_colors, muscle_tendons
from myoassist.formats.compiled_model import Manifest

_FINER = 2
_WHITE, _SKY, _GROUND, _MARK = (255, 255, 255), (232, 236, 241), (176, 181, 188), (120, 126, 134)
_BONE_NEAR, _BONE_FAR, _OUTLINE = (238, 233, 222), (205, 202, 196), (110, 105, 98)
_MARK_SPACING_M = 0.5
_ABOVE_GROUND_M = 1000.0
"""Where rays begin that look for the ground."""
_HALF_FIELD_OF_VIEW = np.tan(np.deg2rad(45.0) / 2)


class DrawnScene:
    """Draws posed states as seen from the right (x to the right, z up); used like `OpenGLScene`."""

    def __init__(
        self, model: mujoco.MjModel, manifest: Manifest, settings: VideoSettings, span_m: float | None = None
    ) -> None:
        """Keep what is shown; see `OpenGLScene`."""
        self._model = model
        self._on_white = span_m is not None
        self._muscles = manifest.muscles
        self._tendons = muscle_tendons(model, manifest)
        self._size = (settings.width * _FINER, settings.height * _FINER)
        self._pixels_per_m = self._size[1] / (span_m or 2 * _HALF_FIELD_OF_VIEW * settings.distance_m)
        self._bones = _bone_outlines(model)
        self._ground = [model.geom(name).id for name in manifest.ground_geoms]

    def __enter__(self) -> DrawnScene:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def picture(self, data: mujoco.MjData, look_at: np.ndarray) -> np.ndarray:
        """Draw one posed state; see `OpenGLScene.picture`."""
        image = Image.new("RGB", self._size, _WHITE if self._on_white else _SKY)
        draw = ImageDraw.Draw(image)
        if not self._on_white:
            self._draw_ground(draw, data, look_at)
        # Far to near: what has the larger y is on the left of the body, away from the viewer.
        depths = {bone: float(data.geom_xpos[bone][1]) for bone in self._bones}
        for bone in sorted(self._bones, key=lambda bone: (-depths[bone], bone)):
            points = self._bones[bone] @ data.geom_xmat[bone].reshape(3, 3).T + data.geom_xpos[bone]
            flat = self._project(points, look_at)
            try:
                flat = flat[ConvexHull(flat).vertices]
            except QhullError:
                continue
            fill = _BONE_FAR if depths[bone] > 0.03 else _BONE_NEAR
            draw.polygon([tuple(p) for p in flat], fill=fill, outline=_OUTLINE)
        self._draw_muscles(draw, data, look_at)
        width, height = self._size
        return np.asarray(image.resize((width // _FINER, height // _FINER), Image.Resampling.BOX))

    def _project(self, points: np.ndarray, look_at: np.ndarray) -> np.ndarray:
        """Turn world points (n, 3) into pixels (n, 2)."""
        middle = np.array(self._size) / 2
        return middle + (points[:, [0, 2]] - look_at[[0, 2]]) * (self._pixels_per_m, -self._pixels_per_m)

    def _draw_ground(self, draw: ImageDraw.ImageDraw, data: mujoco.MjData, look_at: np.ndarray) -> None:
        half = self._size[0] / 2 / self._pixels_per_m + _MARK_SPACING_M
        first = np.floor((look_at[0] - half) / _MARK_SPACING_M)
        x = (first + np.arange(int(2 * half / _MARK_SPACING_M) + 2)) * _MARK_SPACING_M
        points = np.array([[value, 0.0, ground_height(self._model, data, self._ground, value)] for value in x])
        line = [tuple(p) for p in self._project(points, look_at)]
        bottom = self._size[1]
        draw.polygon([*line, (line[-1][0], bottom), (line[0][0], bottom)], fill=_GROUND)
        for index, (column, row) in enumerate(line):
            whole = (int(first) + index) % 2 == 0
            draw.line([(column, row), (column, row + (24 if whole else 12))], fill=_MARK, width=3)

    def _draw_muscles(self, draw: ImageDraw.ImageDraw, data: mujoco.MjData, look_at: np.ndarray) -> None:
        activation = np.array([data.act[muscle.activation] for muscle in self._muscles])
        colors = np.round(255 * muscle_colors(activation)).astype(int)
        paths, objects = data.wrap_xpos.reshape(-1, 3), data.wrap_obj.reshape(-1)
        for tendon, color, share in zip(self._tendons, colors, activation, strict=True):
            start = int(data.ten_wrapadr[tendon])
            end = start + int(data.ten_wrapnum[tendon])
            pixels = self._project(paths[start:end], look_at)
            for index in range(start, end - 1):
                if -2 in (objects[index], objects[index + 1]):  # a pulley parts two branches
                    continue
                segment = [tuple(pixels[index - start]), tuple(pixels[index - start + 1])]
                draw.line(segment, fill=tuple(color.tolist()), width=_FINER * (2 + round(3 * float(share))))


def ground_height(model: mujoco.MjModel, data: mujoco.MjData, ground: list[int], x: float) -> float:
    """Return the height (m) of the ground at (x, 0); that of z = 0 where there is none.

    Args:
        model: compiled model.
        data: with the positions of its geoms.
        ground: numbers of the geoms that are ground.
        x: forward position (m).
    """
    start, down = np.array([x, 0.0, _ABOVE_GROUND_M]), np.array([0.0, 0.0, -1.0])
    heights = []
    for geom in ground:
        kind = model.geom_type[geom]
        if kind == mujoco.mjtGeom.mjGEOM_PLANE:
            normal = data.geom_xmat[geom].reshape(3, 3)[:, 2]
            position = data.geom_xpos[geom]
            heights.append(position[2] - float((start - position)[:2] @ normal[:2]) / normal[2])
        elif kind == mujoco.mjtGeom.mjGEOM_HFIELD:
            distance = mujoco.mj_rayHfield(model, data, geom, start, down, None)
            if distance >= 0:
                heights.append(start[2] - distance)
    return max(heights, default=0.0)


def _bone_outlines(model: mujoco.MjModel) -> dict[int, np.ndarray]:
    """Convex hull vertices (n, 3) in the geom's frame, for each visible mesh of the body."""
    outlines = {}
    for geom in range(model.ngeom):
        visible = model.geom_group[geom] <= 2 and model.geom_rgba[geom, 3] > 0
        if model.geom_type[geom] != mujoco.mjtGeom.mjGEOM_MESH or not visible:
            continue
        mesh = model.geom_dataid[geom]
        start = model.mesh_vertadr[mesh]
        vertices = np.asarray(model.mesh_vert[start : start + model.mesh_vertnum[mesh]], float)
        outlines[geom] = vertices[ConvexHull(vertices).vertices]
    return outlines
