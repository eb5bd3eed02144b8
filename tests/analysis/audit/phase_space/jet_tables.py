"""Small tables of all jets, as the skim writes them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deepsf.binned.flavour import ShiftedValues, unit_table
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.flavours import Flavour
from deepsf.config.samples import Sample
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import logit
from deepsf.probes.tables import SkimTables
from deepsf.probes.weights import NormalisationTable

SAMPLES = {
    "ttbar": Sample(kind="simulation", files=("*",), cross_section_pb=2.0),
    "data": Sample(kind="data", files=("*",)),
}
FLAVOURS = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0,)),
}
BINS = FlavourBins(np.array([20.0, 60.0, 1000.0]), np.array([0.0, 2.5]), np.array([-2.01, 0.0, 0.2, 0.6, 1.01]))


def tables_in(folder) -> SkimTables:
    """Return all tables in a folder, at a luminosity of 10 /pb."""
    return SkimTables(list(folder.glob("*.parquet")), SAMPLES, FLAVOURS, 0.01)


def write_jets(path, sample, n_jets, *, channel, weight, score, flavour, pt=None, sum_weights=20.0, **further):
    """Write the jets of events, one after the other; pT falls from 100 GeV in each event by default."""
    n_jets = np.asarray(n_jets, np.int64)
    event = np.repeat(np.arange(len(n_jets)), n_jets)
    rank = np.arange(len(event)) - np.repeat(np.cumsum(n_jets) - n_jets, n_jets)
    pt = 100.0 - 20.0 * rank if pt is None else np.asarray(pt)
    columns = {
        "entry": event.astype(np.int64),
        "rank": rank.astype(np.int8),
        "channel": np.asarray(channel, np.int8)[event],
        "weight": np.asarray(weight, np.float64)[event],
        "pt_gev": np.asarray(pt, np.float32),
        "eta": np.full(len(event), -0.5, np.float32),
        "discriminant": np.asarray(score, np.float32),
        "hadron_flavour": np.asarray(flavour, np.int8),
        "n_jets": n_jets.astype(np.int8)[event],
        "ht_gev": np.bincount(event, pt).astype(np.float32)[event],
    }
    metadata = {
        "sample": sample,
        "kind": SAMPLES[sample].kind,
        "n_events": len(n_jets),
        "sum_weights": sum_weights,
        "cut_flow": {},
        "region_yields": {},
        "jets": {},
        "weight_shifts": [name.removeprefix("weight_") for name in further if name.startswith("weight_")],
        **further.pop("metadata", {}),
    }
    columns |= {name: np.asarray(values) for name, values in further.items()}
    pq.write_table(pa.table(columns).replace_schema_metadata({"deepsf": json.dumps(metadata)}), path)


def flat_table(mean=1.0):
    return NormalisationTable(KinematicBins(np.array([60.0]), np.empty(0)), np.array([mean, mean]))


def binned(sf, shifts=None):
    """Return scale factors of b jets by discriminant bin, 1 for udsg jets; ``shifts`` gives those of b jets."""

    def table(values, shifted):
        both = {"binned": flat_table(), "binned_smooth": flat_table()}
        full = np.broadcast_to(np.asarray(values, np.float64), BINS.shape).copy()
        node = logit(np.array([0.1, 0.4, 0.8]))
        found = {
            name: ShiftedValues(np.broadcast_to(np.asarray(v, np.float64), BINS.shape).copy(), full[..., 1:], both)
            for name, v in shifted.items()
        }
        unit, error = unit_table(BINS, node, "logit"), np.full(BINS.shape, 0.1)
        return replace(unit, sf=full, error=error, smooth=full[..., 1:], normalisation=both, shifts=found)

    return BinnedScaleFactor({"b": table(sf, shifts or {}), "udsg": table(1.0, {})}, (0.0,))
