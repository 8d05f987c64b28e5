"""Which fields of experiments differ: what some of them lack is one field."""

from myoassist.config.differing import differing_fields, value_at

STEPS = {"duration_s": 20.0, "target": {"mode": "step", "period_s": 5.0}}


def names(*experiments: dict) -> list[str]:
    return [".".join(field) for field in differing_fields(experiments)]


def test_equal_fields_are_left_out_and_unequal_ones_named_to_the_last_part():
    assert names({"a": {"b": 1, "c": [1]}}, {"a": {"b": 2, "c": [1]}}) == ["a.b"]
    assert names({"a": 1}, {"a": 1}) == []
    assert names({"a": 1}) == []


def test_what_some_lack_is_one_field():
    assert names({"s": {"level": {}, "steps": STEPS}}, {"s": {"level": {}}}) == ["s.steps"]
    assert names({"s": {"steps": STEPS}}, {"s": {"steps": None}}) == ["s.steps"]
    assert names({"s": {"steps": STEPS}}, {"s": None}, {}) == ["s"]


def test_if_those_that_have_it_differ_the_fields_inside_follow():
    other = {**STEPS, "target": {"mode": "step", "period_s": 7.0}}
    assert names({"s": STEPS}, {}, {"s": other}) == ["s", "s.target.period_s"]


def test_a_value_in_the_place_of_an_object_is_one_field():
    assert names({"rate": 0.1}, {"rate": {"linear": {"from": 0.1, "to": 0.0}}}) == ["rate"]


def test_values_of_keys_with_dots_are_found():
    experiment = {"factors": {"soleus.r": 0.5}}
    ((*_, last),) = [field for field in differing_fields([experiment, {"factors": {"soleus.r": 0.6}}])]
    assert last == "soleus.r"
    assert value_at(experiment, ("factors", "soleus.r")) == 0.5
    assert value_at(experiment, ("factors", "soleus", "r")) is None
