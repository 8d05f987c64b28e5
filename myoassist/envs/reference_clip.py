"""The fitted reference as N environments read it: by phase, each at its own speed."""

from __future__ import annotations

import numpy as np

from myoassist.config.environment import SpeedScalingSettings
from myoassist.envs.compiling import compiled
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
        self._excitation = _excitations(reference, manifest)
        self.contact = reference.contact
        self._lowest_sole = reference.sole_height.min(axis=1)
        self._mean = table[:, :count].mean(axis=0)

    def stride_time(self, speed: np.ndarray) -> np.ndarray:
        """Stride time (s) at target speeds (m/s), elementwise."""
        return self.stride_time_s * (speed / self.speed_m_s) ** -self.scaling.cadence_exponent

    def excitation(self, phase: np.ndarray) -> np.ndarray:
        """Excitations (N, M) that make the muscles follow the reference's activations, at any phases (N,) from 0 on."""
        return _between(self._excitation, phase)

    def excitation_ahead(self, phase: np.ndarray, stride_time: np.ndarray, ahead_s: float) -> np.ndarray:
        """Excitations (N, M) some time (s) after the phases (N,) of strides (N,) that last `stride_time` (s)."""
        return _between_ahead(self._excitation, phase, stride_time, ahead_s)

    def activation(self, phase: np.ndarray) -> np.ndarray:
        """Activations (N, M) at phases (N,) in [0, 1); the same at every speed."""
        return _between(self._activation, phase)

    def sole_height(self, phase: np.ndarray) -> np.ndarray:
        """Height (N,) of the lower sole's lowest point over the ground at phases (N,) (m; negative = pressed in)."""
        return self._lowest_sole[(phase * self.frames).astype(np.intp) % self.frames]

    def contact_at(self, phase: np.ndarray) -> np.ndarray:
        """Whether the right and the left foot stand (N, 2) at phases (N,) in [0, 1)."""
        return _frames_at(self.contact, phase)

    def at(self, phase: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Look the reference's motion up.

        Args:
            phase: (N,) in [0, 1), 0 = right heel strike.
            speed: (N,) target speed, m/s.

        Returns:
            positions (N, J) rad or m; velocities (N, J); forward velocity minus its mean over the stride (N,) m/s.
        """
        exponents = self.scaling.excursion_exponent, self.scaling.cadence_exponent
        return _motion(self._table, self._mean, phase, speed, self.speed_m_s, exponents)


@compiled
def _between(table: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Rows (N, K) of a table (F + 1, K) at phases (N,), linear between frames; whole cycles do not count."""
    frames, columns = len(table) - 1, table.shape[1]
    rows = np.empty((len(phase), columns))
    for body in range(len(phase)):
        place = (phase[body] - np.floor(phase[body])) * frames
        frame = min(int(place), frames - 1)
        share = place - frame
        for column in range(columns):
            before = table[frame, column]
            rows[body, column] = before + share * (table[frame + 1, column] - before)
    return rows


@compiled
def _between_ahead(table: np.ndarray, phase: np.ndarray, stride_time: np.ndarray, ahead_s: float) -> np.ndarray:
    later = np.empty(len(phase))
    for body in range(len(phase)):
        later[body] = phase[body] + ahead_s / stride_time[body]
    return _between(table, later)


@compiled
def _frames_at(table: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Rows (N, K) of a table (F, K) that the phases (N,) lie in, from the frame before on."""
    frames, columns = table.shape
    rows = np.empty((len(phase), columns), dtype=table.dtype)
    for body in range(len(phase)):
        frame = int(phase[body] * frames) % frames
        for column in range(columns):
            rows[body, column] = table[frame, column]
    return rows


@compiled
def _motion(
    table: np.ndarray,
    mean: np.ndarray,
    phase: np.ndarray,
    speed: np.ndarray,
    own_speed: float,
    exponents: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scaled motion from a table (F + 1, 2 J + 1) of positions, velocities and forward velocity."""
    rows, bodies, joints = _between(table, phase), len(phase), len(mean)
    positions, velocities = np.empty((bodies, joints)), np.empty((bodies, joints))
    fluctuation = np.empty(bodies)
    ratio = excursion = rate = 1.0
    for body in range(bodies):
        if speed[body] / own_speed != ratio:  # most often it is the one of the body before
            ratio = speed[body] / own_speed
            excursion = _power(ratio, exponents[0])
            rate = excursion * _power(ratio, exponents[1])
        for joint in range(joints):
            positions[body, joint] = mean[joint] + excursion * (rows[body, joint] - mean[joint])
            velocities[body, joint] = rate * rows[body, joints + joint]
        fluctuation[body] = (rows[body, 2 * joints] - own_speed) * rate
    return positions, velocities, fluctuation


@compiled
def _power(base: float, exponent: float) -> float:
    """What NumPy's power gives to the last bit: it takes the root, which is rounded correctly, where that is asked."""
    return np.sqrt(base) if exponent == 0.5 else base**exponent


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
