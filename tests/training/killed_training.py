"""A process that trains the segments that are missing, one after the other, as the workflow does.

`python killed_training.py JOB.json`, with the job's field `kill` (or null): {segment, at, count, delay_s}. When that
segment comes to the `count`-th rollout step, gradient step or finished file, the process kills itself by SIGKILL after
`delay_s`, wherever it is then.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

import torch

from myoassist import cli
from myoassist.config.training import SegmentSettings
from myoassist.envs.myoassist_leg_base import MyoAssistLegBase
from myoassist.training import segment as training

MOMENTS = {
    "step": (MyoAssistLegBase, "step"),
    "gradient": (torch.optim.Adam, "step"),
    "file": (os, "replace"),  # the new file is whole, and still has its temporary name
}


def kill_at(moment: str, count: int, delay_s: float) -> None:
    owner, name = MOMENTS[moment]
    original, calls = getattr(owner, name), [0]

    def counted(*args, **kwargs):
        calls[0] += 1
        if calls[0] == count:
            if delay_s:
                threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGKILL)).start()
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, name, counted)


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    previous = None
    for index, text in enumerate(job["segments"]):
        steps = SegmentSettings.load(text).stop_steps
        output, log = (Path(job["folder"]) / name for name in (f"model_{steps}.zip", f"train_log_{steps}.json"))
        if not (output.exists() and log.exists()):
            kill = job["kill"]
            if kill is not None and kill["segment"] == index:
                run_segment = training.run_segment

                def learn(*args, _kill=kill, _learn=run_segment, **kwargs):
                    kill_at(_kill["at"], _kill["count"], _kill["delay_s"])  # what comes before is not counted
                    return _learn(*args, **kwargs)

                training.run_segment = learn
            words = ["train", "--settings", text, "--threads", "1", "--output", str(output), "--log", str(log)]
            for name, path in job["files"].items():
                words += [f"--{name}", path]
            cli.main([*words, *([] if previous is None else ["--previous", str(previous)])])
        previous = output


if __name__ == "__main__":
    main()
