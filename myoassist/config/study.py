"""What is compared across the runs of a matrix, and the files that the study's tables are made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from myoassist.config.base import Settings

STUDY_TABLES = ("evaluations", "conditions", "comparisons", "curves", "training")
"""Tables across runs; each is a Parquet file and a CSV file of this name."""

SELECTOR_FIELDS = ("experiment", "scenario")
"""What a selection has to name; axes of the matrix may come besides."""
LABEL = "label"
"""What a selection may be called in tables and figures, beside what it selects."""


def _selection(value: dict[str, str]) -> dict[str, str]:
    for name in SELECTOR_FIELDS:
        if name not in value:
            raise ValueError(f"'{name}' is missing (expected experiment, scenario and, if wanted, axes and label)")
    if not 1 <= len(value.get(LABEL, "-")) <= 40:
        raise ValueError("label: expected 1 to 40 characters")
    return value


Selection = Annotated[dict[str, str], AfterValidator(_selection)]
"""Which evaluations: experiment, scenario, and values of axes (one that is left out is averaged over); and a label."""


class ComparisonSettings(Settings):
    """One baseline and what is compared with it."""

    baseline: Selection = Field(description="such as {experiment: walk22_exo, scenario: off, label: switched off}")
    conditions: tuple[Selection, ...] = Field(min_length=1, description="each is compared with the baseline")


def selects(selection: Mapping[str, str], *, experiment: str, scenario: str, values: Mapping[str, str]) -> bool:
    """Tell whether a selection means an evaluation."""
    here = {**values, "experiment": experiment, "scenario": scenario}
    return all(here.get(name) == value for name, value in selection.items() if name != LABEL)


class StudyRun(Settings):
    """The training of one run.

    Attributes:
        run: its name.
        condition: its name without the seed.
        seed: of its training.
        train_logs: logs of all segments.
    """

    run: str
    condition: str
    seed: int
    train_logs: tuple[Path, ...] = ()


class StudyEvaluation(Settings):
    """One run in one scenario.

    Attributes:
        run: its name.
        experiment: its experiment.
        condition: name of the run without the seed.
        seed: of training and evaluation.
        values: axis -> name of the value.
        scenario: name of the scenario.
        steps: steps of the checkpoint.
        starts: what the starts of episodes depend on; where it is equal, so are the starts for the same seed.
        metrics: its metrics.
        cycles: its gait cycles.
    """

    run: str
    experiment: str
    condition: str
    seed: int
    values: dict[str, str] = {}
    scenario: str
    steps: int | Literal["best"]
    starts: str = ""
    metrics: Path
    cycles: Path


class StudySettings(Settings):
    """Everything that the tables across runs depend on, besides their input files."""

    runs: tuple[StudyRun, ...] = ()
    evaluations: tuple[StudyEvaluation, ...] = ()
    comparisons: dict[str, ComparisonSettings] = {}
    confidence: float = Field(0.95, gt=0, lt=1, description="of the intervals")
    resamples: int = Field(2000, ge=100, le=100_000, description="of the bootstrap")


def study_file_names() -> tuple[str, ...]:
    """File names that the tables across runs have in their folder."""
    return tuple(f"{name}.{suffix}" for name in STUDY_TABLES for suffix in ("parquet", "csv"))
