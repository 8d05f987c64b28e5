"""Why episodes end: each threshold at its own quantity, in its own unit, and named."""

import numpy as np
import pytest

OFF = {"pelvis_height_min_m": None, "trunk_lean_max_rad": None}


def reasons(batch, step) -> list[str]:
    found, terminated, truncated, ended = batch.termination.judge(step, np.zeros(batch.num_envs, dtype=np.int64), 10)
    assert np.array_equal(terminated, found != 0)
    assert not truncated.any()
    assert ended == terminated.any()
    return batch.termination.names[found].tolist()


@pytest.fixture
def started(assets, make_handler):
    """Return a function from thresholds to a started batch of three and its step, which may be changed."""

    def start(**termination):
        batch = make_handler(assets, termination={**OFF, **termination}).make_batch(3)
        batch.reset(seed=0)
        step = batch.step_result
        step.positions[:] = step.reference_positions
        return batch, step

    return start


def test_trunk_lean_ends_to_both_sides(started):
    batch, step = started(trunk_lean_max_rad=0.4)
    step.positions[:, batch.joint_names.index("pelvis_tilt")] = [0.41, -0.41, 0.39]
    assert reasons(batch, step) == ["trunk_lean", "trunk_lean", ""]


def test_low_pelvis_is_a_fall(started):
    batch, step = started(pelvis_height_min_m=0.7)
    step.pelvis_height[:] = [0.69, 0.71, 2.0]
    assert reasons(batch, step) == ["fall_height", "", ""]


def test_height_deviates_to_both_sides(started):
    batch, step = started(pelvis_height_deviation_m=0.05)
    step.positions[:, batch.joint_names.index("pelvis_ty")] += [0.051, -0.051, 0.049]
    assert reasons(batch, step) == ["deviation: pelvis_ty", "deviation: pelvis_ty", ""]


def test_speed_deviates_from_the_target_to_both_sides(started):
    batch, step = started(speed_deviation_m_s=0.5)
    step.forward_velocity[:] = step.target_velocity + np.array([0.51, -0.51, 0.49])
    assert reasons(batch, step) == ["speed_deviation", "speed_deviation", ""]
    # the fluctuation within the stride is no excuse
    step.forward_velocity[:] = step.target_velocity + 0.6
    step.reference_fluctuation[:] = 0.6
    assert reasons(batch, step) == ["speed_deviation"] * 3


def test_deviation_names_the_joint_that_is_farthest_off_for_its_threshold(started):
    batch, step = started(joint_deviation_rad={"hip_flexion": 0.2, "knee_angle_l": 1.0, "mtp_angle": 0.1})
    column = batch.joint_names.index
    step.positions[0, column("hip_flexion_r")] += 0.25
    step.positions[0, column("knee_angle_l")] -= 1.1
    step.positions[1, column("knee_angle_r")] += 3.0  # without threshold
    step.positions[2, column("hip_flexion_l")] += 0.21
    step.positions[2, column("mtp_angle_l")] -= 0.2
    expected = ["deviation: hip_flexion_r", "", "deviation: mtp_angle_l"]
    assert reasons(batch, step) == expected


def test_every_joint_can_be_named_in_full(started):
    batch, step = started(
        joint_deviation_rad=dict.fromkeys(["hip_flexion", "knee_angle", "ankle_angle", "mtp_angle"], 0.1)
    )
    for column, name in enumerate(batch.joint_names):
        step.positions[:] = step.reference_positions
        step.positions[:, column] += 0.2
        expected = "" if name.startswith("pelvis") else f"deviation: {name}"
        assert reasons(batch, step) == [expected] * 3


def test_a_fall_counts_for_more_than_what_led_to_it(started):
    batch, step = started(joint_deviation_rad={"knee_angle": 0.1}, trunk_lean_max_rad=0.4, pelvis_height_min_m=0.7)
    step.positions[:, batch.joint_names.index("knee_angle_r")] -= 1.0
    step.positions[1:, batch.joint_names.index("pelvis_tilt")] = 0.5
    step.pelvis_height[2] = 0.5
    assert reasons(batch, step) == ["deviation: knee_angle_r", "trunk_lean", "fall_height"]
    step.diverged[:] = True
    assert reasons(batch, step) == ["divergence"] * 3


def test_an_episode_ends_for_a_reason_or_at_its_limit_and_never_for_both(started):
    batch, step = started(pelvis_height_min_m=0.7)
    step.pelvis_height[:] = [0.69, 0.69, 2.0]
    found, terminated, truncated, ended = batch.termination.judge(step, np.array([9, 10, 10]), 10)
    assert batch.termination.names[found].tolist() == ["fall_height", "fall_height", "time_limit"]
    assert terminated.tolist() == [True, True, False]
    assert truncated.tolist() == [False, False, True]
    assert ended
    step.pelvis_height[:] = 2.0
    assert not batch.termination.judge(step, np.array([0, 9, 5]), 10)[3]
