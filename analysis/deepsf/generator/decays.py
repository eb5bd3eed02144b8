"""Four-vectors (E, px, py, pz), arrays of shape ``(4, n)`` in GeV, and on-shell two-body decays of them."""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Reals

M_TOP, M_W, M_B = 172.5, 80.4, 4.8


def at_rapidity(mass: Reals, x: Reals, y: Reals, rapidity: Reals) -> Reals:
    """Return the four-vectors of given mass, transverse momentum and rapidity."""
    transverse_mass = np.sqrt(mass**2 + x**2 + y**2)
    return np.stack([transverse_mass * np.cosh(rapidity), x, y, transverse_mass * np.sinh(rapidity)])


def _directions(rng: np.random.Generator, n: int) -> tuple[Reals, Reals, Reals, Reals]:
    cos_theta, phi = rng.uniform(-1.0, 1.0, n), rng.uniform(-np.pi, np.pi, n)
    return cos_theta, np.sqrt(1.0 - cos_theta**2), np.cos(phi), np.sin(phi)


def two_body(rng: np.random.Generator, mass: Reals, daughter_mass: float) -> Reals:
    """Return the first of two daughters of equal mass, isotropic in the rest frame."""
    momentum = np.sqrt(0.25 * mass**2 - daughter_mass**2)
    cos_t, sin_t, cos_p, sin_p = _directions(rng, len(mass))
    return np.stack([0.5 * mass, momentum * sin_t * cos_p, momentum * sin_t * sin_p, momentum * cos_t])


def boosted(p: Reals, frame: Reals) -> Reals:
    """Return four-vectors boosted from the rest frame of ``frame`` into the frame that it is given in."""
    mass = np.sqrt(frame[0] ** 2 - (frame[1:] ** 2).sum(axis=0))
    energy = (frame * p).sum(axis=0) / mass
    along = (p[0] + energy) / (mass + frame[0])
    return np.concatenate([energy[None], p[1:] + frame[1:] * along])


def _w_cosines() -> tuple[Reals, Reals]:
    """Cumulative distribution of the lepton's cosine in the W frame, F0 = 0.69 and FL = 0.31 (F+ = 0)."""
    cosine = np.linspace(-1.0, 1.0, 2001)
    longitudinal = 0.69 * 0.75 * (cosine - cosine**3 / 3 + 2 / 3)
    left = 0.31 * 0.125 * (8.0 - (1.0 - cosine) ** 3)
    return longitudinal + left, cosine


_W_CUMULATIVE, _W_COSINE = _w_cosines()


def decay_top(rng: np.random.Generator, top: Reals) -> tuple[Reals, Reals, Reals]:
    """Decay t -> W b, W -> l nu; return lepton, b jet (with losses out of the cone) and the neutrino's (px, py).

    The W has the helicities of the standard model. Four-vectors are in the frame in which ``top`` is given.
    """
    n = top.shape[1]
    momentum = np.sqrt((M_TOP**2 - (M_W + M_B) ** 2) * (M_TOP**2 - (M_W - M_B) ** 2)) / (2 * M_TOP)
    energy_w = np.hypot(momentum, M_W)
    cos_t, sin_t, cos_p, sin_p = _directions(rng, n)
    w = np.stack([sin_t * cos_p, sin_t * sin_p, cos_t])
    b = np.concatenate([np.full((1, n), np.hypot(momentum, M_B)), -momentum * w])
    cosine = np.interp(rng.random(n), _W_CUMULATIVE, _W_COSINE)
    azimuth = rng.uniform(-np.pi, np.pi, n)
    # In the top frame, with the unit vectors of theta and phi across the W direction.
    parallel = 0.5 * (energy_w * cosine + momentum)
    across = 0.5 * M_W * np.sqrt(1.0 - cosine**2)
    a, c = across * np.cos(azimuth), across * np.sin(azimuth)
    lepton = np.stack(
        [
            0.5 * (energy_w + momentum * cosine),
            parallel * w[0] + a * cos_t * cos_p - c * sin_p,
            parallel * w[1] + a * cos_t * sin_p + c * cos_p,
            parallel * w[2] - a * sin_t,
        ]
    )
    lepton, b = boosted(lepton, top), boosted(b, top)
    neutrino = top[1:3] - lepton[1:3] - b[1:3]
    return lepton, b * (1.0 - np.minimum(rng.exponential(0.06, n), 0.7)), neutrino


def pt_eta_phi(p: Reals) -> tuple[Reals, Reals, Reals]:
    """Return pT, eta and phi of four-vectors, each shape ``(n,)``."""
    pt = np.hypot(p[1], p[2])
    return pt, np.arcsinh(p[3] / np.maximum(pt, 1e-6)), np.arctan2(p[2], p[1])
