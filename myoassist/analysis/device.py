"""What an assistive device does over the gait cycle: torque, work, and its share of the joint's moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from myoassist.analysis.conventions import SIDES, base_of, side_of, signed_angles
from myoassist.formats.rollouts import RolloutModel

if TYPE_CHECKING:
    from myoassist.analysis.cycles import Cycle
    from myoassist.analysis.trial import Trial

NAN = float("nan")

STRIDE_NUMBERS = (
    "peak_torque_nm_kg",
    "peak_torque_percent",
    "positive_work_j_kg",
    "negative_work_j_kg",
    "net_work_j_kg",
    "mean_power_w_kg",
    "peak_power_w_kg",
    "moment_share",
    "moment_share_at_peak",
)
"""Numbers of one stride, as `stride_numbers` gives them."""


@dataclass(frozen=True)
class DrivenJoint:
    """A joint that devices drive, on one side or both.

    Attributes:
        name: name in tables: that of the angle in reports, or the joint's own without its side.
        sign: factor from the model's sign to that of the tables.
        joints: side -> name of the joint in the model, where a device drives it.
        reported: whether reports have the joint's angle.
    """

    name: str
    sign: int
    joints: Mapping[str, str]
    reported: bool


def driven_joints(model: RolloutModel) -> tuple[DrivenJoint, ...]:
    """Joints with a side that devices drive, in the order of the devices; none if there is no device."""
    angles = {base_of(angle.coordinate.format(side="r")): angle for angle in signed_angles(model.manifest)}
    sides: dict[str, dict[str, str]] = {}
    for joint in model.device_joints:
        side = side_of(joint)
        if side is not None:
            sides.setdefault(base_of(joint), {})[side] = joint
    found = []
    for base, joints in sides.items():
        angle = angles.get(base)
        found.append(DrivenJoint(angle.name if angle else base, angle.sign if angle else 1, joints, angle is not None))
    return tuple(found)


def device_curves(columns: Mapping[str, np.ndarray], model: RolloutModel, side: str) -> dict[str, np.ndarray]:
    """Torque and power of the devices of one side, per kg of the body; devices on one joint are summed.

    A side without a device has zeros where the other side has one. A joint that reports do not know brings its own
    angle and velocity, NaN on the side without it.

    Args:
        columns: state columns of an episode, SI units, signs of the model.
        model: names and mass.
        side: r or l.
    """
    curves: dict[str, np.ndarray] = {}
    rows = len(columns["time"])
    for driven in driven_joints(model):
        torque, power = np.zeros(rows), np.zeros(rows)
        for d, joint in enumerate(model.device_joints):
            if joint == driven.joints.get(side):
                torque = torque + driven.sign * columns["device_torque"][:, d] / model.body_mass_kg
                power = power + columns["device_power"][:, d] / model.body_mass_kg
        curves[f"device_{driven.name}_torque_nm_kg"] = torque
        curves[f"device_{driven.name}_power_w_kg"] = power
        if not driven.reported:
            for suffix, column, names in (("deg", "qpos", model.coordinates), ("velocity_deg_s", "qvel", model.dofs)):
                name = driven.joints.get(side)
                known = name in names
                values = np.degrees(columns[column][:, names.index(name)]) if known else np.full(rows, NAN)
                curves[f"device_{driven.name}_{suffix}"] = values
    return curves


@dataclass
class DeviceMeasures:
    """Numbers of the device over the strides of a file."""

    model: RolloutModel
    largest_nm_kg: float = 0.0
    strides: dict[tuple[str, str], list[dict[str, float]]] = field(default_factory=dict)

    def add(self, trial: Trial) -> None:
        """Take one episode in."""
        for driven in driven_joints(self.model):
            for side in driven.joints:
                curves = trial.curves[side]
                torque = curves[f"device_{driven.name}_torque_nm_kg"]
                power = curves[f"device_{driven.name}_power_w_kg"]
                muscle = curves.get(f"{driven.name}_muscle_moment_nm_kg")
                self.largest_nm_kg = max(self.largest_nm_kg, float(np.abs(torque).max(initial=0.0)))
                for cycle in trial.selection[side].used:
                    numbers = stride_numbers(trial.time, torque, power, muscle, cycle)
                    self.strides.setdefault((driven.name, side), []).append(numbers)

    def result(self) -> dict[str, Any] | None:
        """Return what metrics say of the device; None if the model has none.

        Returns:
            ``devices``: names; ``active``: whether any made torque in any episode; ``device_mass_kg``; ``joints``:
            joint -> side -> None without a stride, or ``strides`` and mean and SD (n - 1, null for one stride) of
            each of `STRIDE_NUMBERS`, work and torque also in J and N·m.
        """
        if not self.model.devices:
            return None
        return {
            "devices": list(self.model.devices),
            "active": self.largest_nm_kg > 0.0,
            "device_mass_kg": self.model.device_mass_kg,
            "joints": {
                driven.name: {
                    side: self._summary(self.strides.get((driven.name, side), [])) if side in driven.joints else None
                    for side in SIDES
                }
                for driven in driven_joints(self.model)
            },
        }

    def _summary(self, strides: list[dict[str, float]]) -> dict[str, Any] | None:
        if not strides:
            return None
        result: dict[str, Any] = {"strides": len(strides)}
        for name in STRIDE_NUMBERS:
            values = np.array([stride[name] for stride in strides])
            values = values[np.isfinite(values)]
            mean = float(values.mean()) if len(values) else NAN
            sd = float(values.std(ddof=1)) if len(values) > 1 else NAN
            result[name] = {"mean": mean, "sd": sd}
            if name.endswith(("_nm_kg", "_j_kg")):
                mass = self.model.body_mass_kg
                result[name.removesuffix("_kg")] = {"mean": mass * mean, "sd": mass * sd}
        return result


def stride_numbers(
    time: np.ndarray, torque: np.ndarray, power: np.ndarray, muscle: np.ndarray | None, cycle: Cycle
) -> dict[str, float]:
    """Measure the device over one stride.

    Work is the time integral of power, positive and negative parts apart. The share of the joint's moment is the
    instantaneous share, device / (muscle + device), averaged over the stride with the absolute total moment as
    weight: ∫ device · sign(total) dt / ∫ |total| dt. So it is the device's part of the total moment's impulse, it
    stays finite where the total crosses zero, and is negative where the device works against it. Joint limits are
    not in the total.

    Args:
        time: (n,) s, rising.
        torque: (n,) N·m/kg of the device.
        power: (n,) W/kg of the device; positive: it drives the joint.
        muscle: (n,) N·m/kg of the muscles, same sign as the torque; None if unknown.
        cycle: the stride, within ``time``.

    Returns:
        `STRIDE_NUMBERS`: torque of largest magnitude with its sign and when (% of the cycle; NaN without torque),
        work (J/kg), mean and largest power (W/kg), share of the moment over the stride and where the total moment
        is largest (NaN if the muscle moment is unknown, or without any moment).
    """
    inside = (time > cycle.start_s) & (time < cycle.end_s)
    at = np.concatenate([[cycle.start_s], time[inside], [cycle.end_s]])
    own, driving = np.interp(at, time, torque), np.interp(at, time, power)
    positive = float(np.trapezoid(np.maximum(driving, 0.0), at))
    negative = float(np.trapezoid(np.minimum(driving, 0.0), at))
    peak = int(np.abs(own).argmax())
    numbers = {
        "peak_torque_nm_kg": float(own[peak]),
        "peak_torque_percent": 100.0 * float(at[peak] - cycle.start_s) / cycle.duration_s if own[peak] else NAN,
        "positive_work_j_kg": positive,
        "negative_work_j_kg": negative,
        "net_work_j_kg": positive + negative,
        "mean_power_w_kg": (positive + negative) / cycle.duration_s,
        "peak_power_w_kg": float(driving.max()),
        "moment_share": NAN,
        "moment_share_at_peak": NAN,
    }
    if muscle is not None:
        total = own + np.interp(at, time, muscle)
        impulse = float(np.trapezoid(np.abs(total), at))
        largest = int(np.abs(total).argmax())
        if impulse > 0.0:
            numbers["moment_share"] = float(np.trapezoid(own * np.sign(total), at)) / impulse
            numbers["moment_share_at_peak"] = float(own[largest] / total[largest])
    return {name: value + 0.0 for name, value in numbers.items()}  # no negative zeros
