"""The numbers of one evaluation that studies compare: one a measure and episode, from its gait cycles."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.conventions import ANGLES, SIDES
from myoassist.formats.gait_tables import KEYS, POINTS, STRIDE_COLUMNS

NAN = float("nan")

SPATIOTEMPORAL, KINEMATICS, KINETICS = "spatiotemporal", "kinematics", "kinetics"
MUSCLES, DEVICE, ENERGETICS, EPISODES = "muscles", "device", "energetics", "episodes"
_METABOLIC = re.compile(r"metabolic_(?P<model>.+)_w_kg")
_DEVICE_TORQUE = re.compile(r"device_(?P<joint>.+)_torque_nm_kg")
_MUSCLE_MOMENT = re.compile(r"(?P<joint>.+)_muscle_moment_nm_kg")
_NO_CURVES = re.compile(r"force_.+_n|.+_limit_moment_nm_kg")
_UNITS = (
    ("_deg_s", "°/s"),
    ("_deg", "°"),
    ("_nm_kg", "N·m/kg"),
    ("_w_kg", "W/kg"),
    ("_bw", "body weights"),
)


@dataclass(frozen=True)
class Measure:
    """A number that an evaluation has.

    Attributes:
        name: in tables.
        label: in words, without unit.
        unit: of its values.
        group: what it is about.
        whole: whether only whole evaluations have it, not single episodes.
        ratio: whether zero means none of it, so that a change in percent makes sense.
    """

    name: str
    label: str
    unit: str
    group: str
    whole: bool = False
    ratio: bool = True


@dataclass(frozen=True)
class Measured:
    """What one evaluation gives to a study.

    Attributes:
        measures: name -> what it is.
        episodes: one row an episode, one column a measure; NaN where the episode has no cycle.
        overall: measure of the whole evaluation -> value; such measures have no column in ``episodes``.
        curves: quantity -> shape (episodes, 101), mean cycle of each episode, both sides alike; NaN likewise.
    """

    measures: dict[str, Measure]
    episodes: pd.DataFrame
    overall: dict[str, float]
    curves: dict[str, np.ndarray]

    def values(self, measure: Measure) -> np.ndarray:
        """Values of a measure, one an episode or one alone, NaN where there is none."""
        if measure.whole:
            return np.array([self.overall.get(measure.name, NAN)])
        known = measure.name in self.episodes
        return self.episodes[measure.name].to_numpy(float) if known else np.full(len(self.episodes), NAN)

    def curve(self, quantity: str) -> np.ndarray:
        """Mean cycle of each episode, shape (episodes, 101); NaN where there is none."""
        return self.curves.get(quantity, np.full((len(self.episodes), POINTS), NAN))


def curve_unit(column: str) -> str:
    """Unit of a curve by the end of its name; activations have none (1)."""
    return next((unit for suffix, unit in _UNITS if column.endswith(suffix)), "1")


def measure_evaluation(cycles: pd.DataFrame, metrics: Mapping[str, Any]) -> Measured:
    """Measure one evaluation.

    A measure of an episode is the mean over its cycles, each side's first, then the mean of the sides; a device on
    one leg alone thus counts half. Work is over a stride of that side; metabolic power is that of both legs.

    Args:
        cycles: table of gait cycles.
        metrics: of the same analysis.
    """
    count = int(metrics["episodes"]["count"])
    strides = cycles[cycles["percent"] == 0]
    keys = (strides["episode"].to_numpy(int), strides["side"].to_numpy(str))
    names = [name for name in cycles.columns if name not in (*KEYS, *STRIDE_COLUMNS) and not _NO_CURVES.fullmatch(name)]
    curves = {name: cycles[name].to_numpy(float).reshape(-1, POINTS) for name in names}
    numbers: dict[str, np.ndarray] = {}
    measures: dict[str, Measure] = {}

    def add(name: str, label: str, unit: str, group: str, values: np.ndarray, ratio: bool = True) -> None:
        measures[name] = Measure(name, label, unit, group, ratio=ratio)
        numbers[name] = values

    _add_spatiotemporal(add, strides)
    _add_kinematics(add, curves)
    mass = metrics.get("source", {}).get("total_mass_kg")
    _add_kinetics(add, curves, strides["stride_time_s"].to_numpy(float), mass)
    _add_activation(add, curves)
    table = {name: _by_episode(values, keys, count) for name, values in numbers.items()}
    _add_energetics(table, measures, curves, keys, count, metrics)
    episodes = pd.DataFrame(table, index=pd.RangeIndex(count))
    overall = _overall(measures, metrics)
    return Measured(measures, episodes, overall, {name: _by_episode(c, keys, count) for name, c in curves.items()})


Add = Callable[..., None]


def _add_spatiotemporal(add: Add, strides: pd.DataFrame) -> None:
    for name, label, unit in (
        ("speed_m_s", "speed", "m/s"),
        ("stride_length_m", "stride length", "m"),
        ("stride_time_s", "stride time", "s"),
        ("step_length_m", "step length", "m"),
        ("toe_off_percent", "stance", "% of cycle"),
        ("double_support_percent", "double support", "% of cycle"),
    ):
        add(name, label, unit, SPATIOTEMPORAL, strides[name].to_numpy(float))
    cadence = 120.0 / strides["stride_time_s"].to_numpy(float)
    add("cadence_steps_min", "cadence", "steps/min", SPATIOTEMPORAL, cadence)


def _add_kinematics(add: Add, curves: Mapping[str, np.ndarray]) -> None:
    for angle in ANGLES:
        curve = curves.get(f"{angle.name}_deg")
        if curve is None:
            continue
        words = angle.label.split(" (")[0].lower()
        add(f"{angle.name}_range_deg", f"{words}, range", "°", KINEMATICS, np.ptp(curve, axis=1))
        add(f"{angle.name}_largest_deg", f"{words}, largest", "°", KINEMATICS, curve.max(axis=1), False)
        add(f"{angle.name}_smallest_deg", f"{words}, smallest", "°", KINEMATICS, curve.min(axis=1), False)


def _add_kinetics(add: Add, curves: Mapping[str, np.ndarray], stride_s: np.ndarray, mass_kg: float | None) -> None:
    """Add moments and work, per kg of body and device, and whole: the mass is not that of the body alone."""
    for column, curve in curves.items():
        for pattern, whose, group in ((_MUSCLE_MOMENT, "muscle", KINETICS), (_DEVICE_TORQUE, "device", DEVICE)):
            match = pattern.fullmatch(column)
            if match is None:
                continue
            joint = match["joint"]
            words = joint.split("_")[0]
            power = curves[f"{joint}_muscle_power_w_kg" if whose == "muscle" else f"device_{joint}_power_w_kg"]
            prefix, of = f"{whose}_{joint}", f"{words}, {'muscles' if whose == 'muscle' else 'device'}"
            peak = np.abs(curve).max(axis=1)
            add(f"{prefix}_peak_nm_kg", f"{of}, largest moment", "N·m/kg", group, peak)
            if mass_kg is not None:
                add(f"{prefix}_peak_nm", f"{of}, largest moment", "N·m", group, mass_kg * peak)
            for sign, bound in (("positive", np.maximum), ("negative", np.minimum)):
                work = _cycle_mean(bound(power, 0.0)) * stride_s
                add(f"{prefix}_{sign}_work_j_kg", f"{of}, {sign} work", "J/kg per stride", group, work)
                if mass_kg is not None:
                    add(f"{prefix}_{sign}_work_j", f"{of}, {sign} work", "J per stride", group, mass_kg * work)
            muscle = curves.get(f"{joint}_muscle_moment_nm_kg")
            if whose == "device" and muscle is not None:
                share = _share(curve, muscle)
                add(f"{prefix}_moment_share_percent", f"{of}, share of moment", "%", group, 100.0 * share)
    if "grf_vertical_bw" in curves:
        peak = curves["grf_vertical_bw"].max(axis=1, initial=-np.inf)
        add("grf_vertical_peak_bw", "vertical force, largest", "body weights", KINETICS, peak)


def _share(device: np.ndarray, muscle: np.ndarray) -> np.ndarray:
    """Share of the joint's moment, as `analysis.device.stride_numbers` defines it, per cycle."""
    total = device + muscle
    impulse = _cycle_mean(np.abs(total))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(impulse > 0.0, _cycle_mean(device * np.sign(total)) / impulse, NAN)


def _add_activation(add: Add, curves: Mapping[str, np.ndarray]) -> None:
    names = [name for name in curves if name.startswith("activation_")]
    if not names:
        return
    means = {name: _cycle_mean(curves[name]) for name in names}
    add("activation_mean", "mean activation", "1", MUSCLES, np.mean(list(means.values()), axis=0))
    for name, values in means.items():
        add(name, f"activation, {name.removeprefix('activation_')}", "1", MUSCLES, values)


def _add_energetics(
    table: dict[str, np.ndarray],
    measures: dict[str, Measure],
    curves: Mapping[str, np.ndarray],
    keys: tuple[np.ndarray, np.ndarray],
    count: int,
    metrics: Mapping[str, Any],
) -> None:
    """Add metabolic power and cost of transport of each model: both legs, per kg and of the whole body."""
    energetics = metrics.get("energetics") or {}
    basal, mass = energetics.get("basal_w_kg"), metrics.get("source", {}).get("total_mass_kg")
    for column, curve in curves.items():
        match = _METABOLIC.fullmatch(column)
        if match is None:
            continue
        model = match["model"]
        name, words = f"metabolic_{model}", model.replace("_", " ").title()
        net = len(SIDES) * _by_episode(_cycle_mean(curve), keys, count)
        costs = {
            f"{name}_net_w_kg": (net, "net metabolic power", "W/kg"),
            f"{name}_net_j_kg_m": (net / table["speed_m_s"], "net cost of transport", "J/(kg·m)"),
        }
        if basal is not None:
            gross = (net + basal) / table["speed_m_s"]
            costs[f"{name}_gross_j_kg_m"] = (gross, "gross cost of transport", "J/(kg·m)")
        if mass is not None:
            costs[f"{name}_net_j_m"] = (mass * net / table["speed_m_s"], "net cost per metre", "J/m")
        for key, (values, label, unit) in costs.items():
            table[key] = values
            measures[key] = Measure(key, f"{label}, {words}", unit, ENERGETICS)


def _overall(measures: dict[str, Measure], metrics: Mapping[str, Any]) -> dict[str, float]:
    """Add what only the whole evaluation has; null is left out."""
    found = {
        "fall_free_percent": ("episodes without a fall", "%", _times(metrics.get("fall_free_fraction"), 100.0)),
        "episode_length_s": ("episode length, median", "s", metrics["episodes"]["duration_s"]["median"]),
    }
    for angle in ANGLES:
        error = (metrics.get("tracking_rmse_deg") or {}).get(angle.name)
        words = angle.label.split(" (")[0].lower()
        found[f"{angle.name}_tracking_rmse_deg"] = (f"{words}, RMS off the reference", "°", error)
    known = {name: (label, unit, value) for name, (label, unit, value) in found.items() if value is not None}
    measures |= {name: Measure(name, label, unit, EPISODES, whole=True) for name, (label, unit, _) in known.items()}
    return {name: float(value) for name, (_, _, value) in known.items()}


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value


def _cycle_mean(curves: np.ndarray) -> np.ndarray:
    """Mean over the cycle's time of each row, trapezoidal."""
    return np.trapezoid(curves, axis=1) / (POINTS - 1)


def _by_episode(values: np.ndarray, keys: tuple[np.ndarray, np.ndarray], count: int) -> np.ndarray:
    """Mean over the cycles of each side of each episode, then over the sides that have one.

    Args:
        values: shape (cycles,) or (cycles, 101).
        keys: episode and side of each cycle.
        count: number of episodes.

    Returns:
        shape (episodes,) or (episodes, 101); NaN where an episode has no known value.
    """
    episode, side = keys
    sides = []
    for own in SIDES:
        known = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        mask = (side == own) & known
        total = np.zeros((count, *values.shape[1:]))
        np.add.at(total, episode[mask], values[mask])
        number = np.bincount(episode[mask], minlength=count).reshape(-1, *[1] * (values.ndim - 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            sides.append(np.where(number > 0, total / number, NAN))
    known = np.isfinite(sides)
    filled = np.where(known, sides, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known.any(axis=0), filled.sum(axis=0) / known.sum(axis=0), NAN)
