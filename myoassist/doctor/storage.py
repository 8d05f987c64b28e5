"""Can results be written where they go, and are Snakemake's records beside them?"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import psutil

from myoassist.doctor.findings import Finding
from myoassist.formats.files import atomic_output

AREA = "Results"
LITTLE_GB, TOO_LITTLE_GB = 10.0, 1.0
NETWORK = ("nfs", "lustre", "beegfs", "gpfs", "cifs", "smb", "ceph", "9p", "fuse.sshfs", "glusterfs")


def folder(results: Path) -> list[Finding]:
    """Try the folder out: writing, replacing a file as a whole, dates, and room."""
    place = _existing(results)
    kind = filesystem(place)
    where = f"{results}" if place == results else f"{place} (results are not there yet)"
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor", dir=place) as scratch:
            return [
                Finding(AREA, "folder", "ok", f"{where}: writable, on {kind}"),
                _replacing(Path(scratch)),
                _dates(Path(scratch)),
                _room(place),
            ]
    except OSError as error:
        remedy = "make it writable, or let `results` be a link to a folder that is"
        return [Finding(AREA, "folder", "fail", f"{where}: cannot be written ({error.strerror})", remedy)]


def temporary(results: Path) -> list[Finding]:
    """Check the folder of temporary files. Outputs are not written there but beside their place."""
    place = Path(tempfile.gettempdir())
    same = os.stat(place).st_dev == os.stat(_existing(results)).st_dev
    free = _free_gb(place)
    found = f"{place}: {'same disk as' if same else 'another disk than'} the results, {free:.1f} GB free"
    if free < TOO_LITTLE_GB:
        return [Finding(AREA, "temporary files", "warning", found, "set TMPDIR to a folder with more room")]
    return [Finding(AREA, "temporary files", "ok", found)]


def records(project: Path) -> list[Finding]:
    """Check Snakemake's records: without them beside the results, changes go unseen; locks stop a workflow."""
    results, own = project / "results", project / ".snakemake"
    if not own.is_dir():
        if results.is_dir() and any(results.iterdir()):
            remedy = "copy .snakemake from where the results were made; without it, changes go unseen"
            return [Finding(AREA, "records", "warning", f"{results} is there but no {own.name} beside it", remedy)]
        return [Finding(AREA, "records", "ok", "nothing was made here yet")]
    found = [Finding(AREA, "records", "ok", f"{own.name} beside the results")]
    if any((own / "locks").glob("*")):
        running = workflows(project)
        if running:
            text = f"a workflow is running here (process {', '.join(map(str, running))})"
            found.append(Finding(AREA, "locks", "ok", text))
        else:
            text = "locked, but no workflow of this computer runs here: it was killed, or runs on another"
            remedy = "if none runs elsewhere: snakemake --unlock --workflow-profile workflow/profiles/default"
            found.append(Finding(AREA, "locks", "warning", text, remedy))
    return found


def workflows(project: Path) -> list[int]:
    """Return the process ids of Snakemakes that run in a folder."""
    found, here = [], project.resolve()
    for process in psutil.process_iter():
        try:
            if any("snakemake" in word for word in process.cmdline()[:3]) and Path(process.cwd()).resolve() == here:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def filesystem(place: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the kind of file system that a folder is on, and whether it is shared over a network."""
    try:
        lines = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return "an unknown file system"
    here = place.resolve()
    around = [(mount, kind) for _, mount, kind, *_ in lines if here.is_relative_to(mount.replace("\\040", " "))]
    kind = max(around, key=lambda entry: len(entry[0]), default=("/", "an unknown file system"))[1]
    return f"{kind} (shared over a network)" if kind.startswith(NETWORK) else kind


def _existing(path: Path) -> Path:
    """The folder itself or the nearest above it that is there."""
    while not path.exists():
        path = path.parent
    return path


def _free_gb(place: Path) -> float:
    space = os.statvfs(place)
    return space.f_bavail * space.f_frsize / 1e9


def _room(place: Path) -> Finding:
    free = _free_gb(place)
    if free < LITTLE_GB:
        status = "fail" if free < TOO_LITTLE_GB else "warning"
        return Finding(
            AREA, "room", status, f"{free:.1f} GB free", "remove results of old matrices, or use another disk"
        )
    return Finding(AREA, "room", "ok", f"{free:.1f} GB free")


def _replacing(scratch: Path) -> Finding:
    """A reader that has a file open keeps the old content while a new one takes its place as a whole."""
    file = scratch / "file.txt"
    file.write_text("old")
    with file.open() as reader:
        with atomic_output(file) as written:
            written.write_text("new")
        whole = reader.read() == "old" and file.read_text() == "new" and len(list(scratch.iterdir())) == 1
    if whole:
        return Finding(AREA, "atomic rename", "ok", "a file is replaced as a whole")
    return Finding(AREA, "atomic rename", "fail", "replacing a file changed it under a reader", "use another disk")


def _dates(scratch: Path) -> Finding:
    file = scratch / "date"
    file.touch()
    skew = file.stat().st_mtime - time.time()
    os.utime(file, ns=(10**18 + 123_456_789,) * 2)
    kept = file.stat().st_mtime_ns - 10**18
    step = next((text for unit, text in _STEPS if kept == 123_456_789 // unit * unit), "coarser than 1 s")
    found = f"dates in steps of {step}" if step[0].isdigit() else f"dates {step}"
    if abs(skew) > 1:
        remedy = "set the clocks of this computer and of the disk's server (NTP)"
        return Finding(AREA, "dates", "warning", f"{found}; the disk's clock is {skew:+.1f} s off", remedy)
    return Finding(AREA, "dates", "ok", found)


_STEPS = ((1, "1 ns"), (100, "100 ns"), (1000, "1 µs"), (10**6, "1 ms"), (10**9, "1 s"))
