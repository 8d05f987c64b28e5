from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from myoassist.doctor import storage


def test_folder_is_tried_out_and_left_as_it_was(tmp_path) -> None:
    found = storage.folder(tmp_path / "results")
    assert [finding.check for finding in found] == ["folder", "atomic rename", "dates", "room"]
    assert {finding.status for finding in found[:3]} == {"ok"}
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written(tmp_path, monkeypatch) -> None:
    def refuse(**_: object):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(storage.tempfile, "TemporaryDirectory", refuse)
    (finding,) = storage.folder(tmp_path)
    assert finding.status == "fail"
    assert "Permission denied" in finding.found


@pytest.mark.parametrize(("blocks", "status"), [(10**8, "fail"), (5 * 10**9, "warning"), (10**11, "ok")])
def test_room_on_the_disk(tmp_path, monkeypatch, blocks, status) -> None:
    fields = {"f_bavail": blocks, "f_frsize": 1}
    monkeypatch.setattr(os, "statvfs", lambda _: type("Space", (), fields))
    assert storage.folder(tmp_path)[-1].status == status


def test_results_without_records_are_told(tmp_path) -> None:
    (finding,) = storage.records(tmp_path)
    assert finding.status == "ok"
    (tmp_path / "results" / "demo").mkdir(parents=True)
    (finding,) = storage.records(tmp_path)
    assert finding.status == "warning"
    (tmp_path / ".snakemake").mkdir()
    (finding,) = storage.records(tmp_path)
    assert finding.status == "ok"


def test_lock_is_stale_unless_a_workflow_runs_here(tmp_path) -> None:
    locks = tmp_path / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").touch()
    assert storage.records(tmp_path)[-1].status == "warning"
    assert "--unlock" in storage.records(tmp_path)[-1].remedy
    script = tmp_path / "snakemake.py"
    script.write_text("import time; print(flush=True); time.sleep(60)")
    process = subprocess.Popen([sys.executable, str(script)], cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        assert storage.workflows(tmp_path) == [process.pid]
        assert storage.records(tmp_path)[-1].status == "ok"
    finally:
        process.kill()
        process.wait()


def test_shared_disk_is_recognised(tmp_path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nserver:/x /data nfs4 rw 0 0\n")
    assert storage.filesystem(Path("/data/lab/results"), mounts) == "nfs4 (shared over a network)"
    assert storage.filesystem(Path("/database"), mounts) == "ext4"


def test_clock_of_the_disk(tmp_path, monkeypatch) -> None:
    now = time.time()
    monkeypatch.setattr(storage.time, "time", lambda: now - 90)
    dates = storage.folder(tmp_path)[2]
    assert dates.status == "warning"
    assert "+90." in dates.found or "+89." in dates.found
