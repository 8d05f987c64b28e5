"""Readers of recorded motion: the one place where units and signs of raw files are turned into the project's own."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myoassist.config.reference import ReferenceSettings
from myoassist.errors import InputError
from myoassist.reference import cyclic

COORDINATES = (
    "pelvis_tilt",
    "hip_flexion_r",
    "knee_angle_r",
    "ankle_angle_r",
    "hip_flexion_l",
    "knee_angle_l",
    "ankle_angle_l",
)
OPTIONAL = ("mtp_angle_r", "mtp_angle_l")

_STRIDE_COLUMNS = {  # coordinate -> column, factor
    "pelvis_tilt": ("pelvis_euler_pitch", -1.0),  # forward lean + in the file (reference_data/README.md)
    "hip_flexion_r": ("hip_flexion_r", 1.0),
    "knee_angle_r": ("osl_knee_angle_r", -1.0),  # flexion + in the file
    "ankle_angle_r": ("osl_ankle_angle_r", 1.0),
    "hip_flexion_l": ("hip_flexion_l", 1.0),
    "knee_angle_l": ("knee_angle_l", -1.0),
    "ankle_angle_l": ("ankle_angle_l", 1.0),
}
_STRIDE_SPEED = "pelvis_vel_X"
_STRIDE_UNUSED = [
    *(f"hip_{motion}_{side}" for motion in ("adduction", "rotation") for side in "lr"),
    *("pelvis_euler_roll", "pelvis_euler_yaw", "pelvis_vel_Y", "pelvis_vel_Z"),
    *(f"{side}_foot_relative_{axis}" for side in "lr" for axis in "XYZ"),
]

LONGEST_ANGLE_RAD = 3.2
SMALLEST_ADVANCE_M_S = 0.3
LARGEST_SOURCE_BYTES = 256_000_000


@dataclass(frozen=True)
class RawStride:
    """One recorded stride in the project's units and signs.

    Attributes:
        coordinates: n names.
        positions: (R, n) rad; the last sample is the same instant of the next stride as the first.
        forward_velocity: (R,) m/s of the pelvis.
        duration_s: time from the first to the last sample.
    """

    coordinates: tuple[str, ...]
    positions: np.ndarray
    forward_velocity: np.ndarray
    duration_s: float


def read_stride(settings: ReferenceSettings, source: Path) -> RawStride:
    """Read one stride with the reader that the settings name.

    Raises:
        InputError: naming file, field and expectation.
    """
    return _READERS[settings.reader](settings, Path(source))


def read_myosuite_stride(settings: ReferenceSettings, source: Path) -> RawStride:
    """Read MyoSuite's one-stride csv (radians and m/s, knee flexion +, pitch forward +, no time column)."""
    header, table = _read_csv(source)
    known = [column for column, _ in _STRIDE_COLUMNS.values()] + [_STRIDE_SPEED, *_STRIDE_UNUSED]
    for column in known:
        if column not in header:
            raise InputError(f"{source}: column '{column}' is missing (expected a myosuite_stride csv)")
    for column in header:
        if column not in known:
            raise InputError(f"{source}: unknown column '{column}' (expected a myosuite_stride csv)")
    column = {name: table[:, index] for index, name in enumerate(header)}
    positions = np.stack([factor * column[name] for name, factor in _STRIDE_COLUMNS.values()], axis=1)
    _check_angles(source, COORDINATES, positions)
    assert settings.sampling_rate_hz is not None  # the settings' own check
    velocity = _scaled_speed(settings, column[_STRIDE_SPEED], source)
    return RawStride(COORDINATES, positions, velocity, (len(table) - 1) / settings.sampling_rate_hz)


def read_opensim_motion(settings: ReferenceSettings, source: Path) -> RawStride:
    """Read one stride of an OpenSim motion or storage file (.mot, .sto).

    Header lines up to ``endheader`` (``inDegrees=yes|no`` among them), then a tab- or space-separated table
    with ``time``. The stride is ``start_s``…``end_s``, or number ``stride`` of those between right heel
    strikes. Columns that no planar body has are ignored. The sign of knee flexion differs between OpenSim
    models; unless given, the larger excursion is taken as flexion. Speed is the slope of ``pelvis_tx``,
    which stands still on treadmills: then ``speed_m_s`` must be given.
    """
    in_degrees, header, table = _read_storage(source)
    for name in ("time", *COORDINATES):
        if name not in header:
            raise InputError(f"{source}: column '{name}' is missing (expected joint angles of an OpenSim walk)")
    if duplicates := {name for name in header if header.count(name) > 1}:
        raise InputError(f"{source}: column '{sorted(duplicates)[0]}' is given twice")
    column = {name: table[:, index] for index, name in enumerate(header)}
    time = column["time"]
    step = np.diff(time)
    if len(time) < 20 or (step <= 0).any() or np.ptp(step) > 0.02 * step.mean():
        raise InputError(f"{source}: column 'time': expected at least 20 evenly spaced, rising times in seconds")
    optional = tuple(name for name in OPTIONAL if name in header) if set(OPTIONAL) <= set(header) else ()
    coordinates = COORDINATES + optional
    positions = np.stack([column[name] for name in coordinates], axis=1)
    if in_degrees:
        positions = np.deg2rad(positions)
    _check_angles(source, coordinates, positions)
    for name in ("knee_angle_r", "knee_angle_l"):
        knee = positions[:, coordinates.index(name)]
        flexion_positive = settings.knee_flexion_positive
        if flexion_positive is None:
            flexion_positive = bool(knee.max() > -knee.min())
        if flexion_positive:
            knee *= -1
    first, last = _choose_stride(settings, source, time, coordinates, positions)
    forward = column.get("pelvis_tx")
    if forward is None or abs(forward[last] - forward[first]) < SMALLEST_ADVANCE_M_S * (time[last] - time[first]):
        if settings.speed_m_s is None:
            raise InputError(
                f"{source}: column 'pelvis_tx' does not advance; expected reference.speed_m_s for a treadmill walk"
            )
        velocity = np.full(last - first + 1, settings.speed_m_s)
    else:
        velocity = _scaled_speed(settings, np.gradient(forward, time)[first : last + 1], source)
    return RawStride(coordinates, positions[first : last + 1], velocity, float(time[last] - time[first]))


_READERS: dict[str, Callable[[ReferenceSettings, Path], RawStride]] = {
    "myosuite_stride": read_myosuite_stride,
    "opensim_motion": read_opensim_motion,
}


def heel_forward(coordinates: tuple[str, ...], positions: np.ndarray, side: str) -> np.ndarray:
    """Forward position of a heel relative to its hip, in leg lengths, from angles alone.

    Segments of average proportions (thigh : shank : ankle height : heel length = 0.245 : 0.246 : 0.039 :
    0.03 of body height; Winter 2009, figure 4.1). Its maximum is a heel strike (Zeni, Richards and
    Higginson 2008, Gait & Posture 27:710): good enough to order a cycle; the fit to a body finds the
    contact itself.
    """
    column = {name: positions[:, index] for index, name in enumerate(coordinates)}
    thigh = column["pelvis_tilt"] + column[f"hip_flexion_{side}"]
    shank = thigh + column[f"knee_angle_{side}"]
    foot = shank + column[f"ankle_angle_{side}"]
    return (0.245 * np.sin(thigh) + 0.246 * np.sin(shank) + 0.039 * np.sin(foot) - 0.03 * np.cos(foot)) / 0.53


def _choose_stride(
    settings: ReferenceSettings,
    source: Path,
    time: np.ndarray,
    coordinates: tuple[str, ...],
    positions: np.ndarray,
) -> tuple[int, int]:
    if settings.start_s is not None and settings.end_s is not None:
        half_step = 0.5 * (time[1] - time[0])
        if settings.start_s < time[0] - half_step or settings.end_s > time[-1] + half_step:
            raise InputError(
                f"{source}: start_s {settings.start_s:g} … end_s {settings.end_s:g}: expected times within"
                f" {time[0]:g} … {time[-1]:g} s"
            )
        first, last = (int(np.abs(time - at).argmin()) for at in (settings.start_s, settings.end_s))
    else:
        strikes = find_heel_strikes(heel_forward(coordinates, positions, "r"), 1 / (time[1] - time[0]))
        if len(strikes) < settings.stride + 2:
            raise InputError(
                f"{source}: {max(len(strikes) - 1, 0)} whole strides between right heel strikes found; expected"
                f" more than {settings.stride} (reference.stride), or give reference.start_s and reference.end_s"
            )
        first, last = strikes[settings.stride], strikes[settings.stride + 1]
    if not 0.5 <= time[last] - time[first] <= 3 or last - first < 20:
        raise InputError(
            f"{source}: the stride lasts {time[last] - time[first]:.2f} s in {last - first} samples; expected 0.5"
            " to 3 s and at least 20 samples"
        )
    return first, last


def find_heel_strikes(forward: np.ndarray, rate_hz: float) -> list[int]:
    """Indices of the forward maxima of a heel in a series of several strides.

    A maximum counts if it is the largest within 0.35 s on both sides, lies well above the mean and is not
    the first or last sample.
    """
    series = cyclic.coefficients(np.concatenate([forward, forward[::-1]]))  # mirrored: no jump at the ends
    smooth = cyclic.evaluate(
        cyclic.low_pass(series, 6.0 * 2 * len(forward) / rate_hz),
        np.arange(len(forward)) / (2 * len(forward)),
    )
    reach = max(1, round(0.35 * rate_hz))
    level = smooth.mean() + 0.5 * smooth.std()
    return [
        index
        for index in range(1, len(smooth) - 1)
        if smooth[index] > level and smooth[index] == smooth[max(0, index - reach) : index + reach + 1].max()
    ]


def _scaled_speed(settings: ReferenceSettings, velocity: np.ndarray, source: Path) -> np.ndarray:
    mean = float(velocity[:-1].mean())
    if not 0.2 <= mean <= 4:
        raise InputError(f"{source}: mean forward speed is {mean:.2f} m/s; expected 0.2 to 4 (walking along +x)")
    return velocity if settings.speed_m_s is None else velocity * (settings.speed_m_s / mean)


def _check_angles(source: Path, coordinates: tuple[str, ...], positions: np.ndarray) -> None:
    for name, values in zip(coordinates, positions.T, strict=True):
        largest = np.abs(values).max()
        if largest > LONGEST_ANGLE_RAD:
            raise InputError(
                f"{source}: column for '{name}' reaches {largest:.3g}; expected radians (or inDegrees=yes in a .mot)"
            )


def _read_csv(source: Path) -> tuple[list[str], np.ndarray]:
    try:
        rows = list(csv.reader(_lines(source)))
    except csv.Error as error:  # such as a cell without end
        raise InputError(f"{source}: not a table of comma-separated values ({error})") from None
    header = [cell.strip() for cell in rows[0]]
    return header, _table(source, header, rows[1:], first_line=2)


def _read_storage(source: Path) -> tuple[bool, list[str], np.ndarray]:
    lines = _lines(source)
    in_degrees: bool | None = None
    end = next((i for i, line in enumerate(lines) if line.strip().lower() == "endheader"), None)
    if end is None or end + 1 >= len(lines):
        raise InputError(f"{source}: no 'endheader' line followed by a table (expected an OpenSim .mot or .sto file)")
    for line in lines[:end]:
        key, _, value = line.partition("=")
        if key.strip().lower() == "indegrees":
            if value.strip().lower() not in ("yes", "no"):
                raise InputError(f"{source}: field 'inDegrees': expected yes or no, found '{value.strip()}'")
            in_degrees = value.strip().lower() == "yes"
    if in_degrees is None:
        raise InputError(f"{source}: field 'inDegrees' is missing (expected inDegrees=yes or inDegrees=no)")
    header = lines[end + 1].split()
    rows = [line.split() for line in lines[end + 2 :] if line.strip()]
    return in_degrees, header, _table(source, header, rows, first_line=end + 3)


def _lines(source: Path) -> list[str]:
    try:
        size = source.stat().st_size
        if size > LARGEST_SOURCE_BYTES:
            raise InputError(f"{source}: {size:,} bytes; expected recorded motion of at most {LARGEST_SOURCE_BYTES:,}")
        lines = source.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{source}: file not found (expected recorded motion)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: cannot be read ({error})") from None
    if not lines:
        raise InputError(f"{source}: the file is empty (expected recorded motion)")
    return lines


def _table(source: Path, header: list[str], rows: list[list[str]], first_line: int) -> np.ndarray:
    if len(rows) < 20:
        raise InputError(f"{source}: {len(rows)} rows of numbers; expected at least 20 of one stride")
    for number, row in enumerate(rows, start=first_line):
        if len(row) != len(header):
            raise InputError(f"{source}: line {number}: expected {len(header)} values, found {len(row)}")
    try:
        table = np.array(rows, dtype=float)
    except ValueError as error:
        raise InputError(f"{source}: expected numbers only ({error})") from None
    if not np.isfinite(table).all():
        row, index = np.argwhere(~np.isfinite(table))[0]
        raise InputError(f"{source}: line {first_line + row}, column '{header[index]}': expected a finite number")
    return table
