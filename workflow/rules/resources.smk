"""What jobs ask a cluster for, growing with each attempt. Resources are no trigger: nothing becomes stale by them."""

from myoassist.config.site import SiteSettings

try:
    SITE = SiteSettings.find()
except InputError as error:
    raise WorkflowError(str(error))


def memory(wildcards, attempt):
    """Return the memory of a training or evaluation, MB."""
    return SITE.memory_mb * attempt


def training_minutes(wildcards, attempt):
    """Return the time limit of a training segment, minutes."""
    return SITE.training_minutes(segment(wildcards), attempt)


def evaluation_minutes(wildcards, attempt):
    """Return the time limit of an evaluation, minutes."""
    return SITE.evaluation_minutes(evaluation_stage(wildcards), attempt)
