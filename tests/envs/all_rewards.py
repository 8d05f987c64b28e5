"""A reward with every term, for tests that want all of them computed."""

ALL_REWARDS = {
    "alive": {"weight": 0.1},
    "forward_velocity": {"weight": 0.2},
    "joint_position_imitation": {"weight": 0.5, "sharpness": [0.3, 1.0]},
    "joint_velocity_imitation": {"weight": 0.1, "form": "mean_exp"},
    "foot_position_imitation": {"weight": 0.1},
    "pelvis_height_imitation": {"weight": 0.1},
    "stance_timing": {"weight": 0.1},
    "muscle_effort": {"weight": -0.1},
    "activation_smoothness": {"weight": -0.1},
    "foot_force_excess": {"weight": -0.1},
    "joint_limit_torque": {"weight": -0.1},
    "footstep_effort": {"weight": -0.1},
    "footstep_velocity": {"weight": -0.1},
    "footstep_duration": {"weight": -0.1},
}
