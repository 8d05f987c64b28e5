"""Evaluations made of numbers: what each episode measured is given."""

import numpy as np
import pandas as pd

from myoassist.analysis.study.measures import Measure, Measured
from myoassist.analysis.study.samples import Evaluated
from myoassist.config.study import StudyEvaluation

SPEED = Measure("speed_m_s", "speed", "m/s", "spatiotemporal")
FALLS = Measure("fall_free_percent", "episodes without a fall", "%", "episodes", whole=True)


def evaluated(values, *, experiment="walk", scenario="level", seed=1, axes=None, starts="same", falls=100.0):
    """Make an evaluation whose episodes have these speeds; a curve of each is the speed at all points."""
    axes = axes or {}
    values = np.asarray(values, dtype=float)
    condition = "-".join([experiment, *axes.values()])
    source = StudyEvaluation(
        run=f"{condition}-s{seed}",
        experiment=experiment,
        condition=condition,
        seed=seed,
        values=axes,
        scenario=scenario,
        steps=1000,
        starts=starts,
        metrics="metrics.json",
        cycles="cycles.parquet",
    )
    measured = Measured(
        measures={measure.name: measure for measure in (SPEED, FALLS)},
        episodes=pd.DataFrame({SPEED.name: values}),
        overall={FALLS.name: falls},
        curves={"hip_flexion_deg": np.tile(values[:, None], (1, 101))},
    )
    return Evaluated(source, measured)
