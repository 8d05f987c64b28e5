"""What `gymnasium.make` and `make_vec` take, and that the package says nothing by itself."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import myoassist
from myoassist.config.experiment import Experiment
from myoassist.errors import InputError
from myoassist.registration import default_settings, experiment_file, handler

BASE = "myoAssistLeg-v0"
BASE_TERMS = ("alive", "forward_velocity", "muscle_effort")


def test_settings_that_are_given_keep_the_ids_other_defaults(assets):
    env = gymnasium.make(BASE, settings={"episode_s": 0.1}, **assets.files)
    assert env.get_wrapper_attr("reward_terms") == BASE_TERMS
    assert env.get_wrapper_attr("max_steps") == 5
    own = handler(BASE, {"reward": {"alive": {"weight": 3.0}}}, **assets.files).make_batch(1)
    assert own.reward_terms == ("alive",)


@pytest.mark.parametrize("name", myoassist.ENVIRONMENT_IDS)
def test_an_experiment_with_nothing_but_an_id_is_that_ids_default(name):
    assert Experiment.parse({"environment": {"id": name}}).environment == default_settings(name)
    rewards = default_settings(name).reward
    assert (rewards.joint_position_imitation is None) == (name == BASE)


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        (
            {"render_mode": "human"},
            r"unknown keyword 'render_mode' \(known: settings, model, manifest, reference\); .*sim",
        ),
        ({"seed": 3}, r"unknown keyword 'seed' .*`reset` takes the seed"),
        ({"sttings": {}}, r"unknown keyword 'sttings' \(known: settings,"),
        ({"model": "model.mjb"}, "expected model, manifest and reference, or none of them"),
    ],
)
def test_unknown_keywords_are_named(keyword, message):
    with pytest.raises(InputError, match=message):
        gymnasium.make(BASE, disable_env_checker=True, **keyword)
    with pytest.raises(
        InputError, match=message.replace("known: settings,", "known: num_envs, settings, threads, autoreset,")
    ):
        gymnasium.make_vec(BASE, num_envs=2, **keyword)


def test_a_batch_can_leave_starting_anew_to_its_user(assets):
    batch = gymnasium.make_vec(BASE, num_envs=3, settings={"episode_s": 0.04}, autoreset=False, **assets.files)
    assert batch.metadata["autoreset_mode"] == AutoresetMode.DISABLED
    batch.reset(seed=0)
    batch.step(np.zeros((3, 22)))
    _, _, terminated, truncated, info = batch.step(np.zeros((3, 22)))
    assert truncated.all()
    assert "final_obs" not in info
    batch.reset(options={"reset_mask": terminated | truncated})
    assert batch.steps.tolist() == [0, 0, 0]


def test_starting_anew_tells_the_final_info_as_gymnasium_does(assets):
    batch = gymnasium.make_vec(BASE, num_envs=2, settings={"episode_s": 0.04}, threads=1, **assets.files)
    batch = gymnasium.wrappers.vector.RecordEpisodeStatistics(batch)
    batch.reset(seed=0)
    assert "final_info" not in batch.step(np.zeros((2, 22)))[-1]
    *_, info = batch.step(np.zeros((2, 22)))
    assert info["_final_info"].tolist() == [True, True]
    final = info["final_info"]
    assert final["termination"].tolist() == ["time_limit"] * 2
    assert final["episode_steps"].tolist() == [2, 2]
    assert final["_termination"].tolist() == final["_episode_steps"].tolist() == [True, True]
    assert info["episode"]["l"].tolist() == [2, 2]


def test_used_as_a_library_the_package_logs_nothing(assets):
    program = (
        "import sys, gymnasium, myoassist\n"
        "names = ('model', 'manifest', 'reference')\n"
        "batch = gymnasium.make_vec(sys.argv[1], num_envs=2, **dict(zip(names, sys.argv[2:])))\n"
        "batch.reset(seed=0)\n"
        "batch.simulation.qvel[1] = 1e6\n"
        "batch.step(batch.action_space.sample())\n"
        "assert batch.simulation.divergences == 1\n"
        "from loguru import logger\n"
        "logger.enable('myoassist')\n"
        "batch.simulation.qvel[1] = 1e6\n"
        "print('now', file=sys.stderr)\n"
        "batch.step(batch.action_space.sample())\n"
    )
    command = [sys.executable, "-c", program, BASE, *map(str, assets.files.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, after = done.stderr.split("now\n")
    assert before == done.stdout == ""
    assert "diverged" in after


def test_the_projects_own_experiments_are_found():
    assert experiment_file("walk22_imitation").name == "walk22_imitation.json"
    with pytest.raises(InputError, match=r"no_such\.json: file not found"):
        experiment_file("no_such")
