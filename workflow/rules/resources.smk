"""What jobs ask a cluster for, growing with each attempt. Resources are no trigger: nothing becomes stale by them."""

import functools

from myoassist.config.site import SiteSettings, evaluation_steps
from myoassist.formats.benchmarks import slowest

try:
    SITE = SiteSettings.find()
except InputError as error:
    raise WorkflowError(str(error))


def memory(wildcards, attempt):
    """Return the memory of a training or evaluation, MB."""
    return SITE.memory_mb * attempt


def training_minutes(wildcards, attempt):
    """Return the time limit of a training segment, minutes."""
    return SITE.training_minutes(
        segment(wildcards),
        attempt,
        body=experiment(wildcards).model.body,
        measured=measured_speed(wildcards.run, segments_measured),
    )


def evaluation_minutes(wildcards, attempt):
    """Return the time limit of an evaluation, minutes."""
    return SITE.evaluation_minutes(
        evaluation_stage(wildcards),
        attempt,
        body=experiment(wildcards).model.body,
        measured=measured_speed(
            wildcards.run, evaluations_measured, wildcards.scenario
        ),
    )


def measured_speed(name, jobs, *details):
    """Return the steps per second of a run's slowest job of a kind; if none was measured, of its experiment's runs."""
    run = RUNS[name]
    return speed_of_run(run.id, jobs, *details) or speed_of_experiment(
        run.name, jobs, *details
    )


@functools.cache
def speed_of_run(name, jobs, *details):
    """Return the steps per second of a run's slowest job of a kind, or None."""
    return slowest(jobs(RUNS[name], *details))


@functools.cache
def speed_of_experiment(name, jobs, *details):
    """Return the steps per second of the slowest job of a kind in an experiment's runs, or None."""
    members = [run for run in RUNS.values() if run.name == name]
    return slowest(pair for run in members for pair in jobs(run, *details))


def segments_measured(run):
    """Yield the benchmark file and the steps of each training segment."""
    for steps, settings_ in run.segments.items():
        file = Path(f"{BENCHMARKS}/train/{run.id}/{steps}.tsv")
        yield file, steps - settings_.start_steps


def evaluations_measured(run, scenario):
    """Yield the benchmark file and the steps of each evaluation in a scenario."""
    if scenario in run.scenarios:
        work = evaluation_steps(run.experiment.evaluation_stage(scenario, run.seed))
        for steps in run.checkpoints:
            file = Path(f"{BENCHMARKS}/evaluate/{run.id}/{steps}/{scenario}.tsv")
            yield file, work
