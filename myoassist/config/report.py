"""What a report covers: runs, the relative paths of their files, and comparisons across them.

All paths are relative to the results folder of the matrix. A file that does not exist makes no error: the
report lists it, with the last lines of the stage's log if there is one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from myoassist.config.base import Settings

LARGEST_PAGE_MB = 20.0


def _relative(path: str) -> str:
    # As text: the report of 500 runs has 36,000 of them.
    if not path.strip("./") or path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise ValueError("expected a path inside the results folder, such as runs/a/validation.json")
    return path


RelativePath = Annotated[str, AfterValidator(_relative)]


class ReportFigure(Settings):
    """A picture. Its caption is the file ``<name>.rst`` of the captions folder."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    path: RelativePath = Field(description="png or svg")


class ReportEvaluation(Settings):
    """The results of one checkpoint in one scenario."""

    steps: Annotated[int, Field(ge=0)] | Literal["best"]
    scenario: str
    choice: RelativePath | None = Field(None, description="for the best checkpoint: which one it is, and why")
    rollouts: RelativePath
    metrics: RelativePath | None = None
    spatiotemporal: RelativePath | None = None
    video: RelativePath | None = None
    contact_sheet: RelativePath | None = Field(None, description="one gait cycle in stills")
    figures: list[ReportFigure] = []


class ReportRun(Settings):
    """One run of the matrix, that is one experiment with one seed and one choice of axis values."""

    id: str
    experiment: str
    seed: int
    description: str = ""
    differences: dict[str, Any] = Field({}, description="axis or field -> value: how it differs from others")
    configuration: dict[str, Any] = Field({}, description="the complete experiment, as resolved")
    model_manifest: RelativePath | None = None
    reference: RelativePath | None = Field(None, description="not shown, but told if it is missing")
    fitted_reference: RelativePath | None = Field(None, description="the same")
    validation: RelativePath | None = None
    train_logs: list[RelativePath] = Field([], description="of all segments, in order")
    evaluations: list[ReportEvaluation] = []
    figures: list[ReportFigure] = Field([], description="of the run as a whole: reference fit, validation, training")
    benchmarks: dict[str, RelativePath] = Field({}, description="step label -> Snakemake benchmark file (tsv)")
    logs: dict[str, RelativePath] = Field({}, description="step label -> log file, read where outputs are missing")


class ReportSettings(Settings):
    """One report: one self-contained page about one matrix."""

    title: str = "Gait report"
    description: str = ""
    runs: list[ReportRun] = []
    figures: list[ReportFigure] = Field([], description="that compare runs, such as learning curves")
    comparisons: RelativePath | None = Field(None, description="table of the conditions that are compared (csv)")
    largest_page_mb: float = Field(
        LARGEST_PAGE_MB, gt=0, description="above this, the page becomes an overview beside a zip with the whole report"
    )
