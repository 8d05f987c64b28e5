"""Learning curves over seeds: means, intervals, shares, and steps that seeds do not share."""

import json

import numpy as np
import pytest
from synthetic_training import write_train_log

from myoassist.analysis.study.resampling import Resampling
from myoassist.analysis.study.training import join, training_table
from myoassist.analysis.train_logs import TrainLog, read_train_logs

RESAMPLING = Resampling(count=300)


def log(entries, *, seed=1, condition="walk"):
    return TrainLog(run=f"{condition}-s{seed}", condition=condition, seed=seed, rollouts=entries, untrained_reward=None)


def rows(table, quantity, term=""):
    return table[(table["quantity"] == quantity) & (table["term"] == term)]


def test_mean_and_interval_over_seeds():
    logs = [log([{"steps": s, "speed_m_s": seed * 1.0} for s in (10, 20)], seed=seed) for seed in (1, 2, 3)]
    found = rows(training_table(logs, RESAMPLING), "speed_m_s")
    assert found["steps"].tolist() == [10, 20]
    assert found["mean"].to_numpy() == pytest.approx(2.0)
    assert found["n"].eq(3).all()
    assert ((found["ci_low"] >= 1) & (found["ci_low"] < 2) & (found["ci_high"] > 2)).all()


def test_a_single_seed_has_no_interval():
    found = rows(training_table([log([{"steps": 10, "approx_kl": 0.01}])], RESAMPLING), "approx_kl")
    assert found["ci_low"].isna().all()
    assert found["resampled"].eq("").all()


def test_curves_are_joined_where_all_of_them_are_defined():
    steps, values = join([(np.array([0.0, 10]), np.array([0.0, 10])), (np.array([5.0, 20]), np.array([1.0, 1]))])
    assert steps.tolist() == [5, 10]
    assert values.tolist() == [[5, 10], [1, 1]]
    assert join([(np.array([]), np.array([]))]) is None
    assert join([(np.array([1.0]), np.array([1.0])), (np.array([2.0]), np.array([1.0]))]) is None


def test_shares_are_of_magnitudes_and_sum_to_a_hundred():
    terms = {"pose": {"raw": 0.6, "weighted": 0.3}, "effort": {"raw": -0.2, "weighted": -0.1}, "off": {"raw": 0.0}}
    table = training_table([log([{"steps": 1, "reward_terms": terms}])], RESAMPLING)
    for kind in ("raw", "weighted"):
        quantity = f"reward_share_{kind}_percent"
        assert rows(table, quantity, "pose")["mean"].item() == pytest.approx(75)
        assert rows(table, quantity, "effort")["mean"].item() == pytest.approx(25)
    assert rows(table, "reward_term_weighted", "effort")["mean"].item() == pytest.approx(-0.1)


def test_return_of_an_episode_is_logged_or_estimated(tmp_path):
    path = write_train_log(tmp_path / "log.json", stop=6000)
    data = json.loads(path.read_text()) | {"control_rate_hz": 50.0}
    data["rollouts"][2]["episode_return"] = 77.0
    path.write_text(json.dumps(data))
    read = read_train_logs([path], run="a", condition="a", seed=0)
    second = read.rollouts[1]
    assert second["episode_return"] == pytest.approx(50 * second["reward_per_step"] * second["episode_length_s"])
    assert read.rollouts[2]["episode_return"] == 77
    assert "episode_return" not in read.rollouts[0]  # no episode ended in it


def test_conditions_are_told_apart():
    logs = [log([{"steps": 10, "speed_m_s": 1.0}], condition=name) for name in ("walk", "walk-low")]
    assert training_table(logs, RESAMPLING)["condition"].tolist() == ["walk", "walk-low"]
