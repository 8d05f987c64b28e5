"""How much of the machine a process may use, and keeping to it.

Physics runs on the allowed CPUs, the network on the threads that the settings say, and linear algebra on one: its
matrices are small, and a pool of its own would compete with the other two for the same cores.
"""

from __future__ import annotations

import os

from loguru import logger
from threadpoolctl import threadpool_limits


def available_cpus() -> int:
    """Number of CPUs that this process may use (its affinity, not the machine's size)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_to_allotment(threads: int | None, *, task: str, torch_threads: int = 1) -> int:
    """Settle the number of physics threads, and keep linear algebra to one thread in this process.

    A warning says so if fewer CPUs arrived than were asked for, as when a cluster's job was given one core.

    Args:
        threads: physics threads asked for; None takes the CPUs that this process may use.
        task: what is done with them, for the log.
        torch_threads: threads of the network. They stay as they are, since they are part of the result.

    Returns:
        Physics threads: at most one for each CPU allowed.
    """
    threadpool_limits(1, user_api="blas")
    available = available_cpus()
    for asked, kind in ((threads or 1, "physics threads"), (torch_threads, "torch threads (training.torch_threads)")):
        if asked > available:
            cpus = "one CPU" if available == 1 else f"{available} CPUs"
            logger.warning("{} {} were asked for, but this process may use {} only", asked, kind, cpus)
    used = min(threads or available, available)
    logger.info("{} with {} physics threads ({} CPUs allowed)", task, used, available)
    return used
