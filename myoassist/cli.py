"""The command line: every stage of the chain by hand, and a look at experiments and matrices.

Stage modules are imported when their command runs, so that ``myoassist --help`` and a mistake in a file cost
no import of MuJoCo or torch.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from tyro.conf import OmitArgPrefixes, Positional, arg
from tyro.extras import SubcommandApp

from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.config.base import Settings
    from myoassist.config.experiment import Experiment

    SettingsT = TypeVar("SettingsT", bound=Settings)

app = SubcommandApp()
config_app = SubcommandApp()
matrix_app = SubcommandApp()

File = Annotated[Path, arg(metavar="FILE")]
Number = Annotated[int | None, arg(metavar="INT")]
Word = Annotated[str | None, arg(metavar="NAME")]
Folder = Annotated[Path, arg(metavar="DIR")]
OptionalFile = Annotated[Path | None, arg(metavar="FILE")]
OptionalFolder = Annotated[Path | None, arg(metavar="DIR")]


@dataclass(frozen=True)
class SettingsSource:
    """Where the stage's settings come from."""

    settings: Annotated[str | None, arg(metavar="JSON|FILE")] = None
    """The stage's own settings, as JSON text or a JSON file."""
    experiment: OptionalFile = None
    """An experiment file; the stage takes what it needs from it."""
    set: Annotated[tuple[str, ...], arg(metavar="FIELD=VALUE [FIELD=VALUE ...]")] = ()
    """With --experiment: override fields, e.g. training.n_envs=16 (values in JSON)."""

    def take(self, kind: type[SettingsT], pick: Callable[[Experiment], SettingsT]) -> SettingsT:
        """Return the stage's settings.

        Raises:
            InputError: if neither or both sources are given, or what they hold is wrong.
        """
        if (self.settings is None) == (self.experiment is None):
            raise InputError("give the settings either by --settings JSON|FILE or by --experiment FILE")
        if self.settings is not None:
            if self.set:
                raise InputError("--set: only together with --experiment")
            from myoassist.config.packed import unpack

            return kind.load(unpack(self.settings))
        return pick(self.read_experiment())

    def read_experiment(self) -> Experiment:
        """Read the experiment file and apply the overrides.

        Raises:
            InputError: if no file is given or something in it, or in an override, is wrong.
        """
        from myoassist.config.experiment import Experiment

        if self.experiment is None:
            raise InputError("--experiment: an experiment file is needed here")
        return Experiment.from_file(self.experiment).override(overrides(self.set), where="--set")


Source = OmitArgPrefixes[SettingsSource]


def overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """Read assignments such as ``training.n_envs=16``; a value that is not JSON is text.

    Raises:
        InputError: if one has no ``=``, or no dotted name before it.
    """
    result: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not all(name.split(".")):
            raise InputError(f"--set: expected FIELD=VALUE such as training.n_envs=16 (found {assignment!r})")
        try:
            result[name] = json.loads(value)
        except json.JSONDecodeError:
            result[name] = value
    return result


def require(**files: Path | None) -> None:
    """Check that input files are there, before anything is computed.

    Raises:
        InputError: naming the option and the file.
    """
    for option, path in files.items():
        if path is not None and not path.is_file():
            found = "is no file" if path.exists() else "not found"
            raise InputError(f"--{option.replace('_', '-')}: file {path} {found}")


@app.command
def sim(id: str = "myoAssistLegImitation-v0", steps: int = 500, seed: int = 0) -> None:
    """Roll random actions in an environment: a smoke test of the simulation.

    Args:
        id: registered environment id.
        steps: number of control steps.
        seed: of the environment and of the actions.
    """
    _at_least_one(steps=steps)
    import gymnasium

    import myoassist  # noqa: F401  (registers the ids)

    try:
        environment = gymnasium.make(id)
    except gymnasium.error.Error as error:
        raise InputError(f"--id: {error}") from None
    environment.action_space.seed(seed)
    environment.reset(seed=seed)
    rewards: list[float] = []
    episodes = 0
    for _ in range(steps):
        _, reward, terminated, truncated, _ = environment.step(environment.action_space.sample())
        rewards.append(float(reward))
        if terminated or truncated:
            episodes += 1
            environment.reset()
    environment.close()
    mean = sum(rewards) / len(rewards)
    print(f"{id}: {steps} steps, {episodes} episodes ended, mean reward per step {mean:.4f}")


@app.command
def preprocess(source_data: Source, *, source: File, output: File, figure: File) -> None:
    """Turn a recorded stride into a periodic reference, independent of any body.

    Args:
        source_data: give either --settings or --experiment.
        source: input: raw data (.csv, .mot, .sto).
        output: output: reference (.h5).
        figure: output: raw against processed curves (.png).
    """
    from myoassist.config.reference import ReferenceSettings

    chosen = source_data.take(ReferenceSettings, lambda experiment: experiment.reference)
    require(source=source)
    from myoassist.reference.preprocess import preprocess as stage

    stage(chosen, source=source, output=output, figure=figure)


@app.command
def build(source: Source, *, model: File, manifest: File) -> None:
    """Compile body, device and ground into one model.

    Args:
        source: give either --settings or --experiment.
        model: output: compiled model (.mjb).
        manifest: output: names, masses, actuators, sensors and package versions (.json).
    """
    from myoassist.config.model import ModelSettings

    chosen = source.take(ModelSettings, lambda experiment: experiment.model)
    from myoassist.models.build import build as stage

    stage(chosen, model=model, manifest=manifest)


@app.command
def retarget(source: Source, *, reference: File, model: File, manifest: File, output: File, figure: File) -> None:
    """Fit a reference to a body: feet on the ground, joints within limits, activations to start from.

    Args:
        source: give either --settings or --experiment.
        reference: input: reference from `preprocess` (.h5).
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        output: output: fitted reference (.h5).
        figure: output: what was changed, per joint (.png).
    """
    from myoassist.config.reference import RetargetSettings

    chosen = source.take(RetargetSettings, lambda experiment: experiment.retarget)
    require(reference=reference, model=model, manifest=manifest)
    from myoassist.reference.retarget import retarget as stage

    stage(chosen, reference=reference, model=model, manifest=manifest, output=output, figure=figure)


@app.command
def validate(source: Source, *, model: File, manifest: File, reference: File, output: File, figure: File) -> None:
    """Check whether an environment is fit to be trained on.

    Args:
        source: give either --settings or --experiment.
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


@app.command
def train(
    source: Source,
    *,
    model: File,
    manifest: File,
    reference: File,
    output: File,
    log: File,
    previous: OptionalFile = None,
    seed: Number = None,
    segment: Number = None,
    threads: Number = None,
) -> None:
    """Train one segment, from the previous segment's checkpoint.

    Args:
        source: give either --settings or --experiment.
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        reference: input: fitted reference (.h5).
        output: output: checkpoint (.zip).
        log: output: what was learned (.json).
        previous: input: checkpoint of the segment before; none for segment 0.
        seed: with --experiment: seed of the run (default 1).
        segment: with --experiment: which segment, counted from 0 (default 0).
        threads: physics threads; any number gives the same result (default: the CPUs it may use).
    """
    from myoassist.config.training import SegmentSettings

    _only_with_experiment(source, seed=seed, segment=segment)

    def pick(experiment: Experiment) -> SegmentSettings:
        segments = experiment.segments(1 if seed is None else seed)
        index = 0 if segment is None else segment
        if not 0 <= index < len(segments):
            raise InputError(f"--segment: expected 0 to {len(segments) - 1} (found {index})")
        return segments[index]

    chosen = source.take(SegmentSettings, pick)
    if (chosen.segment > 0) != (previous is not None):
        needed = "needs the checkpoint it starts from" if chosen.segment else "starts from none"
        raise InputError(f"--previous: segment {chosen.segment} {needed}")
    _at_least_one(threads=threads)
    require(model=model, manifest=manifest, reference=reference, previous=previous)
    from myoassist.training.segment import train_segment as stage

    stage(
        chosen,
        model=model,
        manifest=manifest,
        reference=reference,
        previous=previous,
        output=output,
        log=log,
        threads=threads,
    )


@app.command
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
) -> None:
    """Let a trained policy walk: seeded episodes of one scenario into a rollouts file.

    Args:
        source: give either --settings or --experiment.
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        reference: input: fitted reference (.h5).
        checkpoint: input: trained policy (.zip).
        rollouts: output: states, forces, actions, rewards (.h5).
        scenario: with --experiment: name of the scenario (default: the first).
        seed: with --experiment: seed of the episodes (default 1).
        threads: physics threads; any number gives the same result (default: the CPUs it may use).
    """
    from myoassist.config.evaluation import EvaluationStage

    _only_with_experiment(source, scenario=scenario, seed=seed)

    def pick(experiment: Experiment) -> EvaluationStage:
        name = next(iter(experiment.evaluation.scenarios)) if scenario is None else scenario
        return experiment.evaluation_stage(name, 1 if seed is None else seed)

    chosen = source.take(EvaluationStage, pick)
    _at_least_one(threads=threads)
    require(model=model, manifest=manifest, reference=reference, checkpoint=checkpoint)
    from myoassist.evaluation.rollout import evaluate as stage

    stage(
        chosen,
        model=model,
        manifest=manifest,
        reference=reference,
        checkpoint=checkpoint,
        rollouts=rollouts,
        threads=threads,
    )


@app.command
def replay(source: Source, *, model: File, manifest: File, rollouts: File, video: File) -> None:
    """Film stored episodes; nothing is simulated again.

    Args:
        source: give either --settings or --experiment.
        model: input: compiled model (.mjb).
        manifest: input: its manifest (.json).
        rollouts: input: rollouts from `evaluate` (.h5).
        video: output: film of at most 8 s (.mp4).
    """
    from myoassist.config.evaluation import VideoSettings

    chosen = source.take(VideoSettings, lambda experiment: experiment.evaluation.video)
    require(model=model, manifest=manifest, rollouts=rollouts)
    from myoassist.evaluation.video import replay as stage

    stage(chosen, model=model, manifest=manifest, rollouts=rollouts, video=video)


@app.command
def analyze(
    source: Source,
    *,
    rollouts: File,
    reference: File,
    norm: File,
    metrics: File,
    cycles: File,
    spatiotemporal: File,
) -> None:
    """Find gait cycles in rollouts and measure them against the reference and the norm.

    Args:
        source: give either --settings or --experiment.
        rollouts: input: rollouts from `evaluate` (.h5).
        reference: input: fitted reference (.h5).
        norm: input: normative joint angles (.csv).
        metrics: output: numbers of the whole evaluation (.json).
        cycles: output: curves over 101 points of each gait cycle (.parquet).
        spatiotemporal: output: one row a cycle (.csv).
    """
    from myoassist.config.analysis import AnalysisSettings

    chosen = source.take(AnalysisSettings, lambda experiment: experiment.analysis)
    require(rollouts=rollouts, reference=reference, norm=norm)
    from myoassist.analysis.analyze import analyze as stage

    stage(
        chosen,
        rollouts=rollouts,
        reference=reference,
        norm=norm,
        metrics=metrics,
        cycles=cycles,
        spatiotemporal=spatiotemporal,
    )


@app.command
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
) -> None:
    """Draw the figures of one evaluation, each as png and svg.

    Args:
        source: give either --settings or --experiment.
        rollouts: input: rollouts from `evaluate` (.h5).
        cycles: input: curves from `analyze` (.parquet).
        metrics: input: numbers from `analyze` (.json).
        spatiotemporal: input: table from `analyze` (.csv).
        reference: input: fitted reference (.h5).
        norm: input: normative joint angles (.csv).
        output_dir: output: folder of the figures.
    """
    from myoassist.config.figures import FiguresSettings

    chosen = source.take(FiguresSettings, lambda experiment: experiment.figures)
    require(
        rollouts=rollouts,
        cycles=cycles,
        metrics=metrics,
        spatiotemporal=spatiotemporal,
        reference=reference,
        norm=norm,
    )
    from myoassist.analysis.figures.render import render_run as stage

    stage(
        chosen,
        rollouts=rollouts,
        cycles=cycles,
        metrics=metrics,
        spatiotemporal=spatiotemporal,
        reference=reference,
        norm=norm,
        output_dir=output_dir,
    )


@app.command
def report(source: Source, *, root: Folder, output: File, captions: OptionalFolder = None) -> None:
    """Write the report: one self-contained page about a matrix.

    Args:
        source: only --settings, which the workflow makes.
        root: input: results folder that the settings' paths are relative to.
        output: output: the page (.html).
        captions: input: folder with captions of figures (.rst).
    """
    from myoassist.config.report import ReportSettings

    def refuse(experiment: Experiment) -> ReportSettings:
        raise InputError("--experiment: a report is about runs, so it needs --settings")

    chosen = source.take(ReportSettings, refuse)
    for option, folder in (("root", root), ("captions", captions)):
        if folder is not None and not folder.is_dir():
            raise InputError(f"--{option}: folder {folder} not found")
    from myoassist.report.build import build_report as stage

    stage(chosen, root=root, output=output, captions=captions)


def _only_with_experiment(source: SettingsSource, **options: Any) -> None:
    for option, value in options.items():
        if value is not None and source.experiment is None:
            raise InputError(f"--{option}: only together with --experiment")


def _at_least_one(**options: int | None) -> None:
    for option, value in options.items():
        if value is not None and value < 1:
            raise InputError(f"--{option}: expected 1 or more (found {value})")


@config_app.command(name="validate")
def config_validate(files: Positional[tuple[File, ...]]) -> None:
    """Check experiment files (.json) and matrix files (.yaml), running nothing.

    Args:
        files: files to check.
    """
    from myoassist.config.experiment import Experiment
    from myoassist.config.matrix import Plan

    if not files:
        raise InputError("config validate: name at least one file")
    wrong = 0
    for file in files:
        try:
            if file.suffix in (".yaml", ".yml"):
                experiments = [run.experiment for run in Plan.load(file).runs.values() if run.checkpoints]
            else:
                experiments = [Experiment.from_file(file)]
            for experiment in experiments:
                experiment.check_files(where=str(file))
        except InputError as error:
            wrong += 1
            complain(error)
        else:
            print(f"{file}: valid")
    if wrong:
        sys.exit(2)


@config_app.command(name="show")
def config_show(
    experiment: Positional[File],
    section: Positional[str | None] = None,
    *,
    set: Annotated[tuple[str, ...], arg(metavar="FIELD=VALUE [FIELD=VALUE ...]")] = (),
) -> None:
    """Print an experiment complete: inherited values and defaults filled in.

    Args:
        experiment: experiment file (.json).
        section: print this section only, such as environment or training.parameters.
        set: override fields, e.g. training.n_envs=16 (values in JSON).
    """
    from myoassist.config.experiment import Experiment

    data: Any = Experiment.from_file(experiment).override(overrides(set), where="--set").plain()
    for part in section.split(".") if section else ():
        if not isinstance(data, dict) or part not in data:
            known = ", ".join(data) if isinstance(data, dict) else "none"
            raise InputError(f"section '{section}': no field '{part}'; known are {known}")
        data = data[part]
    print(json.dumps(data, indent=2))


@config_app.command(name="schema")
def config_schema(kind: Positional[str] = "experiment") -> None:
    """Print the JSON schema, for editors to check and complete against.

    Args:
        kind: experiment or matrix.
    """
    from myoassist.config.experiment import Experiment
    from myoassist.config.matrix import Matrix

    if kind == "experiment":
        schema = Experiment.file_schema()
    elif kind == "matrix":
        schema = Matrix.model_json_schema()
    else:
        raise InputError(f"kind: expected experiment or matrix (found {kind!r})")
    print(json.dumps(schema, indent=2))


@matrix_app.command(name="show")
def matrix_show(matrix: Positional[File]) -> None:
    """Print the runs of a matrix and what each is made of.

    Args:
        matrix: matrix file (.yaml).
    """
    from myoassist.config.base import shorten
    from myoassist.config.matrix import Plan

    plan = Plan.load(matrix)
    rows = [("run", "experiment", "seed", "segments", "evaluated at", "scenarios", "differences")]
    for run in plan.runs.values():
        differences = ", ".join(f"{field} = {shorten(value, 40)}" for field, value in plan.differences(run).items())
        rows.append(
            (
                run.id,
                run.name,
                str(run.seed),
                str(len(run.segments)),
                ", ".join(map(str, run.checkpoints)),
                ", ".join(run.scenarios),
                differences or "none",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@matrix_app.command(name="report-path")
def matrix_report_path(matrix: Positional[File]) -> None:
    """Print where the workflow puts the report of a matrix.

    Args:
        matrix: matrix file (.yaml).
    """
    from myoassist.config.matrix import Plan

    print(Path("results") / Plan.load(matrix).name / "report.html")


@matrix_app.command(name="figures")
def matrix_figures(source: Source, *, output_dir: Folder) -> None:
    """Draw the figures that compare the runs of a matrix.

    Args:
        source: only --settings, which the workflow makes.
        output_dir: output: folder of the figures.
    """
    from myoassist.config.matrix import MatrixFigures

    def refuse(experiment: Experiment) -> MatrixFigures:
        raise InputError("--experiment: figures across runs need --settings")

    chosen = source.take(MatrixFigures, refuse)
    for run in chosen.runs:
        for file in (*run.train_logs, *run.metrics.values()):
            if not file.is_file():
                raise InputError(f"--settings: run {run.run}: file {file} not found")
    from myoassist.analysis.figures.render import render_matrix as stage

    stage(chosen.figures, runs=chosen.runs, output_dir=output_dir)


app.command(config_app, name="config", help="Look at experiment files: validate, show, schema.")
app.command(matrix_app, name="matrix", help="Look at matrix files: show, report-path, figures.")


def complain(error: Exception) -> None:
    """Print an error as one line."""
    print(f"myoassist: {' '.join(str(error).split())}", file=sys.stderr)


def _start_log() -> None:
    from loguru import logger

    logger.remove()
    level = os.environ.get("MYOASSIST_LOG_LEVEL", "INFO").upper()
    logger.add(sys.stderr, level=level, format="{time:YYYY-MM-DD HH:mm:ss} {level: <7} {message}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line: exit status 0, 2 for bad input (one line on stderr), 1 for anything else."""
    _start_log()
    try:
        app.cli(
            prog="myoassist",
            description="Train, evaluate and analyse muscle-driven walking.",
            args=argv,
        )
    except InputError as error:
        complain(error)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


if __name__ == "__main__":
    main()
