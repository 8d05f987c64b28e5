"""Snakemake whose SLURM plugin looks at its jobs every second.

By itself the plugin waits ten seconds longer each time, up to three minutes: right for jobs of an hour, but most of
the time of a test whose jobs take seconds. Nothing else is different.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda executor: 1, lambda executor, seconds: None)

if __name__ == "__main__":
    main(sys.argv[1:])
