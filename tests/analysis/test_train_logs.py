"""Logs of a run's segments become one."""

import pytest
from synthetic_training import write_train_log

from myoassist.analysis.train_logs import read_train_logs
from myoassist.errors import InputError


def test_segments_are_joined_in_order_of_steps(tmp_path):
    later = write_train_log(tmp_path / "b.json", segment=1, start=60_000, stop=100_000)
    first = write_train_log(tmp_path / "a.json")
    log = read_train_logs([later, first], run="a-s0", condition="a", seed=0)
    steps, reward = log.series("reward_per_step")
    assert steps.tolist() == list(range(2_000, 100_001, 2_000))
    assert reward[-1] > reward[0]
    assert len(log.series("episode_length_s")[0]) == len(steps) - 1  # no episode ended in the first rollout
    assert log.untrained_reward == 0.25
    assert set(log.terms("weighted")[1]) == {"pose", "speed", "effort"}


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "myoassist-train-log", "version": 2}'])
def test_a_damaged_train_log_is_named(tmp_path, content):
    path = tmp_path / "train_log_1.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"train_log_1\.json"):
        read_train_logs([path], run="a-s0", condition="a", seed=0)
