"""Is the software complete, and does it run?"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from myoassist.doctor.findings import Finding, ask

AREA = "Installation"
PYTHON = (3, 11)
SNAKEMAKE = "9.27"
PLUGIN = "snakemake-executor-plugin-slurm"
_PHYSICS = """
import mujoco
ball = "<body><freejoint/><geom size='1'/></body>"
model = mujoco.MjModel.from_xml_string(f"<mujoco><worldbody>{ball}</worldbody></mujoco>")
data = mujoco.MjData(model)
mujoco.mj_step(model, data)
assert data.time > 0 and data.qvel[2] < 0
print(mujoco.__version__)
"""
_OPENGL = """
import mujoco
from mujoco.egl import GLContext
from OpenGL import GL
context = GLContext(64, 64)
context.make_current()
print(GL.glGetString(GL.GL_RENDERER).decode())
context.free()
"""


def python() -> list[Finding]:
    """Check the interpreter."""
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] < PYTHON:
        return [Finding(AREA, "Python", "fail", found, "make PYTHON=python3.11 install")]
    return [Finding(AREA, "Python", "ok", found)]


def packages(lock: Path) -> list[Finding]:
    """Compare the installed versions with those of the lock file; without what runs need, nothing runs."""
    check = "packages"
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
        pinned = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    except OSError:
        return [Finding(AREA, check, "warning", f"no {lock.name} in {lock.parent}", "run it in the project's folder")]
    except InvalidRequirement as error:
        line = str(error).splitlines()[0]
        return [Finding(AREA, check, "warning", f"{lock}: {line}", "git checkout requirements.lock")]
    pinned = [one for one in pinned if one.marker is None or one.marker.evaluate()]
    installed = {one.name: _version(one.name) for one in pinned}
    absent = [name for name, version in installed.items() if version is None]
    other = [
        f"{one.name} {installed[one.name]} (lock: {str(one.specifier).removeprefix('==')})"
        for one in pinned
        if installed[one.name] and not one.specifier.contains(installed[one.name])
    ]
    if absent:
        needed = {Requirement(text).name for text in importlib.metadata.requires("myoassist") or () if ";" not in text}
        status = "fail" if needed & set(absent) else "warning"
        return [Finding(AREA, check, status, f"missing: {_some(absent)}", "make install")]
    if other:
        remedy = "make install; results made with other versions are made again"
        return [Finding(AREA, check, "warning", f"other versions than locked: {_some(other)}", remedy)]
    return [Finding(AREA, check, "ok", f"all {len(pinned)} as in {lock.name}")]


def physics() -> list[Finding]:
    """Check that MuJoCo loads and steps; in a process of its own, since a wrong library would end this one."""
    answer = ask([sys.executable, "-c", _PHYSICS], {**os.environ, "MUJOCO_GL": "disable"})
    if answer.worked:
        return [Finding(AREA, "MuJoCo", "ok", f"{answer.output.strip()} loads and steps")]
    return [Finding(AREA, "MuJoCo", "fail", answer.error, "make install; its wheels need a 64-bit CPU with AVX")]


def snakemake() -> list[Finding]:
    """Check Snakemake and its SLURM plugin."""
    version, plugin = _version("snakemake"), _version(PLUGIN)
    if version is None or Version(version) < Version(SNAKEMAKE):
        found = "missing" if version is None else version
        return [Finding(AREA, "Snakemake", "fail", f"{found}, needs {SNAKEMAKE} or newer", "make install")]
    if plugin is None:
        return [Finding(AREA, "Snakemake", "warning", f"{version}, without {PLUGIN}", "make install")]
    return [Finding(AREA, "Snakemake", "ok", f"{version}, SLURM plugin {plugin}")]


def opengl() -> list[Finding]:
    """Check whether videos can be rendered; without, they are drawn in two dimensions."""
    answer = ask([sys.executable, "-c", _OPENGL], {**os.environ, "MUJOCO_GL": "egl"})
    if answer.worked:
        return [Finding(AREA, "OpenGL", "ok", f"EGL: {answer.output.strip()}")]
    remedy = "videos become two-dimensional drawings; on Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri"
    return [Finding(AREA, "OpenGL", "warning", answer.error, remedy)]


def encoder() -> list[Finding]:
    """Check the encoder of videos."""
    remedy = "make install; or set IMAGEIO_FFMPEG_EXE to an ffmpeg with libx264"
    try:
        import imageio_ffmpeg

        program = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        return [Finding(AREA, "video encoder", "fail", str(error).splitlines()[0], remedy)]
    answer = ask([program, "-hide_banner", "-encoders"])
    if not answer.worked or "libx264" not in answer.output:
        found = answer.error or f"{program} has no libx264"
        return [Finding(AREA, "video encoder", "fail", found, remedy)]
    return [Finding(AREA, "video encoder", "ok", f"ffmpeg with libx264 ({Path(program).name})")]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
