"""How episodes start and go over into the next: options, seeds, and nothing left of the episode before."""

import subprocess
import sys

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from myoassist.config.environment import EnvironmentSettings
from myoassist.envs.environment_handler import EnvironmentHandler
from myoassist.errors import InputError
from myoassist.formats.compiled_model import load_model
from myoassist.registration import default_settings

NOISE = {"position_noise_rad": 0.05, "velocity_noise_rad_s": 0.5}
SHORT = {"episode_s": 0.1, "termination": {"pelvis_height_min_m": None, "trunk_lean_max_rad": None}}


def test_a_list_of_seeds_starts_each_like_a_single_environment(assets, make_handler):
    handler = make_handler(assets, reset=NOISE)
    many, _ = handler.make_batch(3).reset(seed=[5, 6, 5])
    single, _ = handler.make_single().reset(seed=5)
    assert many[0].tobytes() == many[2].tobytes() == single.tobytes() != many[1].tobytes()
    with pytest.raises(InputError, match="expected one seed, or one for each of 3"):
        handler.make_batch(3).reset(seed=[1, 2])


def test_a_mask_starts_only_some(assets, make_handler):
    batch = make_handler(assets, reset=NOISE).make_batch(3, autoreset=False)
    assert batch.metadata["autoreset_mode"] == AutoresetMode.DISABLED
    batch.reset(seed=0)
    observations, *_ = batch.step(np.zeros((3, 22)))
    again, _ = batch.reset(options={"reset_mask": np.array([False, True, False])})
    assert (again != observations).any(axis=1).tolist() == [False, True, False]
    assert batch.steps.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 1.0}, "unknown option 'speed'"),
        ({"phase": [0.1, 0.2]}, "option 'phase': expected one finite number"),
        ({"phase": float("nan")}, "option 'phase': expected one finite number"),
        ({"reset_mask": [True]}, "option 'reset_mask': expected 3 booleans"),
        ({"reset_mask": [True, False, True]}, "the first reset starts all"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message, assets, make_handler):
    with pytest.raises(InputError, match=message):
        make_handler(assets).make_batch(3).reset(seed=0, options=options)


def test_fixed_options_hold_for_one_episode_and_then_the_settings_again(assets, make_handler):
    target = {"minimum_m_s": 0.9, "maximum_m_s": 1.4}
    batch = make_handler(assets, **SHORT, target_velocity=target).make_batch(4)
    batch.reset(seed=0, options={"phase": 0.25, "target_velocity": [1.0, 1.1, 1.2, 1.3]})
    assert (batch.phase == 0.25).all()
    for _ in range(4):
        batch.step(np.zeros((4, 22)))
        np.testing.assert_array_equal(batch.target.value, [1.0, 1.1, 1.2, 1.3])
    batch.step(np.zeros((4, 22)))
    assert len(set(batch.phase)) == 4
    assert not set(batch.target.value) & {1.0, 1.1, 1.2, 1.3}


def test_after_autoreset_everything_belongs_to_the_new_episode(exo_assets, make_handler):
    groups = ["joint_positions", "foot_forces", "device_torque", "previous_action", "phase"]
    handler = make_handler(
        exo_assets, id="myoAssistLegImitationExo-v0", **SHORT, observation={"groups": [{"name": n} for n in groups]}
    )
    batch = handler.make_batch(2)
    batch.reset(seed=3)
    for _ in range(5):
        observations, *_, info = batch.step(-np.ones((2, 24)))
    assert info["_final_obs"].all()
    layout = batch.observation_layout
    assert (info["final_obs"][:, layout.block("previous_action").slice] == -1.0).all()
    assert (info["final_obs"][:, layout.block("device_torque").slice] < 0.0).all()
    for name in ("previous_action", "device_torque"):
        assert (observations[:, layout.block(name).slice] == 0.0).all()
    assert (batch.step_result.device_torque < 0.0).all()  # what has happened stays as it was
    assert (batch.simulation.time == 0.0).all()
    batch.step(np.zeros((2, 24)))
    assert np.abs(batch.step_result.activation_change).max() < 0.5


def test_a_started_episode_goes_on_like_one_that_was_reset(assets, make_handler):
    handler = make_handler(assets, **SHORT, reset=NOISE)
    rolling, restarted = handler.make_batch(2), handler.make_batch(2, autoreset=False)
    rolling.reset(seed=1)
    restarted.reset(seed=1)
    rng = np.random.default_rng(0)
    for step in range(12):
        actions = rng.uniform(-1, 1, (2, 22))
        seen, rewards, *_ = rolling.step(actions)
        other, others, *_ = restarted.step(actions)
        if step % 5 == 4:
            other, _ = restarted.reset()
        assert seen.tobytes() == other.tobytes()
        assert rewards.tobytes() == others.tobytes()


def test_infos_are_not_shared_between_steps(assets, make_handler):
    batch = make_handler(assets).make_batch(1)
    batch.reset(seed=0)
    *_, info = batch.step(np.zeros((1, 22)))
    info["written by a wrapper"] = 1
    assert batch.step(np.zeros((1, 22)))[-1] == {}


def test_other_runs_give_the_same_bytes(assets):
    program = (
        "import sys, hashlib, numpy as np\n"
        "from pathlib import Path\n"
        "from myoassist.config.environment import EnvironmentSettings\n"
        "from myoassist.envs.environment_handler import EnvironmentHandler\n"
        "names = ('model', 'manifest', 'reference')\n"
        "files = {name: Path(text) for name, text in zip(names, sys.argv[1:])}\n"
        "batch = EnvironmentHandler.from_files(EnvironmentSettings(), **files).make_batch(3, threads=2)\n"
        "digest = hashlib.sha256(batch.reset(seed=1)[0].tobytes())\n"
        "rng = np.random.default_rng(0)\n"
        "for _ in range(40):\n"
        "    observations, rewards, *_ = batch.step(rng.uniform(-1, 1, (3, 22)))\n"
        "    digest.update(observations.tobytes() + rewards.tobytes())\n"
        "print(digest.hexdigest())\n"
    )
    command = [sys.executable, "-c", program, *(str(path) for path in assets.files.values())]
    digests = [
        subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    ]
    assert digests[0] == digests[1] != ""


def test_deviations_need_something_to_deviate_from(assets, make_handler):
    with pytest.raises(InputError, match="myoAssistLeg-v0 imitates no reference to deviate from"):
        make_handler(
            assets,
            id="myoAssistLeg-v0",
            reward={"alive": {"weight": 1.0}},
            termination={"joint_deviation_rad": {"knee_angle": 0.5}},
        ).make_batch(1)


def test_a_weight_given_twice_is_refused(assets, make_handler):
    with pytest.raises(InputError, match=r"reward\.own\.alive': has a weight already"):
        make_handler(assets, reward={"alive": {"weight": 1.0}, "own": {"alive": 0.5}}).make_batch(1)


@pytest.mark.parametrize("num_envs", [1, 64])
def test_without_a_reference_episodes_start_standing(assets, num_envs):
    model, manifest = load_model(assets.model, assets.manifest)
    settings = default_settings("myoAssistLeg-v0")
    batch = EnvironmentHandler(settings, model=model, manifest=manifest, reference=None).make_batch(num_envs)
    assert "phase" not in [group.name for group in settings.observation.groups]
    batch.reset(seed=0)
    step = batch.step_result
    assert not step.velocities.any()
    assert not step.forward_velocity.any()
    assert (step.pelvis_height > 0.9).all()
    feet = step.foot_force.reshape(-1, 2, 2).sum(axis=2)
    np.testing.assert_allclose(feet.sum(axis=1), 1.0, atol=0.01)
    assert (feet > 0.3).all()
    neutral = settings.action.neutral_excitation
    np.testing.assert_allclose(step.activations, neutral, atol=1e-12)
    assert step.foot_position is None
    for _ in range(5):
        _, rewards, terminated, *_ = batch.step(np.zeros((num_envs, 22)))
        assert np.isfinite(rewards).all()
        assert not terminated.any()
    assert batch.reward_terms == ("alive", "forward_velocity", "muscle_effort")


def test_an_observed_phase_needs_a_reference(assets):
    model, manifest = load_model(assets.model, assets.manifest)
    settings = EnvironmentSettings.parse({"id": "myoAssistLeg-v0", "observation": {"groups": [{"name": "phase"}]}})
    with pytest.raises(InputError, match="'phase' needs a reference"):
        EnvironmentHandler(settings, model=model, manifest=manifest, reference=None).make_batch(1)


def test_a_height_has_no_limit_in_radians(assets, make_handler):
    with pytest.raises(InputError, match=r"joint_deviation_rad': 'pelvis_ty' is no angle .*pelvis_height_deviation_m"):
        make_handler(assets, termination={"joint_deviation_rad": {"pelvis_ty": 0.3}}).make_batch(1)
