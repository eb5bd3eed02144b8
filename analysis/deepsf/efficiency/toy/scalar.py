"""The transfer sample: a scalar decays to two massless quarks of one flavour, in other kinematics than in training."""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.config.efficiency.toy import ScalarSample, ToyKinematics
from deepsf.efficiency.toy.kinematics import Jets, Pairs, draw_flavour
from deepsf.generator.decays import at_rapidity, boosted, pt_eta_phi, two_body

_ROUNDS_MAX = 100
_DRAWS_MIN = 1024


def decays(rng: np.random.Generator, n: int, scalar: ScalarSample, acceptance: ToyKinematics, n_flavours: int) -> Pairs:
    """Return the two quarks of ``n`` isotropic decays, both within the acceptance in pT and |eta|.

    Their invariant mass is ``mass_gev`` in double precision.

    Raises
    ------
    ValueError
        If less than about one decay in 100 is in the acceptance.
    """
    accepted: list[Floats] = []
    draws = max(2 * n, _DRAWS_MIN)
    for _ in range(_ROUNDS_MAX):
        quarks = _decay(rng, draws, scalar)
        accepted.append(quarks[:, :, _accepted(quarks, acceptance)])
        if sum(part.shape[2] for part in accepted) >= n:
            a, b = np.concatenate(accepted, axis=2)[:, :, :n]
            flavour = draw_flavour(rng, n, n_flavours)
            return Pairs(Jets(a[0], a[1], a[2], flavour), Jets(b[0], b[1], b[2], flavour))
    raise ValueError(
        f"efficiency.toy.scalar: of {_ROUNDS_MAX * draws} decays of a scalar of mass_gev = {scalar.mass_gev:g} and "
        f"pt_mean_gev = {scalar.pt_mean_gev:g} only {sum(part.shape[2] for part in accepted)} have both quarks at pT "
        f"{acceptance.pt_min_gev:g} to {acceptance.pt_max_gev:g} GeV and |eta| < {acceptance.abseta_max:g}, where {n} "
        "are needed; change the mass, the mean pT, or pt_min_gev, pt_max_gev, abseta_max of the kinematics"
    )


def _decay(rng: np.random.Generator, n: int, scalar: ScalarSample) -> Floats:
    """Return pT, eta and phi of both quarks, (2, 3, n)."""
    mass = np.full(n, scalar.mass_gev)
    pt, phi = rng.exponential(scalar.pt_mean_gev, n), rng.uniform(-np.pi, np.pi, n)
    frame = at_rapidity(mass, pt * np.cos(phi), pt * np.sin(phi), rng.normal(0.0, scalar.rapidity_sigma, n))
    quark = two_body(rng, mass, 0.0)
    opposite = quark * np.array([[1.0], [-1.0], [-1.0], [-1.0]])
    return np.array([pt_eta_phi(boosted(p, frame)) for p in (quark, opposite)])


def _accepted(quarks: Floats, acceptance: ToyKinematics) -> Bools:
    pt, eta = quarks[:, 0], quarks[:, 1]
    inside = (pt > acceptance.pt_min_gev) & (pt < acceptance.pt_max_gev) & (np.abs(eta) < acceptance.abseta_max)
    return np.asarray(inside.all(axis=0))
