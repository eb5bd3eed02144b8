"""Kinematics of the toy's jets: two of every event, any number of others around the first of them.

The laws are those of the code published with arXiv:2004.02665 (github.com/jshlomi/TruthTagWithNN), but phi is flat and
wrapped, and truncated laws are drawn by their inverse cumulative distribution instead of by redrawing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import erf, erfinv

from deepsf.arrays import Bools, Floats, Ints
from deepsf.config.efficiency.toy import ToyKinematics

_Bytes = npt.NDArray[np.int8]


class Jets(NamedTuple):
    """One jet of each of some events, arrays of shape ``(n,)``; phi in [-pi, pi], flavour an index."""

    pt_gev: Floats
    eta: Floats
    phi: Floats
    flavour: _Bytes


class Pairs(NamedTuple):
    """The two jets that every event has before any is lost."""

    a: Jets
    b: Jets


def wrapped(phi: Floats) -> Floats:
    """Return angles, or differences of angles, in [-pi, pi)."""
    return np.asarray((phi + np.pi) % (2 * np.pi) - np.pi)


def half_normal_pt(uniform: Floats, settings: ToyKinematics, below_gev: Floats | float) -> Floats:
    """Return pT in GeV by the half-normal law above ``pt_min_gev``, cut off at ``below_gev``.

    Parameters
    ----------
    uniform, below_gev
        (n,); numbers in [0, 1), and the largest pT, of each jet or of all.
    """
    scale = np.sqrt(2.0) * settings.pt_sigma_gev
    share = erf((np.asarray(below_gev) - settings.pt_min_gev) / scale)
    return np.asarray(np.minimum(settings.pt_min_gev + scale * erfinv(uniform * share), below_gev))


def truncated_normal(uniform: Floats, sigma: float, largest: float) -> Floats:
    """Return normal numbers around 0, given that they are within +-``largest``; ``uniform`` in [0, 1), (n,)."""
    scale = np.sqrt(2.0) * sigma
    return np.asarray(scale * erfinv((2 * uniform - 1) * erf(largest / scale)))


def around(rng: np.random.Generator, eta: Floats, phi: Floats, settings: ToyKinematics) -> tuple[Floats, Floats]:
    """Return eta and phi of jets around directions (n,): DeltaR by a density sqrt(DeltaR), |eta| in the acceptance."""
    low, high = settings.delta_r_min**1.5, settings.delta_r_max**1.5
    new_eta, new_phi = np.empty(len(eta)), np.empty(len(eta))
    missing = np.arange(len(eta))
    while len(missing):
        delta_r = (low + rng.random(len(missing)) * (high - low)) ** (2 / 3)
        angle = rng.uniform(-np.pi, np.pi, len(missing))
        new_eta[missing] = eta[missing] + delta_r * np.cos(angle)
        new_phi[missing] = wrapped(phi[missing] + delta_r * np.sin(angle))
        missing = missing[np.abs(new_eta[missing]) >= settings.abseta_max]
    return new_eta, new_phi


def draw_flavour(rng: np.random.Generator, n: int, n_flavours: int) -> _Bytes:
    """Return flavours, all equally likely, (n,)."""
    return rng.integers(0, n_flavours, n, dtype=np.int8)


def two_jets(rng: np.random.Generator, n: int, settings: ToyKinematics, n_flavours: int) -> Pairs:
    """Return the first two jets of ``n`` events: independent pT and flavours, the second one around the first."""
    pt_a, pt_b = (half_normal_pt(rng.random(n), settings, settings.pt_max_gev) for _ in range(2))
    eta = truncated_normal(rng.random(n), settings.eta_sigma, settings.eta_max_leading)
    phi = rng.uniform(-np.pi, np.pi, n)
    a = Jets(pt_a, eta, phi, draw_flavour(rng, n, n_flavours))
    return Pairs(a, Jets(pt_b, *around(rng, eta, phi, settings), draw_flavour(rng, n, n_flavours)))


def n_extra_jets(rng: np.random.Generator, n: int, settings: ToyKinematics) -> Ints:
    """Return the number of other jets of ``n`` events: an exponential law up to ``n_extra_max`` + 1, rounded down."""
    mean, largest = settings.n_extra_mean, settings.n_extra_max
    number = np.floor(-mean * np.log1p(rng.random(n) * np.expm1(-(largest + 1) / mean))).astype(np.int64)
    return np.asarray(np.minimum(number, largest))


def extra_jets(rng: np.random.Generator, pairs: Pairs, event: Ints, settings: ToyKinematics, n_flavours: int) -> Jets:
    """Return one more jet for every element of ``event`` (n_extra,): softer than both jets of it, around the first."""
    softest = np.minimum(pairs.a.pt_gev, pairs.b.pt_gev)[event]
    pt = half_normal_pt(rng.random(len(event)), settings, softest)
    directions = around(rng, pairs.a.eta[event], pairs.a.phi[event], settings)
    return Jets(pt, *directions, draw_flavour(rng, len(event), n_flavours))


class Arranged(NamedTuple):
    """Jets by event and falling pT, as stored: (n_jets,), and their number (n_events,)."""

    n_jets: Ints
    pt_gev: npt.NDArray[np.float32]
    eta: npt.NDArray[np.float32]
    phi: npt.NDArray[np.float32]
    flavour: _Bytes


def arrange(pairs: Pairs, keeps_second: Bools, extra: Jets, event_of_extra: Ints) -> Arranged:
    """Return the jets of all events in order, without the second one where ``keeps_second`` (n_events,) is false."""
    n_events = len(keeps_second)
    numbers = np.arange(n_events)
    event = np.concatenate([numbers, numbers[keeps_second], event_of_extra])
    pt, eta, phi = (
        np.concatenate([a, b[keeps_second], other]).astype(np.float32)
        for a, b, other in zip(pairs.a[:3], pairs.b[:3], extra[:3], strict=True)
    )
    flavour = np.concatenate([pairs.a.flavour, pairs.b.flavour[keeps_second], extra.flavour])
    # by the pT as stored: equal ones keep their order
    order = np.lexsort((-pt, event))
    return Arranged(np.bincount(event, minlength=n_events), pt[order], eta[order], phi[order], flavour[order])
