"""Walking like the reference with an assistive device on the legs."""

from __future__ import annotations

from typing import Any

from myoassist.envs.myoassist_leg_imitation import MyoAssistLegImitationEnv
from myoassist.errors import InputError


class MyoAssistLegImitationExoEnv(MyoAssistLegImitationEnv):
    """The imitation environment for a body that wears a motorised device."""

    def __init__(self, *args: Any, **kwargs: Any):
        """Build N environments; arguments as in `MyoAssistLegBase`.

        Raises:
            InputError: if the model carries no device with motors.
        """
        super().__init__(*args, **kwargs)
        if not self.manifest.devices:
            raise InputError(
                f"environment {self.settings.id}: the model has no device with motors "
                "(set model.device, e.g. 'DephyExoBoot_L1')"
            )
