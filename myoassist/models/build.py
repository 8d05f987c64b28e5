"""Body + device + ground + sensors -> one compiled model and its manifest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import assist_sim
import mujoco
import numpy as np
from loguru import logger

from myoassist.config.model import ModelSettings, PhysicsSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import (
    PHYSICS_ONLY,
    SIDES,
    Coupling,
    DeviceActuator,
    Foot,
    Joint,
    Manifest,
    Muscle,
    encode_physics_only,
    serialized,
    write_manifest,
)
from myoassist.formats.files import atomic_output, sha256
from myoassist.models.ground import attach_ground
from myoassist.models.physics_only import without_visuals
from myoassist.models.sensors import CALCANEUS, TOES, replace_sensors

PACKAGES = ("mujoco", "myo-sim", "assist-sim", "myoassist-terrains")
_INTEGRATORS = {
    "Euler": mujoco.mjtIntegrator.mjINT_EULER,
    "implicitfast": mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
    "implicit": mujoco.mjtIntegrator.mjINT_IMPLICIT,
    "RK4": mujoco.mjtIntegrator.mjINT_RK4,
}
_JACOBIANS = {
    "auto": mujoco.mjtJacobian.mjJAC_AUTO,
    "dense": mujoco.mjtJacobian.mjJAC_DENSE,
    "sparse": mujoco.mjtJacobian.mjJAC_SPARSE,
}
_GROUND_BIT = 2


def build(settings: ModelSettings, *, model: Path, manifest: Path) -> Manifest:
    """Compile the model and write both files.

    Args:
        settings: body, device, ground and physics.
        model: where `model.mjb` goes.
        manifest: where `manifest.json` goes.

    Returns:
        The manifest as written.

    Raises:
        InputError: for an unknown body, device or muscle, a pair that does not fit, or a refused ground.
    """
    spec = load_body(settings.body, settings.device)
    ground_geoms = attach_ground(spec, settings.ground)
    replace_sensors(spec, _limited_joints(spec))
    _restrict_contacts(spec, ground_geoms, settings.physics)
    _apply_physics(spec, settings.physics)
    _drop_unused_textures(spec)
    slim = without_visuals(spec, _compile(spec, settings)).compile()
    spec.add_text(name=PHYSICS_ONLY, data=encode_physics_only(_weigh(slim, settings)))
    compiled = _weigh(_compile(spec, settings), settings)
    with atomic_output(model) as temporary:
        temporary.write_bytes(serialized(compiled))
        digest = sha256(temporary)
        described = describe(compiled, settings, digest, ground_geoms)
        write_manifest(manifest, described)
    logger.info(
        "built {} (device {}, ground {}): {} joints, {} muscles, {:.1f} kg, of which the device {:.1f} kg",
        settings.body,
        settings.device or "none",
        settings.ground.terrain,
        compiled.njnt,
        len(described.muscles),
        described.total_mass_kg,
        described.device_mass_kg,
    )
    return described


def load_body(body: str, device: str | None) -> mujoco.MjSpec:
    """Get body and device from `assist_sim` as an editable spec.

    Raises:
        InputError: naming the field, with the known names.
    """
    combinations = assist_sim.get_available_combinations()
    if body not in combinations:
        raise InputError(f"settings: field 'body': unknown body '{body}' (known: {', '.join(combinations)})")
    if device is not None and device not in combinations[body]:
        known = ", ".join(combinations[body])
        raise InputError(f"settings: field 'device': '{device}' does not fit {body} (known: {known})")
    with tempfile.TemporaryDirectory() as folder, _quiet_mujoco():
        xml = str(Path(folder) / "body.xml")
        if device is None:
            assist_sim.load_msk(body, export_xml=xml)
        else:
            assist_sim.load_combined(body, device, export_xml=xml)
        return mujoco.MjSpec.from_file(xml)


@contextmanager
def _quiet_mujoco() -> Iterator[None]:
    """Silence "Attaching a spec with an empty prefix", which the body packages print on file descriptor 2."""
    saved = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


def _limited_joints(spec: mujoco.MjSpec) -> list[str]:
    """Names of the anatomical hinges with a range: hips, knees, ankles, toes."""
    model = spec.compile()
    return [
        model.joint(index).name
        for index in range(model.njnt)
        if model.jnt_limited[index] and model.jnt_type[index] == mujoco.mjtJoint.mjJNT_HINGE
    ]


def _restrict_contacts(spec: mujoco.MjSpec, ground_geoms: list[str], physics: PhysicsSettings) -> None:
    """Without self-collision every colliding geom of the body meets the ground and nothing else."""
    if physics.self_collision:
        return
    for pair in list(spec.pairs):
        spec.delete(pair)
    ground = set(ground_geoms)
    for geom in spec.geoms:
        if geom.name in ground:
            geom.contype, geom.conaffinity = _GROUND_BIT, 0
        elif geom.contype or geom.conaffinity:
            geom.contype, geom.conaffinity = 0, _GROUND_BIT


def _apply_physics(spec: mujoco.MjSpec, physics: PhysicsSettings) -> None:
    spec.option.timestep = physics.timestep_s
    spec.option.integrator = _INTEGRATORS[physics.integrator]
    spec.option.iterations = physics.solver_iterations
    spec.option.jacobian = _JACOBIANS[physics.jacobian]
    if not physics.islands:
        spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ISLAND)


def _drop_unused_textures(spec: mujoco.MjSpec) -> None:
    """Keep only textures that a geom's material shows: the body packages bring megabytes of scenery."""
    shown = {geom.material for geom in spec.geoms} | {site.material for site in spec.sites}
    shown |= {tendon.material for tendon in spec.tendons}
    textures: set[str] = set()
    for material in list(spec.materials):
        if material.name in shown:
            textures |= {texture for texture in material.textures if texture}
        else:
            spec.delete(material)
    for texture in list(spec.textures):
        if texture.type == mujoco.mjtTexture.mjTEXTURE_SKYBOX:
            texture.width, texture.height = 64, 384
        elif texture.name not in textures:
            spec.delete(texture)


def _compile(spec: mujoco.MjSpec, settings: ModelSettings) -> mujoco.MjModel:
    try:
        return spec.compile()
    except ValueError as error:
        line = " ".join(str(error).split())
        raise InputError(
            f"settings: field 'device': {settings.body} with {settings.device} cannot be built ({line})"
        ) from None


def _weigh(model: mujoco.MjModel, settings: ModelSettings) -> mujoco.MjModel:
    """Apply the factors on mass and strength; the same on the full model and on its twin."""
    _apply_mass(model, settings.mass_factor)
    _apply_strength(model, settings.strength_factors)
    return model


def _apply_mass(model: mujoco.MjModel, factor: float) -> None:
    if factor != 1.0:
        model.body_mass[:] *= factor
        model.body_inertia[:] *= factor
        mujoco.mj_setConst(model, mujoco.MjData(model))


def _apply_strength(model: mujoco.MjModel, factors: dict[str, float]) -> None:
    names = [model.actuator(index).name for index in range(model.nu)]
    for name, factor in factors.items():
        matches = [
            index
            for index, muscle in enumerate(names)
            if muscle == name or muscle in {f"{name}_{side}" for side in SIDES}
        ]
        matches = [i for i in matches if model.actuator_dyntype[i] == mujoco.mjtDyn.mjDYN_MUSCLE]
        if not matches:
            raise InputError(
                f"settings: field 'strength_factors': unknown muscle or group '{name}' (known: {', '.join(names)})"
            )
        model.actuator_gainprm[matches, 2] *= factor
        model.actuator_biasprm[matches, 2] *= factor


def describe(model: mujoco.MjModel, settings: ModelSettings, digest: str, ground_geoms: list[str]) -> Manifest:
    """Collect a compiled model's names, indices and constants."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    height = _standing_pelvis_height(model, data)
    return Manifest(
        body=settings.body,
        device=settings.device,
        settings=settings.model_dump(mode="json"),
        versions={package: version(package) for package in PACKAGES},
        model_sha256=digest,
        timestep_s=float(model.opt.timestep),
        gravity_m_s2=float(-model.opt.gravity[2]),
        total_mass_kg=float(model.body_mass.sum()),
        device_mass_kg=_device_mass(model, settings),
        leg_length_m=float(_leg_length(model, data)),
        standing_pelvis_height_m=float(height),
        joints=_joints(model),
        couplings=_couplings(model),
        muscles=_muscles(model),
        devices=_devices(model),
        feet={side: _foot(model, side) for side in SIDES},
        limit_sensors={
            name.removeprefix("limit_"): int(model.sensor(name).adr[0])
            for name in (model.sensor(index).name for index in range(model.nsensor))
            if name.startswith("limit_")
        },
        ground_geoms=tuple(ground_geoms),
        root={"forward": "pelvis_tx", "height": "pelvis_ty", "tilt": "pelvis_tilt"},
    )


def _device_mass(model: mujoco.MjModel, settings: ModelSettings) -> float:
    """Mass of the parts that the body has only with its device (kg)."""
    if settings.device is None:
        return 0.0
    bare = load_body(settings.body, None)  # named, since its parts do not keep it alive
    own = {part.name for part in bare.bodies}
    return float(sum(model.body_mass[index] for index in range(model.nbody) if model.body(index).name not in own))


def _joints(model: mujoco.MjModel) -> tuple[Joint, ...]:
    kinds = {mujoco.mjtJoint.mjJNT_HINGE: "hinge", mujoco.mjtJoint.mjJNT_SLIDE: "slide"}
    joints = []
    for index in range(model.njnt):
        kind = kinds.get(model.jnt_type[index])
        if kind is None:
            raise InputError(
                f"settings: field 'body': joint '{model.joint(index).name}' has more than one degree of "
                "freedom; only planar bodies such as myolegs22 are supported"
            )
        limited = bool(model.jnt_limited[index])
        joints.append(
            Joint(
                name=model.joint(index).name,
                kind=kind,
                qpos=int(model.jnt_qposadr[index]),
                dof=int(model.jnt_dofadr[index]),
                body=model.body(model.jnt_bodyid[index]).name,
                range=tuple(model.jnt_range[index].tolist()) if limited else None,
            )
        )
    return tuple(joints)


def _couplings(model: mujoco.MjModel) -> tuple[Coupling, ...]:
    couplings = []
    for index in range(model.neq):
        if model.eq_type[index] != mujoco.mjtEq.mjEQ_JOINT or model.eq_obj2id[index] < 0:
            continue
        couplings.append(
            Coupling(
                dependent=model.joint(model.eq_obj1id[index]).name,
                independent=model.joint(model.eq_obj2id[index]).name,
                polynomial=tuple(model.eq_data[index][:5].tolist()),
            )
        )
    return tuple(couplings)


def _muscles(model: mujoco.MjModel) -> tuple[Muscle, ...]:
    muscles = []
    for index in range(model.nu):
        if model.actuator_dyntype[index] != mujoco.mjtDyn.mjDYN_MUSCLE:
            continue
        gain = model.actuator_gainprm[index]
        shortest, longest = model.actuator_lengthrange[index]
        # MuJoCo maps the operating range (in optimal lengths) on the length range of the whole unit.
        optimal = (longest - shortest) / (gain[1] - gain[0])
        muscles.append(
            Muscle(
                name=model.actuator(index).name,
                actuator=index,
                activation=int(model.actuator_actadr[index]),
                max_isometric_force_n=float(gain[2]),
                optimal_fiber_length_m=float(optimal),
                tendon_slack_length_m=float(shortest - gain[0] * optimal),
                max_shortening_velocity=float(gain[6]),
                gain_parameters=tuple(gain[:9].tolist()),
                length_range_m=(float(shortest), float(longest)),
                time_constants_s=tuple(model.actuator_dynprm[index][:2].tolist()),
            )
        )
    return tuple(muscles)


def _devices(model: mujoco.MjModel) -> tuple[DeviceActuator, ...]:
    devices = []
    for index in range(model.nu):
        if model.actuator_dyntype[index] == mujoco.mjtDyn.mjDYN_MUSCLE:
            continue
        if model.actuator_trntype[index] != mujoco.mjtTrn.mjTRN_JOINT:
            raise InputError(
                f"settings: field 'device': actuator '{model.actuator(index).name}' does not act on a joint"
            )
        devices.append(
            DeviceActuator(
                name=model.actuator(index).name,
                actuator=index,
                joint=model.joint(model.actuator_trnid[index, 0]).name,
                gain=float(model.actuator_gainprm[index, 0] * model.actuator_gear[index, 0]),
                control_range=tuple(model.actuator_ctrlrange[index].tolist()),
            )
        )
    return tuple(devices)


def _foot(model: mujoco.MjModel, side: str) -> Foot:
    root = model.body(CALCANEUS[side]).id
    subtree = [index for index in range(model.nbody) if index == root or root in _ancestors(model, index)]
    return Foot(
        calcaneus=CALCANEUS[side],
        toes=TOES[side],
        bodies=tuple(model.body(index).name for index in subtree),
        sensor_foot=int(model.sensor(f"foot_{side}").adr[0]),
        sensor_toes=int(model.sensor(f"toes_{side}").adr[0]),
    )


def _ancestors(model: mujoco.MjModel, body: int) -> list[int]:
    chain = []
    while body:
        body = int(model.body_parentid[body])
        chain.append(body)
    return chain


def _leg_length(model: mujoco.MjModel, data: mujoco.MjData) -> float:
    """Distance hip - knee - ankle - sole with straight legs (m)."""
    return float(data.body("femur_r").xpos[2] - lowest_point(model, data, _foot_geoms(model)))


def _standing_pelvis_height(model: mujoco.MjModel, data: mujoco.MjData) -> float:
    """Value of the height coordinate at which the straight-legged model's soles touch z = 0 (m)."""
    index = model.joint("pelvis_ty").qposadr[0]
    return float(data.qpos[index] - lowest_point(model, data, _foot_geoms(model)))


def _foot_geoms(model: mujoco.MjModel) -> list[int]:
    bodies = {name for side in SIDES for name in _foot(model, side).bodies}
    return [
        index
        for index in range(model.ngeom)
        if model.body(model.geom_bodyid[index]).name in bodies
        and (model.geom_contype[index] or model.geom_conaffinity[index])
    ]


def lowest_point(model: mujoco.MjModel, data: mujoco.MjData, geoms: list[int]) -> float:
    """Height of the lowest mesh vertex of the given geoms in world axes (m)."""
    heights = []
    for geom in geoms:
        mesh = model.geom_dataid[geom]
        if model.geom_type[geom] != mujoco.mjtGeom.mjGEOM_MESH or mesh < 0:
            continue
        start = model.mesh_vertadr[mesh]
        vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]]
        upward = data.geom_xmat[geom].reshape(3, 3)[2]
        heights.append((vertices * upward).sum(axis=1).min() + data.geom_xpos[geom][2])
    return float(np.min(heights))
