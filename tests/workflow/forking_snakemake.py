"""Snakemake in a process that has imported it once and forks for every call: importing takes most of the time.

Reads one JSON object a line: folder, arguments, output (a file). Answers with the exit status.
"""

import json
import os
import sys
import traceback

import snakemake.api
import snakemake.cli
import snakemake.executors.local
import snakemake.linting.rules
import snakemake.scheduling.greedy


def call(folder: str, arguments: list[str], output: str) -> None:
    """Run Snakemake in a folder whose own package comes before any installed one."""
    os.chdir(folder)
    os.environ.update(PYTHONPATH=folder, PYTHONDONTWRITEBYTECODE="1")
    sys.path.insert(0, folder)
    sys.argv = ["snakemake", *arguments]
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    snakemake.cli.main(arguments)


def main() -> None:
    assert "myoassist" not in sys.modules
    sys.dont_write_bytecode = True
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                call(**json.loads(line))
            except SystemExit as stop:
                status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
