import numpy as np
import pytest

from myoassist.config.reference import ReferenceSettings
from myoassist.formats.files import sha256
from myoassist.formats.reference_motion import mirrored
from myoassist.reference import cyclic
from myoassist.reference.preprocess import periodic_reference, preprocess
from myoassist.reference.readers import RawStride, read_stride


def test_velocities_are_the_derivative_of_the_positions(motion):
    step = motion.stride_time_s / motion.frames
    series = cyclic.coefficients(motion.positions)
    exact = cyclic.evaluate(series, cyclic.grid(motion.frames), derivative=1) / motion.stride_time_s
    np.testing.assert_allclose(motion.velocities, exact, atol=1e-9)
    difference = (np.roll(motion.positions, -1, axis=0) - np.roll(motion.positions, 1, axis=0)) / (2 * step)
    assert np.abs(difference - motion.velocities).max() < 0.01 * np.abs(motion.velocities).max()
    assert np.abs(motion.velocities.mean(axis=0)).max() < 1e-9


def test_the_reference_stays_close_to_the_raw_stride(motion):
    curve = cyclic.evaluate(cyclic.coefficients(motion.positions), motion.raw_phase)
    rms = np.rad2deg(np.sqrt(((curve - motion.raw_positions) ** 2).mean(axis=0)))
    assert rms.max() < 2.0  # filter, closing and half of the difference of the sides
    assert np.rad2deg(np.abs(motion.closure)).max() < 1.5


def test_phase_zero_is_right_heel_strike_and_sides_mirror(motion):
    knee = motion.positions[:, motion.column("knee_angle_r")]
    assert abs(np.rad2deg(knee[0])) < 5  # extended
    assert motion.positions[0, motion.column("hip_flexion_r")] > 0.4
    mirror = [motion.column(mirrored(name)) for name in motion.coordinates]
    later = np.roll(motion.positions[:, mirror], motion.frames // 2, axis=0)
    np.testing.assert_allclose(later, motion.positions, atol=1e-12)


def test_without_symmetry_the_sides_keep_their_difference(stride_csv):
    settings = ReferenceSettings(symmetric=False)
    motion = periodic_reference(settings, read_stride(settings, stride_csv))
    right = motion.positions[:, motion.column("hip_flexion_r")]
    left = np.roll(motion.positions[:, motion.column("hip_flexion_l")], motion.frames // 2)
    assert 1 < np.rad2deg(np.sqrt(((right - left) ** 2).mean())) < 4


def test_a_sinusoid_of_known_frequency_comes_through_with_the_known_gain():
    phase = np.linspace(0, 1, 201)
    names = ("pelvis_tilt", "hip_flexion_r", "knee_angle_r", "ankle_angle_r", "hip_flexion_l", "knee_angle_l")
    names += ("ankle_angle_l",)
    positions = np.zeros((201, 7))
    for side, turn in (("r", 0.0), ("l", 0.5)):
        positions[:, names.index(f"hip_flexion_{side}")] = 0.5 * np.cos(2 * np.pi * (phase - turn))
    positions[:, 0] = 0.1 * np.cos(2 * np.pi * 6 * phase)
    stride = RawStride(names, positions, np.ones(201), 1.0)
    motion = periodic_reference(ReferenceSettings(cutoff_hz=6.0), stride)
    assert np.ptp(motion.positions[:, 0]) / 2 == pytest.approx(0.1 * np.sqrt(0.5), rel=1e-3)
    assert motion.positions[:, 1].argmax() in (0, motion.frames - 1, 1)


def test_equal_input_gives_equal_bytes(tmp_path, stride_csv):
    for name in "ab":
        preprocess(ReferenceSettings(), source=stride_csv, output=tmp_path / f"{name}.h5")
    assert sha256(tmp_path / "a.h5") == sha256(tmp_path / "b.h5")
