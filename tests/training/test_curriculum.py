"""A curriculum in a chain of segments: the phase travels in the checkpoint, whoever continues it."""

import json

import pytest
import torch

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.experiment import Experiment
from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.formats.checkpoint import read_checkpoint_info, read_parameters
from myoassist.training.curriculum import measure
from myoassist.training.segment import train_segment

PHASES = [
    {
        "name": "easy",
        "environment": {"reward": {"alive": {"weight": 0.5}}, "termination": {"trunk_lean_max_rad": 1.5}},
        "until": {"metric": "reward_per_step", "at_least": 0.1},
        "smallest_segments": 2,
        "largest_segments": 3,
    },
    {"name": "fast", "environment": {"target_velocity": {"minimum_m_s": 1.4, "maximum_m_s": 1.5}}, "steps": 128},
    {"name": "all"},
]


EXO_POLICY = {
    "networks": {
        "human": {"observes": ["joint_positions", "phase"], "acts": ["muscles"], "hidden": [8]},
        "device": {"observes": ["phase"], "acts": ["device"], "hidden": [4], "initial_std": 0.1},
    },
    "critic": {"observes": ["joint_positions"], "hidden": [8]},
}
HELD = {"height_stiffness_n_m": 20_000.0, "height_damping_n_s_m": 1_000.0, "force_max_n": 10_000.0}


@pytest.fixture(scope="module")
def chain(assets, train_all, tmp_path_factory):
    return train_all(assets, tmp_path_factory.mktemp("chain"), {"curriculum": PHASES, "total_steps": 512})


def test_the_phase_travels_in_the_checkpoint(chain):
    infos = [read_checkpoint_info(path) for path in chain]
    assert [(info.phase, info.phase_segments) for info in infos] == [("easy", 1), ("easy", 2), ("fast", 1), ("all", 1)]
    assert infos[0].environment["reward"]["alive"] == {"weight": 0.5}
    assert infos[2].environment["reward"]["alive"] is None
    assert [info.environment["target_velocity"]["maximum_m_s"] for info in infos] == [1.25, 1.25, 1.5, 1.25]
    logs = [
        json.loads(path.with_name(f"train_log_{info.steps}.json").read_text())
        for path, info in zip(chain, infos, strict=True)
    ]
    assert [log["phase"] for log in logs] == ["easy", "easy", "fast", "all"]
    assert "alive" in logs[1]["rollouts"][0]["reward_terms"]
    assert "alive" not in logs[2]["rollouts"][0]["reward_terms"]
    assert logs[1]["measured"] == infos[1].measured
    assert infos[1].measured["reward_terms.alive"] == 1.0
    assert infos[1].measured["reward_per_step"] >= 0.1


def test_a_device_is_switched_on_between_segments_and_begins_to_learn(exo_assets, train_all, tmp_path):
    phases = [
        {"name": "off", "steps": 256, "environment": {"action": {"device": {"enabled": False}}}},
        {"name": "on", "environment": {"action": {"device": {"enabled": True}}}},
    ]
    training = {"curriculum": phases, "policy": EXO_POLICY, "total_steps": 512}
    made = train_all(exo_assets, tmp_path, training, {"id": "myoAssistLegImitationExo-v0"})
    assert [read_checkpoint_info(path).phase for path in made] == ["off", "off", "on", "on"]
    assert [read_checkpoint_info(path).device_enabled for path in made] == [False, False, True, True]
    weights = [read_parameters(path)["policy"] for path in made]
    device = [name for name in weights[0] if ".device." in name]
    assert device
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in device)
    for before, after in ((1, 2), (2, 3)):
        assert not any(torch.equal(weights[before][name], weights[after][name]) for name in device)
    human = "mlp_extractor.policy_nets.human.0.weight"
    assert len({weight[human].numpy().tobytes() for weight in weights}) == 4


def test_a_support_is_taken_away_between_segments(assets, train_all, tmp_path):
    """The pelvis is held at its height and no muscle learns to hold it, so nobody falls while the support is there."""
    phases = [{"name": "held", "steps": 256, "environment": {"pelvis_support": HELD}}, {"name": "free"}]
    training = {
        "curriculum": phases,
        "total_steps": 512,
        "segment_steps": 256,
        "parameters": {"n_steps": 32, "batch_size": 64, "n_epochs": 1, "learning_rate": 1e-30},
    }
    environment = {"termination": {"pelvis_height_min_m": 0.8, "trunk_lean_max_rad": None}}
    made = train_all(assets, tmp_path, training, environment)
    ended = [
        sum(record["terminations"].get("fall_height", 0) for record in json.loads(log.read_text())["rollouts"])
        for log in (path.with_name(path.name.replace("model", "train_log").replace("zip", "json")) for path in made)
    ]
    assert ended[0] == 0
    assert ended[1] >= 4


def test_an_unmet_condition_holds_a_phase_until_its_largest_length(assets, train_all, tmp_path):
    unmet = {**PHASES[0], "until": {"metric": "reward_per_step", "at_least": 100.0}}
    made = train_all(assets, tmp_path, {"curriculum": [unmet, *PHASES[1:]], "total_steps": 512})
    assert [read_checkpoint_info(path).phase for path in made] == ["easy", "easy", "easy", "fast"]


def test_a_segment_that_is_repeated_ends_in_the_same_bytes(assets, chain, tmp_path):
    segments = TrainingSettings.parse(
        {
            "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 2},
            "policy": {"actor": [16], "critic": [16]},
            "n_envs": 8,
            "total_steps": 1024,
            "segment_steps": 128,
            "curriculum": PHASES,
        }
    ).segments(EnvironmentSettings(), 1)
    again = tmp_path / "again.zip"
    train_segment(segments[2], **assets.files, previous=chain[1], output=again, log=tmp_path / "log.json", threads=2)
    assert again.read_bytes() == chain[2].read_bytes()


def test_a_checkpoint_of_another_curriculum_is_refused(assets, chain, train_all, tmp_path):
    plain = TrainingSettings.parse(
        {"parameters": {"n_steps": 16}, "policy": {"actor": [16], "critic": [16]}, "n_envs": 8, "total_steps": 512}
        | {"segment_steps": 128, "curriculum": [{"name": "one", "steps": 128}, {"name": "two"}]}
    )
    segment = plain.segments(EnvironmentSettings(), 1)[1]
    with pytest.raises(InputError, match=r"was in phase 'easy' \(expected two\)"):
        train_segment(
            segment, **assets.files, previous=chain[0], output=tmp_path / "a.zip", log=tmp_path / "a.json", threads=1
        )


def test_a_phase_walks_on_its_own_ground(assets, assets_of, tmp_path):
    slope = {"terrain": "slope", "slope_deg": 3.0}
    training = {
        "parameters": {"n_steps": 16, "batch_size": 64, "n_epochs": 1},
        "policy": {"actor": [8], "critic": [8]},
        "n_envs": 4,
        "total_steps": 192,
        "segment_steps": 64,
        "curriculum": [
            {"name": "level", "until": {"metric": "reward_per_step", "at_least": 9.0}, "largest_segments": 2},
            {"name": "hill", "ground": slope},
        ],
    }
    experiment = Experiment.parse({"training": training})
    made, digests = [], []
    for segment in experiment.segments(1):
        bodies = [assets_of(experiment.with_model(model)).files for model in experiment.segment_models(segment)]
        made.append(tmp_path / f"{segment.stop_steps}.zip")
        train_segment(
            segment,
            **{name: [body[name] for body in bodies] for name in bodies[0]},
            previous=made[-2] if len(made) > 1 else None,
            output=made[-1],
            log=tmp_path / "log.json",
            threads=1,
        )
        digests.append(read_checkpoint_info(made[-1]).model_sha256)
    assert digests[0] == digests[1] != digests[2]
    with pytest.raises(InputError, match=r"phase 'hill' walks with body 2 of the segment \(found 1 model files\)"):
        train_segment(
            experiment.segments(1)[1].model_copy(
                update={"curriculum": experiment.segments(1)[1].curriculum.model_copy(update={"changes": forced()})}
            ),
            **assets.files,
            previous=made[0],
            output=tmp_path / "x.zip",
            log=tmp_path / "x.json",
            threads=1,
        )


def forced():
    from myoassist.config.curriculum import PhaseChange

    return (PhaseChange(leaves="level", enters="hill", smallest_segments=1, largest_segments=1, until=None),)


def test_what_is_measured_is_the_second_half():
    settings = TrainingSettings.parse({"n_envs": 10, "parameters": {"n_steps": 10}, "segment_steps": 400})
    segment = settings.segments(EnvironmentSettings(), 1)[0]
    records = [
        {
            "steps": 100 * (index + 1),
            "reward_per_step": float(index),
            "speed_error_m_s": 0.1 * index,
            "episodes": episodes,
            "episode_length_s": length,
            "terminations": terminations,
            "reward_terms": {"alive": {"raw": float(index), "weighted": 0.0}},
        }
        for index, (episodes, length, terminations) in enumerate(
            [
                (9, 0.1, {"fall_height": 9}),
                (9, 0.1, {"fall_height": 9}),
                (3, 2.0, {"fall_height": 2, "time_limit": 1}),
                (0, None, {}),
            ]
        )
    ]
    assert measure(records, segment, control_s=0.02) == {
        "reward_per_step": 2.5,
        "speed_error_m_s": pytest.approx(0.25),
        "seconds_per_fall": 200 * 0.02 / 2,
        "episode_length_s": 2.0,
        "reward_terms.alive": 2.5,
    }
    assert measure(records[3:], segment, control_s=0.02)["episode_length_s"] == pytest.approx(400 * 0.02 / 10)
