"""Which old checkpoints of a matrix may be deleted without making anything stale, and their deletion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from myoassist.config.base import shorten
from myoassist.config.matrix import BEST
from myoassist.config.plan import Plan
from myoassist.config.run import Run
from myoassist.errors import InputError
from myoassist.formats.documents import BEST_FORMAT, BEST_VERSION, read_document


@dataclass(frozen=True)
class Thinning:
    """What can go of one run.

    Attributes:
        run: its id.
        removable: checkpoints to delete, ascending in steps.
        bytes: their size together.
        incomplete: why nothing can go, where the run is not complete; else empty.
    """

    run: str
    removable: tuple[Path, ...] = ()
    bytes: int = 0
    incomplete: str = ""


def plan_thinning(plan: Plan, results: Path, keep: Sequence[str | int]) -> list[Thinning]:
    """List the checkpoints that can go.

    Always kept are the final checkpoint, from which more steps would go on, those that are evaluated, the source of
    the best one, and those that other runs start from. A run that lacks its final checkpoint, a train log or the
    choice of its best one keeps everything.

    Args:
        plan: the matrix.
        results: its results folder.
        keep: what to keep besides: `best`, `all`, `every N` or numbers of steps.

    Raises:
        InputError: if a number of steps is named at which no segment of a run ends, or a choice is damaged.
    """
    needed: dict[str, set[int]] = {run.id: set() for run in plan.runs.values()}
    for run in plan.runs.values():
        if source := plan.warm_start(run):
            needed[source[0].id].add(source[1])
    starts = (run.experiment.training.warm_start for run in plan.runs.values())
    named = {Path(start.file).resolve() for start in starts if start is not None and start.file is not None}
    return [_thin(run, results, keep, needed[run.id], named) for run in plan.runs.values()]


def _thin(
    run: Run, results: Path, keep: Sequence[str | int], needed: Iterable[int], named: Collection[Path]
) -> Thinning:
    folder = results / "runs" / run.id / "trained_models"
    stay = {run.final_steps, *needed, *(steps for steps in run.checkpoints if isinstance(steps, int))}
    stay.update(run.steps_of([entry for entry in keep if entry != BEST], field="retention"))
    absent = [path for steps in run.segments if not (path := folder / f"train_log_{steps}.json").is_file()]
    if not (last := folder / f"model_{run.final_steps}.zip").is_file():
        absent.insert(0, last)
    choice = folder / "best.json"
    if BEST in run.checkpoints and not choice.is_file():
        absent.append(choice)
    if absent:
        return Thinning(run.id, incomplete=f"{absent[0]} is missing")
    if choice.is_file():
        chosen = _chosen(choice)
        if chosen not in run.segments:
            why = f"{choice} names a checkpoint at {chosen} steps, where no segment ends; make it again or delete it"
            return Thinning(run.id, incomplete=why)
        stay.add(chosen)
    elif BEST in keep:
        return Thinning(run.id, incomplete=f"{choice} is missing; it comes with 'best' among the matrix's checkpoints")
    files = [folder / f"model_{steps}.zip" for steps in run.segments if steps not in stay]
    found = tuple(path for path in files if path.is_file() and path.resolve() not in named)
    return Thinning(run.id, found, sum(path.stat().st_size for path in found))


def _chosen(choice: Path) -> int:
    steps = read_document(choice, BEST_FORMAT, BEST_VERSION).get("steps")
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise InputError(f"{choice}: field 'steps': expected a number of steps (found {shorten(steps)})")
    return steps


def refuse_if_running(folder: Path) -> None:
    """Refuse to delete anything while a workflow runs in a folder, or one was killed there.

    Raises:
        InputError: if Snakemake's lock is there.
    """
    locks = folder / ".snakemake" / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        raise InputError(
            f"{locks}: a workflow is running here, or was killed; wait for it, or run snakemake --unlock if none is"
        )


def remove(thinnings: Iterable[Thinning]) -> None:
    """Delete the checkpoints.

    Raises:
        InputError: if one cannot be deleted.
    """
    for thinning in thinnings:
        for path in thinning.removable:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{path}: cannot be deleted ({error.strerror})") from None
