"""The process that films a preview of a new checkpoint while the training goes on, or is over.

`python -m myoassist.cli.filming FILM CHECKPOINT MODEL MANIFEST REFERENCE …`
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PREVIEW_S = 5.0
PATIENCE_S = 120.0
"""For evaluation and film together; then they are killed."""


def film(target: Path, checkpoint: Path, bodies: Sequence[tuple[Path, Path, Path]]) -> None:
    """Film a few seconds of a checkpoint.

    Args:
        target: where to (.mp4).
        checkpoint: whose policy walks.
        bodies: model, manifest and reference of each body that it may have been trained on.

    Raises:
        RuntimeError: if one of the two steps fails or both take longer than `PATIENCE_S`.
    """
    from myoassist.config.evaluation import EvaluationStage, ScenarioSettings, VideoSettings
    from myoassist.formats.checkpoint import read_checkpoint_info
    from myoassist.formats.files import sha256

    deadline = time.monotonic() + PATIENCE_S
    info = read_checkpoint_info(checkpoint)
    found = [body for body in bodies if sha256(body[0]) == info.model_sha256]
    if not found:
        raise RuntimeError("it was trained on another model")
    model, manifest, reference = found[0]
    stage = EvaluationStage.parse(
        {"environment": info.environment, "scenario": ScenarioSettings(episodes=1, duration_s=PREVIEW_S)}
    )
    body = ["--model", str(model), "--manifest", str(manifest)]
    with tempfile.TemporaryDirectory() as folder:
        rollouts = str(Path(folder) / "rollouts.h5")
        walk = [*body, "--reference", str(reference), "--checkpoint", str(checkpoint), "--rollouts", rollouts]
        walk += ["--threads", "1"]
        shown = [*body, "--rollouts", rollouts, "--video", str(target)]
        for words in (
            ["evaluate", "--settings", stage.canonical(), *walk],
            ["replay", "--settings", VideoSettings().canonical(), *shown],
        ):
            run([sys.executable, "-m", "myoassist.cli", *words], deadline - time.monotonic())


def run(command: Sequence[str], patience_s: float) -> None:
    """Run a command in a process group of its own; kill the whole group if it takes too long.

    Raises:
        RuntimeError: with its last line, if it fails or does not end in time.
    """
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            _, said = process.communicate(timeout=max(patience_s, 0.0))
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"not done after {PATIENCE_S:g} s, given up") from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"exit status {process.returncode}")


def main(words: Sequence[str]) -> int:
    """Film, or say in one line why there is no film."""
    target, checkpoint, *rest = (Path(word) for word in words)
    with suppress(OSError):
        os.nice(10)  # the next segment may be training already
    try:
        film(target, checkpoint, list(zip(rest[::3], rest[1::3], rest[2::3], strict=True)))
    except Exception as error:
        print(f"no preview of {checkpoint}: {error}", file=sys.stderr)
        return 1
    target.with_suffix(".log").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
