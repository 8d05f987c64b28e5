"""Walking like the reference: the base environment plus imitation of a measured stride."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np

from myoassist.envs import reward_terms
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.envs.step import Step
from myoassist.errors import InputError


class MyoAssistLegImitationEnv(MyoAssistLegBase):
    """Muscle-driven walking that imitates a reference fitted to the body.

    ## Actions

    Numbers in [-1, 1]. For the default body, with the range in the unit that they stand for (0 is neutral: excitation
    0.1; linear on either side):

    | Num | Action                     | Min | Max | Unit | Joints                      |
    | --- | -------------------------- | --- | --- | ---- | --------------------------- |
    | 0   | excitation of hamstrings_r | 0   | 1   | 1    | hip_flexion_r, knee_angle_r |
    | 1   | excitation of bifemsh_r    | 0   | 1   | 1    | knee_angle_r                |
    | 2   | excitation of edl_r        | 0   | 1   | 1    | ankle_angle_r, mtp_angle_r  |
    | 3   | excitation of fdl_r        | 0   | 1   | 1    | ankle_angle_r, mtp_angle_r  |
    | 4   | excitation of glutmax_r    | 0   | 1   | 1    | hip_flexion_r               |
    | 5   | excitation of iliopsoas_r  | 0   | 1   | 1    | hip_flexion_r               |
    | 6   | excitation of rectfem_r    | 0   | 1   | 1    | hip_flexion_r, knee_angle_r |
    | 7   | excitation of vasti_r      | 0   | 1   | 1    | knee_angle_r                |
    | 8   | excitation of gastroc_r    | 0   | 1   | 1    | knee_angle_r, ankle_angle_r |
    | 9   | excitation of soleus_r     | 0   | 1   | 1    | ankle_angle_r               |
    | 10  | excitation of tibant_r     | 0   | 1   | 1    | ankle_angle_r               |
    | 11  | excitation of hamstrings_l | 0   | 1   | 1    | hip_flexion_l, knee_angle_l |
    | 12  | excitation of bifemsh_l    | 0   | 1   | 1    | knee_angle_l                |
    | 13  | excitation of edl_l        | 0   | 1   | 1    | ankle_angle_l, mtp_angle_l  |
    | 14  | excitation of fdl_l        | 0   | 1   | 1    | ankle_angle_l, mtp_angle_l  |
    | 15  | excitation of glutmax_l    | 0   | 1   | 1    | hip_flexion_l               |
    | 16  | excitation of iliopsoas_l  | 0   | 1   | 1    | hip_flexion_l               |
    | 17  | excitation of rectfem_l    | 0   | 1   | 1    | hip_flexion_l, knee_angle_l |
    | 18  | excitation of vasti_l      | 0   | 1   | 1    | knee_angle_l                |
    | 19  | excitation of gastroc_l    | 0   | 1   | 1    | knee_angle_l, ankle_angle_l |
    | 20  | excitation of soleus_l     | 0   | 1   | 1    | ankle_angle_l               |
    | 21  | excitation of tibant_l     | 0   | 1   | 1    | ankle_angle_l               |

    ## Observations

    Numbers in [-10, 10]: value times scale, clipped. For the default body, ranges before scaling (of joints: their
    limits, which are soft):

    | Num | Observation                                | Scale | Min     | Max    | Unit         | Joint         |
    | --- | ------------------------------------------ | ----- | ------- | ------ | ------------ | ------------- |
    | 0   | pelvis, height over the ground             | 1     | -10     | 10     | m            | pelvis_ty     |
    | 1   | pelvis tilt, backward lean +               | 1     | -10     | 10     | rad          | pelvis_tilt   |
    | 2   | right hip, flexion +                       | 1     | -0.349  | 2.356  | rad          | hip_flexion_r |
    | 3   | right knee, flexion -                      | 1     | -2.531  | 0      | rad          | knee_angle_r  |
    | 4   | right ankle, dorsiflexion +                | 1     | -1.134  | 0.349  | rad          | ankle_angle_r |
    | 5   | right toes, extension +                    | 1     | -0.5236 | 0.5236 | rad          | mtp_angle_r   |
    | 6   | left hip, flexion +                        | 1     | -0.349  | 2.356  | rad          | hip_flexion_l |
    | 7   | left knee, flexion -                       | 1     | -2.531  | 0      | rad          | knee_angle_l  |
    | 8   | left ankle, dorsiflexion +                 | 1     | -1.134  | 0.349  | rad          | ankle_angle_l |
    | 9   | left toes, extension +                     | 1     | -0.5236 | 0.5236 | rad          | mtp_angle_l   |
    | 10  | velocity of pelvis, forward +              | 0.1   | -100    | 100    | m/s          | pelvis_tx     |
    | 11  | velocity of pelvis, height over the ground | 0.1   | -100    | 100    | m/s          | pelvis_ty     |
    | 12  | velocity of pelvis tilt, backward lean +   | 0.1   | -100    | 100    | rad/s        | pelvis_tilt   |
    | 13  | velocity of right hip, flexion +           | 0.1   | -100    | 100    | rad/s        | hip_flexion_r |
    | 14  | velocity of right knee, flexion -          | 0.1   | -100    | 100    | rad/s        | knee_angle_r  |
    | 15  | velocity of right ankle, dorsiflexion +    | 0.1   | -100    | 100    | rad/s        | ankle_angle_r |
    | 16  | velocity of right toes, extension +        | 0.1   | -100    | 100    | rad/s        | mtp_angle_r   |
    | 17  | velocity of left hip, flexion +            | 0.1   | -100    | 100    | rad/s        | hip_flexion_l |
    | 18  | velocity of left knee, flexion -           | 0.1   | -100    | 100    | rad/s        | knee_angle_l  |
    | 19  | velocity of left ankle, dorsiflexion +     | 0.1   | -100    | 100    | rad/s        | ankle_angle_l |
    | 20  | velocity of left toes, extension +         | 0.1   | -100    | 100    | rad/s        | mtp_angle_l   |
    | 21  | activation of hamstrings_r                 | 1     | 0       | 1      | 1            |               |
    | 22  | activation of bifemsh_r                    | 1     | 0       | 1      | 1            |               |
    | 23  | activation of edl_r                        | 1     | 0       | 1      | 1            |               |
    | 24  | activation of fdl_r                        | 1     | 0       | 1      | 1            |               |
    | 25  | activation of glutmax_r                    | 1     | 0       | 1      | 1            |               |
    | 26  | activation of iliopsoas_r                  | 1     | 0       | 1      | 1            |               |
    | 27  | activation of rectfem_r                    | 1     | 0       | 1      | 1            |               |
    | 28  | activation of vasti_r                      | 1     | 0       | 1      | 1            |               |
    | 29  | activation of gastroc_r                    | 1     | 0       | 1      | 1            |               |
    | 30  | activation of soleus_r                     | 1     | 0       | 1      | 1            |               |
    | 31  | activation of tibant_r                     | 1     | 0       | 1      | 1            |               |
    | 32  | activation of hamstrings_l                 | 1     | 0       | 1      | 1            |               |
    | 33  | activation of bifemsh_l                    | 1     | 0       | 1      | 1            |               |
    | 34  | activation of edl_l                        | 1     | 0       | 1      | 1            |               |
    | 35  | activation of fdl_l                        | 1     | 0       | 1      | 1            |               |
    | 36  | activation of glutmax_l                    | 1     | 0       | 1      | 1            |               |
    | 37  | activation of iliopsoas_l                  | 1     | 0       | 1      | 1            |               |
    | 38  | activation of rectfem_l                    | 1     | 0       | 1      | 1            |               |
    | 39  | activation of vasti_l                      | 1     | 0       | 1      | 1            |               |
    | 40  | activation of gastroc_l                    | 1     | 0       | 1      | 1            |               |
    | 41  | activation of soleus_l                     | 1     | 0       | 1      | 1            |               |
    | 42  | activation of tibant_l                     | 1     | 0       | 1      | 1            |               |
    | 43  | vertical load of right heel                | 1     | -10     | 10     | body weights |               |
    | 44  | vertical load of right toes                | 1     | -10     | 10     | body weights |               |
    | 45  | vertical load of left heel                 | 1     | -10     | 10     | body weights |               |
    | 46  | vertical load of left toes                 | 1     | -10     | 10     | body weights |               |
    | 47  | target velocity, forward                   | 1     | -10     | 10     | m/s          |               |
    | 48  | sine of the phase of the gait cycle        | 1     | -1      | 1      | 1            |               |
    | 49  | cosine of the phase of the gait cycle      | 1     | -1      | 1      | 1            |               |
    """

    needs_reference: ClassVar[bool] = True
    imitation_terms: ClassVar[tuple[str, ...]] = (
        "joint_position_imitation",
        "joint_velocity_imitation",
        "foot_position_imitation",
        "pelvis_height_imitation",
        "stance_timing",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        """Build N environments; arguments as in `MyoAssistLegBase`."""
        super().__init__(*args, **kwargs)
        height = self._height_column
        angles = np.array([column for column in range(len(self.joint_names)) if column != height], dtype=np.intp)
        names = [self.joint_names[column] for column in angles]
        self._leg_angles = np.array([self.joint_names.index(name) for name in self.legs.hinges], dtype=np.intp)
        reward, imitation = self.settings.reward, reward_terms.Imitation
        if (term := reward.joint_position_imitation) is not None:
            scales = self._scales(names, term.scale_rad, term.scales_rad, "joint_position_imitation")
            self._position_imitation = imitation(scales, term, angles)
        if (term := reward.joint_velocity_imitation) is not None:
            scales = self._scales(names, term.scale_rad_s, term.scales_rad_s, "joint_velocity_imitation")
            self._velocity_imitation = imitation(scales, term, angles)
        if (term := reward.foot_position_imitation) is not None:
            self._foot_imitation = imitation(np.full(4, term.scale_m), term)
        if (term := reward.pelvis_height_imitation) is not None:
            self._height_imitation = imitation(np.array([term.scale_m]), term, np.array([height], dtype=np.intp))

    def _scales(self, names: list[str], default: float, own: dict[str, float], term: str) -> np.ndarray:
        scales = {name: default for name in names}
        for name, scale in own.items():
            for column in self.columns_of(name, f"reward.{term}"):
                if self.joint_names[column] not in scales:
                    raise InputError(
                        f"environment: field 'reward.{term}': '{name}' is no angle "
                        "(the pelvis's height has a term of its own, pelvis_height_imitation)"
                    )
                scales[self.joint_names[column]] = scale
        return np.array([scales[name] for name in names])

    def _add_reference(self, step: Step, qpos: np.ndarray) -> None:
        positions, velocities, fluctuation = self.clip.at(step.phase, step.target_velocity)
        step.reference_positions = positions
        step.reference_velocities = velocities
        step.reference_fluctuation = fluctuation
        step.feet = partial(self.legs.feet_and_reference, qpos, positions, self._leg_angles)
        step.contact = partial(self.clip.contact_at, step.phase)

    def _calculate_reward(self, step: Step) -> dict[str, np.ndarray]:
        """Compute the base's terms and the imitation terms; 1 is perfect imitation."""
        terms = super()._calculate_reward(step)
        reward = self.settings.reward
        if reward.joint_position_imitation is not None:
            likeness = self._position_imitation(step.positions, step.reference_positions)
            terms["joint_position_imitation"] = likeness
        if reward.joint_velocity_imitation is not None:
            likeness = self._velocity_imitation(step.velocities, step.reference_velocities)
            terms["joint_velocity_imitation"] = likeness
        if reward.foot_position_imitation is not None:
            likeness = self._foot_imitation(step.foot_position, step.reference_foot_position)
            terms["foot_position_imitation"] = likeness
        if reward.pelvis_height_imitation is not None:
            likeness = self._height_imitation(step.positions, step.reference_positions)
            terms["pelvis_height_imitation"] = likeness
        if reward.stance_timing is not None:
            terms["stance_timing"] = reward_terms.stance_timing(
                step.foot_force, step.reference_contact, reward.stance_timing
            )
        return terms
