"""Events as the generator of arXiv:2004.02665 makes them, after its description: a file of others.

Codes 1, 2, 3 of b, c and light jets; plain differences in phi, which never comes round; efficiencies that are step
functions of pT and eta, times a step function of the distance for each neighbour, by the neighbour's flavour alone. The
published histograms are not public: these are made up, with light jets tagged far more often, so that few events
suffice.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import truncnorm

PT_EDGES, ETA_EDGES, DELTA_R_EDGES = np.linspace(20, 1000, 18), np.linspace(-2.4, 2.4, 11), np.linspace(0, 3, 31)
PLATEAU = {1: 0.8, 2: 0.3, 3: 0.12}
RANGE = {1: 1.2, 2: 1.0, 3: 0.8}
"""By the neighbour's flavour: the distance from which it does not matter."""


def _pt(rng: np.random.Generator, below: np.ndarray) -> np.ndarray:
    """Half-normal from 20 GeV on, each number below a limit."""
    return truncnorm.rvs(0.0, (below - 20.0) / 200.0, 20.0, 200.0, random_state=rng)


def _around(rng: np.random.Generator, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Jets at a distance of density sqrt(DeltaR), on the side of the centre, drawn again until they are inside."""
    placed = np.full((2, len(eta)), np.nan)
    while (todo := np.flatnonzero(np.isnan(placed[0]))).size:
        low, high = 0.011**1.5, 3.0**1.5
        delta_r = (low + rng.random(len(todo)) * (high - low)) ** (2.0 / 3.0)
        angle = rng.uniform(0.0, 2 * np.pi, len(todo))
        new_eta = eta[todo] - np.sign(eta[todo]) * np.abs(delta_r * np.cos(angle))
        new_phi = phi[todo] - np.sign(phi[todo]) * np.abs(delta_r * np.sin(angle))
        good = (np.abs(new_eta) < 2.4) & (np.abs(new_phi) < 3.13)
        placed[:, todo[good]] = new_eta[good], new_phi[good]
    return placed[0], placed[1]


def _efficiency(jets: dict[str, np.ndarray], counts: np.ndarray) -> np.ndarray:
    pt_bin = np.clip(np.digitize(jets["pt"], PT_EDGES) - 1, 0, 16)
    eta_bin = np.clip(np.digitize(jets["eta"], ETA_EDGES) - 1, 0, 9)
    plateau = np.array([PLATEAU[code] for code in jets["label"]])
    alone = plateau * (0.7 + 0.3 * np.minimum(pt_bin, 6) / 6) * (1 - 0.03 * np.abs(eta_bin - 4.5))
    first = np.cumsum(counts) - counts
    efficiency = alone.copy()
    for event in range(len(counts)):
        own = np.arange(first[event], first[event] + counts[event])
        eta, phi, label = (jets[name][own] for name in ("eta", "phi", "label"))
        # of a plain difference in phi
        delta_r = np.hypot(eta[:, None] - eta, phi[:, None] - phi)
        step = DELTA_R_EDGES[np.clip(np.digitize(delta_r, DELTA_R_EDGES) - 1, 0, 29)]
        factor = np.minimum(1.0, 0.4 + 0.6 * step / np.array([RANGE[code] for code in label]))
        np.fill_diagonal(factor, 1.0)
        efficiency[own] *= factor.prod(axis=1)
    return efficiency


def write_published_toy(path: Path, n_events: int, seed: int) -> None:
    """Write a parquet file with lists of jets: pt, eta, phi, label, eff, tag."""
    rng = np.random.default_rng(seed)
    leading = np.sort(_pt(rng, np.full((2, n_events), 1000.0)), axis=0)[::-1]
    n_extra = np.floor(-4.0 * np.log1p(rng.random(n_events) * np.expm1(-5.0 / 4.0))).astype(int)
    eta = truncnorm.rvs(-4, 4, 0.0, 0.5, size=n_events, random_state=rng)
    phi = rng.uniform(-3.14, 1.14, n_events)
    counts = 2 + n_extra
    event, total = np.repeat(np.arange(n_events), counts), counts.sum()
    rank = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    around = _around(rng, eta[event], phi[event])
    is_a = rank == rng.integers(0, 2, n_events)[event]
    jets = {
        "pt": np.where(rank < 2, leading[np.minimum(rank, 1), event], _pt(rng, leading[1][event])),
        "eta": np.where(is_a, eta[event], around[0]),
        "phi": np.where(is_a, phi[event], around[1]),
        "label": rng.integers(1, 4, total),
    }
    order = np.lexsort((-jets["pt"], event))
    jets = {name: values[order] for name, values in jets.items()}
    jets["eff"] = _efficiency(jets, counts)
    jets["tag"] = (rng.random(total) < jets["eff"]).astype(np.int8)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    pq.write_table(
        pa.table({name: pa.ListArray.from_arrays(offsets, pa.array(values)) for name, values in jets.items()}), path
    )
