import numpy as np
import pytest

from myoassist.errors import InputError
from myoassist.reference.body import PlanarBody
from myoassist.reference.dynamics import InverseDynamics


@pytest.fixture(scope="module")
def body(body_model):
    return PlanarBody(*body_model)


@pytest.fixture(scope="module")
def poses(body):
    return np.random.default_rng(3).normal(scale=0.2, size=(4, len(body.names)))


def test_sole_jacobians_agree_with_differences(body, poses):
    weight = np.random.default_rng(4).random((4, body.feet(poses)[0].position.shape[1]))
    analytic = body.feet(poses)[0].weighted_jacobian(weight)
    for index in range(len(body.names)):
        step = np.zeros(len(body.names))
        step[index] = 1e-6
        after, before = (body.feet(poses + sign * step, jacobian=False)[0].position for sign in (1, -1))
        numeric = np.einsum("kp,kpd->kd", weight, after - before) / 2e-6
        np.testing.assert_allclose(analytic[..., index], numeric, atol=1e-6)


def test_coupled_rates_follow_the_chain_rule(body, poses):
    rng = np.random.default_rng(5)
    velocity, acceleration = rng.normal(size=(2, *poses.shape))
    step = 1e-5

    def at(t):
        return poses + t * velocity + 0.5 * t * t * acceleration

    zero = np.zeros_like(poses)
    before, now, after = (body.full(at(t), zero, zero)[0] for t in (-step, 0.0, step))
    _, qvel, qacc = body.full(poses, velocity, acceleration)
    np.testing.assert_allclose((after - before) / (2 * step), qvel, atol=1e-7)
    np.testing.assert_allclose((after - 2 * now + before) / step**2, qacc, atol=1e-4)


def test_standing_still_needs_the_body_weight_and_nothing_sideways(body):
    still = np.zeros((1, len(body.names)))
    force = InverseDynamics(body).forces(still, still, still)[0]
    weight = body.manifest.total_mass_kg * body.manifest.gravity_m_s2
    assert force[body.index("pelvis_ty")] == pytest.approx(weight, rel=1e-6)
    assert force[body.index("pelvis_tx")] == pytest.approx(0, abs=1e-9)


def test_an_unknown_joint_is_named_with_the_known_ones(body):
    with pytest.raises(InputError, match=r"elbow.*knee_angle_r"):
        body.index("elbow")
