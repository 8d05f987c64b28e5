"""The lowest points of the feet, devices' soles included."""

from __future__ import annotations

from collections.abc import Collection

import mujoco
import numpy as np

from myoassist.envs.ground_surface import GroundSurface
from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES, Manifest


class Soles:
    """The colliding meshes of the feet, as the vertices of their convex hulls (which is what MuJoCo collides)."""

    def __init__(
        self,
        model: mujoco.MjModel,
        manifest: Manifest,
        ground: GroundSurface,
        bodies: Collection[str] | None = None,
    ):
        """Collect the vertices.

        Args:
            model: compiled model.
            manifest: of it.
            ground: under the soles.
            bodies: whose meshes; None takes those of both feet.

        Raises:
            InputError: if the feet have no colliding meshes.
        """
        self._made_of = (model, manifest, ground)
        if bodies is None:
            bodies = {name for side in SIDES for name in manifest.feet[side].bodies}
        self._ground = ground
        geoms, vertices = [], []
        for geom in range(model.ngeom):
            collides = model.geom_contype[geom] or model.geom_conaffinity[geom]
            if collides and model.geom_dataid[geom] >= 0 and model.body(model.geom_bodyid[geom]).name in bodies:
                geoms.append(geom)
                vertices.append(_hull(model, int(model.geom_dataid[geom])))
        if not geoms:
            raise InputError(f"model {manifest.body}: its feet have no colliding meshes to stand on")
        self._geoms = np.array(geoms, dtype=np.intp)
        self._owner = np.repeat(np.arange(len(geoms)), [len(part) for part in vertices])
        self._vertices = np.concatenate(vertices)

    def of(self, bodies: Collection[str]) -> Soles:
        """Return the soles of some bodies alone."""
        return Soles(*self._made_of, bodies)

    def height_over_ground(self, data: mujoco.MjData, index: int) -> float:
        """Height of the lowest point over the ground under it (m), negative when pressed in.

        Args:
            data: after `mj_kinematics`.
            index: of the body whose ground it is.
        """
        upward = self.coordinate(data, 2)
        if not self._ground.is_flat:
            upward -= self._ground.height(self.coordinate(data, 0), index)
        return float(upward.min())

    def coordinate(self, data: mujoco.MjData, axis: int) -> np.ndarray:
        """One world coordinate of all vertices (V,) in m."""
        direction = data.geom_xmat[self._geoms, 3 * axis : 3 * axis + 3][self._owner]
        x, y, z = (self._vertices * direction).T
        return x + y + z + data.geom_xpos[self._geoms, axis][self._owner]


def _hull(model: mujoco.MjModel, mesh: int) -> np.ndarray:
    """Vertices (V, 3) of a mesh's convex hull in the geom's frame (all vertices if it was compiled without one)."""
    start = model.mesh_vertadr[mesh]
    vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]].astype(np.float64)
    graph = model.mesh_graphadr[mesh]
    if graph < 0:
        return vertices
    # layout of mesh_graph: count of vertices, count of faces, edge addresses, vertex numbers, ...
    count = int(model.mesh_graph[graph])
    return vertices[model.mesh_graph[graph + 2 + count : graph + 2 + 2 * count]]
