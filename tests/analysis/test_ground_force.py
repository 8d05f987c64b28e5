import numpy as np
import pytest
import synthetic_gait

from myoassist.analysis.ground_force import low_pass, two_peaks


@pytest.mark.parametrize(("frequency", "gain"), [(1.0, 1.0), (20.0, 0.7071), (80.0, 0.0)])
def test_the_filter_halves_the_power_at_its_cutoff_without_lag(frequency, gain):
    time = np.arange(5000) / 1000
    wave = np.sin(2 * np.pi * frequency * time)
    filtered = low_pass(wave, 1000, 20)
    np.testing.assert_allclose(filtered[1000:4000], gain * wave[1000:4000], atol=0.02)


def test_a_signal_too_short_to_filter_is_left_alone():
    assert low_pass(np.arange(10.0), 250, 20).tolist() == list(range(10))


def test_two_peaks_and_the_dip_between_are_found():
    first, dip, second = two_peaks(synthetic_gait.vertical_force(np.linspace(0, 1, 101)))
    assert first == pytest.approx(second)
    assert dip == pytest.approx(synthetic_gait.vertical_force(0.5))


def test_one_peak_is_not_two():
    assert two_peaks(np.sin(np.pi * np.linspace(0, 1, 101))) is None


def test_of_many_peaks_the_highest_of_each_half_counts():
    share = np.linspace(0, 1, 101)
    bumps = sum(height * np.exp(-(((share - at) / 0.05) ** 2)) for at, height in ((0.2, 1.0), (0.6, 1.2), (0.8, 1.3)))
    first, dip, second = two_peaks(bumps)
    assert first == pytest.approx(1.0, abs=1e-6)
    assert dip == pytest.approx(0, abs=1e-3)
    assert second == pytest.approx(1.3, abs=1e-6)
    assert two_peaks(np.where(share > 0.5, bumps, 0)) is None
