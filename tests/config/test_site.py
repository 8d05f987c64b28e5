from __future__ import annotations

from pathlib import Path

import pytest

from myoassist.config.environment import EnvironmentSettings
from myoassist.config.evaluation import EvaluationStage
from myoassist.config.site import SHIPPED, SiteSettings
from myoassist.config.training import TrainingSettings
from myoassist.errors import InputError

ROOT = Path(__file__).parents[2]


def segment(steps: int):
    settings = TrainingSettings.parse({"n_envs": 1, "parameters": {"n_steps": 1}, "segment_steps": steps})
    return settings.segments(EnvironmentSettings(), seed=1)[1]


def test_shipped_file_names_every_field_with_its_default() -> None:
    shipped = SiteSettings.read(ROOT / SHIPPED)
    assert shipped == SiteSettings()
    assert shipped.model_fields_set == set(SiteSettings.model_fields)


def test_time_limit_of_a_segment_follows_its_steps_and_the_attempt() -> None:
    site = SiteSettings(training_steps_per_second=500, safety=2)
    assert site.training_minutes(segment(300_000)) == 3 + 20
    assert site.training_minutes(segment(600_000)) == 3 + 40
    assert site.training_minutes(segment(600_000), attempt=2) == 2 * (3 + 40)
    limited = site.model_copy(update={"longest_minutes": 60})
    assert limited.training_minutes(segment(600_000), attempt=2) == 60


def test_time_limit_is_by_what_was_measured_else_by_the_sites_speed_and_its_factors() -> None:
    site = SiteSettings(training_steps_per_second=500, safety=2, speed_factors={"PPO": 0.5, "myolegs": 0.25})
    assert site.training_minutes(segment(300_000)) == 3 + 2 * 20
    assert site.training_minutes(segment(300_000), body="myolegs") == 3 + 8 * 20
    assert site.training_minutes(segment(300_000), body="myolegs", measured=1000) == 3 + 10
    assert site.training_minutes(segment(300_000), attempt=2, measured=1000) == 2 * (3 + 10)


def test_time_limit_of_an_evaluation_counts_whole_batches() -> None:
    site = SiteSettings(evaluation_steps_per_second=100, safety=1)

    def stage(**scenario: object) -> EvaluationStage:
        return EvaluationStage.parse({"environment": {"control_rate_hz": 50}, "scenario": scenario})

    assert site.evaluation_minutes(stage(episodes=6, duration_s=20)) == 3 + 1
    assert site.evaluation_minutes(stage(episodes=6, duration_s=20), attempt=3) == 3 * (3 + 1)
    assert site.evaluation_minutes(stage(episodes=7, batch_size=6, duration_s=20)) == 3 + 2
    assert site.evaluation_minutes(stage(episodes=6, duration_s=20), measured=10) == 3 + 10


def test_nothing_named_asks_slurm_for_nothing_but_memory_and_time() -> None:
    assert set(SiteSettings().default_resources()) == {"mem_mb", "runtime"}
    named = SiteSettings(partition="gpu,cpu", account="max", constraint="epyc&ib").default_resources()
    assert (named["slurm_partition"], named["slurm_account"], named["constraint"]) == (
        "'gpu,cpu'",
        "'max'",
        "'epyc&ib'",
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("partitoin: x", "field 'partitoin': unknown field"),
        ("partition: 'a; rm -r b'", "field 'partition': String should match"),
        ("status_command: qstat", "field 'status_command': Input should be 'sacct' or 'squeue'"),
        ("speed_factors: {SAC: 0}", "field 'speed_factors': factor of 'SAC' must lie in (0, 1000]"),
        ("training_steps_per_second: 0", "field 'training_steps_per_second'"),
        ("- a", "expected named fields"),
        ("a: [", "not valid YAML"),
    ],
)
def test_mistake_is_one_line_that_names_file_and_field(tmp_path, text, complaint) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        SiteSettings.read(file)
    assert str(error.value).startswith(str(file))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_named_file_must_be_there_but_the_shipped_one_need_not(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("MYOASSIST_SITE", raising=False)
    assert SiteSettings.find(tmp_path) == SiteSettings()
    monkeypatch.setenv("MYOASSIST_SITE", str(tmp_path / "mine.yaml"))
    with pytest.raises(InputError, match=r"mine\.yaml: cannot be read"):
        SiteSettings.find(tmp_path)
    (tmp_path / "mine.yaml").write_text("account: 1234\n")
    with pytest.raises(InputError, match="field 'account'"):
        SiteSettings.find(tmp_path)
    (tmp_path / "mine.yaml").write_text("# nothing\n")
    assert SiteSettings.find(tmp_path) == SiteSettings()
