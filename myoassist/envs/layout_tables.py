"""Tables of an environment's actions and observations, as the class docstrings show them for the default body."""

from __future__ import annotations

import mujoco
import numpy as np

from myoassist.envs.layouts import Block
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase

_SIDES = {"_r": "right ", "_l": "left "}
_JOINTS = {
    "pelvis_tx": "pelvis, forward +",
    "pelvis_ty": "pelvis, height over the ground",
    "pelvis_tilt": "pelvis tilt, backward lean +",
    "hip_flexion": "hip, flexion +",
    "knee_angle": "knee, flexion -",
    "ankle_angle": "ankle, dorsiflexion +",
    "mtp_angle": "toes, extension +",
}
_POSTURES, _SMALL_RAD, _SPANS_M = 20, 1e-4, 5e-4


def action_table(env: MyoAssistLegBase) -> str:
    """Return a table with index, meaning, range in the action's unit and joint of every number of an action."""
    spans = _spanned_joints(env)
    rows = []
    for block in env.action_layout:
        for number, label in enumerate(block.labels):
            if block.name == "muscles":
                meaning, unit = f"excitation of {label}", "1"
                low, high, joints = 0.0, 1.0, spans[label]
            else:
                device = env.manifest.devices[number]
                limit = env.settings.action.device.torque_limit_n_m
                bounds = sorted(bound * device.gain for bound in device.control_range)
                meaning, unit, joints = f"torque of {label}", "N m", device.joint
                low, high = max(bounds[0], -limit), min(bounds[1], limit)
            rows.append([str(block.start + number), meaning, _number(low), _number(high), unit, joints])
    return _table(["Num", "Action", "Min", "Max", "Unit", "Joints"], rows)


def observation_table(env: MyoAssistLegBase) -> str:
    """Return a table with index, meaning, scale, range (before scaling), unit and joint of an observation's numbers."""
    bound = env.settings.observation.clip
    rows = []
    for block in env.observation_layout:
        for number, label in enumerate(block.labels):
            meaning, unit, joint, (low, high) = _describe(env, block, label)
            low, high = max(low, -bound / block.scale), min(high, bound / block.scale)
            row = [str(block.start + number), meaning, _number(block.scale), _number(low), _number(high), unit, joint]
            rows.append(row)
    return _table(["Num", "Observation", "Scale", "Min", "Max", "Unit", "Joint"], rows)


def _describe(env: MyoAssistLegBase, block: Block, label: str) -> tuple[str, str, str, tuple[float, float]]:
    """Meaning, unit, joint and range of one number of an observation."""
    anything = (-np.inf, np.inf)
    unit = block.unit.split(";")[0]
    match block.name:
        case "joint_positions" | "joint_velocities":
            joint = env.manifest.joint(label)
            slide, moves = joint.kind == "slide", block.name == "joint_velocities"
            unit = ("m/s" if slide else "rad/s") if moves else ("m" if slide else "rad")
            meaning = _meaning(label) if not moves else f"velocity of {_meaning(label)}"
            bounds = joint.range if joint.range is not None and not moves else anything
            return meaning, unit, label, bounds
        case "muscle_activations":
            return f"activation of {label}", "1", "", (0.0, 1.0)
        case "foot_forces":
            part, side = label.rsplit("_", 1)
            return f"vertical load of {_SIDES['_' + side]}{part}", "body weights", "", anything
        case "target_velocity":
            return "target velocity, forward", "m/s", "", anything
        case "phase":
            return f"{'sine' if label == 'sin' else 'cosine'} of the phase of the gait cycle", "1", "", (-1.0, 1.0)
        case _:
            return f"{block.name.replace('_', ' ')} {label}", unit, "", anything


def _meaning(joint: str) -> str:
    side = _SIDES.get(joint[-2:], "")
    name = joint[:-2] if side else joint
    return side + _JOINTS.get(name, name)


def _spanned_joints(env: MyoAssistLegBase) -> dict[str, str]:
    """Muscle -> the independent hinges that it has a moment arm on, found by finite differences of its length."""
    model, manifest = env.simulation.model, env.manifest
    hinges = [joint for joint in manifest.independent_joints if joint.kind == "hinge" and joint.range is not None]
    data, rng = mujoco.MjData(model), np.random.default_rng(0)

    def lengths(qpos: np.ndarray) -> np.ndarray:
        env.couplings.apply(qpos[None])
        data.qpos[:] = qpos
        mujoco.mj_fwdPosition(model, data)
        return data.actuator_length.copy()

    arms = np.zeros((len(hinges), model.nu))
    for _ in range(_POSTURES):
        posture = model.qpos0.copy()
        for joint in hinges:
            posture[joint.qpos] = rng.uniform(*joint.range)
        for row, joint in enumerate(hinges):
            bent = posture.copy()
            bent[joint.qpos] += _SMALL_RAD
            arms[row] = np.maximum(arms[row], np.abs(lengths(bent) - lengths(posture.copy())) / _SMALL_RAD)
    return {
        muscle.name: ", ".join(joint.name for row, joint in enumerate(hinges) if arms[row, muscle.actuator] > _SPANS_M)
        for muscle in manifest.muscles
    }


def _number(value: float) -> str:
    return f"{value:.4g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in lines
    )
