"""The tables in the class docstrings are those of the real environments."""

import inspect

import pytest

from myoassist.envs.environment_handler import CLASSES
from myoassist.envs.layout_tables import action_table, observation_table
from myoassist.registration import default_settings


@pytest.mark.parametrize("name", CLASSES)
def test_docstrings_tell_what_every_number_means(name, assets, exo_assets, make_handler):
    chosen = exo_assets if "Exo" in name else assets
    batch = make_handler(chosen, **default_settings(name).model_dump(mode="json")).make_batch(1)
    document = inspect.getdoc(CLASSES[name])
    for table, size in (
        (action_table(batch), batch.action_layout.size),
        (observation_table(batch), batch.observation_layout.size),
    ):
        assert table in document, f"the docstring of {CLASSES[name].__name__} should hold:\n{table}"
        assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == [str(k) for k in range(size)]
    batch.close()


def test_tables_name_the_joints_that_a_muscle_spans(assets, make_handler):
    batch = make_handler(assets).make_batch(1)
    rows = {line.split("|")[2].strip(): line.split("|")[6].strip() for line in action_table(batch).splitlines()[2:]}
    assert rows["excitation of soleus_r"] == "ankle_angle_r"
    assert rows["excitation of rectfem_l"] == "hip_flexion_l, knee_angle_l"
    batch.close()
