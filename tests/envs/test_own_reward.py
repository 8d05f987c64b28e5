"""The documented way to an own reward: the very text of the docs, for one environment and for 64."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from myoassist.config.experiment import Experiment
from myoassist.errors import InputError

ROOT = Path(__file__).parents[2]
ADDED = {"upright"}


@pytest.fixture
def documented(tmp_path) -> Experiment:
    """The experiment of docs/environments.md, "An own reward", in files beside the one that it extends."""
    text = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    section = text.split("### An own reward", 1)[1].split("\n## ", 1)[0]
    code, settings = (re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)[1] for kind in ("python", "json"))
    (tmp_path / re.match(r"# (\S+)", code)[1].rsplit("/", 1)[-1]).write_text(code)
    shutil.copy(ROOT / "configs" / "experiments" / "imitation.json", tmp_path)
    (tmp_path / "upright.json").write_text(settings)
    return Experiment.from_file(tmp_path / "upright.json")


@pytest.mark.parametrize("num_envs", [1, 64])
def test_the_docs_example_adds_a_term_and_keeps_all_others(documented, assets, make_handler, num_envs):
    base = Experiment.from_file(ROOT / "configs" / "experiments" / "imitation.json").environment
    batch = make_handler(assets, **documented.environment.model_dump(mode="json")).make_batch(num_envs)
    plain = make_handler(assets, **base.model_dump(mode="json")).make_batch(num_envs)
    assert type(batch).__name__ == "Upright"
    assert set(batch.reward_terms) == set(plain.reward_terms) | ADDED
    assert {"forward_velocity", "joint_position_imitation", "muscle_effort"} <= set(batch.reward_terms)
    for env in (batch, plain):
        env.reset(seed=0)
    for _ in range(3):
        _, rewards, *_ = batch.step(np.zeros((num_envs, 22)))
        _, others, *_ = plain.step(np.zeros((num_envs, 22)))
        lean = batch.step_result.positions[:, batch.joint_names.index("pelvis_tilt")]
        np.testing.assert_allclose(rewards - others, 0.5 * (1.0 - np.abs(lean)), atol=1e-12)
        assert rewards.shape == (num_envs,)


@pytest.mark.parametrize("num_envs", [1, 64])
def test_a_reward_that_is_given_without_extending_stands_for_itself(documented, assets, make_handler, num_envs):
    own = {"environment_class": documented.environment.environment_class, "reward": {"own": {"upright": 0.5}}}
    batch = make_handler(assets, **own).make_batch(num_envs)
    assert set(batch.reward_terms) == ADDED


def test_a_term_can_be_taken_away_by_an_experiment_that_extends(documented, tmp_path):
    (tmp_path / "more.json").write_text(
        json.dumps(
            {"extends": "upright.json", "environment": {"reward": {"muscle_effort": None, "own": {"upright": 2.0}}}}
        )
    )
    reward = Experiment.from_file(tmp_path / "more.json").environment.reward
    assert (reward.muscle_effort, reward.own) == (None, {"upright": 2.0})
    assert reward.joint_position_imitation == documented.environment.reward.joint_position_imitation


OWN = """
import numpy as np
from myoassist.envs.myoassist_leg_imitation import MyoAssistLegImitationEnv

class Strongest(MyoAssistLegImitationEnv):
    def _calculate_reward(self, step):
        terms = super()._calculate_reward(step)
        terms["muscle_effort"] = step.activations.max(axis=1)
        return terms

class Feet(MyoAssistLegImitationEnv):
    def _calculate_reward(self, step):
        return {"feet": np.abs(step.foot_position - step.reference_foot_position).max(axis=1)}

class Column(MyoAssistLegImitationEnv):
    def _calculate_reward(self, step):
        return {"column": step.phase[:, None]}
"""


@pytest.fixture
def own(tmp_path) -> Path:
    file = tmp_path / "own_terms.py"
    file.write_text(OWN)
    return file


@pytest.mark.parametrize("num_envs", [1, 64])
def test_a_term_can_be_replaced(own, assets, make_handler, num_envs):
    reward = {"alive": {"weight": 1.0}, "muscle_effort": {"weight": -2.0}}
    batch = make_handler(assets, environment_class=f"{own}:Strongest", reward=reward).make_batch(num_envs)
    batch.reset(seed=0)
    _, rewards, *_ = batch.step(np.full((num_envs, 22), 0.3))
    strongest = batch.step_result.activations.max(axis=1)
    assert (strongest > 1.5 * np.square(batch.step_result.activations).mean(axis=1)).all()
    np.testing.assert_allclose(rewards, 1.0 - 2.0 * strongest, atol=1e-12)


@pytest.mark.parametrize("num_envs", [1, 64])
def test_a_term_has_the_feet_even_if_no_other_asks_for_them(own, assets, make_handler, num_envs):
    reward = {"own": {"feet": 1.0}}
    batch = make_handler(assets, environment_class=f"{own}:Feet", reward=reward).make_batch(num_envs)
    batch.reset(seed=0)
    assert batch._calculate_reward(batch.step_result)["feet"].max() < 1e-9  # a frame of the reference
    before = batch.step_result
    _, rewards, *_ = batch.step(np.ones((num_envs, 22)))
    assert (rewards > 1e-4).all()
    assert before.foot_position.tobytes() != batch.step_result.foot_position.tobytes()


@pytest.mark.parametrize("num_envs", [1, 64])
def test_a_term_of_another_shape_is_refused(own, assets, make_handler, num_envs):
    reward = {"own": {"column": 1.0}}
    batch = make_handler(assets, environment_class=f"{own}:Column", reward=reward).make_batch(num_envs)
    batch.reset(seed=0)
    with pytest.raises(InputError, match=rf"term 'column': expected .* \({num_envs},\) \(found \({num_envs}, 1\)\)"):
        batch.step(np.zeros((num_envs, 22)))


def test_an_own_class_lies_beside_its_experiment_or_in_the_working_folder(tmp_path, monkeypatch):
    project = tmp_path / "project"
    folder = project / "configs" / "experiments"
    folder.mkdir(parents=True)
    monkeypatch.chdir(project)

    def named(file: str, origin: str = "configs/experiments/own.json") -> str:
        (folder / "own.json").write_text(json.dumps({"environment": {"environment_class": f"{file}:Own"}}))
        return Experiment.from_file(origin).environment.environment_class

    assert named("own.py") == "own.py:Own"  # nowhere: as it is, to be complained about
    (project / "own.py").write_text("")
    assert named("own.py") == "own.py:Own"
    (folder / "own.py").write_text("")
    assert named("own.py") == "configs/experiments/own.py:Own"
    assert named("configs/experiments/own.py") == "configs/experiments/own.py:Own"
    # however the experiment is named, the settings are the same text, without a trace of this machine
    assert named("own.py", str(folder / "own.json")) == "configs/experiments/own.py:Own"
    (folder / "further.json").write_text(json.dumps({"extends": "own.json"}))
    assert named("own.py", "configs/experiments/further.json") == "configs/experiments/own.py:Own"
    (project / "classes").mkdir()
    (project / "classes" / "own.py").write_text("")
    assert named("../../classes/own.py") == "classes/own.py:Own"
    assert named("some.module") == "some.module:Own"
    kept = Experiment.from_file("configs/experiments/further.json")
    assert Experiment.parse(kept.plain()).environment == kept.environment


def test_a_class_file_that_is_nowhere_is_named(assets, make_handler):
    with pytest.raises(InputError, match=r"file 'nowhere\.py' not found \(expected beside the experiment file"):
        make_handler(assets, environment_class="nowhere.py:Own")
