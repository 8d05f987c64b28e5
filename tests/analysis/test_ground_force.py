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


@pytest.mark.parametrize("cutoff", [20.0, 50.0])
def test_the_power_is_halved_at_the_cutoff_itself_also_where_the_rate_is_low(cutoff):
    """At 250 Hz the bilinear transform bends frequencies: a cutoff corrected without it would be 53.6 Hz, not 50."""
    wave = np.sin(2 * np.pi * cutoff * np.arange(5000) / 250 + 0.3)
    np.testing.assert_allclose(low_pass(wave, 250, cutoff)[1000:4000], wave[1000:4000] / np.sqrt(2), atol=1e-3)


def test_a_cutoff_above_what_the_rate_can_hold_filters_nothing():
    wave = np.sin(np.arange(100.0))
    np.testing.assert_array_equal(low_pass(wave, 250, 125), wave)


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
