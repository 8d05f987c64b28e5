"""Stage ``preprocess``: a recorded stride becomes a periodic, model-free reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from loguru import logger

from myoassist.config.reference import ReferenceSettings
from myoassist.formats.files import sha256
from myoassist.formats.reference_motion import SIGNS, ReferenceMotion, mirrored, write_reference_motion
from myoassist.reference import cyclic, readers


def preprocess(settings: ReferenceSettings, *, source: Path, output: Path) -> None:
    """Read, filter and close a recorded stride; write the reference.

    Args:
        settings: reader, filter, frames, symmetry.
        source: raw data file.
        output: reference file (``formats.reference_motion.ReferenceMotion``).

    Raises:
        InputError: if the raw file is missing or not what the reader expects.
    """
    stride = readers.read_stride(settings, Path(source))
    motion = periodic_reference(settings, stride, source=Path(source).name, source_sha256=sha256(source))
    logger.info(
        "reference: {} samples over {:.3f} s at {:.3f} m/s, closing gap up to {:.1f}°",
        len(stride.positions),
        stride.duration_s,
        motion.speed_m_s,
        np.rad2deg(np.abs(motion.closure).max()),
    )
    write_reference_motion(output, motion)


def periodic_reference(
    settings: ReferenceSettings, stride: readers.RawStride, *, source: str = "", source_sha256: str = ""
) -> ReferenceMotion:
    """Turn one recorded stride into a periodic reference with phase 0 at right heel strike.

    Closing (the gap is spread evenly over the cycle), zero-phase low-pass, phase 0 to the forward maximum
    of the right heel, with ``symmetric`` the mean of each coordinate and its mirror image half a cycle
    later, resampling.

    Args:
        settings: filter, frames, symmetry.
        stride: the recorded stride.
        source: name of the raw file, for the record.
        source_sha256: its hash, for the record.
    """
    columns = np.column_stack([stride.positions, stride.forward_velocity])
    closed, gap = cyclic.close_cycle(columns)
    series = cyclic.coefficients(closed)
    series = cyclic.low_pass(series, settings.cutoff_hz * stride.duration_s, settings.filter_order)
    series = series[: settings.frames // 2]  # what the frames can hold: the samples then determine the curve

    fine = cyclic.grid(2000)
    heel = readers.heel_forward(stride.coordinates, cyclic.evaluate(series, fine)[:, :-1], "r")
    strike = float(fine[heel.argmax()])
    series = cyclic.shift(series, strike)
    if settings.symmetric:
        mirror = [stride.coordinates.index(mirrored(name)) for name in stride.coordinates] + [-1]
        series = 0.5 * (series + cyclic.shift(series, 0.5)[:, mirror])

    phase = cyclic.grid(settings.frames)
    processed = cyclic.evaluate(series, phase)
    velocity = cyclic.evaluate(series, phase, derivative=1)[:, :-1] / stride.duration_s
    return ReferenceMotion(
        coordinates=stride.coordinates,
        positions=processed[:, :-1],
        velocities=velocity,
        stride_time_s=stride.duration_s,
        forward_velocity=processed[:, -1],
        raw_phase=np.linspace(0, 1, len(columns)) - strike,
        raw_positions=stride.positions,
        closure=gap[:-1],
        signs={name: SIGNS[name.removesuffix("_r").removesuffix("_l")] for name in stride.coordinates},
        source=source,
        source_sha256=source_sha256,
        settings=settings.canonical(),
    )
