"""The metrics of an evaluation: headline numbers, the gate, and why a number is missing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from myoassist.analysis.collection import Collection
from myoassist.analysis.conventions import ANGLES, SIDE_NAMES, SIDES, Angle
from myoassist.analysis.gate import SPEED, WALKING, judge
from myoassist.analysis.ground_force import StanceForce, two_peaks
from myoassist.analysis.kinematics import CONTROL_PROFILE_SCORE_DEG, compare, profile_score
from myoassist.analysis.score_tables import Curves, Norm, variable_scores, with_both
from myoassist.analysis.strides import mean_of, symmetry_index
from myoassist.config.analysis import GateSettings
from myoassist.formats.reference_motion import FittedReference
from myoassist.formats.rollouts import RolloutHeader

NAN = float("nan")


def metrics_of(
    found: Collection,
    summary: pd.DataFrame,
    header: RolloutHeader,
    fitted: FittedReference,
    targets: Curves,
    norms: Norm,
    angles: tuple[Angle, ...],
    bounds: GateSettings,
) -> dict[str, Any]:
    """Collect what ``metrics.json`` says of a file, but for its settings, inputs and tables.

    Args:
        found: everything of its episodes.
        summary: of its strides, as from `myoassist.analysis.strides.summary_table`.
        header: of the rollouts.
        fitted: the reference that was to be imitated.
        targets: its curves: side -> angle -> shape (101,) degrees.
        norms: angle -> (mean, SD).
        angles: which are scored.
        bounds: of the gate.

    Returns:
        Plain data, as ``docs/analysis.md`` describes it; numbers that could not be computed are NaN or None.
    """
    means = found.angle_means(angles)
    walked = with_both(means)
    comparison = compare(means, targets, norms)
    episodes = _episode_facts(found)
    values = _values(found, summary, comparison, episodes, fitted)
    headline = (
        "fall_free_fraction",
        "speed_mean",
        *(f"{kind}_{a.short}" for kind in ("rmse", "r") for a in angles[1:]),
        "toe_off_percent",
        "activation_mean",
    )
    gate = judge(values, bounds, SPEED if found.speed.changes else WALKING)
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
            **{side: profile_score(walked[side], norms) if side in walked else None for side in (*SIDES, "both")},
            **{f"reference_{side}": profile_score(curves, norms) for side, curves in with_both(targets).items()},
            "control_mean": CONTROL_PROFILE_SCORE_DEG[0],
            "control_sd": CONTROL_PROFILE_SCORE_DEG[1],
        },
        "gait_variable_scores_deg": variable_scores(means, targets, norms),
        "stride_to_stride_sd_deg": {side: found.angle_variability(angles, side) for side in SIDES},
        "symmetry_index_percent": {
            name: symmetry_index(mean_of(summary, name, "r"), mean_of(summary, name, "l"))
            for name in ("step_time", "step_length", "stance", "single_support")
        },
        "strides": _stride_summary(summary),
        "ground_force": {side: _force_facts(found.forces[side]) for side in SIDES},
        "raw_force_peak_anywhere_bw": found.force_peak_bw if found.infos else None,
        "limit_moment_nm": {joint: _over_time(total, found.time_s) for joint, total in found.limit.items()},
        "source": {
            "seed": header.seed,
            "checkpoint_steps": header.checkpoint_steps,
            "model_sha256": header.model_sha256,
            "checkpoint_sha256": header.checkpoint_sha256,
            "body_mass_kg": header.model.body_mass_kg,
            "device_mass_kg": header.model.device_mass_kg,
            "versions": dict(header.versions),
        },
    }
    return result


def _values(
    found: Collection,
    summary: pd.DataFrame,
    comparison: dict[str, Any],
    episodes: dict[str, Any],
    fitted: FittedReference,
) -> dict[str, float]:
    """Every number of headline and gate, NaN where it was not measurable.

    Likeness, forces and limits are of the worse side or joint; toe-off is the mean of both sides, and what could
    cancel between episodes (too fast in one and too slow in the next, a limp to either side) is judged in each.
    """
    targets = [i.target_velocity_mean_m_s for i in found.infos]
    target = float(np.mean(targets)) if targets else NAN
    speed_error, asymmetry = _by_episode(found)
    stride_speed = mean_of(summary, "speed", "both")
    stride_time = mean_of(summary, "stride_time", "both")
    values = {
        "episode_count": float(episodes["count"]),
        "longest_episode": episodes["duration_s"]["max"],
        "fall_free_fraction": episodes["fall_free_fraction"],
        "speed_mean": _over_time(found.way_m, found.time_s),
        "stride_speed": stride_speed,
        "target_speed": target,
        "speed_error": speed_error,
        "speed_tracking": found.speed.rms_m_s,
        "stride_time_error": 100.0 * abs(stride_time / fitted.stride_time_s - 1),
        "step_time_asymmetry": asymmetry,
        "toe_off_percent": mean_of(summary, "stance", "both"),
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


def _by_episode(found: Collection) -> tuple[float, float]:
    """Means over the episodes of two differences that could cancel between them.

    Returns:
        |stride-averaged speed - mean target|, m/s, over episodes with a stride; |symmetry index of step time|, percent,
        over those with strides of both sides. NaN without any.
    """
    if not found.strides:
        return NAN, NAN
    strides = pd.DataFrame(found.strides, columns=["episode", "side", "speed_m_s", "step_time_s"])
    targets = {info.index: info.target_velocity_mean_m_s for info in found.infos}
    speeds = strides.groupby("episode")["speed_m_s"].mean()
    errors = [abs(speed - targets[episode]) for episode, speed in speeds.items()]
    steps = strides.groupby(["episode", "side"])["step_time_s"].mean().unstack().reindex(columns=list(SIDES))
    asymmetries = [symmetry_index(right, left) for right, left in steps.to_numpy()]
    known = [value for value in asymmetries if np.isfinite(value)]
    return float(np.mean(errors)), float(np.mean(known)) if known else NAN


def _episode_facts(found: Collection) -> dict[str, Any]:
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
    numbers = {name: np.array([f.numbers[name] for f in forces]) for name in forces[0].numbers}
    means = ("loading_rate_bw_s", "braking_impulse_bw_s", "propulsive_impulse_bw_s")
    return {
        "cycles": len(forces),
        "first_peak_bw": first,
        "dip_bw": dip,
        "second_peak_bw": second,
        "raw_peak_largest_bw": float(numbers["raw_peak_bw"].max()),
        **{name: float(numbers[name].mean()) for name in means},
        "mean_total_vertical_bw": float(numbers["mean_total_bw"].mean()),
    }


def _stride_summary(summary: pd.DataFrame) -> dict[str, Any]:
    """The summary as nested objects: group -> quantity -> unit, and side -> mean, SD and number of strides."""
    result: dict[str, Any] = {}
    for row in summary.to_dict("records"):
        entry = result.setdefault(row["group"], {}).setdefault(row["quantity"], {"unit": row["unit"]})
        entry[row["side"]] = {name: row[name] for name in ("mean", "sd", "n", "within_episode_sd", "cv_percent")}
        if row["side"] == "both":
            entry["symmetry_index_percent"] = row["symmetry_index_percent"]
    return result


def _why_no_cycles(found: Collection, episodes: dict[str, Any]) -> str:
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
    found: Collection, episodes: dict[str, Any], values: dict[str, float], gate: dict[str, Any], why: str
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
