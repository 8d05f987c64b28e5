from myoassist.report.differences import ABSENT, Change, describe_changes, describe_value


def test_runs_are_compared_with_the_first_field_by_field():
    runs = [{"environment.reward.effort": -0.1, "training.n_envs": 8}, {"environment.reward.effort": -0.2}, {}]
    first, second, third = describe_changes(runs)
    assert first == []
    assert second == [Change("environment", "reward.effort", "-0.1", "-0.2"), Change("training", "n_envs", "8", ABSENT)]
    assert [change.after for change in third] == [ABSENT, ABSENT]
    assert describe_changes([]) == []


def test_a_field_without_section_is_itself():
    assert describe_changes([{"effort": "low"}, {"effort": "high"}])[1] == [Change("", "effort", "low", "high")]


def test_lists_of_named_things_tell_what_a_run_lacks():
    full = [{"name": "angles", "scale": 1.0}, {"name": "forces", "scale": 1.0}]
    runs = [{"environment.observation.groups": full}, {"environment.observation.groups": full[:1]}]
    assert describe_changes(runs)[1] == [Change("environment", "observation.groups", "all 2", "without forces")]


def test_lists_that_differ_otherwise_are_shown_as_they_are():
    runs = [{"a.b": [{"name": "x", "scale": 1.0}]}, {"a.b": [{"name": "x", "scale": 2.0}]}]
    assert describe_changes(runs)[1] == [
        Change("a", "b", '[{"name": "x", "scale": 1.0}]', '[{"name": "x", "scale": 2.0}]')
    ]


def test_objects_are_told_by_their_values_if_these_are_few():
    assert describe_value({"weight": 0.5, "scale": None, "own": {"a": 1}}) == "weight 0.5, own.a 1"
    assert describe_value({"linear": {"from": 0.0003, "to": 0.00003, "schedule_steps": 3_000_000.0}}) == "present"
    assert describe_value({}) == "{}"


def test_two_objects_that_are_only_present_are_told_by_the_fields_inside():
    long = {f"name{index}": index for index in range(10)}
    runs = [{"e.s": long, "e.s.name1": 1}, {"e.s": long | {"name1": 7}, "e.s.name1": 7}, {"e.s": None}]
    assert describe_changes(runs)[1] == [Change("e", "s.name1", "1", "7")]
    assert describe_changes(runs)[2][0] == Change("e", "s", "present", ABSENT)


def test_long_values_are_cut_and_still_differ():
    runs = [{"a.b": "x" * 100}, {"a.b": "x" * 101}]
    (change,) = describe_changes(runs)[1]
    assert len(change.before) == 48
    assert change.before.endswith("…")
    assert change.after == f"another {change.before}"
    assert describe_changes(runs, longest=1000)[1][0].after == "x" * 101
