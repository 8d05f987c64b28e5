"""Our sensors: all load between a foot (sole and device included) and the ground, and joint-limit torques."""

from __future__ import annotations

import mujoco

from myoassist.errors import InputError
from myoassist.formats.compiled_model import SIDES

# bits of what a contact sensor reports: found | force | position
_FOUND_FORCE_POSITION = (1 << 0) | (1 << 1) | (1 << 4)
_NET_FORCE = 3

CALCANEUS = {side: f"calcn_{side}" for side in SIDES}
TOES = {side: f"toes_{side}" for side in SIDES}


def replace_sensors(spec: mujoco.MjSpec, limited_joints: list[str]) -> None:
    """Drop the body package's sensors; add two contact sensors a foot and one sensor a joint limit.

    The packaged touch boxes miss load (685 of 748 N when standing) and joint sensors cost time that
    nothing here needs. The reference is the world body: all its geoms are ground, however many.

    Args:
        spec: body with its ground attached; changed in place. The sensors are named `foot_r`, `toes_r`,
            `foot_l`, `toes_l`, each covering the subtree of its body, and `limit_<joint>`.
        limited_joints: joints whose limit torque (N·m, sign of the joint) is measured.

    Raises:
        InputError: if a foot is missing, as that which a prosthesis replaces.
    """
    bodies = {body.name for body in spec.bodies}
    for name in (*CALCANEUS.values(), *TOES.values()):
        if name not in bodies:
            raise InputError(
                f"settings: field 'device': replaces the foot of the body (there is no '{name}'); "
                "prostheses that do are not supported"
            )
    for sensor in list(spec.sensors):
        spec.delete(sensor)
    for side in SIDES:
        for name, body in (("foot", CALCANEUS[side]), ("toes", TOES[side])):
            spec.add_sensor(
                name=f"{name}_{side}",
                type=mujoco.mjtSensor.mjSENS_CONTACT,
                objtype=mujoco.mjtObj.mjOBJ_XBODY,
                objname=body,
                reftype=mujoco.mjtObj.mjOBJ_BODY,
                refname="world",
                intprm=[_FOUND_FORCE_POSITION, _NET_FORCE, 1],
            )
    for joint in limited_joints:
        spec.add_sensor(
            name=f"limit_{joint}",
            type=mujoco.mjtSensor.mjSENS_JOINTLIMITFRC,
            objtype=mujoco.mjtObj.mjOBJ_JOINT,
            objname=joint,
        )
