"""A stand-in for the command line: every output is made from a digest of the settings and the input files.

It runs the real rules in a moment, so that Snakemake records what it would for real results. Three files in the
working folder steer and watch it: ``rewards.json`` (steps -> reward of a segment), ``broken`` (a job fails whose
outputs' path holds that text) and ``made.txt`` (stage and first output of everything that was really made).
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
    "pretrained": ("--output", "--output-log"),
    "best": ("--checkpoint", "--choice"),
    "evaluate": ("--rollouts",),
    "replay": ("--video",),
    "analyze": ("--metrics", "--cycles", "--spatiotemporal"),
    "contact-sheet": ("--sheet",),
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
    stage, options = words[0], options_of(words[1:])
    made_by = options.pop("--unless-made", [None])[0]
    if stage == "figures":
        settings = json.loads(options["--settings"][0])
        chosen = settings["figures"]["matrix"] if names == ("matrix",) else settings["run"]
        folder = Path(options.pop("--output-dir")[0])
        files = [folder / f"{name}.{suffix}" for name in chosen for suffix in ("png", "svg")]
        files.append(folder / "captions.json")
    elif stage == "tables":
        from myoassist.config.study import study_file_names

        folder = Path(options.pop("--output-dir")[0])
        files = [folder / name for name in study_file_names()]
    else:
        files = [Path(options.pop(name)[0]) for name in OUTPUTS[stage]]
    if stage == "analyze":
        from myoassist.config.analysis import table_files

        folder = Path(options.pop("--tables")[0])
        files += [folder / name for name in table_files()]
    for name in ("--source", "--warm-start"):
        if name in options and not Path(options[name][0]).is_file():
            sys.exit(f"{name}: file {options[name][0]} not found")
    broken = Path("broken")
    if broken.is_file() and broken.read_text() in str(files[0]):
        sys.exit(f"the {stage} is broken")

    def make():
        with open("made.txt", "a") as made:
            made.write(f"{stage} {files[0]}\n")
        if stage == "best":
            from myoassist.config.evaluation import BestSettings
            from myoassist.training import best

            best.check_checkpoint = lambda path, log: None  # the stand-in's are text
            logs = [Path(path) for path in options["--logs"]]
            best.select_best(
                BestSettings.load(options["--settings"][0]), logs=logs, checkpoint=files[0], choice=files[1]
            )
            return
        digest = digest_of(options)
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{file.name} {digest}\n")
        if stage == "train":
            write_log(files[1], json.loads(options["--settings"][0])["stop_steps"], digest)

    if made_by is None:
        make()
    else:
        from myoassist.formats.kept import make_unless_made

        inputs = {name: Path(values[0]) for name, values in options.items() if Path(values[0][:200]).is_file()}
        made_from = options["--settings"][0]
        make_unless_made(make, stage=stage, made_by=made_by, settings=made_from, inputs=inputs, outputs=files)


def options_of(words):
    """Sort words by the option that they follow."""
    options = {}
    for word in words:
        if word.startswith("--"):
            values = options.setdefault(word, [])
        else:
            values.append(word)
    return options


def digest_of(options):
    """Hash all values, of files their content."""
    digest = hashlib.sha256()
    for value in (value for values in options.values() for value in values):
        path = Path(value) if len(value) < 200 else None
        digest.update(path.read_bytes() if path and path.is_file() else value.encode())
    return digest.hexdigest()


def write_log(file, steps, digest):
    """Write a train log whose reward is that of the file of rewards, or grows with the steps."""
    from myoassist.formats.documents import TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, write_document

    rewards = json.loads(Path("rewards.json").read_text()) if Path("rewards.json").is_file() else {}
    reward = rewards.get(str(steps), steps)
    content = {"digest": digest, "stop_steps": steps, "measured": {"reward_per_step": reward}}
    write_document(file, TRAIN_LOG_FORMAT, TRAIN_LOG_VERSION, content)
