"""The model card of a kept policy: what it is, where it comes from, how well it walks, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from myoassist.config.environment import PushSettings, TargetVelocitySettings
from myoassist.config.evaluation import ScenarioSettings
from myoassist.config.experiment import Experiment
from myoassist.config.run import Run
from myoassist.formats.checkpoint import CheckpointInfo


def model_card(
    run: Run,
    info: CheckpointInfo,
    log: Mapping[str, Any],
    metrics: Mapping[tuple[str, str], Mapping[str, Any]],
    *,
    digest: str,
    trained_digest: str,
    before: Sequence[tuple[str, int, float]] = (),
) -> str:
    """Write the card (Markdown).

    Args:
        run: whose policy it is.
        info: what its checkpoint says.
        log: of the whole training.
        metrics: (run id, scenario) -> metrics of the final checkpoints of all runs of the same experiment.
        digest: SHA-256 of the kept checkpoint.
        trained_digest: SHA-256 of the checkpoint as it was trained, with its optimiser's moments.
        before: id, steps and seconds of the runs that it started from, the nearest first.
    """
    template = Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    ).from_string(resources.files(__package__).joinpath("model_card.md.j2").read_text(encoding="utf-8"))
    here = run.experiment
    return template.render(
        run=run,
        here=here,
        info=info,
        digest=digest,
        trained_digest=trained_digest,
        speeds=trained_speeds(here),
        simulated_h=info.steps / log["control_rate_hz"] / 3600,
        minutes=log["wall_s"] / 60,
        threads=log["threads"],
        start=_start(here, before),
        device=_device(here),
        scenarios={
            scenario: condition(here, here.evaluation.scenarios[scenario])
            for name, scenario in metrics
            if name == run.id and scenario in here.evaluation.scenarios
        },
        own={scenario: values for (name, scenario), values in metrics.items() if name == run.id},
        all_seeds={key: values for key, values in sorted(metrics.items())},
        seeds=len({name for name, _ in metrics}),
        measured=measured,
        asked=asked,
        failing=failing,
    )


def condition(experiment: Experiment, scenario: ScenarioSettings) -> str:
    """Say under what condition a scenario's episodes walk."""
    target = scenario.target_velocity or experiment.environment.target_velocity
    parts = [f"{scenario.episodes} episodes of {scenario.duration_s:g} s at {asked_speed(target)}"]
    start = experiment.environment.reset
    angle, velocity = scenario.initial_position_noise_rad, scenario.initial_velocity_noise_rad_s
    angle = start.position_noise_rad if angle is None else angle
    velocity = start.velocity_noise_rad_s if velocity is None else velocity
    if angle or velocity:
        parts.append(f"starting with noise of {angle:g} rad and {velocity:g} rad/s")
    if experiment.model.device is not None:
        enabled = experiment.environment.action.device.enabled
        on = enabled if scenario.device_enabled is None else scenario.device_enabled
        parts.append("device on" if on else "device worn but off")
    push = scenario.push or experiment.environment.push
    parts.append("no push" if push is None else _push(push))
    parts.append("deterministic policy" if scenario.deterministic else "actions drawn with the policy's noise")
    return "; ".join(parts) + "."


def trained_speeds(experiment: Experiment) -> str:
    """Say which speeds were asked for while it learned: one condition, or those of the curriculum's phases in turn."""
    told = []
    for segment in experiment.training.segments(experiment.environment, seed=0):
        phases = [segment] if segment.curriculum is None else segment.curriculum.phases
        told += [asked_speed(phase.environment.target_velocity) for phase in phases]
    return ", then ".join(dict.fromkeys(told))


def asked_speed(target: TargetVelocitySettings) -> str:
    """Say which speed is asked for."""
    low, high = target.minimum_m_s, target.maximum_m_s
    if low == high:
        return f"{low:g} m/s"
    between = f"{low:g} to {high:g} m/s"
    if target.mode == "uniform":
        return f"{between}, one speed an episode"
    how = "in steps" if target.mode == "step" else "swinging"
    return f"{between}, {how} every {target.period_s:g} s"


def _push(push: PushSettings) -> str:
    direction = "forward" if push.force_n >= 0 else "backward"
    earliest, latest = push.window_s
    again = "" if push.repeat_s is None else f" and again every {push.repeat_s:g} s"
    return (
        f"a push of {abs(push.force_n):g} N {direction} at the pelvis for {push.duration_s:g} s, beginning"
        f" {earliest:g} to {latest:g} s after the start{again}"
    )


def measured(name: str, entry: Mapping[str, Any]) -> str:
    """Show what a bound of the gate is about, shares as percentages."""
    if entry["value"] is None:
        return "unknown"
    scale, unit = _scale(name, entry)
    value = entry["value"] * scale
    shown = f"{value:g}" if float(value).is_integer() and not unit else f"{value:#.3g}".rstrip(".")
    return f"{shown}{unit}"


def asked(name: str, entry: Mapping[str, Any]) -> str:
    """Put a bound in words: lowest and highest, of which one may be missing."""
    scale, unit = _scale(name, entry)
    low, high = (None if end is None else f"{end * scale:g}" for end in entry["bound"])
    if low is None:
        return f"≤ {high}{unit}"
    return f"≥ {low}{unit}" if high is None else f"{low} to {high}{unit}"


def _scale(name: str, entry: Mapping[str, Any]) -> tuple[float, str]:
    """Return the factor and the unit with which a bound is shown."""
    if name.endswith("_fraction"):
        return 100.0, " %"
    unit = entry["unit"]
    return 1.0, unit if unit in ("", "°") else f" {unit}"


def failing(values: Mapping[str, Any]) -> str:
    """List the bounds that do not hold, with what was measured."""
    wrong = [f"{e['label']} {measured(n, e)} ({asked(n, e)})" for n, e in values["gate"].items() if not e["holds"]]
    return "; ".join(wrong) or "none"


def _start(experiment: Experiment, before: Sequence[tuple[str, int, float]]) -> str:
    start = experiment.training.warm_start
    if before:
        told = [f"`{name}` ({steps:,} steps in {seconds / 60:.0f} minutes)" for name, steps, seconds in before]
        return ", which went on from ".join(told)
    if start is None:
        return "scratch"
    return f"the experiment `{start.experiment}` with the same seed" if start.experiment else f"`{start.file}`"


def _device(experiment: Experiment) -> str:
    if experiment.model.device is None:
        return ""
    limits = experiment.environment.action.device
    said = f" with `{experiment.model.device}`"
    if not limits.enabled:
        return f"{said}, worn but off"
    numbers: Sequence[str] = (
        f"{limits.torque_limit_n_m:g} N·m",
        f"{limits.torque_rate_n_m_s:g} N·m/s",
        f"{limits.power_limit_w:g} W",
    )
    return f"{said} (at most {', '.join(numbers)})"
