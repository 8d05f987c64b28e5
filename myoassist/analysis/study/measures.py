"""The numbers of one evaluation that studies compare: one a measure and episode, from its gait cycles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.conventions import ANGLES, SIDES, Angle
from myoassist.formats.gait_tables import KEYS, POINTS, STRIDE_COLUMNS
from myoassist.formats.stride_columns import STRIDES

NAN = float("nan")

SPATIOTEMPORAL, KINEMATICS, KINETICS = "spatiotemporal", "kinematics", "kinetics"
MUSCLES, DEVICE, ENERGETICS, EPISODES = "muscles", "device", "energetics", "episodes"
NORM, SYMMETRY, VARIABILITY = "norm", "symmetry", "variability"
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
    stride_s = strides["stride_time_s"].to_numpy(float)
    _add_kinetics(add, curves, stride_s)
    _add_ground_force(add, curves, stride_s)
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
        ("step_time_s", "step time", "s"),
        ("toe_off_percent", "stance", "% of cycle"),
        ("single_support_percent", "single support", "% of cycle"),
        ("double_support_percent", "double support", "% of cycle"),
    ):
        add(name, label, unit, SPATIOTEMPORAL, strides[name].to_numpy(float))
    swing = 100.0 - strides["toe_off_percent"].to_numpy(float)
    add("swing_percent", "swing", "% of cycle", SPATIOTEMPORAL, swing)
    cadence = 120.0 / strides["stride_time_s"].to_numpy(float)
    add("cadence_steps_min", "cadence", "steps/min", SPATIOTEMPORAL, cadence)


def _add_kinematics(add: Add, curves: Mapping[str, np.ndarray]) -> None:
    for angle in ANGLES:
        curve = curves.get(f"{angle.name}_deg")
        if curve is None:
            continue
        words = _words(angle)
        add(f"{angle.name}_range_deg", f"{words}, range", "°", KINEMATICS, np.ptp(curve, axis=1))
        add(f"{angle.name}_largest_deg", f"{words}, largest", "°", KINEMATICS, curve.max(axis=1), False)
        add(f"{angle.name}_smallest_deg", f"{words}, smallest", "°", KINEMATICS, curve.min(axis=1), False)


def _add_kinetics(add: Add, curves: Mapping[str, np.ndarray], stride_s: np.ndarray) -> None:
    for column, curve in curves.items():
        for pattern, whose, group in ((_MUSCLE_MOMENT, "muscle", KINETICS), (_DEVICE_TORQUE, "device", DEVICE)):
            match = pattern.fullmatch(column)
            if match is None:
                continue
            joint = match["joint"]
            words = joint.split("_")[0]
            power = curves[f"{joint}_muscle_power_w_kg" if whose == "muscle" else f"device_{joint}_power_w_kg"]
            prefix, of = f"{whose}_{joint}", f"{words}, {'muscles' if whose == 'muscle' else 'device'}"
            add(f"{prefix}_peak_nm_kg", f"{of}, largest moment", "N·m/kg", group, np.abs(curve).max(axis=1))
            for sign, bound in (("positive", np.maximum), ("negative", np.minimum)):
                work = _cycle_mean(bound(power, 0.0)) * stride_s
                add(f"{prefix}_{sign}_work_j_kg", f"{of}, {sign} work", "J/kg per stride", group, work)
            muscle = curves.get(f"{joint}_muscle_moment_nm_kg")
            if whose == "device" and muscle is not None:
                share = _share(curve, muscle)
                add(f"{prefix}_moment_share_percent", f"{of}, share of moment", "%", group, 100.0 * share)


def _add_ground_force(add: Add, curves: Mapping[str, np.ndarray], stride_s: np.ndarray) -> None:
    """Add what the unfiltered curves tell of the ground force; impulses are over the cycle, of which swing has none."""
    if "grf_vertical_bw" in curves:
        peak = curves["grf_vertical_bw"].max(axis=1, initial=-np.inf)
        add("grf_vertical_peak_bw", "vertical force, largest", "body weights", KINETICS, peak)
    if "grf_fore_bw" in curves:
        for name, bound in (("braking", np.minimum), ("propulsive", np.maximum)):
            impulse = _cycle_mean(bound(curves["grf_fore_bw"], 0.0)) * stride_s
            add(f"{name}_impulse_bw_s", f"{name} impulse", "BW·s", KINETICS, impulse)


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
    """Add metabolic power and cost of transport of each model, both legs together."""
    basal = (metrics.get("energetics") or {}).get("basal_w_kg")
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
        for key, (values, label, unit) in costs.items():
            table[key] = values
            measures[key] = Measure(key, f"{label}, {words}", unit, ENERGETICS)


def _overall(measures: dict[str, Measure], metrics: Mapping[str, Any]) -> dict[str, float]:
    """Add what only the whole evaluation has; null is left out, and so is what episodes have by themselves."""
    found: dict[str, float] = {}
    for measure, value in (*_episodes(metrics), *_strides(metrics), *_scores(metrics), *_spread(metrics)):
        if value is not None and measure.name not in measures:
            measures[measure.name] = measure
            found[measure.name] = float(value)
    return found


Whole = Iterator[tuple[Measure, float | None]]


def _episodes(metrics: Mapping[str, Any]) -> Whole:
    fall_free = _times(metrics.get("fall_free_fraction"), 100.0)
    yield Measure("fall_free_percent", "episodes without a fall", "%", EPISODES, whole=True), fall_free
    length = metrics["episodes"]["duration_s"]["median"]
    yield Measure("episode_length_s", "episode length, median", "s", EPISODES, whole=True), length
    for angle in ANGLES:
        name, label = f"{angle.name}_tracking_rmse_deg", f"{_words(angle)}, RMS off the reference"
        error = (metrics.get("tracking_rmse_deg") or {}).get(angle.name)
        yield Measure(name, label, "°", EPISODES, whole=True), error


def _strides(metrics: Mapping[str, Any]) -> Whole:
    """Means over all strides of both sides: numbers of a stride that the table of cycles does not have."""
    for column in STRIDES:
        label = column.quantity.replace("_", " ")
        measure = Measure(column.name, label, column.unit, column.group, whole=True, ratio=column.ratio)
        yield measure, _stride(metrics, column.group, column.quantity, "mean")


def _scores(metrics: Mapping[str, Any]) -> Whole:
    """Scores against the norm: of both sides' mean curve, or the mean of the sides' scores."""
    profile = (metrics.get("sagittal_profile_score_deg") or {}).get("both")
    yield Measure("sagittal_profile_score_deg", "sagittal profile score", "°", NORM, whole=True), profile
    variables = ((metrics.get("gait_variable_scores_deg") or {}).get("walk") or {}).get("both") or {}
    for angle in ANGLES:
        name, words = angle.name, _words(angle)
        yield (
            Measure(f"{name}_variable_score_deg", f"{words}, gait variable score", "°", NORM, whole=True),
            variables.get(name),
        )
        sides = [metrics.get("kinematics", {}).get(side, {}).get(name, {}).get("against_norm") for side in SIDES]
        rmse, r = (_mean_of([side and side[key] for side in sides]) for key in ("rmse_deg", "r"))
        yield Measure(f"{name}_norm_rmse_deg", f"{words}, RMSE against the norm", "°", NORM, whole=True), rmse
        label = f"{words}, correlation with the norm"
        yield Measure(f"{name}_norm_r", label, "1", NORM, whole=True, ratio=False), r


def _spread(metrics: Mapping[str, Any]) -> Whole:
    """How alike the sides are, and the strides."""
    for name, value in (metrics.get("symmetry_index_percent") or {}).items():
        label = f"{name.replace('_', ' ')}, symmetry index"
        yield Measure(f"{name}_symmetry_index_percent", label, "%", SYMMETRY, whole=True), value
    for quantity in ("speed", "stride_time", "stride_length", "step_length"):
        label = f"{quantity.replace('_', ' ')}, variation within episodes"
        value = _stride(metrics, "spatiotemporal", quantity, "cv_percent")
        yield Measure(f"{quantity}_cv_percent", label, "%", VARIABILITY, whole=True), value
    for angle in ANGLES:
        sides = [(metrics.get("stride_to_stride_sd_deg") or {}).get(side) or {} for side in SIDES]
        value = _mean_of([side.get(f"{angle.name}_deg") for side in sides])
        label = f"{_words(angle)}, SD over strides"
        yield Measure(f"{angle.name}_stride_sd_deg", label, "°", VARIABILITY, whole=True), value


def _words(angle: Angle) -> str:
    return angle.label.split(" (")[0].lower()


def _stride(metrics: Mapping[str, Any], group: str, quantity: str, number: str) -> float | None:
    """A number of all strides of both sides; None if the metrics do not have it."""
    return metrics.get("strides", {}).get(group, {}).get(quantity, {}).get("both", {}).get(number)


def _mean_of(values: Sequence[float | None]) -> float | None:
    """Mean over the sides; None unless all of them are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


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
