"""The command that hands stored episodes to other programs."""

from __future__ import annotations

from typing import Annotated, Literal

from tyro.conf import Positional, arg

from myoassist.cli.options import File, Folder, require

Numbers = Annotated[tuple[int, ...], arg(metavar="INT ...", help_behavior_hint="")]


def export(
    rollouts: Positional[File],
    *,
    output: Folder,
    episodes: Numbers = (),
    knee_flexion: Literal["negative", "positive"] = "negative",
) -> None:
    """Write stored episodes as OpenSim files (.mot, .sto) and as CSV.

    Args:
        rollouts: input: rollouts from `evaluate` (.h5).
        output: output: a new or empty folder; each episode gets a folder in it.
        episodes: numbers of the episodes (default: all).
        knee_flexion: sign of knee flexion in the OpenSim model: negative in gait2392, positive in Rajagopal2015.
    """
    require(rollouts=rollouts)
    from myoassist.export.export import export as stage

    stage(rollouts, output, episodes=episodes, knee_flexion_positive=knee_flexion == "positive")
