"""The parquet tables of a skim: writing both, and the rows of the one of all jets (columns: docs/architecture.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from deepsf import parquet_files
from deepsf.arrays import Array
from deepsf.skim.cut_flow import METADATA_KEY, SkimError
from deepsf.skim.selected import EVENT_INDEX, Selected

N_JETS_MAX = np.iinfo(np.int8).max


def jets_schema(jet_columns: Mapping[str, str], weight_shifts: Iterable[str] = ()) -> pa.Schema:
    """Return names and types of the columns of the table of all jets."""
    fields: list[tuple[str, pa.DataType]] = [
        (EVENT_INDEX, pa.int64()),
        ("shift", pa.int8()),
        ("run", pa.uint32()),
        ("luminosity_block", pa.uint32()),
        ("event", pa.uint64()),
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


def jet_rows(selected: Selected, n_jets_min: int) -> dict[str, Array]:
    """Return a row for every selected jet of the events with at least ``n_jets_min`` jets.

    Raises
    ------
    SkimError
        If an event has more jets than a rank can count.
    """
    events, dileptons = selected.events, selected.dileptons
    n_jets = dileptons.n_jets
    if len(n_jets) and n_jets.max() > N_JETS_MAX:
        raise SkimError(
            f"an event has {n_jets.max()} selected jets, more than {N_JETS_MAX}: the file is corrupt or not of "
            "collisions; take it off the sample"
        )
    event = np.repeat(np.arange(len(n_jets)), n_jets)
    rank = np.arange(len(event)) - np.repeat(dileptons.jet_offsets[:-1], n_jets)
    jets = selected.jets
    if np.any(n_jets < n_jets_min):
        kept = np.flatnonzero(n_jets[event] >= n_jets_min)
        event, rank, jets = event[kept], rank[kept], {name: column[kept] for name, column in jets.items()}
    position = dileptons.position[event]
    return {
        EVENT_INDEX: selected.event_index(event),
        "shift": np.full(len(event), selected.shift, np.int8),
        "run": events.run[position],
        "luminosity_block": events.luminosity_block[position],
        "event": events.event[position],
        "rank": rank.astype(np.int8),
        "channel": dileptons.channel[event],
        **{name: weight[event] for name, weight in selected.weights.items()},
        **jets,
        "n_jets": n_jets[event].astype(np.int8),
        "ht_gev": selected.variables.ht_gev[event],
    }


def _storage(schema: pa.Schema) -> dict[str, Any]:
    """Return options of the writer with which a table takes a third less time to write, and a fifth more space.

    Floating-point numbers shrink if their bytes are sorted, then a quick codec does as well as a good one.
    """
    floats = {field.name for field in schema if pa.types.is_floating(field.type)}
    counts = {field.name for field in schema if pa.types.is_integer(field.type) and field.type.bit_width == 64}
    return {
        "compression": {name: "lz4" if name in floats else "zstd" for name in schema.names},
        "column_encoding": dict.fromkeys(floats, "BYTE_STREAM_SPLIT") | dict.fromkeys(counts, "DELTA_BINARY_PACKED"),
        "use_dictionary": False,
        "write_statistics": ["shift"],
        "write_batch_size": 20_000,
    }


def _arrow(values: Array, kind: pa.DataType) -> pa.Array:
    """Return a column as an arrow array; ``pyarrow.array`` would import pandas, 90 MB and half a second."""
    casting: Any = "same_kind" if pa.types.is_floating(kind) else "safe"
    stored = np.ascontiguousarray(values.astype(kind.to_pandas_dtype(), casting=casting, copy=False))
    if pa.types.is_boolean(kind):
        stored = np.packbits(stored, bitorder="little")
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(stored)])


class Table:
    """A parquet file that grows by row groups; errors of the operating system name it."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        # nothing is null: levels that say so would cost a fifth of the time of writing
        self.schema = pa.schema([field.with_nullable(False) for field in schema])
        with self._named():
            # Metadata set at the end are only read back as the schema's if no arrow schema is stored.
            self.writer = parquet_files.Writer(path, self.schema, store_schema=False, **_storage(schema))

    def write(self, columns: Mapping[str, Array]) -> None:
        """Append the columns of a chunk as a row group; none for no rows."""
        arrays = [_arrow(columns[field.name], field.type) for field in self.schema]
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
