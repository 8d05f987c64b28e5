"""Walking like the reference: the base environment plus imitation of a measured stride."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from myoassist.envs import reward_terms
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.step import Step


class MyoAssistLegImitationEnv(MyoAssistLegBase):
    """Muscle-driven walking that imitates a reference fitted to the body."""

    needs_reference: ClassVar[bool] = True
    imitation_terms: ClassVar[tuple[str, ...]] = (
        "joint_position_imitation",
        "joint_velocity_imitation",
        "foot_position_imitation",
        "pelvis_height_imitation",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        """Build N environments; arguments as in `MyoAssistLegBase`."""
        super().__init__(*args, **kwargs)
        angles = [column for column, name in enumerate(self.joint_names) if name != self.manifest.root["height"]]
        self._angles = np.array(angles, dtype=np.intp)
        reward = self.settings.reward
        names = [self.joint_names[column] for column in angles]
        if reward.joint_position_imitation is not None:
            term = reward.joint_position_imitation
            self._position_scales = self._scales(names, term.scale_rad, term.scales_rad, "joint_position_imitation")
        if reward.joint_velocity_imitation is not None:
            term = reward.joint_velocity_imitation
            self._velocity_scales = self._scales(names, term.scale_rad_s, term.scales_rad_s, "joint_velocity_imitation")

    def _scales(self, names: list[str], default: float, own: dict[str, float], term: str) -> np.ndarray:
        scales = {name: default for name in names}
        for name, scale in own.items():
            for column in self._columns_of(name, f"reward.{term}"):
                scales[self.joint_names[column]] = scale
        return np.array([scales[name] for name in names])

    def _add_reference(self, step: Step, qpos: np.ndarray) -> None:
        positions, velocities, fluctuation, _ = self.clip.at(step.phase, step.target_velocity)
        step.reference_positions = positions
        step.reference_velocities = velocities
        step.reference_fluctuation = fluctuation
        if self.settings.reward.foot_position_imitation is None:
            return
        # body and reference side by side through one pass of the same kinematics
        count = len(qpos)
        both = np.concatenate([qpos, np.tile(self.simulation.model.qpos0, (count, 1))])
        both[count:, self._qpos_columns] = positions
        self.couplings.apply(both[count:])
        feet = self.legs.feet(both)
        step.foot_position, step.reference_foot_position = feet[:count], feet[count:]

    def _calculate_reward(self, step: Step) -> dict[str, np.ndarray]:
        """Compute the base's terms and the imitation terms; 1 is perfect imitation."""
        terms = super()._calculate_reward(step)
        reward = self.settings.reward
        if reward.joint_position_imitation is not None:
            error = np.take(step.positions - step.reference_positions, self._angles, axis=1)
            term = reward.joint_position_imitation
            terms["joint_position_imitation"] = reward_terms.imitation(error, self._position_scales, term)
        if reward.joint_velocity_imitation is not None:
            error = np.take(step.velocities - step.reference_velocities, self._angles, axis=1)
            term = reward.joint_velocity_imitation
            terms["joint_velocity_imitation"] = reward_terms.imitation(error, self._velocity_scales, term)
        if reward.foot_position_imitation is not None:
            error = step.foot_position - step.reference_foot_position
            scales = np.full(error.shape[1], reward.foot_position_imitation.scale_m)
            terms["foot_position_imitation"] = reward_terms.imitation(error, scales, reward.foot_position_imitation)
        if reward.pelvis_height_imitation is not None:
            column = [self._height_column]
            error = step.positions[:, column] - step.reference_positions[:, column]
            scales = np.array([reward.pelvis_height_imitation.scale_m])
            terms["pelvis_height_imitation"] = reward_terms.imitation(error, scales, reward.pelvis_height_imitation)
        return terms
