"""Demands of physics on the fit: the ground only pushes, within the soles, and no harder than friction holds."""

from __future__ import annotations

import numpy as np

from myoassist.config.reference import ContactFitSettings
from myoassist.reference.body import FootMotion, PlanarBody
from myoassist.reference.dynamics import InverseDynamics

SUPPORT_HEIGHT_M = 0.006  # sole points up to this height belong to the support


class DynamicDemand:
    """One-sided residuals of the wrench that the ground has to give.

    With the generalised forces F_x, F_z, M of the pelvis's forward, height and tilt joints (tilt +
    backward, about −y) and the pelvis at height p_z, the centre of pressure lies (M − p_z F_x) / F_z ahead
    of the pelvis (Vukobratović and Borovac 2004, Int J Humanoid Robotics 1:157). It must lie within the
    soles that touch the ground, F_x within friction, and F_z within what walking shows.
    """

    def __init__(self, settings: ContactFitSettings, body: PlanarBody) -> None:
        self.settings = settings
        self.body = body
        self.dynamics = InverseDynamics(body)
        root = body.manifest.root
        self.rows = [body.index(root[key]) for key in ("forward", "height", "tilt")]
        self.far_toes = [
            np.concatenate(
                [
                    part.toes & (part.points[:, 0] > settings.toe_support_m)
                    for part in body.segments
                    if part.side == side
                ]
            )
            for side in range(2)
        ]
        self.heel_and_ball = []
        for side in range(2):
            parts = [part for part in body.segments if part.side == side]
            along = np.concatenate([np.where(part.toes, np.nan, part.points[:, 0]) for part in parts])
            self.heel_and_ball.append((int(np.nanargmin(along)), int(np.nanargmax(along))))
        self.weight_n = body.manifest.total_mass_kg * body.manifest.gravity_m_s2

    def residuals(
        self,
        state: tuple[np.ndarray, np.ndarray, np.ndarray],
        slopes: tuple[np.ndarray, np.ndarray, np.ndarray],
        feet: list[FootMotion],
        stance: np.ndarray,
        progress: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Residuals and their Jacobian in p parameters.

        Args:
            state: position, velocity, acceleration, each (K, n).
            slopes: their derivatives (K, n, p) in the parameters.
            feet: sole outlines at ``state``.
            stance: (K, 2) which foot may carry load.
            progress: (K, 2) how far its stance has got, 0 … 1.
        """
        force, *parts = self.dynamics.derivatives(*state, self.rows)
        slope = sum(np.einsum("krn,knp->krp", part, s) for part, s in zip(parts, slopes, strict=True))
        forward, upward, moment = force.T
        d_forward, d_upward, d_moment = slope.transpose(1, 0, 2)
        pelvis_x, pelvis_z = state[0][:, self.rows[0]], state[0][:, self.rows[1]]
        d_pelvis_x, d_pelvis_z = slopes[0][:, self.rows[0]], slopes[0][:, self.rows[1]]
        lever = moment - pelvis_z * forward
        d_lever = d_moment - pelvis_z[:, None] * d_forward - forward[:, None] * d_pelvis_z
        residuals, jacobians = [], []

        def demand(mask: np.ndarray, value: np.ndarray, gradient: np.ndarray, unit: float) -> None:
            residuals.append(value[mask] / unit)
            jacobians.append(gradient[mask] / unit)

        any_stance = stance.any(axis=1)
        for sign in (1, -1):  # front and rear edge of the support
            edge, d_edge = self._edge(feet, stance, slopes[0], sign)
            arm, d_arm = edge - pelvis_x, d_edge - d_pelvis_x
            excess = sign * (lever - arm * upward)
            d_excess = sign * (d_lever - arm[:, None] * d_upward - upward[:, None] * d_arm)
            demand(any_stance & (excess > 0), excess, d_excess, self.settings.moment_weight_n_m)
            shear = sign * forward - self.settings.fit_friction * upward
            d_shear = sign * d_forward - self.settings.fit_friction * d_upward
            demand(shear > 0, shear, d_shear, self.settings.force_weight_n)
        for side, foot in enumerate(feet):
            alone = stance[:, side] & ~stance[:, 1 - side]
            aim, d_aim = self._progression(foot, side, progress[:, side], slopes[0])
            arm, d_arm = aim - pelvis_x, d_aim - d_pelvis_x
            error = lever - arm * upward
            d_error = d_lever - arm[:, None] * d_upward - upward[:, None] * d_arm
            demand(alone, error, d_error, self.settings.progression_weight_n_m)
        low, high = (bound * self.weight_n for bound in self.settings.vertical_force_bw)
        demand(upward < low, upward - low, d_upward, self.settings.force_weight_n)
        demand(upward > high, upward - high, d_upward, self.settings.force_weight_n)
        return np.concatenate(residuals), np.concatenate(jacobians)

    def _progression(
        self, foot: FootMotion, side: int, progress: np.ndarray, slope: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where a single foot's centre of pressure should be (K,): from heel to toe joint as stance goes on."""
        heel, ball = self.heel_and_ball[side]
        weight = np.zeros(foot.position.shape[:2])
        weight[:, heel], weight[:, ball] = 1 - progress, progress
        place = (weight * foot.position[..., 0]).sum(axis=1)
        return place, np.einsum("kn,knp->kp", foot.weighted_jacobian(weight)[:, 0], slope)

    def _edge(
        self, feet: list[FootMotion], stance: np.ndarray, slope: np.ndarray, sign: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Foremost (+1) or hindmost (−1) touching sole point (K,) and its derivative (K, p)."""
        frames = len(stance)
        best = np.full(frames, -np.inf)
        derivative = np.zeros((frames, slope.shape[2]))
        for side, foot in enumerate(feet):
            height = foot.position[..., 1]
            touching = (height - height.min(axis=1, keepdims=True) < SUPPORT_HEIGHT_M) & stance[:, side, None]
            near = touching & ~self.far_toes[side]
            touching = np.where(near.any(axis=1, keepdims=True), near, touching)
            reach = np.where(touching, sign * foot.position[..., 0], -np.inf)
            chosen = reach.argmax(axis=1)
            weight = np.zeros(height.shape)
            weight[np.arange(frames), chosen] = 1
            own = np.einsum("kn,knp->kp", foot.weighted_jacobian(weight)[:, 0], slope)
            better = reach.max(axis=1) > best
            best = np.where(better, reach.max(axis=1), best)
            derivative[better] = own[better]
        return sign * best, derivative
