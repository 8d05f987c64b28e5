"""The constrained fit of a periodic reference to a body's feet and joint limits.

Unknown are a constant offset and a few harmonics of change per joint, the toe joint, the pelvis height and its forward
motion; all of them enter the coordinates linearly. Demands on the feet and on the limits enter as weighted squares and
one-sided squares, and a damped Gauss-Newton iteration (Levenberg-Marquardt; Nocedal and Wright 2006, section 10.3) finds the
cheapest change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from loguru import logger

from myoassist.config.reference import ContactFitSettings
from myoassist.formats.compiled_model import SIDES
from myoassist.formats.reference_motion import ReferenceMotion
from myoassist.reference import cyclic
from myoassist.reference.body import FootMotion, PlanarBody

SOFTNESS_M = 0.0005  # sole points within this height of the lowest share the contact
HEEL_SHARE, FORE_SHARE = 0.3, 0.55  # of the calcaneus's length, from behind
LIMIT_RESERVE_RAD, LIMIT_WEIGHT_RAD = 0.002, 0.001


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
class Problem:
    """The fit's linear part: coordinates = base + design · parameters.

    Attributes:
        base: (H, n) complex series of the reference (0 where it gives nothing).
        design: (H, n, p) complex.
        advance: (p,) share of each parameter in the stride length.
        cost: (p,) the parameter's value that costs 1.
        start: (p,) first guess.
    """

    base: np.ndarray
    design: np.ndarray
    advance: np.ndarray
    cost: np.ndarray
    start: np.ndarray


@dataclass(frozen=True)
class Windows:
    """Which demand holds for which foot at which frame; all (K, 2) bool."""

    stance: np.ndarray
    swing: np.ndarray
    flat_foot: np.ndarray
    flat_toes: np.ndarray


@dataclass(frozen=True)
class _Task:
    """One fit: settings, body, and the coordinates' base (K, n) and design (K, n, p) at its frames."""

    settings: ContactFitSettings
    body: PlanarBody
    problem: Problem
    windows: Windows
    base: np.ndarray
    design: np.ndarray
    speed: float


def fit_contact(
    settings: ContactFitSettings, body: PlanarBody, motion: ReferenceMotion, symmetric: bool
) -> tuple[Trajectory, np.ndarray]:
    """Fit the reference to the body.

    Args:
        settings: demands and costs.
        body: kinematics of the compiled body.
        motion: the model-free reference.
        symmetric: whether left repeats right half a cycle later (fewer unknowns).

    Returns:
        The trajectory, phase 0 where the right foot meets the ground, and the base trajectory's series at the same phases.
    """
    problem = _problem(settings, body, motion, symmetric)
    phase = cyclic.grid(settings.fit_frames)
    windows = stance_windows(settings, body, problem, phase)
    task = _Task(settings, body, problem, windows, *_basis(problem, phase, body), motion.speed_m_s)
    parameters, damping = problem.start, 1e-3
    residual, jacobian = _residuals(task, parameters)
    cost, iterations = float(residual @ residual), 0
    while iterations < settings.iterations and damping < 1e4:
        iterations += 1
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -jacobian.T @ residual)
        trial_residual, trial_jacobian = _residuals(task, parameters + step)
        trial = float(trial_residual @ trial_residual)
        if trial >= cost:
            damping *= 6
            continue
        parameters, residual, jacobian = parameters + step, trial_residual, trial_jacobian
        settled, cost, damping = cost - trial < 1e-5 * cost, trial, max(damping / 4, 1e-9)
        if settled:
            break
    logger.info("contact fit: cost {:.1f} after {} iterations", cost, iterations)
    trajectory = Trajectory(problem.base + problem.design @ parameters, _advance(body, problem, parameters))
    start = right_contact_phase(body, trajectory, settings.contact_height_m)
    return trajectory.shifted(start), cyclic.shift(problem.base, start)


def _advance(body: PlanarBody, problem: Problem, parameters: np.ndarray) -> np.ndarray:
    advance = np.zeros(len(body.names))
    advance[body.index(body.manifest.root["forward"])] = problem.advance @ parameters
    return advance


def _problem(
    settings: ContactFitSettings, body: PlanarBody, motion: ReferenceMotion, symmetric: bool
) -> Problem:
    root = body.manifest.root
    forward, height = body.index(root["forward"]), body.index(root["height"])
    count = len(body.names)
    recorded = cyclic.coefficients(motion.positions)
    length = max(len(recorded), settings.toe_harmonics + 1, settings.pelvis_harmonics + 1)
    base = np.zeros((length, count), dtype=complex)
    for name in motion.coordinates:
        base[: len(recorded), body.index(name)] = recorded[:, motion.column(name)]
    # the forward position swings about its mean as the recorded velocity says
    order = np.arange(1, len(recorded))
    velocity = cyclic.coefficients(motion.forward_velocity)
    base[1 : len(recorded), forward] = velocity[1:] * motion.stride_time_s / (2j * np.pi * order)

    columns: list[tuple[np.ndarray, float, float, float]] = []  # design, share of advance, cost, start

    def add(entries: list[tuple[int, int, complex]], cost: float, start: float = 0.0, advance: float = 0.0) -> None:
        design = np.zeros((length, count), dtype=complex)
        for harmonic, coordinate, value in entries:
            design[harmonic, coordinate] = value
        columns.append((design, advance, cost, start))

    stride = motion.speed_m_s * motion.stride_time_s
    add([], settings.stride_cost_m, stride, advance=1.0)
    standing = body.manifest.standing_pelvis_height_m
    add([(0, height, 1)], 0.3, standing - 0.02)
    for coordinate, name in enumerate(body.names):
        side = name[-1] if name.endswith(("_r", "_l")) else ""
        if symmetric and side == "l":
            continue
        mirror = body.index(name[:-2] + "_l") if symmetric and side == "r" else None
        step = 2 if symmetric and not side else 1  # the pelvis repeats itself every step
        if name.startswith("mtp"):
            harmonics, cost, offset = settings.toe_harmonics, settings.toe_cost_rad, settings.toe_cost_rad
        elif coordinate == height:
            harmonics, cost, offset = settings.pelvis_harmonics, 0.05, 0.0
        elif coordinate == forward:
            harmonics, cost, offset = settings.pelvis_harmonics, 0.03, 0.0
        else:
            harmonics, cost, offset = settings.harmonics, settings.change_cost_rad, settings.offset_cost_rad
        if offset:
            add([(0, coordinate, 1)] + ([(0, mirror, 1)] if mirror is not None else []), offset)
        for harmonic in range(step, harmonics + 1, step):
            turn = np.exp(1j * np.pi * harmonic)  # half a cycle later
            smooth = cost / (1 + (harmonic / 3) ** 2) if coordinate not in (height, forward) else cost / harmonic**2
            for unit in (1, 1j):
                other = [(harmonic, mirror, unit * turn)] if mirror is not None else []
                add([(harmonic, coordinate, unit), *other], smooth)
    designs, advances, costs, starts = zip(*columns, strict=True)
    return Problem(base, np.stack(designs, axis=-1), np.array(advances), np.array(costs), np.array(starts))


def _basis(problem: Problem, phase: np.ndarray, body: PlanarBody) -> tuple[np.ndarray, np.ndarray]:
    """Values at the phases: base (K, n) and design (K, n, p); forward position includes its advance."""
    base = cyclic.evaluate(problem.base, phase)
    design = cyclic.evaluate(problem.design, phase)
    design[:, body.index(body.manifest.root["forward"])] += phase[:, None] * problem.advance
    return base, design


def stance_windows(
    settings: ContactFitSettings, body: PlanarBody, problem: Problem, phase: np.ndarray
) -> Windows:
    """When each foot moves with the ground in the unfitted reference.

    The forward maximum of the heel and the backward maximum of the toes, both relative to the pelvis, bracket stance (Zeni,
    Richards and Higginson 2008, Gait & Posture 27:710). A planted foot goes back as fast as the ground, so stance begins
    where the heel has reached, and ends where the toes leave, a share of the mid-stance speed.
    """
    fine = cyclic.grid(1000)
    base, design = _basis(problem, fine, body)
    coordinates = base + design @ problem.start
    coordinates[:, body.index(body.manifest.root["forward"])] = 0
    masks = {name: np.zeros((len(phase), len(SIDES)), dtype=bool) for name in Windows.__annotations__}
    for side, foot in enumerate(body.feet(coordinates, jacobian=False)):
        toes = np.array([s.toes for s in body.segments if s.side == side])[foot.segment]
        heel = foot.position[:, ~toes, 0].min(axis=1)
        tip = foot.position[:, toes, 0].max(axis=1)
        first, last = int(heel.argmax()), int(tip.argmin())
        length = (last - first) % len(fine)
        middle = np.arange(first + length // 4, first + length * 3 // 4) % len(fine)
        back_heel, back_tip = (heel - np.roll(heel, -1)), (tip - np.roll(tip, -1))
        planted = settings.planted_speed * np.median(back_heel[middle])
        strike = first + int(np.argmax(np.roll(back_heel, -first) >= planted))
        lift = last - int(np.argmax(np.roll(back_tip[::-1], last) >= planted))
        own = (phase - strike / len(fine)) % 1
        stance = ((lift - strike) % len(fine)) / len(fine)
        t = settings.transition
        masks["stance"][:, side] = (own >= t) & (own <= stance - t)
        into = (own - stance) / (1 - stance)
        masks["swing"][:, side] = (into >= settings.swing_margin) & (into <= 1 - settings.swing_margin)
        for name in ("flat_foot", "flat_toes"):
            start, end = getattr(settings, name)
            masks[name][:, side] = (own >= start) & (own <= min(end, stance - t))
    return Windows(**masks)


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
    for side, foot in enumerate(body.feet(coordinates)):
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
    for name in ("mtp_angle_r", "mtp_angle_l"):
        index = body.index(name)
        value, gradient = coordinates[:, index], np.zeros((frames, len(body.names)))
        gradient[:, index] = 1
        demand(value < 0, value, gradient, 0.1)
        demand(value > 0, value, gradient, 0.3)
    margin = settings.limit_margin_rad + LIMIT_RESERVE_RAD
    for index, (low, high) in enumerate(body.range):
        value, gradient = coordinates[:, index], np.zeros((frames, len(body.names)))
        gradient[:, index] = 1
        demand(value > high - margin, value - (high - margin), gradient, LIMIT_WEIGHT_RAD)
        demand(value < low + margin, value - (low + margin), gradient, LIMIT_WEIGHT_RAD)
    return np.concatenate(residuals), np.concatenate(jacobians)


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
        (flat_foot, ~toes & (calcaneus > FORE_SHARE)),
        (flat_foot | flat_toes, toes & (toe < 0.5)),
        (flat_foot | flat_toes, toes & (toe >= 0.5)),
    ]


def _slip(
    task: _Task, foot: FootMotion, weight: np.ndarray, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
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
