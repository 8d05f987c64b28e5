"""What a cluster is called and how fast it is: the one small file that a site edits."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator

from myoassist.config.base import Settings
from myoassist.config.evaluation import EvaluationStage
from myoassist.config.training import SegmentSettings
from myoassist.errors import InputError

VARIABLE = "MYOASSIST_SITE"
"""Environment variable that names another site file."""
SHIPPED = Path("workflow/profiles/slurm/site.yaml")
"""The site file of a project, relative to its folder."""
START_MINUTES = 3.0
"""Time for Snakemake, Python and its libraries to start from a slow shared disk, on top of what is computed."""

Name = Field(None, pattern=r"^[A-Za-z0-9_.,@%+-]+$", max_length=200)


class SiteSettings(Settings):
    """Names and sizes that differ between clusters; every field has a default that works on many."""

    partition: str | None = Name
    """Null takes the partition that the cluster marks as its default."""
    account: str | None = Name
    """Null submits without one."""
    qos: str | None = Name
    constraint: str | None = Field(None, pattern=r"^[A-Za-z0-9_.&|,()\[\]*-]+$", max_length=200)
    """Node features, such as one CPU type for all jobs."""
    status_command: Literal["sacct", "squeue"] = "sacct"
    """What tells whether a job has ended; sacct needs SLURM's accounting."""
    status_seconds: int = Field(40, ge=1, le=3600)
    """From submitting a job to first asking for its state."""
    jobs: int = Field(100, ge=1, le=100_000)
    """Jobs in the queue at the same time."""
    cores: int = Field(8, ge=1, le=1024)
    """Of each training and evaluation."""
    memory_mb: int = Field(2000, ge=600, le=4_000_000)
    """Of a training or evaluation at its first attempt; the second gets twice as much."""
    longest_minutes: int | None = Field(None, ge=1)
    """The partition's time limit: no job asks for more."""
    training_steps_per_second: float = Field(1000.0, gt=0)
    """Control steps, learning included, with `cores` on the slowest node."""
    evaluation_steps_per_second: float = Field(200.0, gt=0)
    """Control steps of an evaluation."""
    speed_factors: dict[str, float] = Field({})
    """Algorithm or body -> how fast it is compared with the two speeds above: `{SAC: 0.2, myolegs: 0.3}`."""
    safety: float = Field(2.0, ge=1, le=100)
    """How many times as long a job may take as these speeds say."""

    @classmethod
    def find(cls, project: Path = Path()) -> SiteSettings:
        """Read the file that `MYOASSIST_SITE` names, else the project's, else take the defaults.

        Args:
            project: folder that the workflow is run in.

        Raises:
            InputError: if a named file is missing, or what it holds is wrong.
        """
        named = os.environ.get(VARIABLE)
        path = Path(named) if named else project / SHIPPED
        return cls.read(path) if named or path.is_file() else cls()

    @classmethod
    def read(cls, path: Path) -> SiteSettings:
        """Read a site file (YAML).

        Raises:
            InputError: naming the file and the field that is wrong.
        """
        try:
            value = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
        return cls.parse({} if value is None else value, where=str(path))

    def default_resources(self) -> dict[str, Any]:
        """Return what every job asks for unless its rule says otherwise, as Snakemake's expressions."""
        named = {
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
        }
        # Quoted, for Snakemake evaluates these: an account called `max` would be Python's function.
        strings = {name: repr(value) for name, value in named.items() if value is not None}
        return {"mem_mb": "1000 * attempt", "runtime": "10 * attempt", **strings}

    @field_validator("speed_factors")
    @classmethod
    def _positive(cls, value: dict[str, float]) -> dict[str, float]:
        for name, factor in value.items():
            if not 0 < factor <= 1000:
                raise ValueError(f"factor of '{name}' must lie in (0, 1000]")
        return value

    def training_minutes(
        self, segment: SegmentSettings, attempt: int = 1, *, body: str = "", measured: float | None = None
    ) -> int:
        """Return the time limit of a training segment.

        Args:
            segment: whose steps and algorithm count.
            attempt: 1 for the first; the limit grows with it.
            body: name of the body, for its factor.
            measured: steps per second of the slowest segment like it that was measured; it takes the place of the
                site's speed and factors.
        """
        speed = self.training_steps_per_second * self._factor(segment.learner.algorithm, body)
        steps = segment.stop_steps - segment.start_steps
        return self._minutes(steps / (measured or speed), attempt)

    def evaluation_minutes(
        self, stage: EvaluationStage, attempt: int = 1, *, body: str = "", measured: float | None = None
    ) -> int:
        """Return the time limit of an evaluation.

        Args:
            stage: whose episodes count.
            attempt: 1 for the first; the limit grows with it.
            body: name of the body, for its factor.
            measured: steps per second of the slowest evaluation like it that was measured.
        """
        speed = self.evaluation_steps_per_second * self._factor(body)
        return self._minutes(evaluation_steps(stage) / (measured or speed), attempt)

    def _factor(self, *names: str) -> float:
        return math.prod(self.speed_factors.get(name, 1.0) for name in names)

    def _minutes(self, seconds: float, attempt: int) -> int:
        minutes = math.ceil(attempt * (START_MINUTES + self.safety * seconds / 60))
        return minutes if self.longest_minutes is None else min(minutes, self.longest_minutes)


def evaluation_steps(stage: EvaluationStage) -> float:
    """Return the control steps of an evaluation: episodes with their full length, in whole batches."""
    scenario = stage.scenario
    # Whole batches are simulated, also where fewer episodes are left.
    size = min(scenario.batch_size, scenario.episodes)
    episodes = math.ceil(scenario.episodes / size) * size
    return episodes * scenario.duration_s * stage.environment.control_rate_hz
