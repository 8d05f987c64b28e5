"""Lint the workflow with Snakemake's own linter and fail on every finding but one.

The one: Snakemake wants a conda environment or a container for each rule. Here one pinned virtual environment
holds everything, and its versions are part of every rule's parameters. The findings are read from the linter's
text, since ``snakemake --lint json`` prints text as well in 9.27.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ACCEPTED = "Specify a conda environment or container for each rule"
SNAKEFILE = Path(__file__).with_name("Snakefile")


def findings(text: str) -> list[str]:
    """Return one line for each finding in the linter's text that is not accepted."""
    found, place = [], ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"Lints for (.*):", line):
            place = heading[1].replace(f"{SNAKEFILE.parent}/", "")
        elif finding := re.fullmatch(r" {4}\* (.*):", line):
            found += [] if finding[1].startswith(ACCEPTED) else [f"{place}: {finding[1].rstrip('.')}"]
    return found


def main() -> int:
    """Print the findings; exit status 1 if there are any or the linter itself fails."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--lint", "json"]
    done = subprocess.run([*command, "--workflow-profile", "none"], capture_output=True, text=True)
    text = done.stdout + done.stderr
    found = findings(text)
    if not found and done.returncode and ACCEPTED not in text:
        found = [text]
    print("\n".join(found) or "The workflow is in good condition.", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
