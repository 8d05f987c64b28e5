from myoassist.report.differences import describe_differences


def test_sections_are_dropped_where_nothing_is_confused():
    runs = [{"environment.reward.effort": -0.1}, {"training.n_envs": 8}]
    assert describe_differences(runs) == [{"reward.effort": "-0.1"}, {"n_envs": "8"}]
    clash = [{"model.seed": 1}, {"training.seed": 2}]
    assert describe_differences(clash) == [{"model.seed": "1"}, {"training.seed": "2"}]


def test_lists_of_named_things_tell_what_a_run_lacks():
    full = [{"name": "angles", "scale": 1.0}, {"name": "forces", "scale": 1.0}]
    runs = [{"environment.observation.groups": full}, {"environment.observation.groups": full[:1]}]
    assert describe_differences(runs) == [
        {"observation.groups": "all 2"},
        {"observation.groups": "without forces"},
    ]


def test_lists_that_differ_otherwise_are_shown_as_they_are():
    runs = [{"a.b": [{"name": "x", "scale": 1.0}]}, {"a.b": [{"name": "x", "scale": 2.0}]}]
    assert describe_differences(runs) == [
        {"b": '[{"name": "x", "scale": 1.0}]'},
        {"b": '[{"name": "x", "scale": 2.0}]'},
    ]


def test_long_values_are_cut():
    text = describe_differences([{"a": "x" * 100}])[0]["a"]
    assert len(text) == 48
    assert text.endswith("…")
