"""Train logs made of formulas."""

import json

import numpy as np


def write_train_log(path, *, seed=0, segment=0, start=0, stop=60_000, gain=1.0):
    """Write one segment: rewards rise linearly with steps, by `gain` per 100,000 steps."""
    rollouts = []
    for steps in range(start + 2_000, stop + 1, 2_000):
        progress = gain * steps / 100_000
        wobble = 0.02 * np.sin(steps / 7_000 + seed)
        rollouts.append(
            {
                "steps": steps,
                "reward_per_step": 0.3 + progress + wobble,
                "episode_length_s": 0.4 + progress if steps > 2_000 else None,
                "episodes": 20,
                "terminations": {"fall_height": 20},
                "speed_m_s": 1.1 + 0.1 * progress,
                "reward_terms": {
                    "pose": {"raw": 0.5 + progress, "weighted": 0.3 + 0.6 * progress},
                    "speed": {"raw": 0.9, "weighted": 0.2},
                    "effort": {"raw": -0.1, "weighted": -0.05},
                },
                "approx_kl": 0.01,
                "explained_variance": min(0.9, progress),
                "steps_per_second": 3000.0,
            }
        )
    log = {
        "format": "myoassist-train-log",
        "version": 1,
        "run": {"seed": seed},
        "segment": segment,
        "start_steps": start,
        "stop_steps": stop,
        "rollouts": rollouts,
    }
    if segment == 0:
        log["untrained_reward_per_step"] = 0.25
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(log))
    return path
