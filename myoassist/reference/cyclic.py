"""Periodic series: closing a recorded cycle, zero-phase low-pass, shifting, resampling and exact derivatives.

Everything works on the coefficients of the Fourier series, so that a filtered series is periodic by
construction (no edge effects) and velocities are the derivative of the very curve that the positions sample.
"""

from __future__ import annotations

import numpy as np


def close_cycle(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make one recorded cycle periodic by spreading its closing gap evenly over the cycle.

    Args:
        samples: (R, n); the last sample is the same instant of the next cycle as the first.

    Returns:
        (R - 1, n) periodic samples with the end point left out, and the gap (n,) = last minus first. The
        mean of each column is kept (the ramp that is subtracted has mean zero).
    """
    samples = np.asarray(samples, dtype=float)
    gap = samples[-1] - samples[0]
    ramp = np.linspace(-0.5, 0.5, len(samples))
    return (samples - ramp[:, None] * gap)[:-1], gap


def coefficients(samples: np.ndarray) -> np.ndarray:
    """Fourier coefficients of periodic samples along the first axis: x(p) = Re Σ c_k exp(2πi k p), p in cycles."""
    count = len(samples)
    result = np.fft.rfft(samples, axis=0) / count
    result[1:] *= 2
    if count % 2 == 0:
        result[-1] /= 2
    return result


def evaluate(series: np.ndarray, phase: np.ndarray, derivative: int = 0) -> np.ndarray:
    """Value, or a derivative with respect to phase (in cycles), of a Fourier series at any phases.

    Args:
        series: (K, …) coefficients as from :func:`coefficients`.
        phase: (P,) cycles.
        derivative: order, 0 or more.

    Returns:
        (P, …).
    """
    order = np.arange(len(series))
    factor = (2j * np.pi * order) ** derivative
    basis = np.exp(2j * np.pi * np.outer(phase, order)) * factor
    return np.real(np.tensordot(basis, series, axes=1))


def low_pass(series: np.ndarray, cutoff: float, order: int = 4) -> np.ndarray:
    """Zero-phase Butterworth low-pass of a periodic series.

    A Butterworth filter of order ``order / 2`` run forwards and backwards has no phase and the gain
    1 / (1 + (f / fc)^order) (its magnitude squared); that gain is applied to each harmonic. ``fc`` is
    corrected such that the two passes together are at −3 dB at ``cutoff`` (Winter 2009, Biomechanics and
    Motor Control of Human Movement, section 3.4.4.2).

    Args:
        series: (K, …) coefficients.
        cutoff: −3 dB frequency of the whole filter, in cycles per period.
        order: order of both passes together, even.
    """
    harmonic = np.arange(len(series)) / (cutoff / (np.sqrt(2) - 1) ** (1 / order))
    gain = 1 / (1 + harmonic**order)
    return series * gain.reshape(-1, *[1] * (series.ndim - 1))


def shift(series: np.ndarray, phase: float) -> np.ndarray:
    """Series whose phase 0 is ``phase`` of the given one."""
    turn = np.exp(2j * np.pi * phase * np.arange(len(series)))
    return series * turn.reshape(-1, *[1] * (series.ndim - 1))


def grid(frames: int) -> np.ndarray:
    """Phases ``i / frames`` of the samples of one cycle, end point left out."""
    return np.arange(frames) / frames
