"""The compiled model and its manifest: `model.mjb` for MuJoCo, `manifest.json` for everybody else."""

from __future__ import annotations

import base64
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoassist.errors import InputError
from myoassist.formats.documents import MANIFEST_FORMAT, MANIFEST_VERSION, read_document, write_document
from myoassist.formats.files import sha256

if TYPE_CHECKING:
    import mujoco

SIDES = ("r", "l")
PHYSICS_ONLY = "physics_only"
"""Name of the custom text of `model.mjb` that holds the same model without what is only looked at."""


@dataclass(frozen=True)
class Joint:
    """One joint with one degree of freedom; angles in rad, slides in m."""

    name: str
    kind: str
    """'hinge' or 'slide'."""
    qpos: int
    dof: int
    body: str
    range: tuple[float, float] | None


@dataclass(frozen=True)
class Coupling:
    """A dependent joint held by an equality: q_dep - q0_dep = sum_i c_i (q_ind - q0_ind)^i."""

    dependent: str
    independent: str
    polynomial: tuple[float, ...]


@dataclass(frozen=True)
class Muscle:
    """A muscle-tendon actuator. Tendons are rigid: the fibre takes all length change."""

    name: str
    actuator: int
    activation: int
    """Index in the activation state."""
    max_isometric_force_n: float
    optimal_fiber_length_m: float
    tendon_slack_length_m: float
    max_shortening_velocity: float
    """In optimal fibre lengths per second."""
    gain_parameters: tuple[float, ...]
    """MuJoCo's: range lo, hi (optimal lengths), force, scale, lmin, lmax, vmax, fpmax, fvmax."""
    length_range_m: tuple[float, float]
    """Of the whole muscle-tendon unit."""
    time_constants_s: tuple[float, float]
    """Activation, deactivation."""


@dataclass(frozen=True)
class DeviceActuator:
    """A device's motor: torque on `joint` is gear x gain x control."""

    name: str
    actuator: int
    joint: str
    gain: float
    """N·m on the joint per unit of control (gear included)."""
    control_range: tuple[float, float]


@dataclass(frozen=True)
class Foot:
    """One foot: its bodies, contact sensors and reference bodies for heel and toes.

    `sensor_foot` and `sensor_toes` are addresses in `sensordata`; each sensor holds 7 numbers:
    count of contacts, net force **of the foot on the ground** in world axes (N), its point (m). The foot's
    sensor covers toes and soles too; heel = foot - toes.
    """

    calcaneus: str
    toes: str
    bodies: tuple[str, ...]
    sensor_foot: int
    sensor_toes: int


@dataclass(frozen=True)
class Manifest:
    """What a reader needs to know of a compiled model without MuJoCo."""

    body: str
    device: str | None
    settings: dict[str, Any]
    versions: dict[str, str]
    model_sha256: str
    timestep_s: float
    gravity_m_s2: float
    total_mass_kg: float
    """Of body and device."""
    device_mass_kg: float
    """0 without a device."""
    leg_length_m: float
    standing_pelvis_height_m: float
    joints: tuple[Joint, ...]
    couplings: tuple[Coupling, ...]
    muscles: tuple[Muscle, ...]
    devices: tuple[DeviceActuator, ...]
    feet: dict[str, Foot]
    limit_sensors: dict[str, int]
    """Joint -> address in `sensordata` of its limit torque (N·m)."""
    ground_geoms: tuple[str, ...]
    root: dict[str, str] = field(default_factory=dict)
    """Names of the joints that carry the pelvis: forward, height, tilt."""

    @property
    def body_mass_kg(self) -> float:
        """Mass of the body alone, without the device."""
        return self.total_mass_kg - self.device_mass_kg

    @property
    def joint_names(self) -> list[str]:
        """Names of all joints in the order of qpos."""
        return [joint.name for joint in self.joints]

    @property
    def muscle_names(self) -> list[str]:
        """Names of all muscles in the order of their activations."""
        return [muscle.name for muscle in self.muscles]

    @property
    def independent_joints(self) -> list[Joint]:
        """The joints that no coupling determines, in the order of qpos."""
        dependent = {coupling.dependent for coupling in self.couplings}
        return [joint for joint in self.joints if joint.name not in dependent]

    def joint(self, name: str) -> Joint:
        """Return the joint with that name.

        Raises:
            InputError: if there is none; the message lists the independent joints.
        """
        for joint in self.joints:
            if joint.name == name:
                return joint
        known = ", ".join(joint.name for joint in self.independent_joints)
        raise InputError(f"model {self.body}: unknown joint '{name}' (known: {known})")

    def muscle(self, name: str) -> Muscle:
        """Return the muscle with that name.

        Raises:
            InputError: if there is none; the message lists the muscles.
        """
        for muscle in self.muscles:
            if muscle.name == name:
                return muscle
        raise InputError(f"model {self.body}: unknown muscle '{name}' (known: {', '.join(self.muscle_names)})")


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest as JSON, atomically."""
    write_document(path, MANIFEST_FORMAT, MANIFEST_VERSION, asdict(manifest))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        InputError: if the file is missing, damaged, of another format or of an unknown version.
    """
    raw = read_document(path, MANIFEST_FORMAT, MANIFEST_VERSION)
    try:
        raw["joints"] = tuple(
            Joint(**{**joint, "range": None if joint["range"] is None else tuple(joint["range"])})
            for joint in raw["joints"]
        )
        raw["couplings"] = tuple(
            Coupling(**{**item, "polynomial": tuple(item["polynomial"])}) for item in raw["couplings"]
        )
        raw["muscles"] = tuple(Muscle(**_tuples(item)) for item in raw["muscles"])
        raw["devices"] = tuple(DeviceActuator(**_tuples(item)) for item in raw["devices"])
        raw["feet"] = {side: Foot(**_tuples(item)) for side, item in raw["feet"].items()}
        raw["ground_geoms"] = tuple(raw["ground_geoms"])
        return Manifest(**raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a complete manifest ({error})") from None


def _tuples(item: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}


def load_model(model: Path, manifest: Path) -> tuple[mujoco.MjModel, Manifest]:
    """Load a compiled model together with its manifest and check that they belong together.

    Raises:
        InputError: if a file is missing or damaged, or the model is not the one the manifest describes.
    """
    import mujoco

    described = read_manifest(manifest)
    if sha256(model) != described.model_sha256:
        raise InputError(f"{model}: damaged, or not the model that {manifest} describes (SHA-256 differs)")
    try:
        return mujoco.MjModel.from_binary_path(str(model)), described
    except (ValueError, mujoco.FatalError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{model}: MuJoCo {mujoco.__version__} cannot read it ({line})") from None


def encode_physics_only(model: mujoco.MjModel) -> str:
    """Return a model as text for the custom text `PHYSICS_ONLY` of its full twin."""
    return base64.b64encode(zlib.compress(serialized(model), 9)).decode()


def serialized(model: mujoco.MjModel) -> bytes:
    """Return a compiled model as an ``mjb`` file's bytes. Writing one itself, MuJoCo does not notice a full disk."""
    import mujoco
    import numpy as np

    content = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, content)
    return content.tobytes()


def physics_only(model: mujoco.MjModel) -> mujoco.MjModel:
    """Return the same model without textures and meshes that are only looked at: smaller, faster, equal motion.

    Args:
        model: as `load_model` returns it.

    Returns:
        The twin that `model.mjb` carries within it; the model itself if it carries none.
    """
    import mujoco

    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_TEXT, PHYSICS_ONLY)
    if index < 0:
        return model
    start = model.text_adr[index]
    text = bytes(model.text_data[start : start + model.text_size[index] - 1])
    content = zlib.decompress(base64.b64decode(text))
    return mujoco.MjModel.from_binary_path(f"{PHYSICS_ONLY}.mjb", {f"{PHYSICS_ONLY}.mjb": content})
