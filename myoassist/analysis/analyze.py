"""The analysis stage: one rollouts file becomes cycles, tidy tables, metrics and the spatiotemporal table."""

from __future__ import annotations

import json
from pathlib import Path

from loguru import logger

from myoassist.analysis.collection import Collection
from myoassist.analysis.conventions import signed_angles
from myoassist.analysis.device import DeviceMeasures
from myoassist.analysis.kinematics import norm_curves, phase_at, reference_curves, tracking_errors
from myoassist.analysis.metrics import metrics_of
from myoassist.analysis.score_tables import curves_table, scores_table
from myoassist.analysis.strides import spatiotemporal_table, strides_table, summary_table
from myoassist.analysis.trial import curve_names, load_trial
from myoassist.config.analysis import AnalysisSettings
from myoassist.formats.files import sha256
from myoassist.formats.gait_tables import CyclesWriter, read_norm, table_digests, write_metrics, write_spatiotemporal
from myoassist.formats.reference_motion import read_fitted_reference
from myoassist.formats.rollouts import Rollouts
from myoassist.formats.stride_columns import STRIDES
from myoassist.formats.tidy_tables import write_tables


def analyze(
    settings: AnalysisSettings,
    *,
    rollouts: Path,
    reference: Path,
    norm: Path,
    metrics: Path,
    cycles: Path,
    spatiotemporal: Path,
    tables: Path,
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
        tables: folder for the tidy tables, named by `myoassist.config.analysis.table_files`.

    Raises:
        InputError: if an input is missing or damaged.
    """
    fitted, normal = read_fitted_reference(reference), read_norm(norm)
    with Rollouts(rollouts) as file:
        model = file.header.model
        angles = signed_angles(model.manifest)
        found, device = Collection(curve_names(model)), DeviceMeasures(model)
        with CyclesWriter(cycles, found.curves) as writer:
            for episode in file:
                found.infos.append(episode.info)
                if episode.info.state_rows < 2:
                    continue
                trial = load_trial(episode, model, settings)
                found.add(trial, model.state_rate_hz, settings, writer)
                device.add(trial)
                phase = phase_at(episode, trial.time, model.control_rate_hz)
                if phase is not None:
                    found.add_tracking(tracking_errors(trial.qpos, phase, model.coordinates, fitted, angles))
    targets, norms = reference_curves(fitted, angles), norm_curves(normal, angles)
    strides = strides_table(found.strides)
    summary = summary_table(strides)
    tidy = {
        "strides": strides,
        "summary": summary,
        "curves": curves_table(found),
        "scores": scores_table(found.angle_means(angles), targets, norms, angles, found.cycles),
    }
    result = metrics_of(found, summary, file.header, fitted, targets, norms, angles, settings.gate)
    result["energetics"] = found.energetics.summary(model, settings.energetics)
    result["device"] = device.result()
    result["settings"] = json.loads(settings.canonical())
    result["inputs"] = {
        "rollouts_sha256": sha256(rollouts),
        "reference_sha256": sha256(reference),
        "norm_sha256": sha256(norm),
    }
    write_spatiotemporal(spatiotemporal, spatiotemporal_table(summary))
    digests = write_tables(tables, tidy, {"start_s": "s", "percent": "%"} | {c.name: c.unit for c in STRIDES})
    result["tables"] = table_digests(cycles=cycles, spatiotemporal=spatiotemporal) | {"files_sha256": digests}
    write_metrics(metrics, result)
    logger.info("{}: {}", rollouts, result["summary"])
