"""What curves below a film are made of: known values in report units and signs, round numbers at the axes."""

from types import SimpleNamespace

import numpy as np
import pytest

from myoassist.config.evaluation import VideoSettings
from myoassist.evaluation.inset import Curves, Inset, limits, read_curves, ticks
from myoassist.evaluation.shots import choose_shots
from myoassist.formats.rollouts import Rollouts


def test_curves_are_in_body_weights_and_degrees_with_flexion_positive(fallen):
    with Rollouts(fallen) as stored:
        model = stored.header.model
        shot = choose_shots(VideoSettings(), stored)[0]
        curves = read_curves(shot, ("vertical_force", "knee_angle"), model)
        episode = stored[1]
        knee = episode.state("qpos")[:, model.coordinates.index("knee_angle_l")]
        force = episode.state("ground_reaction_force")[:, 0, 2]
        np.testing.assert_allclose(curves.values["knee_angle"]["l"], -np.degrees(knee), atol=1e-9)
        np.testing.assert_allclose(curves.values["vertical_force"]["r"], force / model.body_weight_n)
        np.testing.assert_array_equal(curves.time, episode.state("time"))


def test_ranges_hold_all_curves_and_zero():
    curves = [Curves(np.arange(2), {"hip_angle": {"r": np.array(values)}}) for values in ([10.0, 20.0], [15.0, 40.0])]
    low, high = limits(curves, ("hip_angle",))["hip_angle"]
    assert -3 < low < 0
    assert 40 < high < 43


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.07, 1.5, [0.0, 0.5, 1.0, 1.5]), (-20.0, 35.0, [-20.0, 0.0, 20.0]), (2.5, 5.0, [3.0, 4.0, 5.0])],
)
def test_ticks_are_round_and_few(low, high, expected):
    assert ticks(low, high, most=4) == expected


def test_the_cursor_stands_at_the_time_and_the_last_page_is_full():
    time = np.linspace(0, 3, 751)
    curves = Curves(time, {"hip_angle": {"r": 10 + time}})
    settings = VideoSettings(inset=["hip_angle"], inset_window_s=2.0)
    inset = Inset(settings, (400, 110), {"hip_angle": (0.0, 15.0)})

    def cursor(at: float) -> int:
        dark = (inset.draw(curves, at)[25:75].max(axis=-1) < 130).sum(axis=0)
        return int(np.argmax(dark[40:]))

    first, middle = cursor(0.5), cursor(1.5)
    assert middle - first == pytest.approx((middle - cursor(1.0)) * 2, abs=2)
    assert cursor(2.5) == pytest.approx(middle, abs=1), "the page covers 1 s to 3 s"


def test_a_body_without_the_joint_is_refused():
    from myoassist.errors import InputError

    episode = SimpleNamespace(state=lambda name, rows: np.zeros((1, 1)))
    shot = SimpleNamespace(rows=np.array([0]), episode=episode)
    model = SimpleNamespace(coordinates=("pelvis_tx",), manifest={}, device_joints=())
    with pytest.raises(InputError, match="knee_angle: the body has no such joint"):
        read_curves(shot, ("knee_angle",), model)
