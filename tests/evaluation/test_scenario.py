"""Scenarios: what each changes, and what of it the evaluation depends on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from myoassist.config.experiment import Experiment
from myoassist.errors import InputError
from myoassist.evaluation.scenario import scenario_environment

SLOPE = {"terrain": "slope", "slope_deg": 3.0}


def experiment(device: str | None = None, **scenario: object) -> Experiment:
    return Experiment.parse({"model": {"device": device}, "evaluation": {"scenarios": {"hill": scenario, "level": {}}}})


def test_ground_changes_the_model_of_that_scenario_only() -> None:
    chosen = experiment(ground=SLOPE)
    assert chosen.scenario_model("level") == chosen.model
    hill = chosen.scenario_model("hill")
    assert (hill.ground.terrain, hill.ground.slope_deg) == ("slope", 3.0)
    assert hill.model_copy(update={"ground": chosen.model.ground}) == chosen.model


def test_ground_and_camera_are_no_settings_of_the_evaluation() -> None:
    plain = experiment().evaluation_stage("hill", 1).canonical()
    assert experiment(ground=SLOPE, video={"camera": "fixed"}).evaluation_stage("hill", 1).canonical() == plain
    assert experiment(episodes=3).evaluation_stage("hill", 1).canonical() != plain


def test_camera_of_a_scenario_changes_what_it_names() -> None:
    chosen = experiment(video={"camera": "fixed", "distance_m": 6.0})
    video = chosen.scenario_video("hill")
    assert (video.camera, video.distance_m) == ("fixed", 6.0)
    assert video.fps == chosen.evaluation.video.fps
    assert chosen.scenario_video("level") == chosen.evaluation.video


def test_torque_scale_multiplies_all_limits_of_the_device() -> None:
    chosen = experiment("DephyExoBoot_L1", device_torque_scale=0.5)
    trained = chosen.environment.action.device
    device = scenario_environment(chosen.evaluation_stage("hill", 1)).action.device
    assert device.enabled
    assert device.torque_limit_n_m == 0.5 * trained.torque_limit_n_m
    assert device.torque_rate_n_m_s == 0.5 * trained.torque_rate_n_m_s
    assert device.power_limit_w == 0.5 * trained.power_limit_w
    assert scenario_environment(chosen.evaluation_stage("level", 1)).action.device == trained


def test_torque_scale_of_zero_switches_the_device_off() -> None:
    stage = experiment("DephyExoBoot_L1", device_torque_scale=0).evaluation_stage("hill", 1)
    assert not scenario_environment(stage).action.device.enabled


def test_scaled_device_makes_exactly_that_share_of_the_torque(tmp_path: Path) -> None:
    from myoassist.envs.actuation import Actuation
    from myoassist.formats.compiled_model import read_manifest
    from myoassist.models.build import build

    chosen = experiment("DephyExoBoot_L1", device_torque_scale=0.4)
    build(chosen.model, model=tmp_path / "model.mjb", manifest=tmp_path / "manifest.json")
    manifest = read_manifest(tmp_path / "manifest.json")
    torques = []
    for name in ("level", "hill"):
        settings = scenario_environment(chosen.evaluation_stage(name, 1)).action
        actuation = Actuation(settings, manifest, num_envs=3, substeps=10)
        rng = np.random.default_rng(0)
        steps = []
        for _ in range(30):  # slow and fast joints: limits of torque, rate and power all act
            action = rng.uniform(-1, 1, (3, actuation.layout.size))
            now, before = rng.normal(0, 20, (2, 3, len(manifest.joints)))
            actuation.apply(action, None, now, before)
            steps.append(actuation.torque.copy())
        torques.append(np.array(steps))
    assert np.abs(torques[0]).max() > 5
    np.testing.assert_allclose(torques[1], 0.4 * torques[0], atol=1e-9)


@pytest.mark.parametrize(
    ("device", "scenario", "words"),
    [
        (None, {"ground": {"slope": 3}}, ("'hill'", "ground.slope", "unknown field")),
        (None, {"ground": {"terrain": "grid"}}, ("'hill'", "grid")),
        (None, {"video": {"camera": "handheld"}}, ("'hill'", "camera", "follow")),
        (None, {"device_torque_scale": 0.5}, ("hill.device_torque_scale", "no device")),
        ("DephyExoBoot_L1", {"device_torque_scale": 3}, ("device_torque_scale", "less than or equal to 2")),
        ("DephyExoBoot_L1", {"device_torque_scale": 1, "device_enabled": False}, ("not enabled",)),
    ],
)
def test_mistake_names_scenario_and_field(device: str | None, scenario: dict, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        experiment(device, **scenario)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
