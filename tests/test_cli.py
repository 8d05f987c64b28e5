"""The command line: exit status, one line about bad input, nothing written, quick help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from myoassist import cli
from myoassist.config.packed import LONGEST, pack
from myoassist.config.plan import Plan
from myoassist.report.differences import ABSENT

ROOT = Path(__file__).parents[1]
EXPERIMENT = str(ROOT / "configs" / "experiments" / "demo_imitation.json")
MATRIX = str(ROOT / "configs" / "matrices" / "demo.yaml")
STAGES = {
    "preprocess": "source output",
    "build": "model manifest",
    "retarget": "reference model manifest output",
    "validate": "model manifest reference output figure",
    "train": "model manifest reference output log",
    "best": "logs checkpoint choice",
    "evaluate": "model manifest reference checkpoint rollouts",
    "replay": "model manifest rollouts video",
    "contact-sheet": "model manifest rollouts cycles sheet",
    "analyze": "rollouts reference norm metrics cycles spatiotemporal tables",
    "figures": "rollouts cycles metrics spatiotemporal reference norm output-dir",
    "report": "root output",
}


def files(stage: str) -> list[str]:
    return [word for name in STAGES[stage].split() for word in (f"--{name}", f"some/{name}")]


def run(*arguments: str) -> int:
    try:
        cli.main(list(arguments))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


@pytest.fixture
def complaint(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a command in an empty folder; it must fail with status 2 and one line, and leave nothing behind."""
    monkeypatch.chdir(tmp_path)

    def check(*arguments: str) -> str:
        before = set(tmp_path.rglob("*"))
        assert run(*arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("myoassist: ")
        assert error.count("\n") == 1
        assert set(tmp_path.rglob("*")) == before
        return error

    return check


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"report"}))
def test_stage_needs_settings(complaint, stage: str) -> None:
    assert "--settings JSON|FILE or by --experiment FILE" in complaint(stage, *files(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_unknown_field_of_settings_is_named(complaint, stage: str) -> None:
    error = complaint(stage, "--settings", '{"nonsense": 1}', *files(stage))
    assert "settings" in error
    assert "'nonsense'" in error or "Field required" in error


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"build", "report"}))
def test_missing_input_file_is_named(complaint, stage: str) -> None:
    error = complaint(stage, "--experiment", EXPERIMENT, *files(stage))
    assert "file some/" in error
    assert "not found" in error


def test_settings_file_is_named(complaint, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"mass_factor": "heavy"}')
    error = complaint("build", "--settings", "s.json", *files("build"))
    assert "s.json: field 'mass_factor'" in error
    assert "none.json: file not found" in complaint("build", "--settings", "none.json", *files("build"))


def test_options_of_experiments_need_one(complaint) -> None:
    assert "--seed: only together with --experiment" in complaint(
        "train", "--settings", "{}", "--seed", "1", *files("train")
    )
    assert "--set" in complaint("build", "--settings", "{}", "--set", "a.b=1", *files("build"))


def test_segment_and_scenario_out_of_range(complaint) -> None:
    train = ("train", "--experiment", EXPERIMENT, *files("train"))
    assert "--segment: expected 0 to" in complaint(*train, "--segment", "99")
    assert "--previous: segment 1 needs" in complaint(*train, "--segment", "1")
    assert "--previous: segment 0 starts" in complaint(*train, "--previous", "x.zip")
    assert "no scenario 'moon'" in complaint(
        "evaluate", "--experiment", EXPERIMENT, "--scenario", "moon", *files("evaluate")
    )


def test_smoke_run_refuses_what_it_could_not_finish(complaint) -> None:
    assert "--seed: expected 0 or more (found -1)" in complaint("sim", "--seed", "-1")
    assert "--video: expected a name that ends in .mp4 (found x.txt)" in complaint("sim", "--video", "x.txt")


@pytest.mark.parametrize("text", ["no_equals", "=3", "a..b=3"])
def test_malformed_override(complaint, text: str) -> None:
    assert "FIELD=VALUE" in complaint("config", "show", EXPERIMENT, "--set", text)


def test_override_of_unknown_field(complaint) -> None:
    assert "--set: field 'training.n_env'" in complaint("config", "show", EXPERIMENT, "--set", "training.n_env=3")


def test_config_validate_reports_every_file(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"training": {"n_envs": 0}}')
    assert run("config", "validate", EXPERIMENT, str(wrong), MATRIX, str(tmp_path / "none.yaml")) == 2
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [f"{EXPERIMENT}: valid", f"{MATRIX}: valid"]
    assert "wrong.json: field 'training.n_envs'" in shown.err
    assert "none.yaml: file not found" in shown.err
    assert shown.err.count("\n") == 2


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("batch_size", "big", "expected a whole number >= 2"),
        ("learning_rate", "lambda p: p", "expected a number above 0 and at most 1, or a schedule"),
        ("gamma", 5, "expected a number >= 0 and <= 1 (found 5)"),
    ],
)
def test_config_validate_names_experiment_or_run_and_parameter(
    capsys, tmp_path: Path, monkeypatch, field: str, value: object, expected: str
) -> None:
    monkeypatch.chdir(ROOT)
    for name, parameters in (("good", {}), ("bad", {field: value})):
        content = {"extends": EXPERIMENT, "training": {"parameters": parameters}}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "two.yaml").write_text("experiments: [good.json, bad.json]\nseeds: [1, 2]\n")
    assert run("config", "validate", str(tmp_path / "bad.json"), str(tmp_path / "two.yaml")) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}/bad.json: training: field 'parameters.{field}': {expected}" in first
    assert f"{tmp_path}/two.yaml: run bad-s1: training: field 'parameters.{field}': {expected}" in second


def test_config_validate_runs_nothing_of_an_own_class(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    own, trace = tmp_path / "own.py", tmp_path / "was_run"
    own.write_text(f"open({str(trace)!r}, 'w')\nclass Mine:\n    pass\n")
    file = tmp_path / "own.json"

    def validate(name: str) -> tuple[int, str]:
        file.write_text(json.dumps({"extends": EXPERIMENT, "environment": {"environment_class": name}}))
        status, shown = run("config", "validate", str(file)), capsys.readouterr()
        return status, shown.out + shown.err

    assert validate(f"{own}:Mine") == (0, f"{file}: valid ({own}:Mine was found and not run)\n")
    status, said = validate(f"{own}:Other")
    assert status == 2
    assert f"own.json: field 'environment.environment_class': {own} has no class 'Other'" in said
    own.write_text("class Mine(:\n")
    assert "not Python that can be read" in validate(f"{own}:Mine")[1]
    assert "file not found" in validate(f"{tmp_path}/none.py:Mine")[1]
    assert not trace.exists()


def test_training_with_wrong_parameters_names_the_experiment(complaint, tmp_path: Path) -> None:
    for name in ("m", "n", "r"):
        (tmp_path / name).touch()
    words = ["--model", "m", "--manifest", "n", "--reference", "r", "--output", "o.zip", "--log", "l.json"]
    error = complaint("train", "--experiment", EXPERIMENT, *words, "--set", "training.parameters.n_epochs=0")
    assert f"{EXPERIMENT}: training: field 'parameters.n_epochs': expected a whole number >= 1" in error


def test_physics_threads_come_from_the_experiment_unless_given(tmp_path: Path, monkeypatch) -> None:
    from myoassist.training import segment

    asked = []
    monkeypatch.setattr(segment, "train_segment", lambda settings, **more: asked.append((more["threads"], settings)))
    files = [str(tmp_path / name) for name in ("m", "n", "r", "o.zip", "l.json")]
    for file in files[:3]:
        Path(file).touch()
    words = ["train", "--experiment", EXPERIMENT]
    for option, file in zip(("model", "manifest", "reference", "output", "log"), files, strict=True):
        words += [f"--{option}", file]
    for more in ([], ["--set", "training.env_threads=3"], ["--set", "training.env_threads=3", "--threads", "1"]):
        assert run(*words, *more) == 0
    assert [threads for threads, _ in asked] == [None, 3, 1]
    assert len({settings.canonical() for _, settings in asked}) == 1, "threads must make nothing stale"


def test_config_validate_misses_raw_data(complaint) -> None:
    error = complaint("config", "validate", EXPERIMENT)
    assert "field 'reference.source': file reference_data/myosuite_stride.csv not found" in error


def test_config_show_is_complete_and_can_be_narrowed(capsys) -> None:
    assert run("config", "show", EXPERIMENT, "--set", "training.n_envs=7") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["training"]["n_envs"] == 7
    assert shown["analysis"]["events"]
    assert run("config", "show", EXPERIMENT, "training.segment_steps") == 0
    assert json.loads(capsys.readouterr().out) == 30720


@pytest.mark.parametrize("kind", ["experiment", "matrix"])
def test_config_schema_is_json(capsys, kind: str) -> None:
    assert run("config", "schema", kind) == 0
    assert json.loads(capsys.readouterr().out)["properties"]


def test_matrix_show_and_report_path(capsys) -> None:
    assert run("matrix", "show", MATRIX) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("demo_imitation-s{1,2}")]
    assert line.split()[1:3] == ["2", "61,440"]
    assert "  environment  action.baseline: reference -> constant" in lines
    assert run("matrix", "report-path", MATRIX) == 0
    assert capsys.readouterr().out.strip() == "results/demo/report.html"


@pytest.mark.parametrize("matrix", sorted((ROOT / "configs" / "matrices").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_matrices_are_shown_on_narrow_lines(capsys, monkeypatch, matrix: Path) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for words in ((), ("--field", "*weight")):
        assert run("matrix", "show", str(matrix), *words) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 120
    monkeypatch.setenv("COLUMNS", "60")
    assert run("matrix", "show", str(matrix)) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60
    assert run("matrix", "show", str(matrix), "--wide") == 0
    assert "…" not in capsys.readouterr().out
    assert run("matrix", "show", str(matrix), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert {entry["id"] for entry in shown} == set(Plan.load(matrix).runs)


def test_matrix_show_of_the_walks(capsys) -> None:
    file = str(ROOT / "configs" / "matrices" / "walk22.yaml")
    assert run("matrix", "show", file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:8]] == [
        "run",
        "walk22_first-s{1,2,3}",
        "walk22_imitation-s{1,2,3}",
        "walk22_speed-s2",
        "walk22_exo-s2",
        "walk22_exo_off-s2",
    ]
    assert any(line.endswith(f"scenarios.steps: {ABSENT} -> present") for line in lines)
    assert run("matrix", "show", file, "--field", "training.total_steps", "--wide") == 0
    assert capsys.readouterr().out.splitlines() == [
        "training.total_steps",
        "  2000000   walk22_first-s{1,2,3}",
        "  1000000   walk22_imitation-s{1,2,3}, walk22_speed-s2, walk22_exo-s2, walk22_exo_off-s2",
    ]


def test_matrix_show_names_a_pattern_that_fits_nothing(complaint) -> None:
    assert "has a field 'training.nonsense'" in complaint("matrix", "show", MATRIX, "--field", "training.nonsense")


def test_long_settings_travel_packed(complaint) -> None:
    text = json.dumps({"nonsense": "x" * LONGEST})
    packed = pack(text)
    assert len(packed) < 1000
    assert "'nonsense'" in complaint("build", "--settings", packed, *files("build"))
    assert "damaged" in complaint("build", "--settings", "zlib:AAAA", *files("build"))


@pytest.mark.parametrize("words", [["--help"], ["export", "--help"], *([stage, "--help"] for stage in STAGES)])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; from myoassist import cli\n"
        f"try: cli.main({words!r})\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'mujoco', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: myoassist" in done.stdout


def test_unknown_command_has_status_2(capsys) -> None:
    assert run("walk") == 2
    assert run("train", "--nonsense") == 2
