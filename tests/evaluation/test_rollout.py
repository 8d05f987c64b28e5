import numpy as np
import pytest

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.evaluation import EvaluationStage
from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.evaluation.biomechanics import Biomechanics
from myoassist.evaluation.recording import describe_model
from myoassist.evaluation.rollout import evaluate
from myoassist.formats.files import sha256
from myoassist.formats.rollouts import Rollouts
from myoassist.training.segment import train_segment

ENVIRONMENT = {"reset": {"position_noise_rad": 0.02, "velocity_noise_rad_s": 0.1}}
SCENARIO = {"episodes": 3, "duration_s": 0.3}


@pytest.fixture(scope="session")
def checkpoint(assets, tmp_path_factory):
    """A policy after one small update."""
    folder = tmp_path_factory.mktemp("checkpoint")
    training = TrainingSettings.parse(
        {
            "n_envs": 2,
            "total_steps": 32,
            "segment_steps": 32,
            "parameters": {"n_steps": 16, "batch_size": 32, "n_epochs": 1},
        }
    )
    segment = training.segments(EnvironmentSettings.parse(ENVIRONMENT), seed=1)[0]
    train_segment(
        segment, **assets.files, previous=None, output=folder / "model.zip", log=folder / "log.json", threads=1
    )
    return folder / "model.zip"


@pytest.fixture
def run(assets, checkpoint, tmp_path):
    def run(name="rollouts", environment=None, seed=3, checkpoint=checkpoint, files=None, **scenario):
        settings = EvaluationStage.parse(
            {
                "environment": {**ENVIRONMENT, **(environment or {})},
                "scenario": {**SCENARIO, **scenario},
                "seed": seed,
            }
        )
        path = tmp_path / f"{name}.h5"
        evaluate(settings, **(files or assets.files), checkpoint=checkpoint, rollouts=path, threads=1)
        return path

    return run


def test_the_header_tells_the_mass_of_the_device_apart_from_the_body_s(make_handler, assets, exo_assets):
    bare, worn = (make_handler(files).make_batch(1, threads=1) for files in (assets, exo_assets))
    try:
        models = [describe_model(b, Biomechanics(b.simulation.model, b.manifest), 5) for b in (bare, worn)]
    finally:
        bare.close()
        worn.close()
    assert models[0].device_mass_kg == 0
    assert models[1].device_mass_kg == pytest.approx(4.706, abs=0.001)
    assert models[1].body_mass_kg == pytest.approx(models[0].body_mass_kg)


def test_stores_states_at_250_hz_and_control_steps_at_their_rate(run):
    with Rollouts(run()) as stored:
        assert stored.header.model.state_rate_hz == 250
        assert stored.header.model.control_rate_hz == 50
        for episode in stored:
            info = episode.info
            time = episode.state("time")
            np.testing.assert_allclose(np.diff(time), 0.004, atol=1e-9)
            assert info.control_rows == info.steps
            assert info.state_rows == info.steps * 5 + 1
            assert time[-1] == pytest.approx(info.duration_s)
            np.testing.assert_allclose(np.diff(episode.control("time")), 0.02, atol=1e-9)


def test_time_limit_ends_an_episode_without_a_fall(run):
    with Rollouts(run(duration_s=0.06)) as stored:
        assert {(e.info.termination, e.info.fell, e.info.steps) for e in stored} == {("time_limit", False, 3)}


def test_every_other_end_counts_as_a_fall(run):
    with Rollouts(run(environment={"termination": {"joint_deviation_rad": {"knee_angle": 0.02}}})) as stored:
        assert all(e.info.termination.startswith("deviation: knee_angle_") and e.info.fell for e in stored)


def test_same_inputs_same_bytes_and_another_seed_other_states(run):
    assert sha256(run("a")) == sha256(run("b"))
    with Rollouts(run("a")) as first, Rollouts(run("c", seed=4)) as second:
        assert not np.array_equal(first[0].state("qpos")[0], second[0].state("qpos")[0])


def test_batches_do_not_change_how_episodes_start(run):
    with Rollouts(run("a", batch_size=64)) as whole, Rollouts(run("b", batch_size=2)) as parts:
        for one, other in zip(whole, parts, strict=True):
            assert one.info.phase0 == other.info.phase0
            np.testing.assert_array_equal(one.state("qpos")[0], other.state("qpos")[0])
            np.testing.assert_allclose(one.control("action"), other.control("action"), atol=1e-4)


def test_phases_are_spread_over_the_cycle_or_drawn(run):
    with Rollouts(run(episodes=4)) as stored:
        assert [e.info.phase0 for e in stored] == [0.0, 0.25, 0.5, 0.75]
    with Rollouts(run("drawn", episodes=4, phases="random")) as stored:
        phases = [e.info.phase0 for e in stored]
        assert len(set(phases)) == 4
        assert phases != [0.0, 0.25, 0.5, 0.75]
    with Rollouts(run("one", episodes=4, phases=0.3)) as stored:
        assert {e.info.phase0 for e in stored} == {0.3}


def test_a_push_is_recorded_and_acts_on_the_recomputed_forces(run):
    push = {"force_n": 300.0, "duration_s": 0.06, "window_s": [0.04, 0.1]}
    with Rollouts(run("bare")) as bare, Rollouts(run("pushed", push=push)) as pushed:
        forward = pushed.header.model.dofs.index("pelvis_tx")
        for calm, episode in zip(bare, pushed, strict=True):
            force = episode.control("applied_force")
            assert np.delete(force, forward, axis=1).max() == 0
            steps = np.flatnonzero(force[:, forward] == 300.0)
            assert len(steps) == 3
            assert 2 <= steps[0] <= 5
            assert (np.diff(steps) == 1).all()
            assert (calm.control("applied_force") == 0).all()
            # up to the push, both walk alike; the contact forces of its first instant already feel it
            first = 5 * steps[0]
            np.testing.assert_array_equal(calm.state("qpos")[: first + 1], episode.state("qpos")[: first + 1])
            own, other = (e.state("ground_reaction_force")[first] for e in (calm, episode))
            assert not np.array_equal(own, other)


def test_reward_terms_are_weighted_once(run):
    with Rollouts(run()) as stored:
        terms = stored.header.model.reward_terms
        weights = {"forward_velocity": 0.2, "joint_position_imitation": 0.6, "muscle_effort": -0.1}
        for episode in stored:
            raw, weighted = episode.control("reward_raw"), episode.control("reward_weighted")
            np.testing.assert_allclose(weighted.sum(axis=1), episode.control("reward"), atol=1e-5)
            for name, weight in weights.items():
                column = terms.index(name)
                np.testing.assert_allclose(weighted[:, column], weight * raw[:, column], atol=1e-6)


def test_activation_follows_the_excitation_of_the_same_row(run, assets):
    """Row k of control is in force from state row 5k to 5k + 5."""
    from myoassist.formats.compiled_model import read_manifest

    fast, slow = read_manifest(assets.manifest).muscles[0].time_constants_s
    with Rollouts(run()) as stored:
        for episode in stored:
            activation, excitation = episode.state("activation"), episode.control("excitation")
            before, after = activation[:-1:5], activation[5::5]
            towards = np.sign(excitation - before) == np.sign(after - before)
            assert towards[np.abs(excitation - before) > 0.02].all()
            assert 0 < fast <= slow


def test_forces_belong_to_the_states_beside_them(run, assets):
    from myoassist.evaluation.biomechanics import Biomechanics
    from myoassist.formats.compiled_model import load_model

    model, manifest = load_model(assets.model, assets.manifest)
    with Rollouts(run()) as stored:
        episode = stored[1]
        rows = slice(7, 12)
        control = episode.control("excitation")[[1, 1, 1, 2, 2]]
        columns = Biomechanics(model, manifest).compute(
            episode.state("qpos", rows), episode.state("qvel", rows), episode.state("activation", rows), control
        )
        for name in ("muscle_force", "ground_reaction_force", "joint_moment", "fiber_length"):
            np.testing.assert_allclose(columns[name], episode.state(name, rows), rtol=1e-3, atol=0.05, err_msg=name)


def test_scenario_sets_speed_and_noise(run):
    speeds = {"minimum_m_s": 0.8, "maximum_m_s": 0.8}
    with Rollouts(run(target_velocity=speeds, initial_position_noise_rad=0.0)) as stored:
        for episode in stored:
            assert episode.info.target_velocity_mean_m_s == pytest.approx(0.8)
            assert episode.state("qvel")[0, 0] == pytest.approx(0.8, abs=0.25)


def test_sampled_actions_differ_from_the_mean_and_repeat_with_the_seed(run):
    with Rollouts(run("mean")) as mean, Rollouts(run("sampled", deterministic=False)) as sampled:
        assert np.abs(mean[0].control("action")[0] - sampled[0].control("action")[0]).max() > 0.05
    assert sha256(run("again", deterministic=False)) == sha256(run("sampled", deterministic=False))


def test_finer_states_on_request_but_never_finer_than_the_physics(run):
    with Rollouts(run(state_rate_hz=300)) as stored:
        assert stored.header.model.state_rate_hz == 500
    with pytest.raises(InputError, match="state_rate_hz"):
        run("finer", state_rate_hz=1000)


def test_a_policy_for_other_observations_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="other observations"):
        run("other", environment={"observation": {"groups": [{"name": "joint_positions"}]}})
    assert not (tmp_path / "other.h5").exists()


def test_damaged_checkpoint_is_named_and_nothing_written(run, checkpoint, tmp_path):
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(checkpoint.read_bytes()[:-500])
    with pytest.raises(InputError, match=r"damaged\.zip"):
        run("x", checkpoint=damaged)
    assert not (tmp_path / "x.h5").exists()
