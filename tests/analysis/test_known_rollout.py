"""Every number and curve of a walk made of formulas, against the same number worked out by hand or by quadrature."""

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import run_analysis
from scipy.integrate import quad
from synthetic_gait import (
    CLEARANCE_M,
    FEET,
    FOOT_M,
    LEFTWARD,
    LEG_M,
    MASS,
    RATE,
    SLIP_M,
    SPEED,
    STANCE,
    STRIDE_M,
    STRIDE_S,
    crossing,
    vertical_force,
)

from myoassist.formats.stride_columns import STRIDES
from myoassist.formats.tidy_tables import split_unit

ON, OFF = crossing(0.05, rising=True), crossing(0.03, rising=False)
"""Shares of stance at which contact is found and lost."""
LATE = ON * STANCE
"""Share of the cycle by which the heel strike is found late."""
STANCE_S = STANCE * STRIDE_S
STANCE_PERCENT = 100 * STANCE * (OFF - ON)
WAY_AHEAD = SPEED * np.sqrt(LEG_M / 9.81)
"""From centre of mass to extrapolated centre of mass."""


def braking(share):
    return -0.15 * np.sin(2 * np.pi * share)


def margin(since_strike):
    """Toe less extrapolated centre of mass, a share of stance after the foot has landed under the centre of mass."""
    return FOOT_M + SLIP_M * since_strike - SPEED * since_strike * STANCE_S - WAY_AHEAD


def steepest_rise(cutoff_hz, side):
    """Steepest rise (BW/s) in early stance, filtered by its spectrum: a stride is 275 states, so the walk is periodic.

    Forward and back, a Butterworth filter of order 2 takes 1 + (w / w_c)^4 from each frequency, where w is
    tan(pi f / rate), and half of the power at the cutoff.
    """
    count = round(STRIDE_S * RATE)
    share = (np.arange(count) / count - FEET[side].first_s / STRIDE_S) % 1 / STANCE
    spectrum = np.fft.rfft(vertical_force(share) * (share < 1))
    w, cutoff = (np.tan(np.pi * f / RATE) for f in (np.fft.rfftfreq(count, 1 / RATE)[:-1], cutoff_hz))
    spectrum[: len(w)] /= 1 + (np.sqrt(2) - 1) * (w / cutoff) ** 4
    smooth = np.fft.irfft(spectrum, count)
    rate = (np.roll(smooth, -1) - np.roll(smooth, 1)) * RATE / 2
    early = (share > ON) & (share < ON + 0.2 * (OFF - ON))
    return rate[early].max()


EXPECTED = {
    # column: (value, of each side where they differ; tolerance)
    "speed_m_s": (SPEED, 1e-6),
    "cadence_steps_min": (120 / STRIDE_S, 0.1),
    "stride_length_m": (STRIDE_M, 1e-4),
    "stride_time_s": (STRIDE_S, 1e-3),
    "step_length_m": (STRIDE_M / 2 - SLIP_M * 0.5 / STANCE, 5e-4),
    "step_time_s": (STRIDE_S / 2, 1e-3),
    "toe_off_percent": (STANCE_PERCENT, 0.05),
    "swing_percent": (100 - STANCE_PERCENT, 0.05),
    "single_support_percent": (100 - STANCE_PERCENT, 0.05),
    "double_support_percent": (2 * STANCE_PERCENT - 100, 0.1),
    "first_peak_bw": (vertical_force(np.linspace(0, 0.5, 5001)).max(), 5e-3),
    "dip_bw": (vertical_force(0.5), 5e-3),
    "second_peak_bw": (vertical_force(np.linspace(0.5, 1, 5001)).max(), 5e-3),
    "raw_peak_bw": (vertical_force(np.linspace(0, 1, 5001)).max(), 1e-3),
    # the left foot strikes between two states
    "loading_rate_bw_s": ({side: steepest_rise(50.0, side) for side in FEET}, 3e-3),
    "braking_peak_bw": (-0.15, 2e-3),
    "propulsive_peak_bw": (0.15, 2e-3),
    "braking_impulse_bw_s": (quad(braking, ON, 0.5)[0] * STANCE_S, 1e-4),
    "propulsive_impulse_bw_s": (quad(braking, 0.5, OFF)[0] * STANCE_S, 1e-4),
    "mean_total_bw": (1.0, 1e-3),
    "foot_slip_m": (SLIP_M * (OFF - ON), 1e-4),
    "margin_heel_strike_m": (margin(ON), 1e-3),
    # just before the other foot lands, half a stride later; one sample of 4 ms is 5 mm of way
    "margin_least_m": (margin(ON + 0.5 / STANCE), 5.5e-3),
    "toe_clearance_m": (CLEARANCE_M, 2e-4),
    "toe_clearance_dips": (1.0, 0),
}


def test_every_number_of_a_stride_has_an_expectation():
    assert set(EXPECTED) == {column.name for column in STRIDES}


@pytest.mark.parametrize("column", EXPECTED)
def test_numbers_of_every_stride(walk, column):
    value, tolerance = EXPECTED[column]
    assert len(walk.strides) == 24
    expected = walk.strides["side"].map(value) if isinstance(value, dict) else value
    np.testing.assert_allclose(walk.strides[column], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("side", ["r", "l", "both"])
def test_summary_is_of_the_strides(walk, side):
    own = walk.strides if side == "both" else walk.strides[walk.strides["side"] == side]
    summary = walk.summary[walk.summary["side"] == side].set_index("quantity")
    assert len(summary) == len(STRIDES)
    for column in STRIDES:
        row = summary.loc[column.quantity]
        assert row["mean"] == pytest.approx(own[column.name].mean())
        assert row["sd"] == pytest.approx(own[column.name].std(), abs=1e-12)
        assert (row["n"], row["unit"], row["group"]) == (len(own), column.unit, column.group)


@pytest.mark.parametrize("side", ["r", "l"])
def test_curves_of_every_cycle_and_their_mean(walk, side):
    phase = LATE + np.linspace(0, 1, 101)
    share = (phase % 1) / STANCE
    stands = share < 1
    hip_velocity = -20 * np.sin(2 * np.pi * phase) * 2 * np.pi / STRIDE_S
    # the walker has one moment in all joints, by the right leg's phase, and a limit's of 0.5 N·m
    moment = np.sin(2 * np.pi * (phase + (0 if side == "r" else 0.5))) * 50 / MASS
    limit = np.full(101, 0.5 / MASS)
    soleus, tibant = (0.05 + 0.4 * np.clip(np.sin(2 * np.pi * (phase - late)), 0, 1) ** 2 for late in (0.1, 0.6))
    expected = {
        "pelvis_tilt_deg": synthetic_gait.anterior_tilt_deg(phase),
        "hip_flexion_deg": synthetic_gait.hip_deg(phase),
        "knee_flexion_deg": synthetic_gait.knee_flexion_deg(phase),
        "ankle_dorsiflexion_deg": synthetic_gait.ankle_deg(phase),
        "hip_flexion_velocity_deg_s": hip_velocity,
        "hip_flexion_moment_nm_kg": moment + limit,
        "hip_flexion_muscle_moment_nm_kg": moment,
        "hip_flexion_limit_moment_nm_kg": limit,
        "hip_flexion_power_w_kg": (moment + limit) * np.radians(hip_velocity),
        "hip_flexion_muscle_power_w_kg": moment * np.radians(hip_velocity),
        "knee_flexion_moment_nm_kg": -moment - limit,
        "grf_vertical_bw": vertical_force(share) * stands,
        "grf_fore_bw": braking(share) * stands,
        "grf_outward_bw": {"r": -LEFTWARD["r"], "l": LEFTWARD["l"]}[side] * vertical_force(share) * stands,
        "activation_soleus": soleus,
        "activation_tibant": tibant,
        "force_soleus_n": 1000 * soleus,
        "force_tibant_n": 1000 * tibant,
    }
    cycles, curves = walk.cycles[walk.cycles["side"] == side], walk.curves[walk.curves["side"] == side]
    for name, values in expected.items():
        within = 0.015 * max(np.ptp(values), 0.01)
        for cycle in cycles[name].to_numpy().reshape(-1, 101):
            np.testing.assert_allclose(cycle, values, rtol=0, atol=within, err_msg=name)
        quantity, unit = split_unit(name)
        mean = curves[(curves["quantity"] == quantity) & (curves["unit"] == unit)]
        np.testing.assert_allclose(mean["mean"], values, rtol=0, atol=within, err_msg=name)
        assert mean["n"].eq(12).all()
        assert mean["sd"].max() < within


def test_a_device_is_part_of_the_joint_s_moment_and_power(tmp_path, reference_file):
    ankle = run_analysis(tmp_path, reference_file, durations_s=(6.0,), devices=2).cycles.filter(like="ankle_dorsi")
    ankle.columns = [name.replace("ankle_dorsiflexion_", "") for name in ankle.columns]
    moment = ankle["muscle_moment_nm_kg"] + ankle["limit_moment_nm_kg"] + ankle["device_torque_nm_kg"]
    np.testing.assert_allclose(ankle["moment_nm_kg"], moment, atol=1e-5)
    # a product of curves is not the curve of a product: 101 points lie between samples
    np.testing.assert_allclose(ankle["power_w_kg"], moment * np.radians(ankle["velocity_deg_s"]), atol=2e-3)
    assert ankle["device_torque_nm_kg"].abs().max() > 0.1
