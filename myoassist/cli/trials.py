"""Commands that try an environment out: random actions, and speed."""

from __future__ import annotations

import json

from myoassist.cli.options import Number, OptionalFile, at_least_one, require
from myoassist.errors import InputError


def sim(id: str = "myoAssistLegImitation-v0", steps: int = 500, seed: int = 0) -> None:
    """Roll random actions in an environment: a smoke test of the simulation.

    Args:
        id: registered environment id.
        steps: number of control steps.
        seed: of the environment and of the actions.
    """
    at_least_one(steps=steps)
    import gymnasium

    import myoassist  # noqa: F401  (registers the ids)

    try:
        environment = gymnasium.make(id)
    except gymnasium.error.Error as error:
        raise InputError(f"--id: {error}") from None
    environment.action_space.seed(seed)
    environment.reset(seed=seed)
    rewards: list[float] = []
    episodes = 0
    for _ in range(steps):
        _, reward, terminated, truncated, _ = environment.step(environment.action_space.sample())
        rewards.append(float(reward))
        if terminated or truncated:
            episodes += 1
            environment.reset()
    environment.close()
    mean = sum(rewards) / len(rewards)
    print(f"{id}: {steps} steps, {episodes} episodes ended, mean reward per step {mean:.4f}")


def bench(
    *,
    experiment: OptionalFile = None,
    model: OptionalFile = None,
    manifest: OptionalFile = None,
    reference: OptionalFile = None,
    num_envs: int = 64,
    threads: Number = None,
    steps: int = 128,
    repeats: int = 5,
    ppo: bool = True,
    output: OptionalFile = None,
) -> None:
    """Measure the speed of physics, environment and learning, in one run.

    Args:
        experiment: environment and training settings (default: those of a new experiment).
        model: input: compiled model (.mjb); give all three files or none (then the default body).
        manifest: input: its manifest (.json).
        reference: input: fitted reference (.h5).
        num_envs: environments in the batch.
        threads: physics threads (default: the CPUs it may use).
        steps: control steps per measurement and environment.
        repeats: how often everything is measured.
        ppo: measure learning too, which takes most of the time.
        output: output: the numbers (.json); they are printed in any case.
    """
    from myoassist.config.experiment import Experiment

    at_least_one(num_envs=num_envs, threads=threads, steps=steps, repeats=repeats)
    chosen = Experiment() if experiment is None else Experiment.from_file(experiment)
    files = {"model": model, "manifest": manifest, "reference": reference}
    given = {name: path for name, path in files.items() if path is not None}
    if given and len(given) < len(files):
        raise InputError("give --model, --manifest and --reference together, or none of them")
    require(**given)
    from myoassist.bench import benchmark
    from myoassist.formats.files import write_json
    from myoassist.registration import handler

    environment = handler(chosen.environment.id, chosen.environment, **given)
    numbers = benchmark(
        environment,
        chosen.training,
        num_envs=num_envs,
        threads=threads,
        steps=steps,
        repeats=repeats,
        ppo=ppo,
    )
    if output is not None:
        write_json(output, numbers)
    print(json.dumps(numbers, indent=2))
