import pytest

from myoassist.config.reference import ReferenceSettings, RetargetSettings
from myoassist.errors import InputError


@pytest.mark.parametrize(
    ("settings", "value", "word"),
    [
        (ReferenceSettings, {"cutoff_hz": 0.5}, "cutoff_hz"),
        (ReferenceSettings, {"frames": 101}, "even"),
        (ReferenceSettings, {"reader": "c3d"}, "reader"),
        (ReferenceSettings, {"sampling_rate_hz": None}, "sampling_rate_hz"),
        (ReferenceSettings, {"start_s": 1.0}, "end_s"),
        (ReferenceSettings, {"cutoff": 6}, "cutoff"),
        (RetargetSettings, {"swing_clearance_m": 0.02}, "swing_target_m"),
        (RetargetSettings, {"fit": {"flat_foot": [0.3, 0.1]}}, "flat_foot"),
        (RetargetSettings, {"fit": {"vertical_force_bw": [1.1, 1.2]}}, "vertical_force_bw"),
        (RetargetSettings, {"stance_rms_m": -1}, "stance_rms_m"),
    ],
)
def test_values_out_of_range_are_refused_by_name(settings, value, word):
    with pytest.raises(InputError, match=word):
        settings.parse(value)


def test_defaults_are_valid_and_canonical():
    assert ReferenceSettings.load(ReferenceSettings().canonical()) == ReferenceSettings()
    assert RetargetSettings.load(RetargetSettings().canonical()) == RetargetSettings()
