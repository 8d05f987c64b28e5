from __future__ import annotations

import os

from myoassist.doctor import machine


def test_fewer_cpus_than_the_computer_has_are_told(monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(machine, "processor_quota", lambda: None)
    (finding,) = machine.processors()
    assert finding.status == "warning"
    assert finding.found == "1 of 64 CPUs allowed"


def test_quota_of_a_container_is_told(monkeypatch, tmp_path) -> None:
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert machine.processor_quota(tmp_path) == 1.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.processor_quota(tmp_path) is None
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(machine, "processor_quota", lambda: 1.5)
    (finding,) = machine.processors()
    assert "CORES=1" in finding.remedy


def test_memory_limit_of_a_job_counts(monkeypatch, tmp_path) -> None:
    (tmp_path / "memory.max").write_text("max")
    assert machine.memory_limit_mb(tmp_path) is None
    (tmp_path / "memory.max").write_text(str(500 * 2**20))
    limit = machine.memory_limit_mb(tmp_path)
    assert limit == 500
    monkeypatch.setattr(machine, "memory_limit_mb", lambda: limit)
    (finding,) = machine.memory()
    assert finding.status == "fail"
