"""What the fit may change and when it demands what: the unknowns of the contact fit and its windows in the cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoassist.config.reference import ContactFitSettings
from myoassist.formats.compiled_model import SIDES
from myoassist.formats.reference_motion import ReferenceMotion
from myoassist.reference import cyclic
from myoassist.reference.body import PlanarBody

HEIGHT_COST_M, SWAY_COST_M = 0.2, 0.12  # of a pelvis harmonic k: amplitude cost / k^roll-off costs 1
PELVIS_ROLL_OFF = 4
RECORDED_SWAY = 4  # harmonics of the recorded forward velocity that are kept: faster ones swing with pelvis rotation
STANDING_COST_M, WALKING_DROP_M = 0.3, 0.02  # mean pelvis height: cost, and how far below standing the search starts


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
    """Which demand holds for which foot at which frame, all (K, 2) bool; and how far stance has got, 0 … 1."""

    stance: np.ndarray
    loaded: np.ndarray
    swing: np.ndarray
    flat_foot: np.ndarray
    flat_toes: np.ndarray
    progress: np.ndarray


def build_problem(settings: ContactFitSettings, body: PlanarBody, motion: ReferenceMotion, symmetric: bool) -> Problem:
    """Collect the unknowns: offsets and harmonics of the joints, the pelvis's path, the stride length.

    With ``symmetric`` one unknown serves both legs, half a cycle apart, and the pelvis repeats itself every step.
    """
    root = body.manifest.root
    forward, height = body.index(root["forward"]), body.index(root["height"])
    count = len(body.names)
    recorded = cyclic.coefficients(motion.positions)
    length = max(len(recorded), settings.toe_harmonics + 1, settings.pelvis_harmonics + 1)
    base = np.zeros((length, count), dtype=complex)
    for name in motion.coordinates:
        base[: len(recorded), body.index(name)] = recorded[:, motion.column(name)]
    base[settings.harmonics + 1 :] = 0  # faster changes could not be fitted to the ground
    # the forward position swings about its mean as the recorded velocity says
    order = np.arange(1, len(recorded))
    velocity = cyclic.coefficients(motion.forward_velocity)
    base[1 : len(recorded), forward] = velocity[1:] * motion.stride_time_s / (2j * np.pi * order)
    base[RECORDED_SWAY + 1 :, forward] = 0

    columns: list[tuple[np.ndarray, float, float, float]] = []  # design, share of advance, cost, start

    def add(entries: list[tuple[int, int, complex]], cost: float, start: float = 0.0, advance: float = 0.0) -> None:
        design = np.zeros((length, count), dtype=complex)
        for harmonic, coordinate, value in entries:
            design[harmonic, coordinate] = value
        columns.append((design, advance, cost, start))

    stride = motion.speed_m_s * motion.stride_time_s
    add([], settings.stride_cost_m, stride, advance=1.0)
    standing = body.manifest.standing_pelvis_height_m
    add([(0, height, 1)], STANDING_COST_M, standing - WALKING_DROP_M)
    for coordinate, name in enumerate(body.names):
        side = name[-1] if name.endswith(("_r", "_l")) else ""
        if symmetric and side == "l":
            continue
        mirror = body.index(name[:-2] + "_l") if symmetric and side == "r" else None
        step = 2 if symmetric and not side else 1  # the pelvis repeats itself every step
        if name.startswith("mtp"):
            harmonics, cost, offset = settings.toe_harmonics, settings.toe_cost_rad, settings.toe_cost_rad
        elif coordinate == height:
            harmonics, cost, offset = settings.pelvis_harmonics, HEIGHT_COST_M, 0.0
        elif coordinate == forward:
            harmonics, cost, offset = settings.pelvis_harmonics, SWAY_COST_M, 0.0
        else:
            harmonics, cost, offset = settings.harmonics, settings.change_cost_rad, settings.offset_cost_rad
        if offset:
            add([(0, coordinate, 1)] + ([(0, mirror, 1)] if mirror is not None else []), offset)
        for harmonic in range(step, harmonics + 1, step):
            turn = np.exp(1j * np.pi * harmonic)  # half a cycle later
            if coordinate in (height, forward):
                smooth = cost / harmonic**PELVIS_ROLL_OFF
            else:
                smooth = cost / (1 + (harmonic / 4) ** 2)
            for unit in (1, 1j):
                other = [(harmonic, mirror, unit * turn)] if mirror is not None else []
                add([(harmonic, coordinate, unit), *other], smooth)
    designs, advances, costs, starts = zip(*columns, strict=True)
    return Problem(base, np.stack(designs, axis=-1), np.array(advances), np.array(costs), np.array(starts))


def basis(problem: Problem, phase: np.ndarray, body: PlanarBody, derivative: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Base (K, n) and design (K, n, p) at the phases, or of a derivative; the forward position advances."""
    base = cyclic.evaluate(problem.base, phase, derivative)
    design = cyclic.evaluate(problem.design, phase, derivative)
    if derivative < 2:
        gain = phase if derivative == 0 else np.ones(len(phase))
        design[:, body.index(body.manifest.root["forward"])] += gain[:, None] * problem.advance
    return base, design


def stance_windows(settings: ContactFitSettings, body: PlanarBody, problem: Problem, phase: np.ndarray) -> Windows:
    """When each foot moves with the ground in the unfitted reference.

    The forward maximum of the heel and the backward maximum of the toes, both relative to the pelvis,
    bracket stance (Zeni, Richards and Higginson 2008, Gait & Posture 27:710). A planted foot goes back as
    fast as the ground, so stance begins where the heel has reached, and ends where the toes leave, a share
    of the mid-stance speed.
    """
    fine = cyclic.grid(1000)
    base, design = basis(problem, fine, body)
    coordinates = base + design @ problem.start
    coordinates[:, body.index(body.manifest.root["forward"])] = 0
    masks = {name: np.zeros((len(phase), len(SIDES)), dtype=bool) for name in Windows.__annotations__}
    masks["progress"] = np.zeros((len(phase), len(SIDES)))
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
        masks["loaded"][:, side] = own <= stance
        masks["progress"][:, side] = np.clip(own / stance, 0, 1)
        masks["stance"][:, side] = (own >= t) & (own <= stance - t)
        into = (own - stance) / (1 - stance)
        masks["swing"][:, side] = (into >= settings.swing_margin) & (into <= 1 - settings.swing_margin)
        for name in ("flat_foot", "flat_toes"):
            start, end = getattr(settings, name)
            masks[name][:, side] = (own >= start) & (own <= min(end, stance - t))
    return Windows(**masks)
