"""The stage of the tables across runs: metrics, cycles and train logs become five tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loguru import logger

from myoassist.analysis.study.comparison import comparisons_table, curves_table
from myoassist.analysis.study.conditions import conditions_table, evaluations_table
from myoassist.analysis.study.measures import measure_evaluation
from myoassist.analysis.study.resampling import Resampling
from myoassist.analysis.study.samples import Evaluated
from myoassist.analysis.study.training import training_table
from myoassist.analysis.train_logs import read_train_logs
from myoassist.config.study import StudyEvaluation, StudySettings
from myoassist.formats.gait_tables import read_cycles, read_metrics
from myoassist.formats.study_tables import write_study_table


def build_study(settings: StudySettings, *, output_dir: Path) -> None:
    """Write the tables across runs.

    Args:
        settings: evaluations and logs, what is compared, and how intervals are made.
        output_dir: folder; gets the files named by `myoassist.config.study.study_file_names`.

    Raises:
        InputError: if a file is missing or damaged; then nothing is written.
    """
    resampling = Resampling(settings.confidence, settings.resamples)
    logs = [
        read_train_logs(run.train_logs, run=run.run, condition=run.condition, seed=run.seed)
        for run in settings.runs
        if run.train_logs
    ]
    evaluated = read_evaluations(settings.evaluations)
    tables = {
        "evaluations": evaluations_table(evaluated),
        "conditions": conditions_table(evaluated, resampling),
        "comparisons": comparisons_table(settings.comparisons, evaluated, resampling),
        "curves": curves_table(settings.comparisons, evaluated, resampling),
        "training": training_table(logs, resampling),
    }
    for name, table in tables.items():
        write_study_table(output_dir, name, table)
    logger.info("{}: {}", output_dir, ", ".join(f"{len(table)} rows of {name}" for name, table in tables.items()))


def read_evaluations(sources: Sequence[StudyEvaluation]) -> list[Evaluated]:
    """Read and measure evaluations, one after another.

    Raises:
        InputError: if a file is missing or damaged.
    """
    return [
        Evaluated(source, measure_evaluation(read_cycles(source.cycles), read_metrics(source.metrics)))
        for source in sources
    ]
