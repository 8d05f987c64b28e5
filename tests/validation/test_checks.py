"""The validation: a good environment passes every check, and each defect fails the check meant for it."""

import dataclasses
import json

import pytest

from myoassist.config.validation import ValidationSettings, ValidationStage
from myoassist.validation.checks import run_checks, validate

QUICK = ValidationSettings(random_steps=60, n_envs=4)


def verdicts(handler) -> dict[str, bool]:
    checks, _ = run_checks(handler, QUICK)
    return {check.name: check.passed for check in checks}


def test_a_good_environment_passes_everything(assets, tmp_path):
    output, figure = tmp_path / "validation.json", tmp_path / "validation.png"
    settings = ValidationStage.parse({"environment": {}, "validation": QUICK.model_dump()})
    validate(settings, **assets.files, output=output, figure=figure)
    report = json.loads(output.read_text())
    assert report["passed"] is True
    assert {check["name"] for check in report["checks"]} == {
        "reference_foot_slip",
        "couplings_at_reset", "reset_within_joint_limits", "penetration_at_reset", "gentle_contact_at_reset",
        "finite_at_reset", "reference_within_joint_limits", "gymnasium_checker", "stable_baselines3_checker",
        "determinism", "random_actions_finite", "random_actions_survival", "random_actions_divergence",
    }  # fmt: skip
    assert figure.read_bytes().startswith(b"\x89PNG")
    first = figure.read_bytes(), output.read_bytes()
    validate(settings, **assets.files, output=output, figure=figure)
    assert (figure.read_bytes(), output.read_bytes()) == first


def test_a_reference_in_the_ground_fails(assets, make_handler):
    handler = make_handler(assets)
    height = handler.reference.column("pelvis_ty")
    sunk = handler.reference.qpos.copy()
    sunk[:, height] -= 0.02
    handler.reference = dataclasses.replace(handler.reference, qpos=sunk)
    handler.settings = handler.settings.model_copy(
        update={
            "target_velocity": type(handler.settings.target_velocity)(
                minimum_m_s=handler.reference.speed_m_s, maximum_m_s=handler.reference.speed_m_s
            )
        }
    )
    assert verdicts(handler)["penetration_at_reset"] is False


def test_a_reference_beyond_joint_limits_fails(assets, make_handler):
    handler = make_handler(assets)
    knee = handler.reference.column("knee_angle_r")
    bent = handler.reference.qpos.copy()
    bent[:, knee] += 0.4
    handler.reference = dataclasses.replace(handler.reference, qpos=bent)
    assert verdicts(handler)["reference_within_joint_limits"] is False


def test_an_environment_with_hidden_state_fails(assets, make_handler, tmp_path):
    own = tmp_path / "noisy.py"
    own.write_text(
        "import numpy as np\n"
        "from myoassist.envs.myoassist_leg_imitation import MyoAssistLegImitationEnv\n"
        "class Noisy(MyoAssistLegImitationEnv):\n"
        "    def _calculate_reward(self, step):\n"
        "        terms = super()._calculate_reward(step)\n"
        "        terms['alive'] = np.random.default_rng().uniform(size=len(step.phase))\n"
        "        return terms\n"
    )
    handler = make_handler(assets, environment_class=f"{own}:Noisy", reward={"alive": {"weight": 1.0}})
    found = verdicts(handler)
    assert found["determinism"] is False
    assert found["gymnasium_checker"] is False


def test_not_a_number_is_found(assets, make_handler, tmp_path):
    own = tmp_path / "broken.py"
    own.write_text(
        "import numpy as np\n"
        "from myoassist.envs.myoassist_leg_imitation import MyoAssistLegImitationEnv\n"
        "class Broken(MyoAssistLegImitationEnv):\n"
        "    def _calculate_reward(self, step):\n"
        "        return {'alive': np.full(len(step.phase), np.nan)}\n"
    )
    handler = make_handler(assets, environment_class=f"{own}:Broken", reward={"alive": {"weight": 1.0}})
    assert verdicts(handler)["random_actions_finite"] is False


@pytest.mark.parametrize(("height_min_m", "survives"), [(0.5, True), (1.5, False)])
def test_survival_separates_episodes_that_last_from_those_that_end_at_once(
    assets, make_handler, height_min_m, survives
):
    found = verdicts(make_handler(assets, termination={"pelvis_height_min_m": height_min_m}))
    assert found["random_actions_survival"] is survives
