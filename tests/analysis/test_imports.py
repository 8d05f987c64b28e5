"""Analysis runs where neither a simulator nor a learner is installed: all that it needs is in the files."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, sys
import myoassist.analysis
names = [module.name for module in pkgutil.walk_packages(myoassist.analysis.__path__, "myoassist.analysis.")]
for name in names:
    importlib.import_module(name)
print(len(names), sorted({"torch", "mujoco", "assist_sim", "stable_baselines3"} & set(sys.modules)))
"""


def test_no_module_of_the_analysis_imports_torch_or_mujoco():
    found = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True).stdout
    count, unwanted = found.strip().split(" ", 1)
    assert unwanted == "[]"
    assert int(count) > 40
