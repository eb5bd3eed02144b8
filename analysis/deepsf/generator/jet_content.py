"""What generated jets consist of: fractions of energy and numbers of particles, as in NanoAOD.

Jets that fail the identification of the detector simulation fail the published cuts of run 3 on these columns, and all
others pass them. Electrons and muons among the jets carry nearly all of the energy as what they are.
"""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Bools, Ints, Reals
from deepsf.generator.detector import RecoJets
from deepsf.generator.jagged import rounded

TRACKER_ABSETA, FORWARD_ABSETA = 2.65, 3.0
LEPTON_FRACTION = 0.93
MULTIPLICITIES = ("chMultiplicity", "neMultiplicity")


def content(rng: np.random.Generator, jets: RecoJets, lepton_pdg_id: Ints) -> dict[str, Reals]:
    """Return fractions of energy (``chHEF``, ...) and `MULTIPLICITIES` of jets, each of shape (m,).

    Parameters
    ----------
    lepton_pdg_id
        Shape (m,): code of the lepton that a jet is, 0 for others.
    """
    n, abseta = len(jets.event), np.abs(jets.eta)
    lepton = np.abs(lepton_pdg_id)
    has_tracks, is_forward = abseta < TRACKER_ABSETA, abseta > FORWARD_ABSETA
    charged = np.where(has_tracks, np.clip(rng.normal(0.60, 0.12, n), 0.05, 0.90), 0.0)
    # forward calorimeters see mostly hadrons; jets with much else are what the identification removes
    photons = np.where(is_forward, rng.uniform(0.05, 0.35, n), rng.uniform(0.3, 0.8, n))
    electrons, muons = (np.where(has_tracks, np.minimum(rng.exponential(0.005, n), 0.04), 0.0) for _ in range(2))
    neutral = 1.0 - charged - electrons - muons
    columns = {
        "chHEF": charged, "neHEF": neutral * (1.0 - photons), "chEmEF": electrons, "neEmEF": neutral * photons,
        "muEF": muons,
    }  # fmt: skip
    for code, carrier in ((11, "chEmEF"), (13, "muEF")):
        _concentrate(columns, lepton == code, carrier, LEPTON_FRACTION)
    fails = jets.jet_id == 0
    _concentrate(columns, fails & ~is_forward, "neHEF", 1.0)
    _concentrate(columns, fails & is_forward, "neEmEF", 0.95)
    numbers = {
        "chMultiplicity": np.where(has_tracks, 2 + rng.poisson(8.0, n), 0),
        "neMultiplicity": 3 + rng.poisson(6.0, n),
    }
    return {name: rounded(column) for name, column in columns.items()} | numbers


def _concentrate(columns: dict[str, Reals], jets: Bools, carrier: str, fraction: float) -> None:
    """Give a kind of particle a fraction of the energy of some jets; the others share the rest as they did."""
    rest = sum(column for name, column in columns.items() if name != carrier)
    for name, column in columns.items():
        share = fraction if name == carrier else (1.0 - fraction) * column / np.maximum(rest, 1e-9)
        columns[name] = np.where(jets, share, column)
