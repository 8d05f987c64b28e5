"""What is seen: configured order, scale, clipping, and heels told from toes."""

import mujoco
import numpy as np
import pytest

from myoassist.formats.compiled_model import load_model

GROUPS = {
    "phase": 3.0,
    "foot_forces": 0.5,
    "target_velocity": 2.0,
    "joint_velocities": 0.7,
    "previous_action": 1.5,
    "muscle_activations": 4.0,
    "joint_positions": 0.25,
}


def values(batch, actions: np.ndarray) -> dict[str, np.ndarray]:
    """What each group shows, from the step and the physics."""
    step = batch.step_result
    angle = 2 * np.pi * step.phase
    return {
        "phase": np.stack([np.sin(angle), np.cos(angle)], axis=1),
        "foot_forces": step.foot_force,
        "target_velocity": batch.target.value[:, None],
        "joint_velocities": batch.simulation.qvel[:, [batch.forward.dof, *batch.reader.qvel_columns]],
        "previous_action": actions,
        "muscle_activations": batch.simulation.activation,
        "joint_positions": batch.simulation.qpos[:, batch.reader.qpos_columns],
    }


def test_observation_is_the_clipped_product_of_scale_and_value_in_configured_order(assets, make_handler):
    groups = [{"name": name, "scale": scale} for name, scale in GROUPS.items()]
    never = {"pelvis_height_min_m": None, "trunk_lean_max_rad": None}
    handler = make_handler(assets, observation={"groups": groups, "clip": 1.25}, termination=never)
    batch = handler.make_batch(5)
    first, _ = batch.reset(seed=0)
    rng = np.random.default_rng(0)
    clipped, seen = np.count_nonzero(np.abs(first) == np.float32(1.25)), first.size
    for _ in range(20):
        actions = rng.uniform(-1, 1, (5, 22))
        observations, *_ = batch.step(actions)
        shown = values(batch, actions)
        product = np.concatenate([scale * shown[name] for name, scale in GROUPS.items()], axis=1)
        assert (observations == np.clip(product, -1.25, 1.25).astype(np.float32)).all()
        clipped, seen = clipped + np.count_nonzero(np.abs(product) > 1.25), seen + product.size
    assert [block.name for block in batch.observation_layout] == list(GROUPS)
    assert [block.scale for block in batch.observation_layout] == list(GROUPS.values())
    assert batch.clipped_share == pytest.approx(clipped / seen, rel=1e-12)
    assert 0.02 < batch.clipped_share < 0.9


def test_nothing_is_clipped_on_a_default_walk_of_one_step(assets, make_handler):
    batch = make_handler(assets).make_batch(4)
    assert batch.clipped_share == 0.0
    batch.reset(seed=0)
    batch.step(np.zeros((4, 22)))
    assert batch.clipped_share == 0.0


def vertical_loads(model: mujoco.MjModel, data: mujoco.MjData) -> dict[str, float]:
    """Vertical force of the ground on each body (N), contact by contact."""
    loads: dict[str, float] = {}
    force = np.zeros(6)
    for index, contact in enumerate(data.contact[: data.ncon]):
        mujoco.mj_contactForce(model, data, index, force)
        upwards = abs(contact.frame.reshape(3, 3)[:, 2] @ force[:3])
        for geom in contact.geom:
            name = model.body(model.geom_bodyid[geom]).name
            loads[name] = loads.get(name, 0.0) + upwards
    return loads


def test_heels_are_told_from_toes_and_right_from_left(assets, make_handler):
    batch = make_handler(assets, observation={"groups": [{"name": "foot_forces"}]}).make_batch(40)
    observations, _ = batch.reset(seed=0, options={"phase": np.arange(40) / 40})
    model, manifest = load_model(assets.model, assets.manifest)
    weight = manifest.total_mass_kg * manifest.gravity_m_s2
    data = mujoco.MjData(model)
    for row in range(40):
        data.qpos[:], data.qvel[:] = batch.simulation.qpos[row], batch.simulation.qvel[row]
        data.act[:] = batch.simulation.activation[row]
        mujoco.mj_forward(model, data)
        loads = vertical_loads(model, data)
        expected = [loads.get(f"{part}_{side}", 0.0) / weight for side in "rl" for part in ("calcn", "toes")]
        np.testing.assert_allclose(observations[row], expected, atol=1e-5)
    assert (observations.max(axis=0) > 0.1).all()
    # the heel takes the load first, the toes have it last
    heel, toes = observations[:, 0], observations[:, 1]
    assert np.argmax(heel > 0.05) < np.argmax(toes > 0.05)
