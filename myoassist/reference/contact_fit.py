"""The constrained fit of a periodic reference to a body's feet and joint limits.

Unknown are a constant offset and a few harmonics of change per joint, the toe joint, the pelvis height and
its forward motion; all of them enter the coordinates linearly. Demands on the feet and on the limits enter
as weighted squares and one-sided squares, and a damped Gauss-Newton iteration (Levenberg-Marquardt; Nocedal
and Wright 2006, section 10.3) finds the cheapest change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from loguru import logger

from myoassist.config.reference import ContactFitSettings
from myoassist.formats.reference_motion import ReferenceMotion
from myoassist.reference import cyclic
from myoassist.reference.body import FootMotion, PlanarBody
from myoassist.reference.dynamic_demand import DynamicDemand
from myoassist.reference.fit_problem import Problem, Windows, basis, build_problem, stance_windows

SOFTNESS_M = 0.0005  # sole points within this height of the lowest share the contact
TOE_FLEXION_RAD, TOE_EXTENSION_RAD = 0.1, 0.3  # that cost 1 at a frame: walking toes extend, they hardly flex
HEEL_SHARE, FORE_SHARE = 0.3, 0.55  # of the calcaneus's length, from behind
LIMIT_RESERVE_RAD, LIMIT_WEIGHT_RAD = 0.004, 0.001


@dataclass(frozen=True)
class Trajectory:
    """Independent coordinates as Fourier series over one stride.

    Attributes:
        series: (K, n) complex coefficients of the periodic part.
        advance: (n,) m or rad gained a stride (forward position only).
    """

    series: np.ndarray
    advance: np.ndarray

    def __call__(self, phase: np.ndarray, derivative: int = 0) -> np.ndarray:
        """Coordinates (P, n), or their derivative with respect to phase in cycles."""
        value = cyclic.evaluate(self.series, phase, derivative)
        if derivative == 0:
            value = value + phase[:, None] * self.advance
        elif derivative == 1:
            value = value + self.advance
        return value

    def shifted(self, phase: float) -> Trajectory:
        """The same motion with its phase 0 at ``phase``; the forward position again starts at 0."""
        moved = Trajectory(cyclic.shift(self.series, phase), self.advance)
        start = np.where(self.advance != 0, moved(np.zeros(1))[0], 0)
        series = moved.series.copy()
        series[0] -= start
        return Trajectory(series, self.advance)


@dataclass(frozen=True)
class _Task:
    """One fit: settings, body, and the coordinates' base (K, n) and design (K, n, p) at its frames.

    With ``dynamics``, its demands hold at the ``first`` frames, where ``rates`` are base and design of the
    first and second derivative with respect to phase.
    """

    settings: ContactFitSettings
    body: PlanarBody
    problem: Problem
    windows: Windows
    base: np.ndarray
    design: np.ndarray
    speed: float
    dynamics: DynamicDemand | None = None
    first: int = 0
    rates: tuple[tuple[np.ndarray, np.ndarray], ...] = ()


def fit_contact(
    settings: ContactFitSettings, body: PlanarBody, motion: ReferenceMotion, symmetric: bool
) -> tuple[Trajectory, float]:
    """Fit the reference to the body.

    Args:
        settings: demands and costs.
        body: kinematics of the compiled body.
        motion: the model-free reference.
        symmetric: whether left repeats right half a cycle later (fewer unknowns).

    Returns:
        The trajectory, with phase 0 where the right foot meets the ground, and the phase of the reference there.
    """
    problem = build_problem(settings, body, motion, symmetric)
    phase = cyclic.grid(settings.fit_frames)
    windows = stance_windows(settings, body, problem, phase)
    kinematic = _Task(settings, body, problem, windows, *basis(problem, phase, body), motion.speed_m_s)
    parameters, _ = _minimise(kinematic, problem.start, settings.iterations)
    half = settings.fit_frames // 2 if symmetric else settings.fit_frames
    dynamic = replace(
        kinematic,
        dynamics=DynamicDemand(settings, body),
        first=half,
        rates=tuple(basis(problem, phase[:half], body, order) for order in (1, 2)),
    )
    parameters, cost = _minimise(dynamic, parameters, settings.iterations)
    logger.info("contact fit: {} unknowns, remaining cost {:.1f}", len(parameters), cost)
    trajectory = Trajectory(problem.base + problem.design @ parameters, _advance(body, problem, parameters))
    start = right_contact_phase(body, trajectory, settings.contact_height_m)
    return trajectory.shifted(start), start


def _minimise(task: _Task, parameters: np.ndarray, iterations: int) -> tuple[np.ndarray, float]:
    """Levenberg-Marquardt with the damping scaled by the diagonal; returns parameters and cost."""
    damping = 1e-3
    residual, jacobian = _residuals(task, parameters)
    cost = float(residual @ residual)
    for _ in range(iterations):
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -jacobian.T @ residual)
        trial_residual, trial_jacobian = _residuals(task, parameters + step)
        trial = float(trial_residual @ trial_residual)
        if trial >= cost:
            damping *= 6
            if damping > 1e4:
                break
            continue
        parameters, residual, jacobian = parameters + step, trial_residual, trial_jacobian
        settled, cost, damping = cost - trial < 1e-4 * cost, trial, max(damping / 4, 1e-9)
        if settled:
            break
    return parameters, cost


def _advance(body: PlanarBody, problem: Problem, parameters: np.ndarray) -> np.ndarray:
    advance = np.zeros(len(body.names))
    advance[body.index(body.manifest.root["forward"])] = problem.advance @ parameters
    return advance


def contact_weights(height: np.ndarray) -> np.ndarray:
    """Share of each outline point (K, P) in the contact: soft minimum over the heights."""
    weight = np.exp(-(height - height.min(axis=1, keepdims=True)) / SOFTNESS_M)
    return weight / weight.sum(axis=1, keepdims=True)


def _residuals(task: _Task, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted residuals and their Jacobian in the parameters."""
    settings, body, design = task.settings, task.body, task.design
    frames = len(design)
    coordinates = task.base + design @ parameters
    residuals, jacobians = [(parameters - task.problem.start) / task.problem.cost], [np.diag(1 / task.problem.cost)]
    scale = np.sqrt(50 / frames)  # the same demand whatever the number of frames

    def demand(mask: np.ndarray, value: np.ndarray, gradient: np.ndarray, unit: float) -> None:
        """Gradient (K, n) is in the coordinates."""
        residuals.append(value[mask] * (scale / unit))
        jacobians.append(np.einsum("kn,knp->kp", gradient[mask], design[mask]) * (scale / unit))

    pressed = settings.stance_penetration_m
    slip_unit = settings.slip_weight_m_s * (task.problem.advance @ parameters) / task.speed / frames
    feet = body.feet(coordinates)
    if task.dynamics is not None:
        part = _dynamic_part(task, coordinates, feet, parameters)
        residuals.append(part[0] * scale)
        jacobians.append(part[1] * scale)
    for side, foot in enumerate(feet):
        height = foot.position[..., 1]
        weight = contact_weights(height)
        slope = foot.weighted_jacobian(weight)[:, 1]
        lowest = height.min(axis=1)
        stance, swing = task.windows.stance[:, side], task.windows.swing[:, side]
        demand(stance, lowest + pressed, slope, settings.height_weight_m)
        short = swing & (lowest < settings.swing_target_m)
        demand(short, lowest - settings.swing_target_m, slope, settings.height_weight_m)
        sunk = ~stance & (lowest < -pressed)
        demand(sunk, lowest + pressed, slope, settings.height_weight_m)
        for mask, part in _flat_parts(task, foot, side):
            share = contact_weights(np.where(part, height, np.inf))
            value = np.where(part, height, np.inf).min(axis=1) + pressed
            demand(mask, value, foot.weighted_jacobian(share)[:, 1], settings.flat_weight_m)
        both = stance & np.roll(stance, -1)
        slip, slip_jacobian = _slip(task, foot, weight, parameters)
        residuals.append(slip[both] * (scale / slip_unit))
        jacobians.append(slip_jacobian[both] * (scale / slip_unit))
    for index in (i for i, name in enumerate(body.names) if name.startswith("mtp")):
        value, gradient = coordinates[:, index], np.zeros((frames, len(body.names)))
        gradient[:, index] = 1
        demand(value < 0, value, gradient, TOE_FLEXION_RAD)
        demand(value > 0, value, gradient, TOE_EXTENSION_RAD)
    margin = settings.limit_margin_rad + LIMIT_RESERVE_RAD
    for index, (low, high) in enumerate(body.range):
        value, gradient = coordinates[:, index], np.zeros((frames, len(body.names)))
        gradient[:, index] = 1
        demand(value > high - margin, value - (high - margin), gradient, LIMIT_WEIGHT_RAD)
        demand(value < low + margin, value - (low + margin), gradient, LIMIT_WEIGHT_RAD)
    return np.concatenate(residuals), np.concatenate(jacobians)


def _dynamic_part(
    task: _Task, coordinates: np.ndarray, feet: list[FootMotion], parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Demands of physics at the first frames; rates follow from the stride time = stride length over speed."""
    first, advance = task.first, task.problem.advance
    length = float(advance @ parameters)
    state, slopes = [coordinates[:first]], [task.design[:first]]
    for order, (base, design) in enumerate(task.rates, start=1):
        factor = (task.speed / length) ** order
        rate = factor * (base + design @ parameters)
        state.append(rate)
        slopes.append(factor * design - order / length * rate[..., None] * advance)
    assert task.dynamics is not None
    early = [foot.head(first) for foot in feet]
    residual, jacobian = task.dynamics.residuals(
        tuple(state), tuple(slopes), early, task.windows.loaded[:first], task.windows.progress[:first]
    )
    repeat = np.sqrt(len(task.design) / first)  # frames left out repeat these
    return residual * repeat, jacobian * repeat


def _flat_parts(task: _Task, foot: FootMotion, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Frames (K,) and sole parts (P,) that shall rest: heel and forefoot of a flat foot, both ends of flat toes."""
    segments = [segment for segment in task.body.segments if segment.side == side]
    toes = np.array([segment.toes for segment in segments])[foot.segment]
    along = np.concatenate([segment.points[:, 0] for segment in segments])

    def share(points: np.ndarray) -> np.ndarray:
        return (along - along[points].min()) / np.ptp(along[points])

    calcaneus, toe = share(~toes), share(toes)
    flat_foot, flat_toes = task.windows.flat_foot[:, side], task.windows.flat_toes[:, side]
    return [
        (flat_foot, ~toes & (calcaneus < HEEL_SHARE)),
        (flat_foot | flat_toes, ~toes & (calcaneus > FORE_SHARE)),
        (flat_foot | flat_toes, toes & (toe < 0.5)),
        (flat_foot | flat_toes, toes & (toe >= 0.5)),
    ]


def _slip(task: _Task, foot: FootMotion, weight: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Forward way (K,) of the touching material points from each frame to the next, and its Jacobian (K, p).

    Which points touch is held fixed within one iteration.
    """
    mean = 0.5 * (weight + np.roll(weight, -1, axis=0))
    here = (mean * foot.position[..., 0]).sum(axis=1)
    there = (mean * np.roll(foot.position[..., 0], -1, axis=0)).sum(axis=1)
    last = np.arange(len(mean)) == len(mean) - 1  # its next frame lies one stride ahead
    way = there - here + last * (task.problem.advance @ parameters)
    slope_here = foot.weighted_jacobian(mean)[:, 0]
    slope_there = np.roll(foot.weighted_jacobian(np.roll(mean, 1, axis=0))[:, 0], -1, axis=0)
    jacobian = np.einsum("kn,knp->kp", slope_there, np.roll(task.design, -1, axis=0))
    jacobian -= np.einsum("kn,knp->kp", slope_here, task.design)
    return way, jacobian + np.outer(last, task.problem.advance)


def right_contact_phase(body: PlanarBody, trajectory: Trajectory, contact_height: float) -> float:
    """Phase at which the right sole comes down to a height, to a 2000th of the cycle."""
    phase = cyclic.grid(2000)
    lowest = sole_heights(body, trajectory(phase))[:, 0]
    down = (lowest > contact_height) & (np.roll(lowest, -1) <= contact_height)
    # of several crossings the one after the longest time in the air
    candidates = np.flatnonzero(down)
    if not len(candidates):
        return 0.0
    air = [int(np.argmax(np.roll(lowest, -index)[::-1] <= contact_height)) for index in candidates]
    return float(phase[(candidates[int(np.argmax(air))] + 1) % len(phase)])


def sole_heights(body: PlanarBody, coordinates: np.ndarray) -> np.ndarray:
    """Lowest point (K, 2) of the right and left foot over z = 0."""
    feet = body.feet(coordinates, jacobian=False)
    return np.stack([foot.position[..., 1].min(axis=1) for foot in feet], axis=1)
