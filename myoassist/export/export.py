"""A rollouts file becomes a folder for other programs, with a folder in it for each episode."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from loguru import logger

from myoassist.errors import InputError, OutputError
from myoassist.export.opensim import write_activations, write_ground_forces, write_kinematics
from myoassist.export.tables import write_block, write_columns, write_episodes
from myoassist.formats.rollouts import Episode, Rollouts


def export(rollouts: Path, output: Path, *, episodes: Sequence[int] = (), knee_flexion_positive: bool = False) -> None:
    """Write kinematics, ground forces and activations for OpenSim, and everything as CSV.

    The folder appears whole or not at all. A few thousand rows are in memory at once, however long an episode is.

    Args:
        rollouts: the rollouts file.
        output: the folder; it must be new or empty.
        episodes: numbers of the episodes; all by default.
        knee_flexion_positive: sign of knee flexion in the motion file, as in the OpenSim model that shall read it.

    Raises:
        InputError: if the file is missing or damaged, has no such episode, or the folder is not empty.
        OutputError: if the folder cannot be written.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output}: expected a new or an empty folder")
    with Rollouts(rollouts) as stored:
        unknown = sorted(set(episodes) - {episode.info.index for episode in stored})
        if unknown:
            raise InputError(f"{rollouts}: holds episodes 0 to {len(stored) - 1}, not {unknown[0]}")
        chosen = [episode for episode in stored if not episodes or episode.info.index in episodes]
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as temporary:
                folder = Path(temporary) / "export"
                folder.mkdir()
                _write(stored, chosen, folder, knee_flexion_positive)
                os.replace(folder, output)
        except OSError as error:
            reason = error.strerror or " ".join(str(error).split())
            raise OutputError(f"{output}: cannot be written: {reason}") from error
    logger.info("{}: {} episodes", output, len(chosen))


def _write(stored: Rollouts, chosen: list[Episode], folder: Path, knee_flexion_positive: bool) -> None:
    model = stored.header.model
    write_episodes([episode.info for episode in chosen], folder / "episodes.csv")
    write_columns(model, folder / "columns.csv")
    for episode in chosen:
        own = folder / f"episode_{episode.info.index:04d}"
        own.mkdir()
        write_kinematics(episode, model, own / "kinematics.mot", knee_flexion_positive=knee_flexion_positive)
        write_ground_forces(episode, own / "ground_forces.mot")
        write_activations(episode, model, own / "activations.sto")
        for block in ("state", "control"):
            write_block(episode, model, block, own / f"{block}.csv")
