"""One policy for both halves of the gait cycle: right and left change places, and the body agrees."""

import json

import numpy as np
import pytest

from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError
from myoassist.policies.mirror import Mirror, mirror_columns

LABELS = [
    "joint_positions/tilt",
    "joint_positions/hip_r",
    "joint_positions/hip_l",
    "phase/sin",
    "phase/cos",
    "a/Exo_L",
    "a/Exo_R",
]


def test_right_and_left_change_places_and_the_phase_moves_half_a_cycle():
    columns, signs = mirror_columns(LABELS)
    assert columns.tolist() == [0, 2, 1, 3, 4, 6, 5]
    assert signs.tolist() == [1, 1, 1, -1, -1, 1, 1]
    value = np.arange(7.0)
    image = value[columns] * signs
    np.testing.assert_array_equal(image[columns] * signs, value)
    with pytest.raises(InputError, match="'a/Exo_L' has no counterpart 'a/Exo_R'"):
        mirror_columns(LABELS[:-1])


def test_the_body_moves_in_the_mirror_as_the_mirror_image_does(assets, make_handler):
    """Two bodies, one the mirror image of the other, driven by mirrored actions, see mirrored observations."""
    batch = make_handler(assets).make_batch(2, threads=1, autoreset=False)
    batch.reset(seed=0, options={"phase": [0.1, 0.6]})
    names = [joint.name for joint in batch.manifest.independent_joints]
    swap, _ = mirror_columns(names)
    simulation = batch.simulation
    muscles, _ = mirror_columns(batch.manifest.muscle_names)
    for values, where in ((simulation.qpos, "qpos"), (simulation.qvel, "dof")):
        columns = np.array([getattr(joint, where) for joint in batch.manifest.independent_joints])
        values[1, columns] = values[0, columns[swap]]
    batch.couplings.apply(simulation.qpos, simulation.qvel)
    simulation.activation[1] = simulation.activation[0][muscles]
    observed, signs = mirror_columns(batch.observation_layout.labels)
    done, _ = mirror_columns(batch.action_layout.labels)
    stream = np.random.default_rng(3)
    for _ in range(5):
        action = stream.uniform(-0.5, 0.5, len(done))
        seen, *_ = batch.step(np.array([action, action[done]]))
        image = seen[0][observed] * signs
        np.testing.assert_allclose(seen[1][:10], image[:10], atol=5e-3)  # rad and m
        np.testing.assert_allclose(seen[1], image, atol=0.05)  # contact amplifies small differences
    batch.close()


def test_the_second_half_is_seen_and_acted_in_the_mirror():
    actions = ["muscles/a_r", "muscles/a_l"]
    mirror = Mirror(LABELS, actions)
    first, second = np.arange(7.0), np.arange(7.0)
    first[3], second[3] = 0.5, -0.5
    seen = np.stack([first, second])
    turned = mirror.in_second_half(seen)
    assert turned.tolist() == [False, True]
    np.testing.assert_array_equal(mirror.show(seen, turned), [[0, 1, 2, 0.5, 4, 5, 6], [0, 2, 1, 0.5, -4, 6, 5]])
    np.testing.assert_array_equal(mirror.turn(np.array([[1.0, 2.0], [1.0, 2.0]]), turned), [[1, 2], [2, 1]])
    with pytest.raises(InputError, match="needs the gait phase"):
        Mirror(LABELS[:3], actions)


def test_mirroring_is_part_of_what_a_segment_depends_on():
    from myoassist.config.environment import EnvironmentSettings

    texts = [
        json.loads(TrainingSettings.parse({"mirror": value}).segments(EnvironmentSettings(), 1)[0].canonical())
        for value in (False, True)
    ]
    assert [text["learner"]["mirror"] for text in texts] == [False, True]
