import pytest
import synthetic_gait
from analysed_walk import run_analysis


@pytest.fixture(scope="session")
def reference_file(tmp_path_factory):
    return synthetic_gait.write_reference(tmp_path_factory.mktemp("reference") / "reference.h5")


@pytest.fixture(scope="session")
def walk(tmp_path_factory, reference_file):
    """Two episodes of 10 s of perfect walking, analysed."""
    return run_analysis(tmp_path_factory.mktemp("walk"), reference_file)


@pytest.fixture(scope="session")
def fall(tmp_path_factory, reference_file):
    """Two episodes that end in a fall before a second is over, analysed."""
    return run_analysis(tmp_path_factory.mktemp("fall"), reference_file, durations_s=(0.6, 0.9), fell=True)
