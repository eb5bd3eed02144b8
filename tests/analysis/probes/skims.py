"""Small tables of a skim, written as `deepsf.skim.skim_file` writes them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.samples import Sample
from deepsf.probes.tables import SkimTables

SAMPLES = {
    "ttbar": Sample(kind="simulation", files=("*",), cross_section_pb=2.0),
    "data": Sample(kind="data", files=("*",)),
}
REGIONS = {"hf": Region(enriched_flavour="b", channels=("ee", "emu"), tag_above=0.5)}
FLAVOURS = {"b": Flavour(hadron_flavours=(5,)), "udsg": Flavour(hadron_flavours=(0, 1))}


def tables_in(folder, **changes) -> SkimTables:
    """Return all tables in a folder, at a luminosity of 10 /pb."""
    arguments = {"samples": SAMPLES, "flavours": FLAVOURS, "luminosity_ifb": 0.01} | changes
    return SkimTables(list(folder.glob("*.parquet")), **arguments)


def write_entries(path, sample, yields, sum_weights, *, kind="simulation", **columns):
    """Write a table of entries in the region hf; ``yields`` are those of the channels ee, emu and mumu."""
    n = len(columns["weight"])
    written = {"entry": np.arange(n, dtype=np.int64), "in_hf": np.ones(n, bool)}
    written |= {"weight": np.array(columns["weight"], float), "channel": np.array(columns["channel"], np.int8)}
    for role in ("tag", "probe"):
        written |= {f"{role}_{name}": np.full(n, 0.7, np.float32) for name in ("pt_gev", "eta", "discriminant")}
        written[f"{role}_hadron_flavour"] = np.array(columns["flavour"], np.int8)
    write(path, written, sample, sum_weights, dict(zip(("ee", "emu", "mumu"), yields, strict=True)), kind)


def write(path, columns, sample, sum_weights, yields=None, kind="simulation"):
    metadata = {
        "sample": sample,
        "kind": kind,
        "n_events": 1,
        "sum_weights": sum_weights,
        "cut_flow": {},
        "region_yields": {"hf": {c: {"n": 1, "sum_weights": y} for c, y in (yields or {}).items()}},
        "jets": {"selected": 0, "invalid": 0, "nan": 0},
        "missing_triggers": [],
    }
    table = pa.table(columns).replace_schema_metadata({"deepsf": json.dumps(metadata)})
    pq.write_table(table, path)


def add_shifts(path, kinematic=("nominal",), weights=(), **columns):
    """Add columns and names of shifts to a table of a skim."""
    table = pq.read_table(path)
    metadata = json.loads(table.schema.metadata[b"deepsf"]) | {"kinematic_shifts": kinematic, "weight_shifts": weights}
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table.replace_schema_metadata({"deepsf": json.dumps(metadata)}), path)


def jets_columns(n, flavour, pt_scale=1.0):
    """Return the columns of ``n`` jets, one an event, whose flavours repeat."""
    columns = {"entry": np.arange(n, dtype=np.int64), "weight": np.ones(n)}
    columns |= {name: np.linspace(20, 90, n, dtype=np.float32) for name in ("pt_gev", "eta", "discriminant")}
    columns["pt_gev"] *= np.float32(pt_scale)
    return columns | {"hadron_flavour": np.resize(np.array(flavour, np.int8), n)}


def write_jets(path, n, flavour):
    write(path, jets_columns(n, flavour), "ttbar", 40.0)
