"""The two parquet tables of a skim: their columns (docs/architecture.md), rows of a chunk of events, and writing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from deepsf.config.flavours import Tagger
from deepsf.config.regions import Region
from deepsf.jets import INVALID
from deepsf.nanoaod.events import Events
from deepsf.skim.cut_flow import METADATA_KEY
from deepsf.skim.dileptons import Dileptons, EventVariables, by_channel, event_variables
from deepsf.skim.regions import passes_event_cuts, passes_tag_cut

Array = npt.NDArray[Any]


def entries_schema(
    regions: Mapping[str, Region], jet_columns: Mapping[str, str], weight_shifts: Iterable[str] = ()
) -> pa.Schema:
    """Return names and types of the columns of the table of tag-probe entries."""
    fields: list[tuple[str, pa.DataType]] = [
        ("entry", pa.int64()),
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


def jets_schema(jet_columns: Mapping[str, str], weight_shifts: Iterable[str] = ()) -> pa.Schema:
    """Return names and types of the columns of the table of all jets."""
    fields: list[tuple[str, pa.DataType]] = [
        ("entry", pa.int64()),
        ("shift", pa.int8()),
        ("rank", pa.int8()),
        ("channel", pa.int8()),
        ("weight", pa.float64()),
        *((f"weight_{shift}", pa.float32()) for shift in weight_shifts),
        *((name, pa.float32()) for name in ("pt_gev", "eta", "phi", "discriminant")),
        ("hadron_flavour", pa.int8()),
        ("n_jets", pa.int8()),
        ("ht_gev", pa.float32()),
        *((name, pa.float32()) for name in jet_columns),
    ]
    return pa.schema(fields)


class Weights(NamedTuple):
    """Weights of all events of a chunk, nominal and by shift the ratio to it; arrays of shape (n,)."""

    nominal: Array
    ratios: dict[str, Array]

    def alone(self) -> Weights:
        """Return the nominal weights with all ratios 1, for rows of shifted jets: shifts are not combined."""
        return Weights(self.nominal, {shift: np.ones(len(self.nominal), np.float32) for shift in self.ratios})


class Selected(NamedTuple):
    """The n preselected events of a chunk with everything that rows are made of; m selected jets in all.

    Attributes
    ----------
    shift
        Index of the shift of the jets' energy.
    weights
        By column, shape (n,): ``weight`` is generator weight times pile-up weight, ``weight_<shift>`` the ratio to it.
    jets
        Columns of the selected jets, each of shape (m,), named as in the tables; an invalid score is -1.
    n_invalid, n_nan
        Number of jets whose score is invalid, and of those where it is not finite.
    in_region
        By region, shape (n,): passes all cuts but those on the tag jet and the number of jets.
    """

    events: Events
    dileptons: Dileptons
    variables: EventVariables
    shift: int
    weights: dict[str, Array]
    jets: dict[str, Array]
    n_invalid: int
    n_nan: int
    in_region: dict[str, Array]


def gather(
    events: Events, dileptons: Dileptons, weights: Weights, regions: Mapping[str, Region], shift: int
) -> Selected:
    """Return the preselected events of a chunk with their variables, jets and regions."""
    of_events = {"weight": weights.nominal[dileptons.position]}
    of_events |= {f"weight_{name}": ratio[dileptons.position] for name, ratio in weights.ratios.items()}
    variables = event_variables(dileptons, events.jets)
    met_gev = events.met_gev[dileptons.position].astype(np.float64)
    wanted = ("pt", "eta", "phi", "discriminant", "hadron_flavour")
    columns = {name: events.jets.columns[name][dileptons.jet_index] for name in wanted}
    finite = np.isfinite(columns["discriminant"])
    valid = finite & (columns["discriminant"] >= 0.0)
    jets = {
        "pt_gev": columns["pt"],
        "eta": columns["eta"],
        "phi": columns["phi"],
        "discriminant": np.where(valid, columns["discriminant"], INVALID),
        "hadron_flavour": columns["hadron_flavour"],
        **{name: column[dileptons.jet_index] for name, column in events.jet_columns.items()},
    }
    in_region = {
        name: passes_event_cuts(
            region, dileptons.channel, variables.mll_gev, met_gev, variables.pt_ll_gev, variables.mht_gev
        )
        for name, region in regions.items()
    }
    n_invalid, n_nan = (int(np.count_nonzero(~good)) for good in (valid, finite))
    return Selected(events, dileptons, variables, shift, of_events, jets, n_invalid, n_nan, in_region)


def entry_rows(
    selected: Selected, tagger: Tagger, regions: Mapping[str, Region]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the rows of the entries' table, both permutations of an event in a row, and events by region and channel.

    Events with exactly two jets enter once for each jet that passes the tag cut of a region.
    """
    events, dileptons, variables = selected.events, selected.dileptons, selected.variables
    two = np.flatnonzero(dileptons.n_jets == 2)
    lead = dileptons.jet_offsets[two]
    event = np.repeat(two, 2)
    tag = np.stack([lead, lead + 1], axis=1).ravel()
    probe = np.stack([lead + 1, lead], axis=1).ravel()
    score = selected.jets["discriminant"][tag].astype(np.float64)
    cut_on = {column for region in regions.values() for column in region.tag_columns}
    columns = {name: selected.jets[name][tag].astype(np.float64) for name in cut_on}
    in_region = {
        name: selected.in_region[name][event] & passes_tag_cut(region, tagger.working_points, score, columns)
        for name, region in regions.items()
    }
    flow = {
        name: by_channel(dileptons.channel[two[mask.reshape(-1, 2).any(axis=1)]]) for name, mask in in_region.items()
    }
    kept = np.flatnonzero(np.logical_or.reduce(list(in_region.values())))
    event, tag, probe = event[kept], tag[kept], probe[kept]
    position = dileptons.position[event]
    rows = {
        "entry": events.first_entry + position,
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
    return rows, flow


def jet_rows(selected: Selected, n_jets_min: int) -> dict[str, Array]:
    """Return a row for every selected jet of the events with at least ``n_jets_min`` jets."""
    dileptons = selected.dileptons
    n_jets = dileptons.n_jets
    event = np.repeat(np.arange(len(n_jets)), n_jets)
    kept = np.flatnonzero(n_jets[event] >= n_jets_min)
    event = event[kept]
    return {
        "entry": selected.events.first_entry + dileptons.position[event],
        "shift": np.full(len(kept), selected.shift, np.int8),
        "rank": (kept - dileptons.jet_offsets[event]).astype(np.int8),
        "channel": dileptons.channel[event],
        **{name: weight[event] for name, weight in selected.weights.items()},
        **{name: column[kept] for name, column in selected.jets.items()},
        "n_jets": n_jets[event].astype(np.int8),
        "ht_gev": selected.variables.ht_gev[event],
    }


class Table:
    """A parquet file that grows by row groups; errors of the operating system name it."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        with self._named():
            # Without the stored arrow schema the metadata set at the end are read back as the schema's own.
            self.writer = pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False, store_schema=False)

    def write(self, columns: Mapping[str, Array]) -> None:
        """Append the columns of a chunk as a row group; none for no rows."""
        arrays = [pa.array(columns[field.name], field.type, from_pandas=False) for field in self.schema]
        if len(arrays[0]):
            with self._named():
                self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))

    def close(self, metadata: str) -> None:
        """Add the metadata and finish the file."""
        with self._named():
            self.writer.add_key_value_metadata({METADATA_KEY: metadata})
            self.writer.close()

    def discard(self) -> None:
        """Remove what has been written."""
        with suppress(OSError):  # on a full disk closing fails as well
            self.writer.close()
        if self.path.is_file():
            self.path.unlink()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno is not None else str(error)
            way_out = "free disk space there or choose another output folder"
            raise OSError(error.errno, f"table cannot be written: {reason}; {way_out}", str(self.path)) from error


@contextmanager
def open_tables(*described: tuple[str | Path, pa.Schema]) -> Iterator[list[Table]]:
    """Open tables for writing; if anything fails, none of them is left behind."""
    tables: list[Table] = []
    try:
        for path, schema in described:
            tables.append(Table(Path(path), schema))
        yield tables
    except BaseException:
        for table in tables:
            table.discard()
        raise
