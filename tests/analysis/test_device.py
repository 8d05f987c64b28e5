"""What the device did, against numbers computed by hand."""

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import run_analysis

from myoassist.analysis.cycles import Cycle
from myoassist.analysis.device import STRIDE_NUMBERS, device_curves, driven_joints, stride_numbers

T = 1.1
TIME = np.arange(0, 2, 0.004)
CYCLE = Cycle("r", 1, 0.3, 0.3 + T, 1.0)
WAVE = np.sin(2 * np.pi * (TIME - 0.3) / T)
QUADRATURE = np.cos(2 * np.pi * (TIME - 0.3) / T)


def test_work_of_a_torque_in_phase_with_velocity_is_all_positive():
    numbers = stride_numbers(TIME, 0.2 * WAVE, 0.2 * WAVE * 3 * WAVE, None, CYCLE)
    assert numbers["positive_work_j_kg"] == pytest.approx(0.2 * 3 * T / 2, rel=1e-4)
    assert numbers["negative_work_j_kg"] == 0
    assert numbers["mean_power_w_kg"] == pytest.approx(0.3, rel=1e-4)
    assert numbers["peak_power_w_kg"] == pytest.approx(0.6, rel=1e-3)
    assert abs(numbers["peak_torque_nm_kg"]) == pytest.approx(0.2, rel=1e-3)
    assert numbers["peak_torque_percent"] % 50 == pytest.approx(25, abs=0.5)


def test_work_of_a_torque_in_quadrature_cancels():
    numbers = stride_numbers(TIME, WAVE, WAVE * QUADRATURE, None, CYCLE)
    assert numbers["positive_work_j_kg"] == pytest.approx(T / (2 * np.pi), rel=1e-3)
    assert numbers["negative_work_j_kg"] == pytest.approx(-T / (2 * np.pi), rel=1e-3)
    assert numbers["net_work_j_kg"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("muscle", "share"), [(3.0, 0.25), (0.0, 1.0), (-3.0, -0.5)])
def test_share_of_the_moment_is_that_of_device_over_total(muscle, share):
    numbers = stride_numbers(TIME, 0.2 * WAVE, 0 * WAVE, muscle * 0.2 * WAVE, CYCLE)
    assert numbers["moment_share"] == pytest.approx(share)
    assert numbers["moment_share_at_peak"] == pytest.approx(share)


def test_share_stays_finite_where_the_total_moment_crosses_zero():
    device, muscle = np.full_like(WAVE, 0.1), WAVE
    total = device + muscle
    inside = (CYCLE.start_s <= TIME) & (CYCLE.end_s >= TIME)
    expected = np.mean(0.1 * np.sign(total[inside])) / np.mean(np.abs(total[inside]))
    assert stride_numbers(TIME, device, 0 * WAVE, muscle, CYCLE)["moment_share"] == pytest.approx(expected, abs=1e-3)


def test_a_device_that_is_off_is_zero_everywhere():
    numbers = stride_numbers(TIME, -0.0 * WAVE, -0.0 * WAVE, WAVE, CYCLE)
    assert np.isnan(numbers.pop("peak_torque_percent"))
    assert set(numbers.values()) == {0.0}
    assert not any(np.signbit(value) for value in numbers.values())


def test_metrics_hold_torque_and_work_per_stride_and_side(tmp_path, reference_file):
    found = run_analysis(tmp_path, reference_file, devices=2)
    device = found.metrics["device"]
    assert device["active"]
    assert device["devices"] == ["exo_r", "exo_l"]
    assert device["device_mass_kg"] == synthetic_gait.DEVICE_KG
    joint = device["joints"]["ankle_dorsiflexion"]
    mass = synthetic_gait.MASS
    for side in ("r", "l"):
        numbers = joint[side]
        assert set(numbers) >= set(STRIDE_NUMBERS)
        assert numbers["strides"] == found.metrics["cycles"][side]["cycles_used"]
        assert numbers["peak_torque_nm"]["mean"] == pytest.approx(-15, abs=0.01)
        assert numbers["peak_torque_nm_kg"]["mean"] == pytest.approx(-15 / mass, abs=1e-4)
        # the pulse of 15 N·m runs from 20 to 70 % of the true cycle, against the velocity of 8° sin: by quadrature
        share = np.linspace(0.2, 0.7, 20001)
        velocity = np.radians(8) * 2 * np.pi * np.cos(2 * np.pi * share)  # per stride
        power = -15 * np.sin(2 * np.pi * (share - 0.2)) * velocity
        positive, negative = (np.trapezoid(f(power, 0), share) for f in (np.maximum, np.minimum))
        assert numbers["positive_work_j"]["mean"] == pytest.approx(positive, rel=5e-3)
        assert numbers["negative_work_j"]["mean"] == pytest.approx(negative, abs=5e-3)
        assert numbers["net_work_j_kg"]["mean"] == pytest.approx((positive + negative) / mass, rel=5e-3)


def test_feet_carry_the_device_too_and_moments_are_per_kg_of_the_body(tmp_path, reference_file, walk):
    worn = run_analysis(tmp_path, reference_file, devices=2)
    for side in ("r", "l"):
        assert worn.metrics["ground_force"][side]["mean_total_vertical_bw"] == pytest.approx(1.0, abs=0.002)
    for name in ("ankle_dorsiflexion_muscle_moment_nm_kg", "knee_flexion_power_w_kg", "hip_flexion_limit_moment_nm_kg"):
        np.testing.assert_allclose(worn.cycles[name], walk.cycles[name], atol=1e-6)
    source = worn.metrics["source"]
    assert (source["body_mass_kg"], source["device_mass_kg"]) == (synthetic_gait.MASS, synthetic_gait.DEVICE_KG)


def test_one_sided_device_has_zeros_on_the_other_side(tmp_path, reference_file):
    found = run_analysis(tmp_path, reference_file, devices=1)
    joint = found.metrics["device"]["joints"]["ankle_dorsiflexion"]
    assert joint["l"] is None
    assert joint["r"]["strides"] > 0
    torque = found.cycles.groupby("side")["device_ankle_dorsiflexion_torque_nm_kg"].min()
    assert torque["r"] == pytest.approx(-15 / synthetic_gait.MASS, abs=1e-3)
    assert torque["l"] == 0


def test_no_device_is_null(walk):
    assert walk.metrics["device"] is None


def test_no_cycle_is_null_per_side(tmp_path, reference_file):
    joints = run_analysis(tmp_path, reference_file, durations_s=(0.9,), devices=2).metrics["device"]["joints"]
    assert joints == {"ankle_dorsiflexion": {"r": None, "l": None}}


def test_a_joint_that_reports_do_not_know_brings_its_own_angle():
    model = synthetic_gait.header(1).model
    names = (*model.coordinates[:-1], "osl_ankle_r")
    model = type(model)(**{**vars(model), "coordinates": names, "dofs": names, "device_joints": ("osl_ankle_r",)})
    block = synthetic_gait.states(1.0, devices=1)
    assert [joint.name for joint in driven_joints(model)] == ["osl_ankle"]
    right, left = (device_curves(block, model, side) for side in ("r", "l"))
    assert list(right) == list(left)
    np.testing.assert_allclose(right["device_osl_ankle_deg"], np.degrees(block["qpos"][:, -1]))
    assert np.isnan(left["device_osl_ankle_deg"]).all()
    assert not left["device_osl_ankle_torque_nm_kg"].any()
