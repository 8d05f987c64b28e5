"""What is compiled to machine code computes what is written, and is compiled anew when it has changed."""

import importlib
import os
import pkgutil
import subprocess
import sys
import types

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import myoassist.envs
from myoassist.envs.compiling import compiled

WALK = """
import sys
from pathlib import Path
import numpy as np
from myoassist.config.environment import EnvironmentSettings
from myoassist.envs.environment_handler import EnvironmentHandler

model, manifest, reference, output = map(Path, sys.argv[1:])
settings = EnvironmentSettings.parse({"id": "myoAssistLegImitation-v0", "reset": {"position_noise_rad": 0.05}})
handler = EnvironmentHandler.from_files(settings, model=model, manifest=manifest, reference=reference)
batch = handler.make_batch(3)
rng, told = np.random.default_rng(0), [batch.reset(seed=0)[0].ravel()]
for _ in range(12):
    observations, rewards, *_ = batch.step(rng.uniform(-1, 1, (3, 22)))
    told += [observations.ravel(), rewards, batch.raw_terms.ravel(), batch.step_result.foot_position.ravel()]
np.save(output, np.concatenate(told))
"""


def test_machine_code_computes_what_is_written(assets, tmp_path):
    told = []
    for name, disabled in (("compiled", "0"), ("interpreted", "1")):
        output = tmp_path / f"{name}.npy"
        command = [sys.executable, "-c", WALK, assets.model, assets.manifest, assets.reference, output]
        subprocess.run(list(map(str, command)), env={**os.environ, "NUMBA_DISABLE_JIT": disabled}, check=True)
        told.append(np.load(output))
    assert len(told[0]) > 1000
    np.testing.assert_allclose(*told, rtol=1e-6, atol=1e-9)  # NumPy's own exponential may round otherwise


def test_no_compiled_function_calls_one_of_another_file():
    """What is kept of it would not be known to be old when that file changes."""
    found = 0
    for info in pkgutil.iter_modules(myoassist.envs.__path__, "myoassist.envs."):
        module = importlib.import_module(info.name)
        for function in vars(module).values():
            if isinstance(function, Dispatcher) and function.py_func.__module__ == module.__name__:
                found += 1
                names = function.py_func.__code__.co_names
                called = [vars(module).get(name) for name in names]
                modules = [value for value in called if isinstance(value, types.ModuleType)]
                called += [getattr(other, name, None) for other in modules for name in names]
                for other in called:
                    if isinstance(other, Dispatcher):
                        assert other.py_func.__module__ == module.__name__, (function, other)
    assert found > 10


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same():
    scope: dict = {}
    exec("def twice(values):\n    return 2.0 * values[0]", scope)  # in no file, so there is no place beside it
    assert compiled(scope["twice"])(np.array([1.5])) == 3.0


def test_a_changed_file_is_compiled_anew(tmp_path):
    script = tmp_path / "arithmetic.py"
    text = "from myoassist.envs.compiling import compiled\n\n\n@compiled\ndef value(x):\n    return {} * x\n"
    ask = "import arithmetic; print(arithmetic.value(2.0), arithmetic.value.stats.cache_hits)"
    answers = []
    for factor, seconds in ((1.0, 0), (1.0, 0), (3.0, 10)):
        script.write_text(text.format(factor))
        os.utime(script, (1_000_000_000 + seconds,) * 2)
        done = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
        answers.append(done.stdout.split())
    # a hit tells the signature that was found
    assert [value for value, *_ in answers] == ["2.0", "2.0", "6.0"]
    assert ["1" in " ".join(hits) for _, *hits in answers] == [False, True, False]


@pytest.mark.parametrize("mode", ["uniform", "sinusoidal"])
@pytest.mark.parametrize("num_envs", [1, 4])
def test_a_step_stays_as_it_was_when_the_simulation_moves_on(assets, make_handler, num_envs, mode):
    batch = make_handler(assets, target_velocity={"mode": mode, "period_s": 1.0}).make_batch(num_envs)
    batch.reset(seed=0)
    batch.steps[:] = batch.max_steps - 3  # a new episode begins in between
    kept = []
    for _ in range(6):
        batch.step(np.full((num_envs, 22), 0.2))
        step = batch.step_result
        arrays = {name: value for name, value in vars(step).items() if isinstance(value, np.ndarray)}
        kept.append((arrays, {name: value.copy() for name, value in arrays.items()}))
    for arrays, before in kept:
        for name, value in arrays.items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)
