import numpy as np
import pytest

from myoassist.reference import cyclic


def test_coefficients_and_evaluation_reproduce_samples_of_even_and_odd_length():
    rng = np.random.default_rng(1)
    for count in (40, 41):
        samples = rng.normal(size=(count, 3))
        back = cyclic.evaluate(cyclic.coefficients(samples), cyclic.grid(count))
        np.testing.assert_allclose(back, samples, atol=1e-12)


def test_derivative_of_a_sinusoid_is_its_cosine():
    phase = cyclic.grid(64)
    series = cyclic.coefficients(np.sin(2 * np.pi * 3 * phase)[:, None])
    slope = cyclic.evaluate(series, phase, derivative=1)[:, 0]
    np.testing.assert_allclose(slope, 6 * np.pi * np.cos(6 * np.pi * phase), atol=1e-10)


@pytest.mark.parametrize(("harmonic", "gain"), [(1, 1 / (1 + (np.sqrt(2) - 1) / 6**4)), (6, np.sqrt(0.5))])
def test_low_pass_scales_a_sinusoid_by_the_known_gain_and_does_not_shift_it(harmonic, gain):
    phase = cyclic.grid(100)
    wave = np.cos(2 * np.pi * harmonic * phase + 0.4)[:, None]
    filtered = cyclic.evaluate(cyclic.low_pass(cyclic.coefficients(wave), cutoff=6.0, order=4), phase)
    np.testing.assert_allclose(filtered, gain * wave, atol=1e-12)


def test_low_pass_leaves_the_mean_alone():
    constant = np.full((20, 1), 3.7)
    np.testing.assert_allclose(
        cyclic.evaluate(cyclic.low_pass(cyclic.coefficients(constant), 2.0), cyclic.grid(20)), constant, atol=1e-12
    )


def test_closing_removes_the_gap_and_keeps_the_mean():
    samples = np.stack([np.linspace(0, 1, 101), np.sin(np.linspace(0, 2 * np.pi, 101))], axis=1)
    closed, gap = cyclic.close_cycle(samples)
    np.testing.assert_allclose(gap, [1, 0], atol=1e-12)
    np.testing.assert_allclose(closed[:, 0], 0.5, atol=1e-12)
    np.testing.assert_allclose(closed[:, 1], samples[:-1, 1], atol=1e-12)


def test_shift_moves_phase_zero():
    phase = cyclic.grid(50)
    series = cyclic.coefficients(np.cos(2 * np.pi * (phase - 0.3))[:, None])
    assert cyclic.evaluate(cyclic.shift(series, 0.3), np.zeros(1))[0, 0] == pytest.approx(1.0)
