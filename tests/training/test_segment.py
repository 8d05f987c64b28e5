"""Segments: the same bytes by any process and number of threads, however the chain is cut or killed.

The learner sees frozen statistics.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3 import PPO

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import read_checkpoint_info, read_parameters
from myoassist.policies.learner import load_policy
from myoassist.training.segment import train_segment

TRAINING = {
    "parameters": {
        "n_steps": 16,
        "batch_size": 64,
        "n_epochs": 2,
        "learning_rate": {"linear": {"from": 1e-3, "to": 1e-4, "schedule_steps": 1000}},
    },
    "policy": {"actor": [16], "critic": [16]},
    "n_envs": 8,
    "total_steps": 512,
    "segment_steps": 256,
}
ENDS = (256, 512)


def segments(seed: int = 1, environment: dict | None = None, **changes):
    settings = TrainingSettings.parse({**TRAINING, **changes})
    return settings.segments(EnvironmentSettings.parse(environment or {}), seed)


def train(assets, folder, segment, previous=None, threads=None):
    output = folder / f"model_{segment.stop_steps}.zip"
    log = folder / f"train_log_{segment.stop_steps}.json"
    train_segment(segment, **assets.files, previous=previous, output=output, log=log, threads=threads)
    return output


@pytest.fixture(scope="module")
def chain(assets, tmp_path_factory):
    """Checkpoints of two segments, trained without disturbance."""
    folder = tmp_path_factory.mktemp("chain")
    first, second = segments()
    one = train(assets, folder, first, threads=2)
    return [one, train(assets, folder, second, previous=one, threads=2)]  # the processes below take one thread


def test_segments_are_whole_rollouts_and_more_steps_keep_the_earlier_ones():
    assert [segment.stop_steps for segment in segments()] == [256, 512]
    assert [segment.stop_steps for segment in segments(segment_steps=200, total_steps=300)] == [256, 512]
    more = segments(total_steps=1000)
    assert [segment.canonical() for segment in more[:2]] == [segment.canonical() for segment in segments()]
    assert len(more) == 4


ROLLOUT_STEPS, GRADIENT_STEPS, FILES = 32, 8, 2
"""Of one segment: environment steps of each body, minibatches, checkpoint and log."""
CLOCK = ("wall_s", "sha256", "threads", "collect_s", "update_s", "steps_per_second")


def run_in_process(assets, folder, kill=None) -> int:
    """Train the missing segments of a chain in another process; return its exit status."""
    job = folder.with_suffix(".json")
    files = {name: str(path) for name, path in assets.files.items()}
    texts = [segment.canonical() for segment in segments()]
    job.write_text(json.dumps({"segments": texts, "files": files, "folder": str(folder), "kill": kill}))
    program = Path(__file__).with_name("killed_training.py")
    done = subprocess.run([sys.executable, str(program), str(job)], capture_output=True, text=True)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def without_clock(log: Path) -> dict:
    """What a train log says, except for how long it took."""
    content = json.loads(log.read_text())
    for record in (content, *content["rollouts"]):
        for name in CLOCK:
            record.pop(name, None)
    return content


def random_kills(rng: np.random.Generator, count: int) -> list[dict]:
    """Moments to kill at: each segment at least once, at least one between a finished file and its name."""
    kills = []
    for index in range(count):
        at = "file" if index == count - 1 else str(rng.choice(["step", "step", "gradient", "file"]))
        last = {"step": ROLLOUT_STEPS, "gradient": GRADIENT_STEPS, "file": FILES}[at]
        delay = 0.0 if at == "file" or rng.random() < 0.3 else float(rng.uniform(0.0, 0.01))
        number = int(rng.integers(1, last + 1 if not delay else last // 2 + 1))
        kills.append({"segment": min(2 * index // count, 1), "at": at, "count": number, "delay_s": delay})
    return kills


def kill_and_resume(assets, chain, folder, count):
    """Kill the training of a chain again and again, then let it finish: same bytes, nothing half-written."""
    seed = int(os.environ.get("MYOASSIST_KILL_SEED", np.random.SeedSequence().entropy % 2**31))
    kills = random_kills(np.random.default_rng(seed), count)
    print(f"MYOASSIST_KILL_SEED={seed}: {kills}")  # pytest shows it if the test fails
    folder.mkdir()
    hits = 0
    for kill in kills:
        hits += run_in_process(assets, folder, kill) == -signal.SIGKILL
        for path in folder.glob("model_*.zip"):  # never half of one
            assert path.read_bytes() == chain[path.stem == "model_512"].read_bytes()
    assert hits == count
    assert run_in_process(assets, folder) == 0
    names = [f"{kind}_{steps}.{suffix}" for kind, suffix in (("model", "zip"), ("train_log", "json")) for steps in ENDS]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    for steps, whole in zip(ENDS, chain, strict=True):
        assert (folder / f"model_{steps}.zip").read_bytes() == whole.read_bytes()
        log = f"train_log_{steps}.json"
        assert without_clock(folder / log) == without_clock(whole.with_name(log))


def test_a_training_killed_three_times_ends_in_the_same_bytes(assets, chain, tmp_path):
    kill_and_resume(assets, chain, tmp_path / "killed", 3)


@pytest.mark.slow
def test_a_training_killed_twenty_times_ends_in_the_same_bytes(assets, chain, tmp_path):
    kill_and_resume(assets, chain, tmp_path / "killed", 20)


def test_other_seeds_learn_something_else(assets, chain, tmp_path):
    other = train(assets, tmp_path, segments(seed=2)[0])
    assert other.read_bytes() != chain[0].read_bytes()


def test_the_algorithms_own_load_reads_a_checkpoint(chain):
    algorithm = PPO.load(chain[1], device="cpu")
    assert algorithm.num_timesteps == 512
    ours = load_policy(chain[1])
    observations = np.random.default_rng(0).uniform(-1, 1, (5, len(ours.info.observation_labels)))
    theirs, _ = algorithm.predict(observations.astype(np.float32), deterministic=True)
    np.testing.assert_array_equal(ours.act(observations.astype(np.float32)), theirs)


def test_schedules_follow_absolute_steps(chain):
    rates = [read_parameters(path)["policy.optimizer"]["param_groups"][0]["lr"] for path in chain]
    assert rates == pytest.approx([1e-3 + 0.256 * (1e-4 - 1e-3), 1e-3 + 0.512 * (1e-4 - 1e-3)])


def test_the_train_log_tells_what_happened(chain):
    log = json.loads(chain[0].with_name("train_log_256.json").read_text())
    assert log["format"] == "myoassist-train-log"
    assert isinstance(log["untrained_reward_per_step"], float)
    assert [record["steps"] for record in log["rollouts"]] == [128, 256]
    record = log["rollouts"][-1]
    for name, term in record["reward_terms"].items():
        weight = getattr(EnvironmentSettings().reward, name).weight
        assert term["weighted"] == pytest.approx(weight * term["raw"])
    total = sum(term["weighted"] for term in record["reward_terms"].values())
    assert record["reward_per_step"] == pytest.approx(total, abs=1e-5)
    assert record["approx_kl"] is not None
    assert "untrained_reward_per_step" not in json.loads(chain[1].with_name("train_log_512.json").read_text())


def test_statistics_travel_in_the_checkpoint(chain):
    policy = read_parameters(chain[1])["policy"]
    assert set(policy["features_extractor.count"].tolist()) == {512.0}
    assert (policy["features_extractor.variance"] >= 0).all()
    assert (policy["features_extractor.variance"] > 0).sum() >= len(policy["features_extractor.variance"]) - 1


def test_the_wrong_previous_checkpoint_is_refused(assets, chain, tmp_path):
    with pytest.raises(InputError, match="holds 512 steps of seed 1; expected 256 steps of seed 1"):
        train(assets, tmp_path, segments()[1], previous=chain[1])
    with pytest.raises(InputError, match="needs the checkpoint of 256 steps"):
        train(assets, tmp_path, segments()[1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "POP"}, "unknown algorithm 'POP'"),
        ({"parameters": {"n_step": 16}}, r"parameters\.n_step': PPO has no such parameter"),
        (
            {"parameters": {"gamma": {"linear": {"from": 0.9, "to": 0.99, "schedule_steps": 10}}}},
            r"parameters\.gamma': takes a value, not a schedule",
        ),
    ],
)
def test_wrong_learners_are_refused(assets, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train(assets, tmp_path, segments(**changes)[0])
    assert list(tmp_path.iterdir()) == []


def test_an_unfit_environment_is_refused_with_a_reason(assets, tmp_path, monkeypatch):
    from myoassist.envs import quick_checks

    check = quick_checks.Check("couplings_at_reset", False, "largest violation 2.0e-03", "at most 1e-06")
    monkeypatch.setattr("myoassist.training.segment.quick_checks", lambda _: [check])
    with pytest.raises(InputError, match="not fit for training: couplings_at_reset: largest violation"):
        train(assets, tmp_path, segments()[0])


def test_damaged_checkpoints_are_named(chain, tmp_path):
    broken = tmp_path / "model.zip"
    data = bytearray(chain[1].read_bytes())
    broken.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"model\.zip: damaged checkpoint"):
        read_checkpoint_info(broken)
    data[len(data) // 2] ^= 0xFF
    broken.write_bytes(data)
    with pytest.raises(InputError, match=r"model\.zip"):
        load_policy(broken)
    broken.write_text("not a zip")
    with pytest.raises(InputError, match=r"model\.zip: damaged checkpoint"):
        read_checkpoint_info(broken)
    with pytest.raises(InputError, match="file not found"):
        read_checkpoint_info(tmp_path / "none.zip")
