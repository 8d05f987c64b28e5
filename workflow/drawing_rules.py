"""Print the rules that `make figures` may run: those that work from rollouts and references as they are.

They are all rules of these files, so a new figure, table or report rule belongs into one of them, and nothing that
simulates or learns does. `snakemake --allowed-rules` cannot know that by itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.settings.enums import Quietness

FILES = ("analysis.smk", "pictures.smk", "report.smk")
SNAKEFILE = Path(__file__).with_name("Snakefile")


def drawing_rules(matrix: str) -> list[str]:
    """Return the names of the rules; some of them exist for some matrices only.

    Args:
        matrix: matrix file.
    """
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        opened = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config={"matrix": matrix}),
            snakefile=SNAKEFILE,
        )
        return [rule.name for rule in opened._workflow.rules if Path(rule.snakefile).name in FILES]


if __name__ == "__main__":
    print(" ".join(drawing_rules(sys.argv[1])))
