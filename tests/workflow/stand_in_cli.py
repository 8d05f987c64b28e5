"""A stand-in for the command line: every output is made from a digest of the settings and the input files.

It runs the real rules in a moment, so that Snakemake records what it would for real results.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

OUTPUTS = {
    "build": ("--model", "--manifest"),
    "preprocess": ("--output",),
    "preprocess-figure": ("--figure",),
    "retarget": ("--output",),
    "retarget-figure": ("--figure",),
    "validate": ("--output", "--figure"),
    "train": ("--output", "--log"),
    "evaluate": ("--rollouts",),
    "replay": ("--video",),
    "analyze": ("--metrics", "--cycles", "--spatiotemporal"),
    "report": ("--output",),
}


def main():
    time.sleep(float(os.environ.get("STAND_IN_SECONDS", "0")))
    words = sys.argv[1:]
    if words[0] == "matrix":
        words = words[1:]
        names = ("matrix",)
    else:
        names = ("run",)
    stage, options = words[0], dict(zip(words[1::2], words[2::2], strict=True))
    if stage == "figures":
        settings = json.loads(options["--settings"])
        chosen = settings["figures"]["matrix"] if names == ("matrix",) else settings["run"]
        folder = Path(options.pop("--output-dir"))
        files = [folder / f"{name}.{suffix}" for name in chosen for suffix in ("png", "svg")]
        files.append(folder / "captions.json")
    else:
        files = [Path(options.pop(name)) for name in OUTPUTS[stage]]
    digest = hashlib.sha256()
    for value in options.values():
        path = Path(value) if len(value) < 200 else None
        digest.update(path.read_bytes() if path and path.is_file() else value.encode())
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{file.name} {digest.hexdigest()}\n")
