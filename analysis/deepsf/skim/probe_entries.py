"""Where a probe entry is made: one row for each way to take a two-jet event's jets as tag and probe (`probe_entries`).

An event with two jets A and B gives up to two probe entries: A tags and B is the probe, and the reverse. Each is kept
if its tag jet passes the cut of a region whose other cuts the event passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from deepsf.arrays import Array
from deepsf.config.flavours import Tagger
from deepsf.config.regions import Region
from deepsf.skim.dileptons import by_channel
from deepsf.skim.regions import passes_tag_cut
from deepsf.skim.selected import EVENT_INDEX, Selected


def probe_entries_schema(
    regions: Mapping[str, Region], jet_columns: Mapping[str, str], weight_shifts: Iterable[str] = ()
) -> pa.Schema:
    """Return names and types of the columns of the table of probe entries."""
    fields: list[tuple[str, pa.DataType]] = [
        (EVENT_INDEX, pa.int64()),
        ("shift", pa.int8()),
        ("run", pa.uint32()),
        ("luminosity_block", pa.uint32()),
        ("event", pa.uint64()),
        ("permutation", pa.int8()),
        ("channel", pa.int8()),
        *((f"in_{region}", pa.bool_()) for region in regions),
        ("weight", pa.float64()),
        *((f"weight_{shift}", pa.float32()) for shift in weight_shifts),
    ]
    for jet in ("tag", "probe"):
        fields += [(f"{jet}_{name}", pa.float32()) for name in ("pt_gev", "eta", "discriminant")]
        fields += [(f"{jet}_hadron_flavour", pa.int8())]
    fields += [(f"{jet}_{name}", pa.float32()) for jet in ("tag", "probe") for name in jet_columns]
    fields += [(name, pa.float32()) for name in ("mll_gev", "pt_ll_gev", "met_gev", "ht_gev")]
    return pa.schema([*fields, ("n_pv", pa.int16())])


def probe_entries(
    selected: Selected, tagger: Tagger, regions: Mapping[str, Region]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the probe entries of the events with exactly two jets, both permutations of an event in a row.

    Returns
    -------
    rows
        By column, shape (n_probe_entries,); each entry's tag jet passes the cut of at least one of its event's regions.
    tagged
        By region, shape (3,): number of events by channel with at least one probe entry.
    """
    events, dileptons, variables = selected.events, selected.dileptons, selected.variables
    two = np.flatnonzero(dileptons.n_jets == 2)
    lead = dileptons.jet_offsets[two]
    event = np.repeat(two, 2)
    tag = np.stack([lead, lead + 1], axis=1).ravel()
    probe = np.stack([lead + 1, lead], axis=1).ravel()
    in_region = _tagged_in(selected, event, tag, tagger, regions)
    tagged = {
        name: by_channel(dileptons.channel[two[mask.reshape(-1, 2).any(axis=1)]]) for name, mask in in_region.items()
    }
    kept = np.flatnonzero(np.logical_or.reduce(list(in_region.values())))
    event, tag, probe = event[kept], tag[kept], probe[kept]
    position = dileptons.position[event]
    rows = {
        EVENT_INDEX: selected.event_index(event),
        "shift": np.full(len(kept), selected.shift, np.int8),
        "run": events.run[position],
        "luminosity_block": events.luminosity_block[position],
        "event": events.event[position],
        "permutation": (kept % 2).astype(np.int8),
        "channel": dileptons.channel[event],
        **{f"in_{name}": mask[kept] for name, mask in in_region.items()},
        **{name: weight[event] for name, weight in selected.weights.items()},
        **{f"tag_{name}": column[tag] for name, column in selected.jets.items()},
        **{f"probe_{name}": column[probe] for name, column in selected.jets.items()},
        "mll_gev": variables.mll_gev[event],
        "pt_ll_gev": variables.pt_ll_gev[event],
        "met_gev": events.met_gev[position],
        "ht_gev": variables.ht_gev[event],
        "n_pv": events.n_pv[position],
    }
    return rows, tagged


def _tagged_in(
    selected: Selected, event: Array, tag: Array, tagger: Tagger, regions: Mapping[str, Region]
) -> dict[str, Array]:
    """Return by region which pairs of an event and a tag jet pass all of its cuts."""
    score = selected.jets["discriminant"][tag].astype(np.float64)
    cut_on = {column for region in regions.values() for column in region.tag_columns}
    columns = {name: selected.jets[name][tag].astype(np.float64) for name in cut_on}
    return {
        name: selected.in_region[name][event] & passes_tag_cut(region, tagger.working_points, score, columns)
        for name, region in regions.items()
    }
