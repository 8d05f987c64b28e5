import json
import os
import subprocess
import sys

import numpy as np
import pytest
from analysed_walk import run_analysis
from synthetic_training import write_train_log

from myoassist.analysis.figures import render
from myoassist.analysis.figures.registry import FIGURES, figure
from myoassist.analysis.figures.render import render_matrix, render_run
from myoassist.analysis.figures.style import fix_layout, new_figure
from myoassist.analysis.study.build import build_study
from myoassist.config.base import Settings
from myoassist.config.figures import (
    MATRIX_FIGURES,
    RUN_FIGURES,
    FiguresSettings,
    RunFiles,
    matrix_figure_names,
    run_figure_names,
)
from myoassist.config.study import StudySettings
from myoassist.errors import InputError

QUICK = FiguresSettings(dpi=50)


def draw(analysed, folder, settings=QUICK):
    render_run(settings, **analysed.paths, output_dir=folder)
    return folder


@pytest.fixture(scope="module")
def matrix_runs(tmp_path_factory, walk, fall):
    folder = tmp_path_factory.mktemp("matrix")
    runs = []
    for experiment, analysed in (("walks", walk), ("falls", fall)):
        for seed in (0, 1):
            logs = [
                write_train_log(folder / f"{experiment}{seed}b.json", seed=seed, segment=1, start=60_000, stop=100_000),
                write_train_log(folder / f"{experiment}{seed}a.json", seed=seed),
            ]
            runs.append(
                RunFiles(
                    run=f"{experiment}-s{seed}",
                    experiment=experiment,
                    seed=seed,
                    train_logs=tuple(logs),
                    metrics={"level": analysed.paths["metrics"]},
                )
            )
    return runs


def test_settings_and_registry_know_the_same_figures():
    assert render.MODULES
    assert {name for name, entry in FIGURES.items() if entry.kind == "run"} == set(RUN_FIGURES)
    assert {name for name, entry in FIGURES.items() if entry.kind == "matrix"} == set(MATRIX_FIGURES)


@pytest.mark.parametrize("kind", ["walk", "fall"])
def test_every_figure_is_drawn_for_walks_and_falls(kind, request, tmp_path):
    draw(request.getfixturevalue(kind), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(run_figure_names(QUICK))
    captions = json.loads((tmp_path / "captions.json").read_text())
    assert set(captions) == set(RUN_FIGURES)
    assert all(entry["title"] and entry["category"] and len(entry["caption"]) > 20 for entry in captions.values())
    said = "12 right and 12 left" if kind == "walk" else "no usable gait cycle"
    assert said in captions["phase_portraits"]["caption"]
    for path in tmp_path.glob("*.svg"):
        assert b"<dc:date>" not in path.read_bytes()


def test_device_and_single_column_figures_of_one_cycle(tmp_path, reference_file):
    one = run_analysis(tmp_path / "run", reference_file, durations_s=(4.2, 0.5), fell=True, devices=2)
    draw(one, tmp_path / "figures", FiguresSettings(dpi=50, width="single", show_norm=False))
    captions = json.loads((tmp_path / "figures" / "captions.json").read_text())
    assert "no device" not in captions["device_torque_power"]["caption"]


@pytest.mark.parametrize("durations", [(), (0.0,)])
def test_nothing_to_draw_is_said(tmp_path, reference_file, durations):
    nothing = run_analysis(tmp_path / "run", reference_file, durations_s=durations, fell=True)
    draw(nothing, tmp_path / "figures", FiguresSettings(dpi=50))


def test_places_are_coarser_than_the_last_digits_of_the_layout():
    """The solver's last digits come from memory addresses; unrounded, one figure in two would differ."""
    settings = FiguresSettings()
    fig = new_figure(settings, 1.0)
    upper, lower = fig.subfigures(2, 1, height_ratios=[1, 3])
    axes = [upper.add_subplot(), *lower.subplots(1, 2)]
    for panel in axes:
        panel.set_title("A")
    fix_layout(fig)
    places = [panel.get_position(original=True).bounds for panel in axes]
    places += [part.bbox_relative.bounds for part in (upper, lower)]
    for place in places:
        assert place == pytest.approx([round(number, 4) for number in place], abs=1e-12)
    assert places[1][0] < places[2][0]
    before = [panel.get_window_extent().bounds for panel in axes]
    fig.draw_without_rendering()
    assert [panel.get_window_extent().bounds for panel in axes] == before


@pytest.fixture(scope="module")
def study(tmp_path_factory, reference_file, matrix_runs):
    """Tables across the runs: the walk without a device, and one with a device in two seeds."""
    folder = tmp_path_factory.mktemp("study")
    worn = run_analysis(folder / "worn", reference_file, devices=2, offset_deg=2.0)
    shared = {"steps": 100_000, "scenario": "level", "starts": "same"}
    evaluations = [
        {
            **shared,
            **{"run": f"{name}-s{seed}", "experiment": name, "condition": name, "seed": seed},
            **{key: str(found.paths[key]) for key in ("metrics", "cycles")},
        }
        for name, found in (("walks", run_analysis(folder / "bare", reference_file)), ("worn", worn))
        for seed in (0, 1)
    ]
    runs = [
        {"run": run.run, "condition": run.group, "seed": run.seed, "train_logs": list(map(str, run.train_logs))}
        for run in matrix_runs
    ]
    sides = [{"experiment": name, "scenario": "level"} for name in ("walks", "worn")]
    comparisons = {"device": {"baseline": sides[0], "conditions": sides[1:]}}
    settings = {"runs": runs, "evaluations": evaluations, "comparisons": comparisons, "resamples": 100}
    build_study(StudySettings.parse(settings), output_dir=folder / "tables")
    return folder / "tables"


@pytest.mark.parametrize("width", ["double", "single"])
def test_figures_across_runs(matrix_runs, study, tmp_path, width):
    settings = FiguresSettings(dpi=50, width=width)
    render_matrix(settings, runs=matrix_runs, study=study, output_dir=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(matrix_figure_names(settings))
    captions = {name: entry["caption"] for name, entry in json.loads((tmp_path / "captions.json").read_text()).items()}
    assert "4 runs, 2 seeds" in captions["overview"]
    assert "2 conditions with 2 seeds each" in captions["learning_curves"]
    for name in ("condition_changes", "condition_curves", "condition_activations", "condition_devices"):
        assert "95 % confidence intervals over 2 seeds" in captions[name]
    assert "paired" in captions["condition_changes"]


DRAW_EVERYTHING = """
import ctypes, json, pathlib, random, sys
from myoassist.analysis.figures.render import render_matrix, render_run
from myoassist.config.figures import FiguresSettings, RunFiles
job = json.loads(sys.argv[1])
# holes of every size in random order: what is allocated one after another does not lie one after another
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
holes = [c.malloc(24 + 16 * (number // 2 % 30)) for number in range(job["holes"])][::2]
random.Random(0).shuffle(holes)
for place in holes:
    c.free(place)
settings, out = FiguresSettings(dpi=50), pathlib.Path(job["out"])
run = {name: pathlib.Path(path) for name, path in job["run"].items()}
render_run(settings, **run, output_dir=out / "run")
runs = [RunFiles.model_validate(entry) for entry in job["runs"]]
render_matrix(settings, runs=runs, study=pathlib.Path(job["study"]), output_dir=out / "matrix")
"""


def test_every_figure_has_the_same_bytes_in_every_process(tmp_path, reference_file, matrix_runs, study):
    """Neither the seed of the hashes of strings nor memory addresses show in a figure."""
    worn = run_analysis(tmp_path / "worn", reference_file, durations_s=(6.0, 6.0), devices=2)
    job = {
        "run": {name: str(path) for name, path in worn.paths.items()},
        "runs": [run.model_dump(mode="json") for run in matrix_runs],
        "study": str(study),
    }
    processes = []
    for seed, holes, allocator in (("1", 0, "default"), ("2", 400_000, "malloc")):
        given = json.dumps(job | {"holes": holes, "out": str(tmp_path / seed)})
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONMALLOC": allocator}
        command = [sys.executable, "-c", DRAW_EVERYTHING, given]
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE))
    for process in processes:
        told = process.communicate()[1].decode()
        assert process.returncode == 0, told[-2000:]
    for kind, names in (("run", run_figure_names(QUICK)), ("matrix", matrix_figure_names(QUICK))):
        assert {path.name for path in (tmp_path / "1" / kind).iterdir()} == set(names)
        for name in names:
            one, two = ((tmp_path / seed / kind / name).read_bytes() for seed in ("1", "2"))
            assert one == two, f"{kind}/{name}"


def test_figures_across_no_runs_say_that_there_is_nothing(tmp_path):
    render_matrix(QUICK, runs=[], output_dir=tmp_path)
    captions = json.loads((tmp_path / "captions.json").read_text())
    assert "no section 'comparisons'" in captions["condition_changes"]["caption"]
    assert "no reward terms" in captions["reward_shares"]["caption"]


def test_the_device_figure_tells_its_numbers(tmp_path, reference_file):
    one = run_analysis(tmp_path / "run", reference_file, devices=2)
    draw(one, tmp_path / "figures", FiguresSettings(dpi=50, run=("device_torque_power",)))
    caption = json.loads((tmp_path / "figures" / "captions.json").read_text())["device_torque_power"]["caption"]
    assert "largest torque \N{MINUS SIGN}15.0 N·m" in caption


@pytest.mark.parametrize(("target", "gate"), [(1.25, "Walking gate"), (np.linspace(1.2, 1.3, 500), "Speed gate")])
def test_the_dashboard_names_the_gate_that_the_metrics_judge(tmp_path, reference_file, target, gate):
    run = run_analysis(tmp_path / "run", reference_file, durations_s=(10.0,), control={"target": target})
    assert ("speed_tracking" in run.metrics["gate"]) == (gate == "Speed gate")
    draw(run, tmp_path / "figures", FiguresSettings(dpi=50, run=("dashboard",)))
    drawn = (tmp_path / "figures" / "dashboard.svg").read_text()
    # glyphs are drawn as paths; the words stand in a comment beside them
    assert [name for name in ("Walking gate", "Speed gate") if f"<!-- {name} -->" in drawn] == [gate]
    caption = json.loads((tmp_path / "figures" / "captions.json").read_text())["dashboard"]["caption"]
    assert ("to be called walking" in caption) == (gate == "Walking gate")


def test_angles_against_the_reference_have_the_reference_s_own_score_beside(tmp_path, reference_file):
    """The reference of a walk without asymmetry is on both sides alike: its own score is perfect."""
    run = run_analysis(tmp_path / "run", reference_file, durations_s=(6.0,), offset_deg=5.0)
    draw(run, tmp_path / "figures", FiguresSettings(dpi=50, run=("joint_angles_vs_norm",)))
    drawn = (tmp_path / "figures" / "joint_angles_vs_norm.svg").read_text()
    assert "<!-- RMSE 5.0° (0.0°) -->" in drawn
    assert "<!-- r 1.00 (1.00) -->" in drawn


def test_unknown_and_repeated_figures_are_refused():
    with pytest.raises(InputError, match="unknown figure 'pie'"):
        FiguresSettings.parse({"run": ["pie"]})
    with pytest.raises(InputError, match="named twice"):
        FiguresSettings.parse({"matrix": ["overview", "overview"]})


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="twice"):
        figure("overview", title="", category="")(lambda data: None)


def test_names_are_known_without_matplotlib():
    code = (
        "import sys\nfrom myoassist.config.figures import FiguresSettings, run_figure_names\n"
        "print(run_figure_names(FiguresSettings(run=('dashboard',))))\nassert 'matplotlib' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "('dashboard.png', 'dashboard.svg', 'captions.json')"
    assert issubclass(FiguresSettings, Settings)
