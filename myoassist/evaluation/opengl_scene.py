"""Pictures of the body by MuJoCo's own renderer, without a display (EGL)."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.config.evaluation import VideoSettings
from myoassist.evaluation.muscle_colors import muscle_colors, muscle_tendons
from myoassist.formats.compiled_model import Manifest

_THINNEST_M, _THICKEST_M = 0.008, 0.016
_SUN = np.array([0.3, 0.45, -0.85]) / np.linalg.norm([0.3, 0.45, 0.85])


class NoOpenGL(RuntimeError):
    """This machine can make no OpenGL context; the message says why."""


class OpenGLScene:
    """Renders posed states. A context manager; needs an EGL driver (software is enough).

    Raises:
        NoOpenGL: on entering, if no context can be made.
    """

    def __init__(
        self, model: mujoco.MjModel, manifest: Manifest, settings: VideoSettings, span_m: float | None = None
    ) -> None:
        """Keep what is shown.

        Args:
            model: compiled model; its looks are changed.
            manifest: its manifest.
            settings: size of the picture, and the camera.
            span_m: height of what is shown, for a picture to scale: without perspective and ground, on white.
        """
        self._model = model
        self._settings = settings
        self._span_m = span_m
        self._ground = [model.geom(name).id for name in manifest.ground_geoms]
        self._muscles = manifest.muscles
        self._tendons = muscle_tendons(model, manifest)
        self._context = None
        self._renderer: mujoco.MjrContext | None = None

    def __enter__(self) -> OpenGLScene:
        width, height = self._settings.width, self._settings.height
        visual = self._model.vis
        visual.global_.offwidth, visual.global_.offheight = width, height
        visual.headlight.ambient[:] = 0.35
        visual.headlight.diffuse[:] = 0.45
        visual.headlight.specular[:] = 0.05
        if self._span_m is not None:
            visual.global_.orthographic, visual.global_.fovy = 1, self._span_m
            self._model.geom_rgba[self._ground, 3] = 0.0
        try:
            # Imported here and by name: on a machine without libEGL the import itself fails, in many ways.
            from mujoco.egl import GLContext

            self._context = GLContext(width, height)
            self._context.make_current()
            self._renderer = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._renderer)
        except Exception as error:
            self.__exit__()
            raise NoOpenGL(f"no OpenGL here ({type(error).__name__}: {' '.join(str(error).split())[:120]})") from None
        self._scene = mujoco.MjvScene(self._model, maxgeom=5000)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = self._span_m is None
        self._options = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.distance = self._settings.distance_m
        self._camera.azimuth = self._settings.azimuth_deg
        self._camera.elevation = self._settings.elevation_deg
        self._rectangle = mujoco.MjrRect(0, 0, width, height)
        return self

    def __exit__(self, *_: object) -> None:
        if self._renderer is not None:
            self._context.make_current()
            self._renderer.free()
            self._renderer = None
        if self._context is not None:
            self._context.free()
            self._context = None

    def picture(self, data: mujoco.MjData, look_at: np.ndarray) -> np.ndarray:
        """Render one posed state.

        Args:
            data: with positions, tendons and activations as in `evaluation.video.pose`.
            look_at: point in the middle of the picture (3,), world, m.

        Returns:
            Picture (height, width, 3), 8 bits.
        """
        assert self._context is not None
        self._context.make_current()  # there may be another scene beside this one
        activation = np.array([data.act[muscle.activation] for muscle in self._muscles])
        self._model.tendon_rgba[self._tendons, :3] = muscle_colors(activation)
        self._model.tendon_width[self._tendons] = _THINNEST_M + (_THICKEST_M - _THINNEST_M) * activation
        self._camera.lookat[:] = look_at
        mujoco.mjv_updateScene(
            self._model,
            data,
            self._options,
            None,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            self._scene,
        )
        self._add_sun(look_at)
        picture = np.empty((self._settings.height, self._settings.width, 3), np.uint8)
        mujoco.mjr_render(self._rectangle, self._scene, self._renderer)
        depth = None if self._span_m is None else np.empty(picture.shape[:2], np.float32)
        mujoco.mjr_readPixels(picture, depth, self._rectangle, self._renderer)
        if depth is not None:
            picture[depth >= 1.0] = 255  # nothing there but the far end of what can be seen
        return picture[::-1]

    def _add_sun(self, look_at: np.ndarray) -> None:
        """Add a light from above and behind the camera; the body packages bring none but the headlight."""
        light = self._scene.lights[self._scene.nlight]
        self._scene.nlight += 1
        light.id = light.texid = -1
        light.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        light.pos[:] = look_at - 4 * _SUN
        light.dir[:] = _SUN
        light.diffuse[:] = 0.5
        light.ambient[:] = 0.0
        light.specular[:] = 0.1
        light.attenuation[:] = (1, 0, 0)
        light.range, light.cutoff, light.exponent, light.bulbradius = 10.0, 45.0, 1.0, 0.02
        light.castshadow = light.headlight = 0
