"""Does SLURM answer, and does the site file fit it?"""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

from myoassist.config.site import SHIPPED, VARIABLE, SiteSettings
from myoassist.doctor.findings import Finding, Status, ask
from myoassist.errors import InputError

AREA = "Cluster"
PROGRAMS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
FEW_LOGS = 20
"""Train logs that are read, the newest."""
_SITE_FILE = "site file: "
SHORT_S = 60.0
"""A segment that took less says more about starting than about training."""


def examine(project: Path, *, needed: bool = False) -> list[Finding]:
    """Check SLURM's programs and daemons, its accounting, and the site file.

    Args:
        project: folder of the project.
        needed: whether what is missing is a failure rather than a warning.
    """
    missing: Status = "fail" if needed else "warning"
    try:
        site = SiteSettings.find(project)
    except InputError as error:
        return [Finding(AREA, "site file", missing, str(error), f"edit {SHIPPED}, or the file that {VARIABLE} names")]
    found = []
    if shutil.which("sinfo") is None and not needed:
        found.append(Finding(AREA, "SLURM", "ok", "none here, and none is needed by the default profile"))
    else:
        found += _slurm(site, missing)
    return [*found, *_speed(project, site)]


def _slurm(site: SiteSettings, missing: Status) -> list[Finding]:
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        remedy = "run it on a computer that submits jobs (often after `module load slurm`)"
        return [Finding(AREA, "SLURM", missing, f"not found: {', '.join(absent)}", remedy)]
    nodes = ask(["sinfo", "--noheader", "--format", "%P|%l|%c|%m"])
    configuration = ask(["scontrol", "show", "config"])
    if not (nodes.worked and configuration.worked):
        found = f"does not answer: {nodes.error or configuration.error}"
        return [Finding(AREA, "SLURM", missing, found, "is slurmctld running? see `scontrol ping` and SLURM_CONF")]
    version = re.search(r"SLURM_VERSION\s*=\s*(\S+)", configuration.output)
    return [
        Finding(AREA, "SLURM", "ok", f"{version[1] if version else 'some version'} answers"),
        _partition(site, nodes.output, missing),
        *_status_command(site, configuration.output, missing),
    ]


def _partition(site: SiteSettings, text: str, missing: Status) -> Finding:
    """Compare the site file with what `sinfo` tells of partitions: name, time limit, CPUs and memory of a node."""
    rows = [line.split("|") for line in text.split()]
    names = [name.rstrip("*") for name, *_ in rows]
    chosen = [row for row in rows if (row[0].rstrip("*") == site.partition if site.partition else "*" in row[0])]
    if not chosen:
        found = f"no partition '{site.partition}'" if site.partition else "no partition is marked as the default"
        remedy = f"site file: partition: one of {', '.join(dict.fromkeys(names))}"
        return Finding(AREA, "partition", missing, found, remedy)
    name = chosen[0][0].rstrip("*")
    cores = max(int(row[2].rstrip("+")) for row in chosen)
    memory = max(int(row[3].rstrip("+")) for row in chosen)
    limit = minutes(chosen[0][1])
    found = f"{name}: nodes of up to {cores} CPUs and {memory:,} MB, " + (
        "no time limit" if limit is None else f"at most {limit:,} minutes"
    )
    if site.cores > cores:
        return Finding(
            AREA, "partition", missing, f"{found}; jobs ask for {site.cores} CPUs", f"site file: cores: {cores}"
        )
    if site.memory_mb > memory:
        remedy = f"site file: memory_mb: less than {memory}"
        return Finding(AREA, "partition", missing, f"{found}; jobs ask for {site.memory_mb} MB", remedy)
    if limit is not None and (site.longest_minutes is None or site.longest_minutes > limit):
        remedy = f"site file: longest_minutes: {limit}; else a job that asks for more is refused"
        return Finding(AREA, "partition", "warning", found, remedy)
    return Finding(AREA, "partition", "ok", found)


def _status_command(site: SiteSettings, configuration: str, missing: Status) -> list[Finding]:
    """Check what tells whether a job has ended; with a wrong choice, a workflow waits for ever."""
    age = re.search(r"MinJobAge\s*=\s*(\d+)", configuration)
    lasting = age is not None and int(age[1]) >= 3 * site.status_seconds
    accounting = ask(["sacct", "--noheader", "--allocations", "--starttime", "now"])
    check = "status command"
    if site.status_command == "squeue":
        if lasting:
            return [Finding(AREA, check, "ok", f"squeue; ended jobs show for {age[1]} s")]
        shown = f"{age[1]} s" if age else "an unknown time"
        remedy = f"{_SITE_FILE}status_seconds: at most {int(age[1]) // 3}" if age and int(age[1]) >= 3 else ""
        remedy = " or ".join(filter(None, (remedy, f"{_SITE_FILE}status_command: sacct" if accounting.worked else "")))
        text = f"squeue shows ended jobs for {shown}, too short for status_seconds: {site.status_seconds}"
        return [Finding(AREA, check, missing, text, remedy or "ask for a longer MinJobAge in slurm.conf")]
    if not accounting.worked:
        remedy = f"{_SITE_FILE}status_command: squeue; with sacct a workflow would wait for ever"
        return [Finding(AREA, check, missing, f"sacct: {accounting.error}", remedy)]
    return [Finding(AREA, check, "ok", "sacct answers"), *_account(site, missing)]


def _account(site: SiteSettings, missing: Status) -> list[Finding]:
    answer = ask(["sh", "-c", 'sacctmgr --noheader --parsable2 show associations user="$(id -un)" format=account'])
    accounts = list(dict.fromkeys(answer.output.split()))
    if not answer.worked or not accounts:
        return []
    if site.account is not None and site.account not in accounts:
        remedy = f"{_SITE_FILE}account: one of {', '.join(accounts)}"
        return [Finding(AREA, "account", missing, f"'{site.account}' is none of yours", remedy)]
    return [Finding(AREA, "account", "ok", site.account or f"none given; yours: {', '.join(accounts)}")]


def _speed(project: Path, site: SiteSettings) -> list[Finding]:
    """Compare past segments with the speed that time limits are computed from."""
    logs = sorted(
        project.glob("results/*/runs/*/trained_models/train_log_*.json"), key=lambda path: path.stat().st_mtime
    )
    speeds = []
    for path in logs[-FEW_LOGS:]:
        try:
            log = json.loads(path.read_text(encoding="utf-8"))
            if log["wall_s"] >= SHORT_S:
                speeds.append((log["stop_steps"] - log["start_steps"]) / log["wall_s"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # the stage that reads it tells what is wrong with it
    if not speeds:
        return []
    slowest = min(speeds)
    found = f"slowest of {len(speeds)} past segments: {slowest:,.0f} steps/s; time limits reckon with "
    found += f"{site.training_steps_per_second:,.0f} / {site.safety:g}"
    if slowest < site.training_steps_per_second / site.safety:
        digits = 10 ** max(0, math.floor(math.log10(slowest)) - 1)
        remedy = f"for such trainings, {_SITE_FILE}training_steps_per_second: {math.floor(slowest / digits) * digits:g}"
        return [Finding(AREA, "training speed", "warning", found, remedy)]
    return [Finding(AREA, "training speed", "ok", found)]


def minutes(text: str) -> int | None:
    """Read SLURM's way of writing a time limit: [days-]hours:minutes:seconds, or infinite.

    Returns:
        Minutes, or None without a limit.
    """
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text)
    if match is None:
        return None
    days, hours, rest, _ = (int(part or 0) for part in match.groups())
    return (days * 24 + hours) * 60 + rest
