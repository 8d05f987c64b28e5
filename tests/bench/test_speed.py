"""The benchmark repeats exactly what the environment did and prints nothing but JSON."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from myoassist.bench.speed import Walk, newest_pretrained
from myoassist.cli import trials
from myoassist.config.experiment import Experiment
from myoassist.config.model import ModelSettings
from myoassist.errors import InputError

ROOT = Path(__file__).parents[2]
TINY = {
    "training": {
        "n_envs": 4,
        "parameters": {"n_steps": 4, "batch_size": 16, "n_epochs": 1},
        "policy": {"actor": [16], "critic": [16]},
        "segment_steps": 16,
        "total_steps": 16,
    }
}
PUSHED = {"push": {"force_n": 500.0, "duration_s": 0.1, "window_s": [0.0, 0.0]}}


def bench(assets, folder: Path, *arguments: str) -> dict:
    """Run the command; all that it prints must be JSON."""
    experiment = folder / "tiny.json"
    experiment.write_text(json.dumps(TINY))
    files = [word for name, path in assets.files.items() for word in (f"--{name}", str(path))]
    size = ["--num-envs", "4", "--steps", "4", "--repeats", "1", "--threads", "2"]
    command = [
        sys.executable,
        "-m",
        "myoassist.cli",
        "bench",
        "--experiment",
        str(experiment),
        *files,
        *size,
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_stdout_is_json_and_holds_every_number(assets, tmp_path):
    found = bench(assets, tmp_path, "--output", "numbers.json")
    alone = ("environment_1_thread", "physics_1_thread")
    for name in ("physics", "environment", *alone, "ppo", "ppo_64x64", "physics_of_ppo"):
        assert found[name]["steps_per_second"] > 0
        assert found[name]["steps_per_cpu_second"] > 0
        assert found[name]["simulated_seconds_per_second"] == pytest.approx(
            0.02 * found[name]["steps_per_second"], abs=0.01
        )
    for name in ("environment", "environment_1_thread", "ppo", "ppo_64x64"):
        limit = found[name.replace("environment", "physics") if "ppo" not in name else f"physics_of_{name}"]
        expected = found[name]["steps_per_second"] / limit["steps_per_second"]
        assert found[f"ratio_{name}"] == pytest.approx(expected, abs=1e-3)
        expected = found[name]["steps_per_cpu_second"] / limit["steps_per_cpu_second"]
        assert found[f"ratio_{name}_cpu"] == pytest.approx(expected, abs=1e-3)
    for name, suffix in (("environment", ""), ("physics", "_physics")):  # of one repeat, so no median of ratios
        expected = found[name]["steps_per_second"] / found[f"{name}_1_thread"]["steps_per_second"]
        assert found[f"thread_speedup{suffix}"] == pytest.approx(expected, abs=1e-3)
    assert found["acting"]["environment"] == "random actions"
    assert found["episodes_ended_per_measurement"] >= 1
    assert (found["num_envs"], found["threads"], found["repeats"], found["substeps"]) == (4, 2, 1, 10)
    assert found["memory_per_environment_mb"] >= 0
    assert json.loads((tmp_path / "numbers.json").read_text()) == found


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pelvis_support": {"height_stiffness_n_m": 5000.0}, **PUSHED},
        {"variation": {"mass_factor": [0.8, 1.2]}, **PUSHED},
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_repeated_physics_are_the_environments_own_to_the_bit(settings, threads, assets, make_handler):
    walk = Walk(make_handler(assets, **settings).make_batch(4, threads=threads), 40, None)
    assert [spent.steps for spent in (*walk.run(), walk.calls.repeat())] == [160, 160, 160]
    states, goes_on = walk.calls.states, ~walk.ended[:-1]
    assert goes_on.mean() > 0.9
    assert walk.calls.repeated[:-1][goes_on].tobytes() == states[1:][goes_on].tobytes()
    # another run notes the same calls again
    walk.run()
    assert walk.calls.noted == 40
    assert np.array_equal(walk.calls.states, states)


def test_a_policy_acts_once_and_its_walk_is_repeated(assets, make_handler):
    class Wiggling:
        asked = 0

        def act(self, observations, *, deterministic):
            assert not deterministic
            self.asked += 1
            return np.sin(self.asked + 100.0 * observations[:, :22])

    policy = Wiggling()
    walk = Walk(make_handler(assets).make_batch(2, threads=1), 20, policy)
    walk.run()
    states = walk.calls.states.copy()
    assert policy.asked == 20
    assert np.unique(walk.actions).size > 20 * 22
    walk.run()
    assert policy.asked == 20
    assert np.array_equal(walk.calls.states, states)


def test_motors_that_change_within_a_control_step_are_repeated_too(exo_assets, make_handler):
    walk = Walk(make_handler(exo_assets, id="myoAssistLegImitationExo-v0").make_batch(3, threads=1), 20, None)
    walk.run()
    walk.calls.repeat()
    goes_on = ~walk.ended[:-1]
    assert walk.calls.repeated[:-1][goes_on].tobytes() == walk.calls.states[1:][goes_on].tobytes()


def test_variants_that_only_leave_out_work_change_no_bit(assets, tmp_path):
    variants = bench(assets, tmp_path, "--physics")["variants"]
    for name in ("package settings", "without visuals", "without islands", "at most 10 iterations"):
        assert (variants[name]["angles_max_deg"], variants[name]["forces_rms_bw"]) == (0.0, 0.0), name
    assert variants["these three"]["angles_max_deg"] < 1e-9
    assert variants["solver CG"]["angles_max_deg"] > 0.0
    assert all(row["speed"] > 0 for row in variants.values())


def test_integrators_are_compared_with_the_finest_euler(assets, tmp_path):
    steps = bench(assets, tmp_path, "--physics")["steps"]
    euler = [steps[f"Euler, {step} ms"]["angles_rms_deg"] for step in ("0.1", "0.25", "0.5", "1", "2")]
    assert euler[0] == 0.0
    assert euler == sorted(euler)
    assert 0.0 < euler[-1] < 5.0
    assert steps["implicitfast, 0.1 ms"]["angles_rms_deg"] > euler[-1]


def test_the_body_and_ground_are_the_experiments_own(assets, tmp_path, monkeypatch, capsys):
    asked = []

    def made_assets(*settings):
        asked.append(settings)
        return assets.files

    monkeypatch.setattr("myoassist.registration.made_assets", made_assets)
    monkeypatch.chdir(ROOT)
    file = Path("configs/experiments/muscle_weakness.json")
    trials.bench(experiment=file, num_envs=2, threads=1, steps=2, repeats=1, ppo=False, pretrained=False)
    experiment = Experiment.from_file(file)
    assert asked == [(experiment.model, experiment.reference, experiment.retarget)]
    assert experiment.model != ModelSettings()
    found = json.loads(capsys.readouterr().out)
    assert (found["experiment"], found["acting"]["physics"]) == (str(file), "random actions")
    assert not {"ppo", "ratio_ppo"} & found.keys()


def test_the_longest_trained_checkpoint_of_the_experiment_is_taken(tmp_path):
    for folder, steps in (("walk-s1", 300), ("walk-s2", 1200), ("walk_fast-s1", 9000)):
        (tmp_path / folder).mkdir()
        for name in (f"model_{steps}.zip", f"train_log_{steps}.json", "experiment.json"):
            (tmp_path / folder / name).write_text("")
    found = newest_pretrained(Path("configs/experiments/walk.json"), tmp_path)
    assert found == tmp_path / "walk-s2" / "model_1200.zip"
    assert newest_pretrained(Path("run.json"), tmp_path) is None
    (tmp_path / "walk-s1" / "experiment.json").unlink()
    with pytest.raises(InputError, match=r"experiment\.json: file not found"):
        newest_pretrained(Path("walk.json"), tmp_path)


def test_the_walking_experiment_and_its_policy_are_there():
    from myoassist.registration import experiment_file

    file = experiment_file("walk22_imitation")
    assert newest_pretrained(file, ROOT / "pretrained") is not None
