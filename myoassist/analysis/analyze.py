"""The analysis stage: one rollouts file becomes cycles, metrics and the spatiotemporal table."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from loguru import logger

from myoassist.analysis.conventions import ANGLES, SIDE_NAMES, SIDES, Angle, signed_angles
from myoassist.analysis.cycles import normalise
from myoassist.analysis.device import DeviceMeasures
from myoassist.analysis.energetics.summary import EnergyLedger
from myoassist.analysis.gate import SPEED, WALKING, judge
from myoassist.analysis.ground_force import StanceForce, stance_forces, two_peaks
from myoassist.analysis.kinematics import (
    CONTROL_PROFILE_SCORE_DEG,
    compare,
    norm_curves,
    profile_score,
    reference_curves,
    tracking_errors,
)
from myoassist.analysis.spatiotemporal import stride_numbers, summary_table, symmetry_index
from myoassist.analysis.speed_tracking import SpeedTracking
from myoassist.analysis.trial import Trial, curve_names, load_trial
from myoassist.config.analysis import AnalysisSettings
from myoassist.formats.files import sha256
from myoassist.formats.gait_tables import CyclesWriter, read_norm, table_digests, write_metrics, write_spatiotemporal
from myoassist.formats.reference_motion import FittedReference, read_fitted_reference
from myoassist.formats.rollouts import RolloutHeader, RolloutModel, Rollouts

NAN = float("nan")


class _Collection:
    """What accumulates over the episodes of a file; cycles themselves are streamed to disk."""

    def __init__(self, curves: tuple[str, ...]) -> None:
        self.curves = curves
        self.infos: list[Any] = []
        self.strides: list[tuple[str, dict[str, float]]] = []
        self.sums: dict[str, np.ndarray] = {}
        self.squares: dict[str, np.ndarray] = {}
        self.cycles: Counter[str] = Counter()
        self.events: dict[str, Counter[str]] = {side: Counter() for side in SIDES}
        self.rejected: dict[str, Counter[str]] = {side: Counter() for side in SIDES}
        self.forces: dict[str, list[StanceForce]] = {side: [] for side in SIDES}
        self.way_m = self.time_s = self.activation = 0.0
        self.limit: dict[str, float] = {}
        self.errors: dict[str, list[tuple[float, int]]] = {}
        self.speed = SpeedTracking()
        self.energetics = EnergyLedger()

    def add(self, trial: Trial, model: RolloutModel, settings: AnalysisSettings, writer: CyclesWriter) -> None:
        """Take one episode in."""
        span = float(trial.time[-1] - trial.time[0])
        self.time_s += span
        self.way_m += float(trial.center_of_mass_x[-1] - trial.center_of_mass_x[0])
        self.activation += trial.activation_mean * span
        for joint, moment in trial.limit_moment_nm.items():
            self.limit[joint] = self.limit.get(joint, 0.0) + moment * span
        self.energetics.add(trial)
        for cycle, force in stance_forces(trial, model.state_rate_hz, settings):
            self.forces[cycle.side].append(force)
        for side in SIDES:
            events, selection = trial.events[side], trial.selection[side]
            self.events[side].update(
                heel_strikes=len(events.heel_strikes),
                toe_offs=len(events.toe_offs),
                cycles_found=selection.found,
                cycles_dropped_first_or_last=selection.dropped,
                cycles_used=len(selection.used),
            )
            self.rejected[side].update(events.rejected)
            self.rejected[side].update(selection.rejected)
            if not selection.used:
                continue
            self.speed.add(
                [(cycle, stride_numbers(trial, cycle)["speed_m_s"]) for cycle in selection.used],
                events.heel_strikes,
                trial.control_time,
                trial.target_velocity,
            )
            values = np.stack([trial.curves[side][name] for name in self.curves], axis=1)
            for cycle in selection.used:
                curves = normalise(trial.time, values, cycle.start_s, cycle.end_s)
                numbers = stride_numbers(trial, cycle)
                self.strides.append((side, numbers))
                self.sums[side] = self.sums.get(side, 0) + curves
                self.squares[side] = self.squares.get(side, 0) + curves**2
                self.cycles[side] += 1
                writer.append(episode=trial.index, side=side, cycle=cycle.number, stride=numbers, curves=curves)

    def add_tracking(self, errors: dict[str, np.ndarray]) -> None:
        """Take the differences from the reference of one episode in."""
        for name, error in errors.items():
            self.errors.setdefault(name, []).append((float(np.sum(error**2)), len(error)))

    def tracking(self, name: str) -> float | None:
        """Root-mean-square difference from the reference over all states, degrees."""
        parts = self.errors.get(name)
        return float(np.sqrt(sum(s for s, _ in parts) / sum(n for _, n in parts))) if parts else None

    def means(self, angles: tuple[Angle, ...]) -> dict[str, dict[str, np.ndarray]]:
        """Mean cycle of each angle per side, degrees."""
        columns = {a.name: self.curves.index(f"{a.name}_deg") for a in angles if f"{a.name}_deg" in self.curves}
        return {
            side: {name: total[:, i] / self.cycles[side] for name, i in columns.items()}
            for side, total in self.sums.items()
        }

    def variability(self, angles: tuple[Angle, ...], side: str) -> dict[str, float] | None:
        """SD over the strides (n - 1), mean over the cycle, degrees."""
        n = self.cycles[side]
        if n < 2:
            return None
        variance = (self.squares[side] - self.sums[side] ** 2 / n) / (n - 1)
        sd = np.sqrt(np.maximum(variance, 0)).mean(axis=0)
        names = [f"{a.name}_deg" for a in angles]
        return {name: float(sd[self.curves.index(name)]) for name in names if name in self.curves}


def analyze(
    settings: AnalysisSettings,
    *,
    rollouts: Path,
    reference: Path,
    norm: Path,
    metrics: Path,
    cycles: Path,
    spatiotemporal: Path,
) -> None:
    """Analyse one rollouts file.

    Falls, short episodes and runs without a single gait cycle give tables too: with no rows, or nulls and
    the reason.

    Args:
        settings: thresholds and bounds.
        rollouts: episodes of one checkpoint in one scenario.
        reference: the fitted reference that the policy was to imitate.
        norm: table of the norm.
        metrics: JSON to write.
        cycles: Parquet table to write.
        spatiotemporal: CSV to write.

    Raises:
        InputError: if an input is missing or damaged.
    """
    fitted, normal = read_fitted_reference(reference), read_norm(norm)
    with Rollouts(rollouts) as file:
        model = file.header.model
        angles = signed_angles(model.manifest)
        collection, device = _Collection(curve_names(model)), DeviceMeasures(model)
        with CyclesWriter(cycles, collection.curves) as writer:
            for episode in file:
                collection.infos.append(episode.info)
                if episode.info.state_rows > 1:
                    trial = load_trial(episode, model, settings)
                    collection.add(trial, model, settings, writer)
                    device.add(trial)
                    collection.add_tracking(tracking_errors(episode, model, fitted, angles))
        table = summary_table(collection.strides)
        result = _metrics(collection, table, file.header, fitted, normal, angles, settings)
    result["energetics"] = collection.energetics.summary(model, settings.energetics)
    result["device"] = device.result()
    result["settings"] = json.loads(settings.canonical())
    result["inputs"] = {
        "rollouts_sha256": sha256(rollouts),
        "reference_sha256": sha256(reference),
        "norm_sha256": sha256(norm),
    }
    write_spatiotemporal(spatiotemporal, table)
    result["tables"] = table_digests(cycles=cycles, spatiotemporal=spatiotemporal)
    write_metrics(metrics, result)
    logger.info("{}: {}", rollouts, result["summary"])


def _metrics(
    found: _Collection,
    table: pd.DataFrame,
    header: RolloutHeader,
    fitted: FittedReference,
    normal: pd.DataFrame,
    angles: tuple[Angle, ...],
    settings: AnalysisSettings,
) -> dict[str, Any]:
    means = found.means(angles)
    targets, norms = reference_curves(fitted, angles), norm_curves(normal, angles)
    comparison = compare(means, targets, norms)
    episodes = _episode_facts(found)
    values = _values(found, table, comparison, episodes, fitted)
    headline = (
        "fall_free_fraction",
        "speed_mean",
        *(f"{kind}_{a.short}" for kind in ("rmse", "r") for a in angles[1:]),
        "toe_off_percent",
        "activation_mean",
    )
    gate = judge(values, settings.gate, SPEED if found.speed.changes else WALKING)
    why = _why_no_cycles(found, episodes)
    result: dict[str, Any] = {name: values[name] for name in headline}
    result |= {
        "reasons": {name: why for name in headline if not np.isfinite(values[name])},
        "summary": _summary(found, episodes, values, gate, why),
        "gate_holds": all(entry["holds"] for entry in gate.values()),
        "gate": gate,
        "episodes": episodes,
        "speed": {
            "stride_mean_m_s": values["stride_speed"],
            "target_mean_m_s": values["target_speed"],
            "reference_m_s": fitted.speed_m_s,
            "target_changes": found.speed.changes,
            "tracking_rms_m_s": found.speed.rms_m_s,
            "tracking_strides": found.speed.strides,
            "strides_left_out_after_jumps": found.speed.left_out,
        },
        "cycles": {
            side: {**found.events[side], "rejected": dict(sorted(found.rejected[side].items()))} for side in SIDES
        },
        "kinematics": comparison,
        "tracking_rmse_deg": {a.name: found.tracking(a.name) for a in angles},
        "sagittal_profile_score_deg": {
            **{side: profile_score(means[side], norms) if side in means else None for side in SIDES},
            **{f"reference_{side}": profile_score(targets[side], norms) for side in SIDES},
            "control_mean": CONTROL_PROFILE_SCORE_DEG[0],
            "control_sd": CONTROL_PROFILE_SCORE_DEG[1],
        },
        "stride_to_stride_sd_deg": {side: found.variability(angles, side) for side in SIDES},
        "symmetry_index_percent": {
            name: symmetry_index(_mean(table, name, "r"), _mean(table, name, "l"))
            for name in ("step_time", "step_length", "stance", "single_support")
        },
        "ground_force": {side: _force_facts(found.forces[side]) for side in SIDES},
        "limit_moment_nm": {joint: _over_time(total, found.time_s) for joint, total in found.limit.items()},
        "source": {
            "seed": header.seed,
            "checkpoint_steps": header.checkpoint_steps,
            "model_sha256": header.model_sha256,
            "checkpoint_sha256": header.checkpoint_sha256,
            "total_mass_kg": header.model.total_mass_kg,
            "versions": dict(header.versions),
        },
    }
    return result


def _values(
    found: _Collection,
    table: pd.DataFrame,
    comparison: dict[str, Any],
    episodes: dict[str, Any],
    fitted: FittedReference,
) -> dict[str, float]:
    """Every number of headline and gate: of two sides the worse one, NaN where it was not measurable."""
    targets = [i.target_velocity_mean_m_s for i in found.infos]
    target = float(np.mean(targets)) if targets else NAN
    stride_speed = _mean(table, "speed", "both")
    stride_time = _mean(table, "stride_time", "both")
    values = {
        "episode_count": float(episodes["count"]),
        "longest_episode": episodes["duration_s"]["max"],
        "fall_free_fraction": episodes["fall_free_fraction"],
        "speed_mean": _over_time(found.way_m, found.time_s),
        "stride_speed": stride_speed,
        "target_speed": target,
        "speed_error": abs(stride_speed - target),
        "speed_tracking": found.speed.rms_m_s,
        "stride_time_error": 100.0 * abs(stride_time / fitted.stride_time_s - 1),
        "step_time_asymmetry": symmetry_index(_mean(table, "step_time", "r"), _mean(table, "step_time", "l")),
        "toe_off_percent": _mean(table, "stance", "both"),
        "activation_mean": _over_time(found.activation, found.time_s),
        "limit_moment": max((_over_time(t, found.time_s) for t in found.limit.values()), default=NAN),
    }
    for angle in ANGLES:
        scores = [comparison[side].get(angle.name, {}).get("against_reference") for side in SIDES]
        known = all(scores)
        values[f"rmse_{angle.short}"] = max(s["rmse_deg"] for s in scores) if known else NAN
        values[f"r_{angle.short}"] = min(s["r"] for s in scores) if known else NAN
    values["rmse_trunk_lean"] = values["rmse_pelvis"]
    facts = [_force_facts(found.forces[side]) for side in SIDES]
    if all(facts):
        values["raw_force_peak"] = max(f["raw_peak_largest_bw"] for f in facts)
        if all(f["dip_bw"] is not None for f in facts):
            peaks = [f[name] for f in facts for name in ("first_peak_bw", "second_peak_bw")]
            values["force_peak_lowest"], values["force_peak_highest"] = min(peaks), max(peaks)
            values["force_dip_depth"] = min(min(f["first_peak_bw"], f["second_peak_bw"]) - f["dip_bw"] for f in facts)
    return values


def _episode_facts(found: _Collection) -> dict[str, Any]:
    durations = np.array([info.duration_s for info in found.infos])
    some = len(durations) > 0
    return {
        "count": len(found.infos),
        "fall_free_fraction": float(np.mean([not info.fell for info in found.infos])) if some else NAN,
        "duration_s": {
            name: round(float(function(durations)), 3) if some else NAN
            for name, function in (("min", np.min), ("median", np.median), ("mean", np.mean), ("max", np.max))
        },
        "terminations": dict(sorted(Counter(info.termination for info in found.infos).items())),
    }


def _force_facts(forces: list[StanceForce]) -> dict[str, float | None] | None:
    if not forces:
        return None
    peaks = two_peaks(np.mean([f.vertical_bw for f in forces], axis=0))
    first, dip, second = peaks or (None, None, None)
    return {
        "cycles": len(forces),
        "first_peak_bw": first,
        "dip_bw": dip,
        "second_peak_bw": second,
        "raw_peak_largest_bw": max(f.raw_peak_bw for f in forces),
        "loading_rate_bw_s": float(np.mean([f.loading_rate_bw_s for f in forces])),
        "braking_impulse_bw_s": float(np.mean([f.braking_impulse_bw_s for f in forces])),
        "propulsive_impulse_bw_s": float(np.mean([f.propulsive_impulse_bw_s for f in forces])),
        "mean_total_vertical_bw": float(np.mean([f.mean_total_bw for f in forces])),
    }


def _why_no_cycles(found: _Collection, episodes: dict[str, Any]) -> str:
    """Say in plain words why a number is missing, from what was seen."""
    if not found.infos:
        return "the file holds no episode"
    missing = [SIDE_NAMES[side] for side in SIDES if not found.cycles[side]]
    if not missing:
        return "not measurable from these cycles"
    where = "either side" if len(missing) == 2 else f"the {missing[0]}"
    fell = sum(info.fell for info in found.infos)
    strikes = ", ".join(f"{found.events[side]['heel_strikes']} {SIDE_NAMES[side]}" for side in SIDES)
    complete = ", ".join(f"{found.events[side]['cycles_found']} {SIDE_NAMES[side]}" for side in SIDES)
    return (
        f"no usable gait cycle on {where}: {fell} of {len(found.infos)} episodes ended "
        f"in a fall, the longest lasted {episodes['duration_s']['max']:.2f} s; heel strikes: {strikes}; "
        f"complete cycles: {complete} (the first and last of an episode do not count)"
    )


def _summary(
    found: _Collection, episodes: dict[str, Any], values: dict[str, float], gate: dict[str, Any], why: str
) -> str:
    """One or two sentences that a report can print above everything else."""
    if not found.infos:
        return "No episode."
    text = (
        f"{episodes['count']} episodes, {100 * episodes['fall_free_fraction']:.0f} % without a fall, median "
        f"{episodes['duration_s']['median']:.2f} s; mean forward speed {values['speed_mean']:.2f} m/s"
    )
    if not sum(found.cycles.values()):
        return f"{text}. This policy does not walk yet: {why}."
    held = sum(entry["holds"] for entry in gate.values())
    which = "the speed gate" if found.speed.changes else "the walking gate"
    return (
        f"{text}; {found.cycles['r']} right and {found.cycles['l']} left gait cycles; {held} of {len(gate)} bounds of "
        f"{which} hold."
    )


def _over_time(total: float, time_s: float) -> float:
    return total / time_s if time_s > 0 else NAN


def _mean(table: pd.DataFrame, quantity: str, side: str) -> float:
    row = table[(table["quantity"] == quantity) & (table["side"] == side)]
    return float(row["mean"].iloc[0])
