"""Muscle-driven walking, with and without assistive devices: train, evaluate, analyse.

Importing the package registers the environments with Gymnasium; neither torch nor MuJoCo is loaded for it. Used as a
library it logs nothing (`loguru.logger.enable("myoassist")` lets it); the command line does.
"""

from __future__ import annotations

from gymnasium.envs.registration import register, registry
from loguru import logger

logger.disable("myoassist")

ENVIRONMENT_IDS = ("myoAssistLeg-v0", "myoAssistLegImitation-v0", "myoAssistLegImitationExo-v0")

for _id in ENVIRONMENT_IDS:
    if _id not in registry:
        register(
            _id,
            entry_point="myoassist.registration:make_single",
            vector_entry_point="myoassist.registration:make_batch",
            kwargs={"environment_id": _id},
        )
