"""Processors and memory that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from myoassist.doctor.findings import Finding

AREA = "Computer"
CONTROL_GROUPS = Path("/sys/fs/cgroup")
NEEDED_MB = 2000
"""Of a training at its first attempt."""


def processors() -> list[Finding]:
    """Check the CPUs allowed by affinity against the computer's, and a container's quota of time on them."""
    present = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else present
    found = f"{allowed} of {present} CPUs allowed"
    quota = processor_quota()
    if quota is not None and quota < allowed:
        remedy = f"use no more threads than that: make CORES={max(1, int(quota))}"
        return [Finding(AREA, "processors", "warning", f"{found}, but time for {quota:.1f} of them", remedy)]
    if allowed < present:
        remedy = "fine if meant so; otherwise start it outside of taskset, or ask SLURM for more (--cpus-per-task)"
        return [Finding(AREA, "processors", "warning", found, remedy)]
    return [Finding(AREA, "processors", "ok", found)]


def memory() -> list[Finding]:
    """Check free memory, and the limit of a container or a job."""
    free = psutil.virtual_memory().available // 2**20
    limit = memory_limit_mb()
    least = free if limit is None else min(free, limit)
    found = f"{free:,} MB free" + ("" if limit is None else f", limited to {limit:,} MB")
    if least < NEEDED_MB:
        remedy = f"a training starts at {NEEDED_MB:,} MB: end other programs, or ask for more memory"
        return [Finding(AREA, "memory", "fail", found, remedy)]
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jobs = max(1, allowed // 2)  # a training or evaluation takes two cores
    if least < NEEDED_MB * jobs:
        remedy = f"run fewer jobs at the same time: make CORES={2 * (least // NEEDED_MB)}"
        return [Finding(AREA, "memory", "warning", f"{found}, for {jobs} trainings at the same time", remedy)]
    return [Finding(AREA, "memory", "ok", found)]


def processor_quota(root: Path = CONTROL_GROUPS) -> float | None:
    """Return how many CPUs' worth of time a control group allows, or None without a limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()  # version 2
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        return float(quota) / float(period) if float(quota) > 0 else None
    except ValueError:  # "max"
        return None


def memory_limit_mb(root: Path = CONTROL_GROUPS) -> int | None:
    """Return the memory limit of a control group, MB, or None without one."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limit = int((root / name).read_text())
        except (OSError, ValueError):
            continue
        return limit // 2**20 if limit < 2**60 else None
    return None
