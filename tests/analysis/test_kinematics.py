import numpy as np
import pandas as pd
import pytest
import synthetic_gait

from myoassist.analysis.conventions import ANGLES, signed_angles
from myoassist.analysis.kinematics import at_phase, norm_curves, profile_score, reference_curves, score
from myoassist.formats.gait_tables import read_norm
from myoassist.formats.reference_motion import read_fitted_reference

X = np.linspace(0, 1, 101)


def test_a_curve_against_itself_is_perfect():
    curve = np.sin(X * 6)
    result = score(curve, curve, np.ones(101))
    assert result["rmse_deg"] == 0
    assert result["r"] == pytest.approx(1)
    assert result["within_1sd_percent"] == 100


def test_an_offset_shows_in_the_raw_error_only():
    curve = 10 * np.sin(X * 6)
    result = score(curve + 3, curve, np.full(101, 2.0))
    assert result["rmse_deg"] == pytest.approx(3)
    assert result["offset_deg"] == pytest.approx(3)
    assert result["rmse_offset_removed_deg"] == pytest.approx(0, abs=1e-12)
    assert result["r"] == pytest.approx(1)
    assert (result["within_1sd_percent"], result["within_2sd_percent"]) == (0, 100)


def test_scores_of_known_numbers():
    result = score(np.array([0.0, 2, 4]), np.array([0.0, 0, 6]), np.array([1.0, 1, 1]))
    assert result["rmse_deg"] == pytest.approx(np.sqrt(8 / 3))
    assert result["r"] == pytest.approx(np.corrcoef([0, 2, 4], [0, 0, 6])[0, 1])
    assert result["within_1sd_percent"] == pytest.approx(100 / 3)
    assert result["within_2sd_percent"] == 100


def test_a_constant_curve_has_no_correlation():
    assert np.isnan(score(np.ones(5), np.arange(5.0))["r"])


def test_reference_curves_follow_own_heel_strikes_in_report_signs(reference_file):
    curves = reference_curves(read_fitted_reference(reference_file), ANGLES)
    for side in ("r", "l"):
        np.testing.assert_allclose(curves[side]["hip_flexion"], synthetic_gait.hip_deg(X), atol=0.02)
        np.testing.assert_allclose(curves[side]["knee_flexion"], synthetic_gait.knee_flexion_deg(X), atol=0.02)
    np.testing.assert_allclose(curves["r"]["pelvis_tilt"], synthetic_gait.anterior_tilt_deg(X), atol=0.02)


def test_interpolation_over_the_end_of_the_cycle_is_periodic():
    values = np.array([0.0, 1, 2, 3])
    np.testing.assert_allclose(at_phase(values, np.array([0, 0.125, 0.875, 1, -0.25, 1.25])), [0, 0.5, 1.5, 0, 3, 1])


def test_bodies_whose_knee_flexion_is_positive_keep_its_sign():
    def knee(limits):
        return signed_angles({"joints": [{"name": "knee_angle_r", "range": limits}]})[2].sign

    assert (knee([-2.5, 0.0]), knee([0.0, 2.1]), knee(None)) == (-1, 1, -1)


def test_the_norm_is_the_published_group():
    """Facts about the control group as given with the data."""
    from analysed_walk import NORM

    norm = norm_curves(read_norm(NORM), ANGLES)
    hip, knee, ankle = (norm[name][0] for name in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion"))
    assert hip[0] == pytest.approx(29.8, abs=0.05)
    assert hip[50] == pytest.approx(-9.0, abs=0.05)
    assert knee[72] == knee.max() == pytest.approx(60.6, abs=0.05)
    assert ankle[63] == pytest.approx(-13.3, abs=0.05)


def test_the_profile_score_is_the_root_mean_square_of_its_variables():
    norm = {"a": (np.zeros(101), np.ones(101)), "b": (np.zeros(101), np.ones(101))}
    assert profile_score({"a": np.full(101, 3.0), "b": np.full(101, 4.0)}, norm) == pytest.approx(np.sqrt(12.5))
    assert np.isnan(profile_score({"a": np.zeros(101)}, norm))


def test_a_norm_with_missing_rows_is_refused(tmp_path):
    from analysed_walk import NORM

    from myoassist.errors import InputError

    pd.read_csv(NORM).iloc[:50].to_csv(tmp_path / "n.csv", index=False)
    with pytest.raises(InputError, match=r"n\.csv: column 'gait_cycle_percent'"):
        read_norm(tmp_path / "n.csv")
