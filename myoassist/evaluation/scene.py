"""The scene that a body is shown in: by OpenGL where that works, else drawn; and where the camera looks."""

from __future__ import annotations

from contextlib import ExitStack

import mujoco
import numpy as np
from loguru import logger

from myoassist.config.evaluation import VideoSettings
from myoassist.errors import InputError
from myoassist.evaluation.drawn_scene import DrawnScene
from myoassist.evaluation.opengl_scene import NoOpenGL, OpenGLScene
from myoassist.formats.compiled_model import Manifest

_SMOOTHING_S = 1.0
_LOOK_ABOVE_PELVIS_M = 0.06
"""Leaves room for the caption above the head."""

Scene = OpenGLScene | DrawnScene


def open_scene(
    settings: VideoSettings,
    model: mujoco.MjModel,
    manifest: Manifest,
    stack: ExitStack,
    *,
    span_m: float | None = None,
) -> Scene:
    """Open the scene that the settings ask for, until the stack is closed.

    Args:
        settings: renderer, camera and size.
        model: compiled model; its looks are changed.
        manifest: its manifest.
        stack: closes the scene.
        span_m: height of what is shown, for pictures to scale on white.

    Raises:
        InputError: if they ask for OpenGL and there is none.
    """
    if settings.renderer != "drawing":
        try:
            return stack.enter_context(OpenGLScene(model, manifest, settings, span_m))
        except NoOpenGL as error:
            if settings.renderer == "opengl":
                raise InputError(f"settings: field 'renderer': {error}; 'drawing' needs none") from None
            logger.warning("{}; a two-dimensional drawing takes its place", error)
    return stack.enter_context(DrawnScene(model, manifest, settings, span_m))


def pose(model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray, activation: np.ndarray) -> None:
    """Put the body into a stored state: positions of everything that is drawn, no dynamics.

    Args:
        model: compiled model.
        data: is changed.
        qpos: (nq,) rad and m.
        activation: (na,) 0 to 1.
    """
    data.qpos[:] = qpos
    data.act[:] = activation
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)
    mujoco.mj_tendon(model, data)


def camera_path(
    settings: VideoSettings,
    model: mujoco.MjModel,
    manifest: Manifest,
    data: mujoco.MjData,
    qpos: np.ndarray,
) -> np.ndarray:
    """Points to look at (frames, 3): the pelvis, its height smoothed so that the ground does not bob."""
    body = model.body(manifest.joint(manifest.root["tilt"]).body).id
    pelvis = np.empty((len(qpos), 3))
    for row, values in enumerate(qpos):
        data.qpos[:] = values
        mujoco.mj_kinematics(model, data)
        pelvis[row] = data.xpos[body]
    if settings.camera == "fixed":
        return np.repeat((pelvis.min(axis=0) + pelvis.max(axis=0))[None] / 2, len(qpos), axis=0)
    half = round(_SMOOTHING_S * settings.fps / settings.playback_speed / 2)
    padded = np.pad(pelvis[:, 2], half, mode="edge")
    pelvis[:, 2] = np.convolve(padded, np.full(2 * half + 1, 1 / (2 * half + 1)), mode="valid")
    pelvis[:, 2] += _LOOK_ABOVE_PELVIS_M
    return pelvis
