"""What all rules share: the matrix, the paths, and the two strings that decide whether a result is stale.

Nothing here writes a file or imports torch, mujoco, pandas or matplotlib: it is run again in every job.
"""

import atexit
import functools
import gc
import inspect
import os
import shlex
import sys
from pathlib import Path

from snakemake.common import overwrite_function_params
from snakemake.exceptions import WorkflowError

from myoassist.config.experiment import content_key
from myoassist.config.matrix import BEST
from myoassist.config.plan import Plan
from myoassist.config.packed import pack
from myoassist.errors import InputError
from myoassist.formats.files import sha256
from myoassist.provenance import fingerprint
from myoassist.staleness import describe_files, remember_code

# A large matrix is millions of objects that all live to the end: to search them for garbage again and again takes
# a quarter of a dry run's time, and to do so once more at the end another seventh.
gc.set_threshold(10_000_000, 50, 100)
atexit.register(gc.freeze)

# Snakemake's own words for these are a page of traceback.
if not workflow.output_settings.dryrun:
    if not os.access(".", os.W_OK):
        raise WorkflowError(
            f"{os.getcwd()}: cannot be written to (read-only, or not yours)"
        )
    if not os.statvfs(".").f_bavail:
        raise WorkflowError(f"{os.getcwd()}: the disk is full; make room and run again")

# The commands of the installation that this Snakemake belongs to come first.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
)

try:
    PLAN = Plan.load(config.get("matrix", "configs/matrices/demo.yaml"))
    for run in PLAN.runs.values():
        run.checkpoints
        run.experiment.check_files(where=str(PLAN.path))
except InputError as error:
    raise WorkflowError(str(error))

RUNS = PLAN.runs
RESULTS = f"results/{PLAN.name}"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
RUN = f"{RESULTS}/runs/{{run}}"
EVALUATION = f"{RUN}/evaluation/{{steps}}/{{scenario}}"
NORM = "reference_data/normative_kinematics.csv"

# Runs with equal settings share the model and the reference. Curricula and scenarios may walk on further grounds.
BODIES = [
    here
    for run in RUNS.values()
    for here in (
        run.experiment,
        *sum(run.bodies.values(), []),
        *run.scenario_bodies.values(),
    )
]
BY_MODEL = {here.model_key: here for here in BODIES}
BY_REFERENCE = {here.reference_key: here for here in BODIES}
BY_FIT = {here.retarget_key: here for here in BODIES}


wildcard_constraints:
    run=r"[a-z0-9_]+(-[a-z0-9_]+)*",
    model=r"[0-9a-f]{10}",
    source=r"[0-9a-f]{10}",
    fit=r"[0-9a-f]{10}",
    steps=r"[0-9]+|best",
    scenario=r"[a-z0-9_]+",


def inspected(function):
    """Look at the parameters of a function once; Snakemake would do so for every job."""
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function


def settings(pick):
    """Make a parameter function: the canonical JSON of exactly what one job depends on."""
    return inspected(lambda wildcards: pack(pick(wildcards).canonical()))


def code(stage):
    """Make a parameter function: the stage's code and package versions, own classes included."""

    def parameter(wildcards):
        run = getattr(wildcards, "run", None)
        uses_environment = stage in ("validate", "train", "evaluate")
        classes = RUNS[run].experiment.classes() if uses_environment else ()
        try:
            return fingerprint(stage, classes)
        except InputError as error:
            raise WorkflowError(str(error))

    return inspected(parameter)


def content(pick):
    """Make a parameter function: the content of a job's input files that no rule makes, given their path or paths.

    Snakemake looks into an input only if it is newer than the output. One that came with its date, from a backup or
    by rsync, can be another file than before and still be older.
    """

    def parameter(wildcards):
        paths = pick(wildcards)
        return content_of((paths,) if isinstance(paths, str) else tuple(paths))

    return inspected(parameter)


@functools.cache
def content_of(paths):
    """Describe the content of files; not of results of this matrix, which this very workflow may make again."""
    outside = [
        path
        for path in paths
        if not Path(os.path.relpath(path)).is_relative_to(RESULTS)
    ]
    return describe_files({str(path): digest(path) for path in outside})


@functools.cache
def digest(path):
    """Return the hash of a file's content. That one is missing Snakemake says by itself."""
    try:
        return sha256(path) if os.path.exists(path) else ""
    except InputError as error:
        raise WorkflowError(str(error))


def unless_made(stage):
    """Make a parameter function: the option by which a stage keeps what it made of the same best checkpoint.

    It takes the output, so that Snakemake counts it as derived and not as a setting.
    """
    fingerprint_of = code(stage)
    return inspected(
        lambda wildcards, output: (
            f"--unless-made {shlex.quote(fingerprint_of(wildcards))}"
            if wildcards.steps == BEST
            else ""
        )
    )


def experiment(wildcards):
    """Return the experiment of a job's run."""
    return RUNS[wildcards.run].experiment


def body(wildcards):
    """Return the inputs that say what walks: model, manifest and the reference fitted to it."""
    return files_of(experiment(wildcards))


def scenario_experiment(wildcards):
    """Return the experiment of an evaluation, on the ground of its scenario."""
    bodies = RUNS[wildcards.run].scenario_bodies
    if wildcards.scenario not in bodies:
        raise WorkflowError(
            f"run {wildcards.run} has no scenario '{wildcards.scenario}', only {', '.join(bodies)}"
        )
    return bodies[wildcards.scenario]


def scenario_body(wildcards):
    """Return the inputs that say what walks in a scenario: model, manifest and the reference fitted to it."""
    return files_of(scenario_experiment(wildcards))


def scenario_model(wildcards):
    """Return the inputs that a body is shown with: model and manifest."""
    files = scenario_body(wildcards)
    return {name: files[name] for name in ("model", "manifest")}


def files_of(here):
    """Return model, manifest and fitted reference of an experiment."""
    return {
        "model": f"{RESULTS}/models/{here.model_key}/model.mjb",
        "manifest": f"{RESULTS}/models/{here.model_key}/manifest.json",
        "reference": f"{RESULTS}/retargeted/{here.retarget_key}/reference.h5",
    }


def segment_inputs(wildcards):
    """Return the inputs of a segment: what walks, on each ground that it could train on, and what it starts from."""
    segment(wildcards)
    files = [
        files_of(here) for here in RUNS[wildcards.run].bodies[int(wildcards.steps)]
    ]
    return {
        **{name: [one[name] for one in files] for name in files[0]},
        "previous": previous_checkpoint(wildcards),
        "warm_start": warm_start(wildcards),
    }


def fitted_reference(wildcards):
    """Return the reference that a scenario's episodes start from and are compared with."""
    return scenario_body(wildcards)["reference"]


def checkpoint(run, steps):
    """Return the path of a run's checkpoint."""
    return f"{RESULTS}/runs/{run.id}/trained_models/model_{steps}.zip"


def train_log(run, steps):
    """Return the path of the log of the segment that ends at a number of steps."""
    return f"{RESULTS}/runs/{run.id}/trained_models/train_log_{steps}.json"


def best_choice(run):
    """Return the path of what says which checkpoint of a run is its best."""
    return f"{RESULTS}/runs/{run.id}/trained_models/best.json"


def evaluations(run):
    """Yield the checkpoints and scenarios that are evaluated of a run."""
    for steps in run.checkpoints:
        for scenario in run.scenarios:
            yield steps, scenario


def per_evaluation(*patterns):
    """Fill patterns with every run, evaluated checkpoint and scenario."""
    return [
        str(path).format(run=run.id, steps=steps, scenario=scenario)
        for run in RUNS.values()
        for steps, scenario in evaluations(run)
        for pattern in patterns
        for path in pattern
    ]


def kept(wildcards):
    """Return the files of a policy that was trained before."""
    return RUNS[wildcards.run].kept


def segment(wildcards):
    """Return the settings of the segment that ends at a number of steps."""
    segments = RUNS[wildcards.run].segments
    if int(wildcards.steps) not in segments:
        ends = ", ".join(map(str, segments))
        raise WorkflowError(
            f"run {wildcards.run} has no checkpoint at {wildcards.steps} steps, only at {ends}"
        )
    return segments[int(wildcards.steps)]


def previous_checkpoint(wildcards):
    """Return the checkpoint that a segment starts from, or nothing for the first."""
    start = segment(wildcards).start_steps
    return checkpoint(RUNS[wildcards.run], start) if start else []


def warm_start(wildcards):
    """Return the checkpoint that a training's first segment takes over from, or nothing."""
    if segment(wildcards).warm_start is None:
        return []
    run = RUNS[wildcards.run]
    source = PLAN.warm_start(run)
    return (
        run.experiment.training.warm_start.file
        if source is None
        else checkpoint(*source)
    )


def evaluation_stage(wildcards):
    """Return what one evaluation depends on."""
    run = RUNS[wildcards.run]
    return run.experiment.evaluation_stage(wildcards.scenario, run.seed)
