"""Print what the workflow says of its rules, as JSON: where each runs, what it asks for, what it leaves behind."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.settings.enums import Quietness

JOB = SimpleNamespace(run="demo_imitation-s1", steps="61440", scenario="level")


def asked(rule, attempt):
    """Memory and time of a rule where they are computed, for one job of the demo matrix."""
    named = {name: rule.resources[name] for name in ("mem_mb", "runtime") if name in rule.resources}
    computed = {name: value for name, value in named.items() if value.is_evaluable()}
    return {name: value.evaluate(JOB, attempt=attempt).value for name, value in computed.items()}


with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    opened = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(config={"matrix": sys.argv[1]}),
        snakefile=Path("workflow/Snakefile"),
    )
    workflow = opened._workflow
    rules = {
        rule.name: {
            "runs": "here" if rule.name in workflow._localrules else rule._group or "job",
            "target": rule.norun,
            "log": len(rule.log),
            "benchmark": rule.benchmark is not None,
            "message": rule.message is not None,
            "makes": [Path(str(path)).name for path in rule.output],
            "asks": [asked(rule, attempt) for attempt in (1, 2, 3)],
        }
        for rule in workflow.rules
    }
print(json.dumps(rules))
