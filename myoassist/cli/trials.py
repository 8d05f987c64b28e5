"""Commands that try an environment out: random actions, and speed."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from myoassist.cli.options import File, Number, OptionalFile, as_film, at_least_one, require
from myoassist.errors import InputError

if TYPE_CHECKING:
    from myoassist.config.experiment import Experiment
    from myoassist.envs.environment_handler import EnvironmentHandler

Config = Annotated[str, arg(metavar="CONFIG")]


def sim(
    config: Config = "myoAssistLegImitation-v0",
    /,
    *,
    model: OptionalFile = None,
    manifest: OptionalFile = None,
    reference: OptionalFile = None,
    steps: int = 500,
    seed: int = 0,
    render: bool = False,
    video: OptionalFile = None,
) -> None:
    """Step an environment with random actions and print what happened: a smoke test.

    Args:
        config: an experiment file, or the id of an environment with its default settings.
        model: input: compiled model (.mjb); give all three files or none (then they are made and kept in a cache).
        manifest: input: its manifest (.json).
        reference: input: fitted reference (.h5).
        steps: number of control steps.
        seed: of the environment and of the actions.
        render: show it in a window, in real time.
        video: output: a video of the first seconds (.mp4); missing folders above it are made.
    """
    from myoassist.config.environment import ENVIRONMENT_IDS
    from myoassist.config.experiment import Experiment

    at_least_one(steps=steps)
    if seed < 0:
        raise InputError(f"--seed: expected 0 or more (found {seed})")
    as_film(video=video)
    given = _all_or_none(model=model, manifest=manifest, reference=reference)
    experiment = None
    if config not in ENVIRONMENT_IDS:
        if not Path(config).is_file():
            raise InputError(
                f"CONFIG: no file '{config}' (expected an experiment file, or {', '.join(ENVIRONMENT_IDS)})"
            )
        experiment = Experiment.from_file(config)
    from myoassist import registration
    from myoassist.evaluation.smoke import smoke_run

    if experiment is None:
        files = given or registration.default_assets(registration.default_device(config))
        settings = registration.default_settings(config)
    else:
        files = given or registration.made_assets(experiment.model, experiment.reference, experiment.retarget)
        settings = experiment.environment
    handler = registration.handler(settings.id, settings, **files)
    print(smoke_run(handler, **files, steps=steps, seed=seed, render=render, video=video).summary())
    if video is not None:
        print(f"  video          {video}")


def bench(
    *,
    experiment: OptionalFile = None,
    model: OptionalFile = None,
    manifest: OptionalFile = None,
    reference: OptionalFile = None,
    num_envs: int = 64,
    threads: Number = None,
    steps: int = 128,
    repeats: int = 5,
    ppo: bool = True,
    checkpoint: OptionalFile = None,
    pretrained: bool = True,
    physics: bool = False,
    workflow: bool = False,
    runs: int = 500,
    segments: int = 10,
    analysis: bool = False,
    rollouts: OptionalFile = None,
    episodes: int = 1000,
    duration_s: float = 10.0,
    norm: File = Path("reference_data/normative_kinematics.csv"),
    output: OptionalFile = None,
) -> None:
    """Measure the speed of physics, environment and learning, or of workflow or analysis, in one run; prints JSON.

    Args:
        experiment: body, environment and training settings (default: the walking experiment walk22_imitation).
        model: input: compiled model (.mjb); give all three files or none (then they are made and kept in a cache).
        manifest: input: its manifest (.json).
        reference: input: fitted reference (.h5).
        num_envs: environments in the batch.
        threads: physics threads (default: the CPUs it may use).
        steps: control steps per measurement and environment.
        repeats: how often everything is measured.
        ppo: measure learning too, which takes most of the time.
        checkpoint: input: whose policy acts and goes on learning, so that the states are those of its walk (default:
            what is kept of the experiment in its project's folder pretrained/, the longest trained).
        pretrained: take such a checkpoint; without one, actions are random, and bodies fall and are started anew all
            the time.
        physics: instead, compare solver settings with the body package's own, in speed and in motion.
        workflow: instead, how fast Snakemake plans a large matrix of the project in this folder.
        runs: with --workflow: runs of that matrix, in tens.
        segments: with --workflow: training segments of each run.
        analysis: instead, how fast a large rollouts file is analysed, and with how much memory.
        rollouts: input: with --analysis: rollouts from `evaluate`, whose episodes are repeated (default: the reference,
            walked over and over).
        episodes: with --analysis: of the file that is analysed.
        duration_s: with --analysis: of each episode.
        norm: input: with --analysis: normative joint angles (.csv).
        output: output: the numbers (.json); they are printed in any case.
    """
    if workflow:
        from myoassist.bench.planning import benchmark_workflow

        at_least_one(runs=runs, segments=segments, repeats=repeats)
        _print_numbers(benchmark_workflow(Path(), runs=runs, segments=segments, repeats=repeats), output)
        return
    if analysis:
        at_least_one(episodes=episodes, repeats=repeats)
        if not 0 < duration_s <= 3600:
            raise InputError(f"--duration-s: expected above 0 and at most 3600 (found {duration_s:g})")
        require(norm=norm, rollouts=rollouts)
        given = _all_or_none(model=model, manifest=manifest, reference=reference)
        from myoassist.bench.large_analysis import benchmark_analysis
        from myoassist.registration import default_assets

        files = given or default_assets(None)
        numbers = benchmark_analysis(
            reference=files["reference"],
            manifest=files["manifest"],
            norm=norm,
            rollouts=rollouts,
            episodes=episodes,
            duration_s=duration_s,
            repeats=repeats,
        )
        _print_numbers(numbers, output)
        return
    from myoassist.config.experiment import Experiment, normal_path

    at_least_one(num_envs=num_envs, threads=threads, steps=steps, repeats=repeats)
    given = _all_or_none(model=model, manifest=manifest, reference=reference)
    require(checkpoint=checkpoint)
    from myoassist.registration import experiment_file, handler, made_assets

    file = experiment_file("walk22_imitation") if experiment is None else experiment
    chosen = Experiment.from_file(file)
    files = given or made_assets(chosen.model, chosen.reference, chosen.retarget)
    environment = handler(chosen.environment.id, chosen.environment, **files)
    if physics:
        from myoassist.bench.physics_settings import compare_physics

        packaged = _with_own_contacts(chosen)
        numbers = compare_physics(environment, packaged, num_envs=num_envs, threads=threads, repeats=repeats)
    else:
        from myoassist.bench.speed import benchmark, newest_pretrained

        if checkpoint is None and pretrained:
            checkpoint = newest_pretrained(file, normal_path(file.parent / ".." / ".." / "pretrained"))
        numbers = benchmark(
            environment,
            chosen.training,
            num_envs=num_envs,
            threads=threads,
            steps=steps,
            repeats=repeats,
            ppo=ppo,
            checkpoint=checkpoint,
        )
    _print_numbers({"experiment": str(file), **numbers}, output)


def _with_own_contacts(experiment: Experiment) -> EnvironmentHandler:
    """The experiment's body with all contacts that its package gives it."""
    from myoassist.envs.environment_handler import EnvironmentHandler
    from myoassist.formats.compiled_model import load_model
    from myoassist.models.build import build

    physics = experiment.model.physics.model_copy(update={"self_collision": True})
    with TemporaryDirectory() as folder:
        files = Path(folder) / "model.mjb", Path(folder) / "manifest.json"
        build(experiment.model.model_copy(update={"physics": physics}), model=files[0], manifest=files[1])
        model, manifest = load_model(*files)
    return EnvironmentHandler(experiment.environment, model=model, manifest=manifest, reference=None)


def _print_numbers(numbers: dict[str, Any], output: Path | None) -> None:
    from myoassist.formats.files import write_json

    if output is not None:
        write_json(output, numbers)
    print(json.dumps(numbers, indent=2))


def _all_or_none(**files: Path | None) -> dict[str, Path]:
    given = {name: path for name, path in files.items() if path is not None}
    if given and len(given) < len(files):
        raise InputError("give --model, --manifest and --reference together, or none of them")
    require(**given)
    return given
