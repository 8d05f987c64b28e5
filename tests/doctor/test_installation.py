from __future__ import annotations

import importlib.metadata
import json
import sys

import pytest

from myoassist import cli
from myoassist.doctor import installation
from myoassist.doctor.findings import Answer, Finding


def lock(tmp_path, *lines: str):
    file = tmp_path / "requirements.lock"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_packages_as_locked(tmp_path) -> None:
    numpy = importlib.metadata.version("numpy")
    file = lock(tmp_path, f"numpy=={numpy}", "pywin32==1 ; sys_platform == 'win32'")
    (finding,) = installation.packages(file)
    assert finding.status == "ok"
    assert finding.found == "all 1 as in requirements.lock"


def test_other_version_than_locked_is_named(tmp_path) -> None:
    numpy = importlib.metadata.version("numpy")
    (finding,) = installation.packages(lock(tmp_path, "numpy==0.1"))
    assert finding.status == "warning"
    assert finding.found == f"other versions than locked: numpy {numpy} (lock: 0.1)"


def test_missing_package_fails_only_if_runs_need_it(tmp_path, monkeypatch) -> None:
    file = lock(tmp_path, "nonsuch-package==1.0")
    assert installation.packages(file)[0].status == "warning"
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["nonsuch-package>=1"])
    (finding,) = installation.packages(file)
    assert finding.status == "fail"
    assert finding.found == "missing: nonsuch-package"
    assert installation.packages(tmp_path / "elsewhere")[0].status == "warning"


def test_physics_that_does_not_load_fails(monkeypatch) -> None:
    assert installation.physics()[0].status == "ok"
    monkeypatch.setattr(installation, "_PHYSICS", "raise ImportError('no library')")
    (finding,) = installation.physics()
    assert finding.status == "fail"
    assert finding.found == "ImportError: no library"


def test_no_opengl_is_no_failure(monkeypatch) -> None:
    monkeypatch.setattr(installation, "_OPENGL", "raise ImportError('no EGL')")
    (finding,) = installation.opengl()
    assert finding.status == "warning"
    assert "two-dimensional" in finding.remedy


def test_encoder_without_h264_fails(monkeypatch) -> None:
    assert installation.encoder()[0].status == "ok"
    monkeypatch.setattr(installation, "ask", lambda _: Answer(True, "mpeg4", ""))
    assert installation.encoder()[0].status == "fail"


def test_older_snakemake_fails(monkeypatch) -> None:
    assert installation.snakemake()[0].status == "ok"
    monkeypatch.setattr(installation, "_version", lambda _: "9.9.0")
    assert installation.snakemake()[0].status == "fail"


def test_older_python_fails(monkeypatch) -> None:
    assert installation.python()[0].status == "ok"
    monkeypatch.setattr(installation, "PYTHON", (sys.version_info[0], sys.version_info[1] + 1))
    assert installation.python()[0].status == "fail"


@pytest.mark.parametrize(("status", "expected"), [("warning", None), ("fail", 1)])
def test_only_failures_change_the_exit_status(monkeypatch, capsys, status, expected) -> None:
    found = [
        Finding("Results", "folder", "ok", "writable"),
        Finding("Results", "[room]", status, "little", "make room"),
    ]
    monkeypatch.setattr("myoassist.doctor.examine", lambda *_, **__: iter(found))
    for words in (["doctor"], ["doctor", "--json"]):
        try:
            code = cli.main(words)
        except SystemExit as stop:
            code = stop.code
        assert (code or None) == expected
    text, _, encoded = capsys.readouterr().out.partition("[\n")
    assert "[room]           little" in text
    assert "-> make room" in text
    assert text.count("Results") == 1
    assert json.loads("[\n" + encoded)[1]["remedy"] == "make room"
