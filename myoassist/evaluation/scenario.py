"""What a scenario makes of the environment that a policy was trained in."""

from __future__ import annotations

from myoassist.config.environment import DeviceActionSettings, EnvironmentSettings, ResetSettings, VariationSettings
from myoassist.config.evaluation import EvaluationStage


def scenario_environment(stage: EvaluationStage) -> EnvironmentSettings:
    """Return the environment as the scenario changes it."""
    scenario, environment = stage.scenario, stage.environment
    reset = environment.reset
    position, velocity = scenario.initial_position_noise_rad, scenario.initial_velocity_noise_rad_s
    changes: dict[str, object] = {
        "episode_s": scenario.duration_s,
        "variation": VariationSettings(),  # episodes run on the model that their file describes
        "reset": ResetSettings(
            phase=reset.phase,
            position_noise_rad=reset.position_noise_rad if position is None else position,
            velocity_noise_rad_s=reset.velocity_noise_rad_s if velocity is None else velocity,
        ),
    }
    if scenario.target_velocity is not None:
        changes["target_velocity"] = scenario.target_velocity
    if scenario.push is not None:
        changes["push"] = scenario.push
    device = _device(stage)
    if device != environment.action.device:
        changes["action"] = environment.action.model_copy(update={"device": device})
    return environment.model_copy(update=changes)


def _device(stage: EvaluationStage) -> DeviceActionSettings:
    """Return the limits of a device's motors as the scenario changes them."""
    device, scale = stage.environment.action.device, stage.scenario.device_torque_scale
    changes: dict[str, object] = {}
    if stage.scenario.device_enabled is not None:
        changes["enabled"] = stage.scenario.device_enabled
    if scale == 0:
        changes["enabled"] = False
    elif scale is not None:
        limits = ("torque_limit_n_m", "torque_rate_n_m_s", "power_limit_w")
        changes |= {name: scale * getattr(device, name) for name in limits}
    return device.model_copy(update=changes)
