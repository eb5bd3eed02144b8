"""A small member on random entries: two regions, three flavours, tag jets whose scale factors matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deepsf.adversarial.trainer import MemberTrainer
from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.training import Training
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.measurement import Measurement
from deepsf.seeds import seed_sequence

FLAVOURS = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0,)),
}
REGIONS = {
    "hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.5),
    "lf": Region(enriched_flavour="udsg", channels=("ee",), tag_below=0.5),
}
NONE = np.empty(0, np.float32)
NO_INCLUSIVE_JETS = InclusiveJets(np.empty(0, np.int64), np.empty(0), Jets(NONE, NONE, NONE, np.empty(0, np.int8)))
"""Trainers do without: scale factors are normalised afterwards."""


def _jets(rng, n, shares):
    columns = rng.uniform(20, 200, n), rng.uniform(0, 2.4, n), rng.uniform(0.01, 0.99, n)
    return Jets(*(c.astype(np.float32) for c in columns), rng.choice(3, n, p=shares).astype(np.int8))


def _entries(rng, n, shares):
    # two entries an event
    return ProbeEntries(
        np.arange(n) // 2, np.ones(n), np.zeros(n, np.int8), _jets(rng, n, shares), _jets(rng, n, shares)
    )


@pytest.fixture(scope="session")
def make_trainer() -> Callable[..., MemberTrainer]:
    """Return a function that makes a fresh trainer; takes settings.

    It has 24 steps: six of warm-up, six a pass, the last three of S alone.

    ``arranged`` changes how the measurement is written down.
    """
    rng = np.random.default_rng(1)
    shares = {"hf": (0.8, 0.05, 0.15), "lf": (0.1, 0.1, 0.8)}
    entries = {n: RegionEntries(_entries(rng, 1000, s), _entries(rng, 2000, s)) for n, s in shares.items()}

    def make(arranged: Callable[[Measurement], Measurement] = lambda same: same, **changed: Any) -> MemberTrainer:
        small: dict[str, Any] = {"layers": 2, "units": 8, "precision": "fp32"}
        small |= {"batch_size": 256, "passes": 2.5, "last_steps": 3, **changed}
        weighting = EventWeight(n_pt=3, n_abseta=2), Normalisation()
        measurement = Measurement(REGIONS, entries, FLAVOURS, NO_INCLUSIVE_JETS, *weighting)
        return MemberTrainer(arranged(measurement), Training(**small), seed_sequence(1, "deepsf", 0))

    return make
