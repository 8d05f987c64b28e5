"""A throwaway SLURM of one node: everything below one folder, own ports and own munge key, nothing in /etc.

It needs root and Debian's packages slurmctld, slurmd, slurm-client and munge. A SLURM or munge that already runs is
left alone: sockets, ports and process ids are this one's own. There is no accounting, so `squeue` tells states.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr", "sshare")
OTHERS = ("munge", "setpriv", "setsid")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin"

CONFIGURATION = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={root}/munge/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.log
MpiDefault=none
MailProg=/bin/true
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
EnforcePartLimits=ALL
JobRequeue=0
ReturnToService=2
MinJobAge=3600
KillWait=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=debug Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Return why no SLURM can be started here, or None."""
    if os.geteuid() != 0:
        return "needs root, to start its own slurmctld and slurmd"
    absent = [name for name in (*DAEMONS, *CLIENTS, *OTHERS) if shutil.which(name, path=PATH) is None]
    if absent:
        return f"needs {', '.join(absent)} (Debian packages slurmctld, slurmd, slurm-client, munge)"
    return None


class SlurmNode:
    """The running daemons, and how to talk to them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {**os.environ, "PATH": f"{root}/bin:{PATH}", "SLURM_CONF": f"{root}/slurm.conf"}
        self._daemons: list[subprocess.Popen] = []

    def start(self) -> None:
        """Write the configuration and start munged, slurmctld and slurmd; return when the node is idle."""
        for name in ("munge", "state", "spool", "log", "bin"):
            (self.root / name).mkdir()
        self.root.chmod(0o755)
        (self.root / "munge").chmod(0o711)
        key = self.root / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        controller, node = _free_ports(2)
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20 - 256
        sizes = {"cpus": os.cpu_count(), "memory": memory}
        text = CONFIGURATION.format(root=self.root, controller=controller, node=node, **sizes)
        (self.root / "slurm.conf").write_text(text)
        # Inside a job most SLURM variables are taken away before `srun`; these stand-ins know the configuration.
        for name in CLIENTS:
            file = self.root / "bin" / name
            path = shutil.which(name, path=PATH)
            file.write_text(f'#!/bin/sh\nSLURM_CONF={self.root}/slurm.conf exec {path} "$@"\n')
            file.chmod(0o755)
        munge = self.root / "munge"
        self._daemon(
            "munged",
            "--foreground",
            f"--key-file={key}",
            f"--socket={munge}/socket",
            f"--pid-file={munge}/pid",
            f"--log-file={self.root}/log/munged.log",
            f"--seed-file={munge}/seed",
        )
        self._wait(lambda: self._quiet("munge", "-n", "-S", f"{munge}/socket").returncode == 0)
        self._daemon("slurmctld", "-D", "-c")
        self._daemon("slurmd", "-D", "-c")
        self._wait(lambda: self._quiet("sinfo", "-h", "-N", "-o", "%t").stdout.strip() == "idle")

    def call(self, *command: str) -> str:
        """Run a SLURM command; return what it printed."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def jobs(self, *states: str) -> dict[str, str]:
        """Return the jobs in some states (default: all, ended ones included): id -> comment."""
        lines = self.call("squeue", "-h", "-t", ",".join(states) or "all", "-o", "%i %k").splitlines()
        return dict(line.split(maxsplit=1) for line in lines)

    def stop(self) -> None:
        """End all jobs and daemons, whatever state they are in."""
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired, OSError):
            self.call("scancel", "--user", "root")
            self._wait(lambda: not self.jobs("pending,running,completing"), seconds=15)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _daemon(self, name: str, *options: str) -> None:
        path = shutil.which(name, path=PATH)
        with (self.root / "log" / f"{name}.out").open("w") as output:
            # The signal ends it also when this process is killed and cannot clean up.
            command = ["setsid", "setpriv", "--pdeathsig", "TERM", path, *options]
            self._daemons.append(
                subprocess.Popen(
                    command, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
                )
            )

    def _quiet(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)

    def _wait(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or any(daemon.poll() is not None for daemon in self._daemons):
                logs = "".join(file.read_text(errors="replace")[-2000:] for file in (self.root / "log").iterdir())
                raise RuntimeError(f"SLURM does not start: {logs}")
            time.sleep(0.1)


@contextlib.contextmanager
def running_node() -> Iterator[SlurmNode]:
    """Start a node in a folder of its own; on leaving, end everything and remove the folder."""
    root = Path(tempfile.mkdtemp(prefix="slurm"))  # a short path: names of sockets are limited to 107 characters
    node = SlurmNode(root)
    try:
        node.start()
        yield node
    finally:
        node.stop()
        shutil.rmtree(root, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
