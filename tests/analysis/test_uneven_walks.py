"""Walks whose sides or strides differ by known amounts: what each side's numbers, symmetry and spread say of them."""

import numpy as np
import pytest
import synthetic_gait
from analysed_walk import run_analysis
from synthetic_gait import LIMPING, LIMPING_TO_THE_OTHER, SLIP_M, SPEED, STANCE, STRIDE_M, STRIDE_S, crossing

STRIKES_AT = {"r": 0.0, "l": 0.62}
"""Share of the right stride at which each foot lands."""
ON, OFF = (
    {side: crossing(level, rising, foot.stance) * foot.stance for side, foot in LIMPING.items()}
    for level, rising in ((0.05, True), (0.03, False))
)
"""Share of the stride from landing to where contact is found, and to where it is lost."""
SINCE_OTHER = {"r": 0.38, "l": 0.62}
"""Share of the stride from the other foot's landing to the own one."""


def other(side):
    return "l" if side == "r" else "r"


def step_time(side):
    """The step of a side is the one that ends at its heel strike."""
    return (SINCE_OTHER[side] + ON[side] - ON[other(side)]) * STRIDE_S


def step_length(side):
    """Way of the body meanwhile, what the foot lands farther ahead, and what both have slid since they landed."""
    own, standing = LIMPING[side], LIMPING[other(side)]
    slid = SLIP_M * (ON[side] / own.stance - (SINCE_OTHER[side] + ON[side]) / standing.stance)
    return SINCE_OTHER[side] * STRIDE_M + own.ahead_m - standing.ahead_m + slid


def stance_percent(side):
    return 100 * (OFF[side] - ON[side])


def index(quantity):
    right, left = quantity("r"), quantity("l")
    return 100 * abs(right - left) / ((right + left) / 2)


@pytest.fixture(scope="module")
def limping(tmp_path_factory, reference_file):
    return run_analysis(tmp_path_factory.mktemp("limping"), reference_file, feet=LIMPING)


QUANTITIES = {
    # quantity: (of a side, tolerance)
    "step_time": (step_time, 5e-4),
    "step_length": (step_length, 5e-4),
    "stance": (stance_percent, 0.05),
    # the other foot's swing
    "single_support": (lambda side: 100 - stance_percent(other(side)), 0.05),
    "double_support": (lambda side: stance_percent(side) - 100 + stance_percent(other(side)), 0.1),
    "stride_time": (lambda side: STRIDE_S, 5e-4),
    "stride_length": (lambda side: STRIDE_M, 5e-4),
    "speed": (lambda side: SPEED, 1e-6),
}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_each_side_has_its_own_numbers(limping, quantity):
    expected, tolerance = QUANTITIES[quantity]
    rows = limping.summary[limping.summary["quantity"] == quantity].set_index("side")
    for side in ("r", "l"):
        assert rows.loc[side, "mean"] == pytest.approx(expected(side), abs=tolerance)
        assert rows.loc[side, "sd"] == pytest.approx(0, abs=tolerance)
    assert rows.loc["both", "symmetry_index_percent"] == pytest.approx(index(expected), abs=0.2)


def test_the_limp_is_large_enough_to_be_seen():
    assert step_time("l") / step_time("r") == pytest.approx(1.6, abs=0.1)
    assert step_length("l") / step_length("r") == pytest.approx(1.2, abs=0.1)


def test_symmetry_in_the_metrics_and_in_the_gate(limping):
    found = limping.metrics["symmetry_index_percent"]
    for quantity in ("step_time", "step_length", "stance", "single_support"):
        assert found[quantity] == pytest.approx(index(QUANTITIES[quantity][0]), abs=0.2)
    asymmetry = limping.metrics["gate"]["step_time_asymmetry"]
    assert asymmetry["value"] == pytest.approx(index(step_time), abs=0.2)
    assert not asymmetry["holds"]


def test_what_cancels_between_episodes_is_judged_in_each(tmp_path, reference_file):
    """One episode limps to the left and one to the right, one is asked to be faster than it is and one slower."""
    found = run_analysis(
        tmp_path,
        reference_file,
        feet_of=[LIMPING, LIMPING_TO_THE_OTHER],
        control=[{"target": SPEED - 0.15}, {"target": SPEED + 0.11}],
    ).metrics
    assert found["symmetry_index_percent"]["step_time"] < 2.0
    assert found["gate"]["step_time_asymmetry"]["value"] == pytest.approx(index(step_time), abs=0.2)
    assert found["speed"]["target_mean_m_s"] == pytest.approx(SPEED - 0.02)
    assert found["gate"]["speed_error"]["value"] == pytest.approx(0.13, abs=1e-6)
    assert not found["gate"]["step_time_asymmetry"]["holds"]
    assert not found["gate"]["speed_error"]["holds"]


def test_the_largest_force_is_told_of_all_that_was_walked_and_of_the_cycles(limping, fall):
    cycles = max(limping.metrics["ground_force"][side]["raw_peak_largest_bw"] for side in ("r", "l"))
    anywhere = limping.metrics["raw_force_peak_anywhere_bw"]
    assert anywhere == pytest.approx(cycles, abs=1e-3)  # here every stride is like every other
    assert fall.metrics["ground_force"] == {"r": None, "l": None}
    assert fall.metrics["raw_force_peak_anywhere_bw"] == pytest.approx(anywhere, rel=0.1)


def test_both_feet_together_carry_the_weight_however_they_share_the_stride(limping):
    for side in ("r", "l"):
        assert limping.metrics["ground_force"][side]["mean_total_vertical_bw"] == pytest.approx(1.0, abs=0.002)


def test_angles_are_over_each_side_s_own_cycle(limping):
    for side in ("r", "l"):
        curve = limping.curves.query(f"side == '{side}' and quantity == 'hip_flexion' and unit == '°'")
        expected = synthetic_gait.hip_deg(ON[side] + np.linspace(0, 1, 101))
        np.testing.assert_allclose(curve["mean"], expected, atol=0.05)


ADDED_DEG = {
    "r": np.array([0.0, 6.0, -3.0, 2.0, 9.0, -5.0, 1.0, 4.0, 0.0]),
    "l": np.array([0.0, -1.0, 0.5, 3.0, 1.0, 2.5, -2.0, 0.0, 0.0]),
}
"""What the hip flexes more in the middle of each stride, by number of the stride."""


def added_shape(strides):
    """Nothing at heel strikes, so that strides join; 1 half-way between them."""
    return np.sin(np.pi * strides) ** 2


def varied_hip(side):
    def hip(strides):
        number = np.clip(np.floor(strides).astype(int), 0, len(ADDED_DEG[side]) - 1)
        return synthetic_gait.hip_deg(strides) + ADDED_DEG[side][number] * added_shape(strides)

    return hip


@pytest.fixture(scope="module")
def varied(tmp_path_factory, reference_file):
    """One episode, of which strides 1 to 5 of the right side and 1 to 4 of the left one count."""
    curves = synthetic_gait.CURVES | {f"hip_flexion_{side}": varied_hip(side) for side in ADDED_DEG}
    return run_analysis(tmp_path_factory.mktemp("varied"), reference_file, durations_s=(8.2,), curves=curves)


@pytest.mark.parametrize(("side", "last"), [("r", 5), ("l", 4)])
def test_spread_of_a_curve_is_the_sample_sd_over_its_strides(varied, side, last):
    own = varied.strides[varied.strides["side"] == side]
    assert own["cycle"].tolist() == list(range(1, last + 1))
    shape = added_shape(crossing(0.05, rising=True) * STANCE + np.linspace(0, 1, 101))
    expected = ADDED_DEG[side][1 : last + 1].std(ddof=1) * shape
    curve = varied.curves.query(f"side == '{side}' and quantity == 'hip_flexion' and unit == '°'")
    assert curve["n"].eq(last).all()
    np.testing.assert_allclose(curve["sd"], expected, atol=0.02)
    spread = varied.metrics["stride_to_stride_sd_deg"][side]
    assert spread["hip_flexion_deg"] == pytest.approx(expected.mean(), rel=2e-3)
    assert spread["knee_flexion_deg"] == pytest.approx(0, abs=0.03)
    mean = synthetic_gait.hip_deg(crossing(0.05, rising=True) * STANCE + np.linspace(0, 1, 101))
    np.testing.assert_allclose(curve["mean"], mean + ADDED_DEG[side][1 : last + 1].mean() * shape, atol=0.05)
