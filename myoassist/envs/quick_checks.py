"""The checks of an environment that take a second: what training runs before it starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoassist.envs.foot_slip import foot_slip
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.formats.compiled_model import SIDES

PHASES = 20


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: of the check.
        passed: whether training may rely on it.
        measured: what was found, in words with numbers and units.
        expected: what was expected.
    """

    name: str
    passed: bool
    measured: str
    expected: str


def quick_checks(
    env: MyoAssistLegBase, *, coupling_tolerance: float = 1e-6, penetration_max_m: float = 0.005
) -> list[Check]:
    """Check resets all over the gait cycle: couplings, limits, penetration, finite numbers.

    Args:
        env: any batch; its episodes are started anew (with seed 0).
        coupling_tolerance: largest distance of a dependent joint from its curve (rad or m).
        penetration_max_m: how deep a sole may be in the ground.

    Returns:
        One entry a check.
    """
    violation, outside, deepest, finite, load = 0.0, 0.0, 0.0, True, 0.0
    for start in range(0, PHASES, env.num_envs):
        phases = (np.arange(start, start + env.num_envs) % PHASES) / PHASES
        observations, _ = env.reset(seed=0, options={"phase": phases})
        qpos = env.simulation.qpos
        if len(env.manifest.couplings):
            violation = max(violation, float(env.couplings.violation(qpos).max()))
        for joint in env.manifest.independent_joints:
            if joint.range is not None:
                angle = qpos[:, joint.qpos]
                outside = max(outside, float((joint.range[0] - angle).max()), float((angle - joint.range[1]).max()))
        deepest = max(deepest, *(-env.simulation.sole_height(index) for index in range(env.num_envs)))
        finite &= bool(np.isfinite(observations).all() and np.isfinite(env.simulation.state).all())
        load = max(load, float(env.step_result.foot_force.reshape(-1, len(SIDES), 2).sum(axis=2).max()))
    return [
        *([_slip(env)] if env.needs_reference else []),
        Check(
            "couplings_at_reset",
            violation <= coupling_tolerance,
            f"largest violation {violation:.1e} rad or m",
            f"at most {coupling_tolerance:.0e}",
        ),
        Check(
            "reset_within_joint_limits",
            outside <= 1e-9,
            f"{max(outside, 0.0):.4f} rad beyond a limit" if outside > 1e-9 else "all joints inside their ranges",
            "no joint outside its range",
        ),
        Check(
            "penetration_at_reset",
            deepest <= penetration_max_m,
            f"deepest sole {1000 * deepest:.2f} mm in the ground",
            f"at most {1000 * penetration_max_m:.1f} mm",
        ),
        Check(
            "gentle_contact_at_reset",
            load <= 4.0,
            f"largest load of one foot {load:.2f} body weights",
            "at most 4 body weights",
        ),
        Check("finite_at_reset", finite, "finite" if finite else "NaN or infinity", "finite states and observations"),
    ]


def _slip(env: MyoAssistLegBase) -> Check:
    """How well the reference can be walked at the speeds that are asked for; told, not judged."""
    target = env.settings.target_velocity
    slips = [foot_slip(env, speed) for speed in sorted({target.minimum_m_s, target.maximum_m_s})]
    measured = "; ".join(
        f"at {slip.speed_m_s:g} m/s {1000 * slip.rms_m_s:.0f} mm/s rms, {1000 * slip.max_m_s:.0f} mm/s at most"
        for slip in slips
    )
    return Check("reference_foot_slip", True, measured, "for information")
