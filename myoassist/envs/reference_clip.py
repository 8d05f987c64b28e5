"""The fitted reference as N environments read it: by phase, each at its own speed."""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import SpeedScalingSettings
from myoassist.errors import InputError
from myoassist.formats.compiled_model import Manifest
from myoassist.formats.reference_motion import FittedReference


class ReferenceClip:
    """Periodic look-up of the reference, linear between frames (exact at frames).

    At target speed v (the reference's own is v0) stride time is T0 (v/v0)^-c and excursions of joints about their
    means grow by (v/v0)^e, so velocities grow by (v/v0)^(e+c).

    Attributes:
        joints: names of the columns of `positions` and `velocities`: all independent joints but the forward one.
        speed_m_s: the reference's own mean speed v0.
        stride_time_s: its stride time T0.
        frames: number F of its frames, at phases i/F.
        contact: (F, 2) bool, right and left foot loaded.
    """

    def __init__(self, reference: FittedReference, manifest: Manifest, scaling: SpeedScalingSettings):
        """Tabulate the reference.

        Raises:
            InputError: if the reference was fitted to a body with other joints or muscles.
        """
        if list(reference.joint_names) != manifest.joint_names:
            raise InputError(
                f"reference: fitted to another body than {manifest.body} (its joints differ); "
                "run the retarget stage with this model"
            )
        if list(reference.muscle_names) != manifest.muscle_names:
            raise InputError(f"reference: fitted to another body than {manifest.body} (its muscles differ)")
        forward = manifest.root["forward"]
        self.joints = [joint.name for joint in manifest.independent_joints if joint.name != forward]
        columns = [reference.column(name) for name in self.joints]
        self.speed_m_s = reference.speed_m_s
        self.stride_time_s = reference.stride_time_s
        self.frames = reference.frames
        self.scaling = scaling
        count = len(columns)
        table = np.concatenate(
            [
                reference.qpos[:, columns],
                reference.qvel[:, columns],
                reference.qvel[:, [reference.column(forward)]],
            ],
            axis=1,
        )
        self._table = np.ascontiguousarray(np.vstack([table, table[:1]]))
        self._activation = np.ascontiguousarray(np.vstack([reference.activation, reference.activation[:1]]))
        self._position = slice(0, count)
        self._velocity = slice(count, 2 * count)
        self._forward = 2 * count
        self._excitation = _excitations(reference, manifest)
        self.contact = reference.contact
        self._lowest_sole = reference.sole_height.min(axis=1)
        self._mean = table[:, :count].mean(axis=0)

    def stride_time(self, speed: np.ndarray) -> np.ndarray:
        """Stride time (s) at target speeds (m/s), elementwise."""
        return self.stride_time_s * (speed / self.speed_m_s) ** -self.scaling.cadence_exponent

    def excitation(self, phase: np.ndarray) -> np.ndarray:
        """Excitations (N, M) that make the muscles follow the reference's activations, at phases (N,)."""
        return self._between(self._excitation, phase % 1.0)

    def activation(self, phase: np.ndarray) -> np.ndarray:
        """Activations (N, M) at phases (N,) in [0, 1); the same at every speed."""
        return self._between(self._activation, phase)

    def _between(self, table: np.ndarray, phase: np.ndarray) -> np.ndarray:
        place = phase * self.frames
        frame = np.minimum(place.astype(np.intp), self.frames - 1)
        row = table[frame]
        row += (place - frame)[:, None] * (table[frame + 1] - row)
        return row

    def sole_height(self, phase: np.ndarray) -> np.ndarray:
        """Height (N,) of the lower sole's lowest point over the ground at phases (N,) (m; negative = pressed in)."""
        return self._lowest_sole[(phase * self.frames).astype(np.intp) % self.frames]

    def contact_at(self, phase: np.ndarray) -> np.ndarray:
        """Whether the right and the left foot stand (N, 2) at phases (N,) in [0, 1)."""
        return self.contact[(phase * self.frames).astype(np.intp) % self.frames]

    def at(self, phase: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Look the reference's motion up.

        Args:
            phase: (N,) in [0, 1), 0 = right heel strike.
            speed: (N,) target speed, m/s.

        Returns:
            positions (N, J) rad or m; velocities (N, J); forward velocity minus its mean over the stride (N,) m/s.
        """
        row = self._between(self._table, phase)
        ratio = speed / self.speed_m_s
        excursion = (ratio**self.scaling.excursion_exponent)[:, None]
        cadence = (ratio**self.scaling.cadence_exponent)[:, None]
        positions = self._mean + excursion * (row[:, self._position] - self._mean)
        velocities = (excursion * cadence) * row[:, self._velocity]
        fluctuation = (row[:, self._forward] - self.speed_m_s) * (excursion * cadence)[:, 0]
        return positions, velocities, fluctuation


def _excitations(reference: FittedReference, manifest: Manifest) -> np.ndarray:
    """Invert MuJoCo's activation dynamics along the reference.

    With da/dt = (u - a) / tau, tau = tau_act (0.5 + 1.5 a) for u > a and tau_deact / (0.5 + 1.5 a) otherwise
    (Millard et al. 2013, eq. 1), u = a + tau da/dt, clipped to [0, 1].

    Returns:
        (F + 1, M), the first frame repeated at the end.
    """
    activation = reference.activation
    step = reference.stride_time_s / reference.frames
    rate = (np.roll(activation, -1, axis=0) - np.roll(activation, 1, axis=0)) / (2 * step)
    rise, fall = np.array([muscle.time_constants_s for muscle in manifest.muscles]).T
    factor = 0.5 + 1.5 * activation
    tau = np.where(rate > 0, rise * factor, fall / factor)
    excitation = np.clip(activation + tau * rate, 0.0, 1.0)
    return np.ascontiguousarray(np.vstack([excitation, excitation[:1]]))
