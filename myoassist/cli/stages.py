"""The stages of the chain, one command each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from myoassist.cli.options import (
    File,
    Files,
    Folder,
    Given,
    Number,
    OptionalFile,
    OptionalFolder,
    Source,
    Word,
    Words,
    as_film,
    at_least_one,
    load_settings,
    only_with_experiment,
    require,
)
from myoassist.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from myoassist.config.base import Settings
    from myoassist.config.evaluation import EvaluationStage
    from myoassist.config.experiment import Experiment
    from myoassist.config.training import SegmentSettings


def preprocess(source_data: Source, *, source: File, output: File) -> None:
    """Turn a recorded stride into a periodic reference, independent of any body.

    Args:
        source_data: Where the settings come from: either --settings or --experiment.
        source: input: raw data (.csv, .mot, .sto).
        output: output: reference (.h5).
    """
    from myoassist.config.reference import ReferenceSettings

    chosen = source_data.take(ReferenceSettings, lambda experiment: experiment.reference)
    require(source=source)
    from myoassist.reference.preprocess import preprocess as stage

    stage(chosen, source=source, output=output)


def preprocess_figure(*, reference: File, figure: File) -> None:
    """Draw a reference for quality control: raw samples against the periodic curves.

    Args:
        reference: input: reference from `preprocess` (.h5).
        figure: output: the picture (.png).
    """
    require(reference=reference)
    from myoassist.reference.preprocess_figure import preprocess_figure as stage

    stage(reference=reference, figure=figure)


def build(source: Source, *, model: File, manifest: File, scenario: Word = None) -> None:
    """Compile body, device and ground into one model.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        model: output: compiled model (.mjb).
        manifest: output: names, masses, actuators, sensors and package versions (.json).
        scenario: with --experiment: take the ground of this scenario (default: that of the training).
    """
    from myoassist.config.model import ModelSettings

    only_with_experiment(source, scenario=scenario)

    def pick(experiment: Experiment) -> ModelSettings:
        return experiment.model if scenario is None else experiment.scenario_model(scenario)

    chosen = source.take(ModelSettings, pick)
    from myoassist.models.build import build as stage

    stage(chosen, model=model, manifest=manifest)


def retarget(source: Source, *, reference: File, model: File, manifest: File, output: File) -> None:
    """Fit a reference to a body: feet on the ground, joints within limits, activations to start from.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        reference: input: reference from `preprocess` (.h5).
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        output: output: fitted reference (.h5).
    """
    from myoassist.config.reference import RetargetSettings

    chosen = source.take(RetargetSettings, lambda experiment: experiment.retarget)
    require(reference=reference, model=model, manifest=manifest)
    from myoassist.reference.retarget import retarget as stage

    stage(chosen, reference=reference, model=model, manifest=manifest, output=output)


def retarget_figure(*, reference: File, manifest: File, figure: File) -> None:
    """Draw a fitted reference for quality control: what was changed, feet, forces and activations.

    Args:
        reference: input: fitted reference from `retarget` (.h5).
        manifest: input: manifest of the body that it was fitted to (.json).
        figure: output: the picture (.png).
    """
    require(reference=reference, manifest=manifest)
    from myoassist.reference.retarget_figure import retarget_figure as stage

    stage(reference=reference, manifest=manifest, figure=figure)


def validate(source: Source, *, model: File, manifest: File, reference: File, output: File, figure: File) -> None:
    """Check whether an environment is fit to be trained on.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        reference: input: fitted reference (.h5).
        output: output: one entry a check (.json).
        figure: output: the checks' numbers (.png).
    """
    from myoassist.config.validation import ValidationStage

    chosen = source.take(ValidationStage, lambda experiment: experiment.validation_stage())
    require(model=model, manifest=manifest, reference=reference)
    from myoassist.validation.checks import validate as stage

    stage(chosen, model=model, manifest=manifest, reference=reference, output=output, figure=figure)


def train(
    source: Source,
    *,
    model: Files,
    manifest: Files,
    reference: Files,
    output: File,
    log: File,
    previous: OptionalFile = None,
    warm_start: OptionalFile = None,
    seed: Number = None,
    segment: Number = None,
    threads: Number = None,
    tensorboard: OptionalFolder = None,
    preview: OptionalFile = None,
) -> None:
    """Train one segment, from the previous segment's checkpoint.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        model: input: compiled model (.mjb); one for each ground that the segment could train on.
        manifest: input: its manifest (.json), or theirs.
        reference: input: fitted reference (.h5), or theirs.
        output: output: checkpoint (.zip).
        log: output: what was learned (.json).
        previous: input: checkpoint of the segment before; none for segment 0.
        warm_start: input: checkpoint that segment 0 takes over from, if the settings say so.
        seed: with --experiment: seed of the run (default 1).
        segment: with --experiment: which segment, counted from 0 (default 0).
        threads: physics threads; any number gives the same result (default: the experiment's training.env_threads, or
            the CPUs it may use).
        tensorboard: output: folder for TensorBoard's files (default: MYOASSIST_TENSORBOARD, if that is set).
        preview: output: film of the new checkpoint (.mp4); with MYOASSIST_PREVIEW set, one beside the checkpoint.
    """
    from myoassist.cli import watching
    from myoassist.config.training import SegmentSettings

    only_with_experiment(source, seed=seed, segment=segment)
    at_least_one(threads=threads)

    def pick(experiment: Experiment) -> SegmentSettings:
        nonlocal threads
        threads = experiment.training.env_threads if threads is None else threads
        segments = experiment.segments(1 if seed is None else seed)
        index = 0 if segment is None else segment
        if not 0 <= index < len(segments):
            raise InputError(f"--segment: expected 0 to {len(segments) - 1} (found {index})")
        return segments[index]

    chosen = source.take(SegmentSettings, pick)
    if (chosen.segment > 0) != (previous is not None):
        needed = "needs the checkpoint it starts from" if chosen.segment else "starts from none"
        raise InputError(f"--previous: segment {chosen.segment} {needed}")
    if (chosen.warm_start is not None) != (warm_start is not None):
        needed = "takes over from a checkpoint" if chosen.warm_start is not None else "takes over from none"
        raise InputError(f"--warm-start: segment {chosen.segment} {needed} (field 'training.warm_start')")
    for files in zip(model, manifest, reference, strict=False):
        require(**dict(zip(("model", "manifest", "reference"), files, strict=True)))
    require(previous=previous, warm_start=warm_start)
    from myoassist.policies.hyper_parameters import check_parameters
    from myoassist.training.segment import train_segment as stage

    try:
        check_parameters(chosen.learner)
    except InputError as error:
        raise InputError(f"{source.experiment or output}: {error}") from None

    stage(
        chosen,
        model=model,
        manifest=manifest,
        reference=reference,
        previous=previous,
        warm_start=warm_start,
        output=output,
        log=log,
        threads=threads,
        on_record=watching.tensorboard(tensorboard, output),
    )
    watching.preview(preview, checkpoint=output, model=model, manifest=manifest, reference=reference)


def pretrained(*, checkpoint: File, log: File, output: File, output_log: File) -> None:
    """Take a policy that was trained before in the place of a training: checked, then copied byte for byte.

    Args:
        checkpoint: input: checkpoint (.zip), such as one in pretrained/.
        log: input: its train log (.json).
        output: output: checkpoint (.zip).
        output_log: output: train log (.json).
    """
    require(checkpoint=checkpoint, log=log)
    from myoassist.pretrained.taking import take

    take(checkpoint=checkpoint, log=log, output=output, output_log=output_log)


def best(source: Source, *, logs: Files, checkpoint: File, choice: File) -> None:
    """Copy a run's best checkpoint, by what its train logs measured, if it is whole.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        logs: input: train logs of all segments (.json), each beside its checkpoint.
        checkpoint: output: copy of the best checkpoint (.zip).
        choice: output: which one it is, and the values of all (.json).
    """
    from myoassist.config.evaluation import BestSettings

    chosen = source.take(BestSettings, lambda experiment: experiment.evaluation.best)
    for log in logs:
        require(logs=log)
    from myoassist.training.best import select_best as stage

    stage(chosen, logs=logs, checkpoint=checkpoint, choice=choice)


def evaluate(
    source: Source,
    *,
    model: File,
    manifest: File,
    reference: File,
    checkpoint: File,
    rollouts: File,
    scenario: Word = None,
    seed: Number = None,
    threads: Number = None,
    unless_made: Word = None,
) -> None:
    """Let a trained policy walk: seeded episodes of one scenario into a rollouts file.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        reference: input: fitted reference (.h5).
        checkpoint: input: trained policy (.zip).
        rollouts: output: states, forces, actions, rewards (.h5).
        scenario: with --experiment: name of the scenario (default: the first).
        seed: with --experiment: seed of the episodes (default 1).
        threads: physics threads; any number gives the same result (default: the CPUs it may use).
        unless_made: fingerprint of the code; keep what it made from the same settings and inputs before.
    """
    from myoassist.config.evaluation import EvaluationStage

    only_with_experiment(source, scenario=scenario, seed=seed)

    def pick(experiment: Experiment) -> EvaluationStage:
        name = next(iter(experiment.evaluation.scenarios)) if scenario is None else scenario
        return experiment.evaluation_stage(name, 1 if seed is None else seed)

    chosen = source.take(EvaluationStage, pick)
    at_least_one(threads=threads)
    inputs = {"model": model, "manifest": manifest, "reference": reference, "checkpoint": checkpoint}
    require(**inputs)

    def make() -> None:
        from myoassist.evaluation.rollout import evaluate as stage

        stage(chosen, **inputs, rollouts=rollouts, threads=threads)

    _make_unless_made(make, "evaluate", unless_made, chosen, inputs, [rollouts])


def replay(
    source: Source,
    *,
    model: File,
    manifest: File,
    rollouts: File,
    video: File,
    scenario: Word = None,
    beside: OptionalFile = None,
    beside_model: OptionalFile = None,
    beside_manifest: OptionalFile = None,
    labels: Words = (),
    unless_made: Word = None,
) -> None:
    """Film stored episodes; nothing is simulated again.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        rollouts: input: rollouts from `evaluate` (.h5).
        video: output: film of at most 8 s (.mp4).
        scenario: with --experiment: film as this scenario says (default: as all scenarios).
        beside: input: other rollouts, for the right half of the film (.h5).
        beside_model: input: their model (default: the same).
        beside_manifest: input: its manifest (default: the same).
        labels: what is written over the film, or over each half.
        unless_made: fingerprint of the code; keep what it made from the same settings and inputs before.
    """
    from myoassist.config.evaluation import VideoSettings

    only_with_experiment(source, scenario=scenario)

    def pick(experiment: Experiment) -> VideoSettings:
        return experiment.evaluation.video if scenario is None else experiment.scenario_video(scenario)

    chosen = source.take(VideoSettings, pick)
    if (beside_model is None) != (beside_manifest is None):
        raise InputError("--beside-model, --beside-manifest: give both or none")
    if beside is None and beside_model is not None:
        raise InputError("--beside-model: only together with --beside")
    inputs = {"model": model, "manifest": manifest, "rollouts": rollouts}
    require(**inputs, beside=beside, beside_model=beside_model, beside_manifest=beside_manifest)
    as_film(video=video)

    def make() -> None:
        from myoassist.evaluation.video import Beside
        from myoassist.evaluation.video import replay as stage

        other = None if beside is None else Beside(beside_model or model, beside_manifest or manifest, beside)
        stage(chosen, **inputs, video=video, beside=other, labels=labels)

    _make_unless_made(make, "replay", unless_made, chosen, inputs, [video])


def analyze(
    source: Source,
    *,
    rollouts: File,
    reference: File,
    norm: File,
    metrics: File,
    cycles: File,
    spatiotemporal: File,
    tables: Folder,
    unless_made: Word = None,
) -> None:
    """Find gait cycles in rollouts and measure them against the reference and the norm.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        rollouts: input: rollouts from `evaluate` (.h5).
        reference: input: fitted reference (.h5).
        norm: input: normative joint angles (.csv).
        metrics: output: numbers of the whole evaluation (.json).
        cycles: output: curves over 101 points of each gait cycle (.parquet).
        spatiotemporal: output: mean, SD and number of strides of times, lengths and speeds (.csv).
        tables: output: folder of the tidy tables: strides, summary, curves, scores (.parquet and .csv).
        unless_made: fingerprint of the code; keep what it made from the same settings and inputs before.
    """
    from myoassist.config.analysis import AnalysisSettings, table_files

    chosen = source.take(AnalysisSettings, lambda experiment: experiment.analysis)
    inputs = {"rollouts": rollouts, "reference": reference, "norm": norm}
    require(**inputs)

    def make() -> None:
        from myoassist.analysis.analyze import analyze as stage

        stage(chosen, **inputs, metrics=metrics, cycles=cycles, spatiotemporal=spatiotemporal, tables=tables)

    outputs = [metrics, cycles, spatiotemporal, *(tables / name for name in table_files())]
    _make_unless_made(make, "analyze", unless_made, chosen, inputs, outputs)


def contact_sheet(
    source: Source,
    *,
    model: File,
    manifest: File,
    rollouts: File,
    cycles: File,
    sheet: File,
    unless_made: Word = None,
) -> None:
    """Draw one gait cycle as a sheet of stills, for print.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        rollouts: input: rollouts from `evaluate` (.h5).
        cycles: input: curves from `analyze` (.parquet).
        sheet: output: the picture (.png).
        unless_made: fingerprint of the code; keep what it made from the same settings and inputs before.
    """
    from myoassist.config.evaluation import ContactSheetSettings

    chosen = source.take(ContactSheetSettings, lambda experiment: experiment.evaluation.contact_sheet)
    inputs = {"model": model, "manifest": manifest, "rollouts": rollouts, "cycles": cycles}
    require(**inputs)

    def make() -> None:
        from myoassist.evaluation.contact_sheet import contact_sheet as stage

        stage(chosen, **inputs, sheet=sheet)

    _make_unless_made(make, "contact_sheet", unless_made, chosen, inputs, [sheet])


def figures(
    source: Source,
    *,
    rollouts: File,
    cycles: File,
    metrics: File,
    spatiotemporal: File,
    reference: File,
    norm: File,
    output_dir: Folder,
    unless_made: Word = None,
) -> None:
    """Draw the figures of one evaluation, each as png and svg.

    Args:
        source: Where the settings come from: either --settings or --experiment.
        rollouts: input: rollouts from `evaluate` (.h5).
        cycles: input: curves from `analyze` (.parquet).
        metrics: input: numbers from `analyze` (.json).
        spatiotemporal: input: table from `analyze` (.csv).
        reference: input: fitted reference (.h5).
        norm: input: normative joint angles (.csv).
        output_dir: output: folder of the figures.
        unless_made: fingerprint of the code; keep what it made from the same settings and inputs before.
    """
    from myoassist.config.figures import FiguresSettings, run_figure_names

    chosen = source.take(FiguresSettings, lambda experiment: experiment.figures)
    inputs = {
        "rollouts": rollouts,
        "cycles": cycles,
        "metrics": metrics,
        "spatiotemporal": spatiotemporal,
        "reference": reference,
        "norm": norm,
    }
    require(**inputs)

    def make() -> None:
        from myoassist.analysis.figures.render import render_run as stage

        stage(chosen, **inputs, output_dir=output_dir)

    outputs = [output_dir / name for name in run_figure_names(chosen)]
    _make_unless_made(make, "figures", unless_made, chosen, inputs, outputs)


def report(*, settings: Given, root: Folder, output: File, captions: OptionalFolder = None) -> None:
    """Write the report: one self-contained page about a matrix.

    Args:
        settings: runs and the paths of their files, as the workflow describes them.
        root: input: results folder that the settings' paths are relative to.
        output: output: the page (.html).
        captions: input: folder with captions of figures (.rst).
    """
    from myoassist.config.report import ReportSettings

    chosen = load_settings(ReportSettings, settings)
    for option, folder in (("root", root), ("captions", captions)):
        if folder is not None and not folder.is_dir():
            raise InputError(f"--{option}: folder {folder} not found")
    from myoassist.report.build import build_report as stage

    stage(chosen, root=root, output=output, captions=captions)


def _make_unless_made(
    make: Callable[[], None],
    stage: str,
    made_by: str | None,
    settings: Settings,
    inputs: dict[str, Path],
    outputs: list[Path],
) -> None:
    from myoassist.formats.kept import make_unless_made

    canonical = settings.canonical()
    make_unless_made(make, stage=stage, made_by=made_by, settings=canonical, inputs=inputs, outputs=outputs)
