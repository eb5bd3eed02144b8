"""Columns of parquet files and branches of ROOT files alike: flat values, and for lists how many each event has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepsf import parquet_files
from deepsf.arrays import Array, Ints
from deepsf.efficiency.events.errors import JetEventsError
from deepsf.nanoaod.root_file import TREE_CLASSES, open_root, unreadable

PARQUET = (".parquet", ".parq", ".pq")


class Column(NamedTuple):
    """A column of numbers.

    Attributes
    ----------
    name
        In the file.
    values
        Numbers, ``(n_events,)``, or of all lists one after the other.
    counts
        Length of each event's list, int64, ``(n_events,)``; None for one number an event.
    """

    name: str
    values: Array
    counts: Ints | None


def read_columns(path: Path, names: Mapping[str, str], tree: str, where: str) -> dict[str, Column]:
    """Return columns of a file by key.

    Parameters
    ----------
    names
        What the file calls them, by key.
    tree
        Tree of ROOT files.
    where
        Section of the configuration that names them, for messages.

    Raises
    ------
    JetEventsError
        If the file is of another kind, cannot be read, lacks columns, or has others than of numbers, or gaps.
    """
    if path.suffix == ".root":
        return _of_root(path, names, tree, where)
    if path.suffix in PARQUET:
        return _of_parquet(path, names, where)
    raise JetEventsError(f"{path}: events are read from parquet ({', '.join(PARQUET)}) and .root files; convert it")


def _of_parquet(path: Path, names: Mapping[str, str], where: str) -> dict[str, Column]:
    present = parquet_files.read_schema(path).names
    # awkward writes jets as lists of records, whose fields are named jets.pt
    whole = {key: name if name in present else name.partition(".")[0] for key, name in names.items()}
    _require(path, {key: names[key] for key, name in whole.items() if name not in present}, present, where)
    table = parquet_files.read(path, columns=list(dict.fromkeys(whole.values())))
    return {key: _of_arrow(path, name, table[whole[key]], where) for key, name in names.items()}


def _of_arrow(path: Path, name: str, column: Any, where: str) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    array, counts = column.combine_chunks(), None
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    kind = array.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        _require_whole(path, name, array.null_count, "events")
        counts = pc.list_value_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
        array = array.flatten()
    if pa.types.is_struct(array.type) and "." in name:
        _require_whole(path, name, array.null_count, "records")
        fields, field = [part.name for part in array.type], name.partition(".")[2]
        if field not in fields:
            raise JetEventsError(
                f"{path}: has no column {name}; {name.partition('.')[0]} has the fields {', '.join(fields)}"
            )
        array = array.field(field)
    _require_whole(path, name, array.null_count, "values")
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_boolean(array.type)):
        raise _not_numbers(path, name, kind, where)
    return Column(name, array.to_numpy(zero_copy_only=False), counts)


def _of_root(path: Path, names: Mapping[str, str], tree: str, where: str) -> dict[str, Column]:
    import awkward as ak

    with open_root(str(path)) as file:
        try:
            arrays = _arrays(file, path, names, tree, where)
        except (JetEventsError, MemoryError):
            raise
        except Exception as error:  # uproot raises many types on trees and baskets that are damaged
            raise unreadable(str(path), error, "reading it") from error
    columns = {}
    for key, array in arrays.items():
        layout, counts = array.layout, None
        if layout.is_list:
            counts = ak.to_numpy(ak.num(array)).astype(np.int64)
            layout = ak.flatten(array).layout
        if not layout.is_numpy or layout.purelist_depth != 1:
            raise _not_numbers(path, names[key], array.type.content, where)
        columns[key] = Column(names[key], np.asarray(layout.data), counts)
    return columns


def _arrays(file: Any, path: Path, names: Mapping[str, str], tree: str, where: str) -> dict[str, Any]:
    import awkward as ak

    kinds = file.classnames(recursive=True, cycle=False)
    if kinds.get(tree) not in TREE_CLASSES:
        known = ", ".join(name for name, kind in kinds.items() if kind in TREE_CLASSES) or "none"
        raise JetEventsError(f"{path}: has no tree {tree!r}, its trees are {known}; name one in {where}.tree")
    events = file[tree]
    _require(path, names, list(events.keys()), where)
    return {key: ak.to_packed(events[name].array()) for key, name in names.items()}


def _require(path: Path, names: Mapping[str, str], present: list[str], where: str) -> None:
    if missing := {key: name for key, name in names.items() if name not in present}:
        wanted = ", ".join(f"{name} ({where}.columns.{key})" for key, name in missing.items())
        shown = ", ".join(present[:20]) + (f" and {len(present) - 20} more" if len(present) > 20 else "")
        raise JetEventsError(f"{path}: has no column {wanted}; it has {shown}")


def _require_whole(path: Path, name: str, n_null: int, what: str) -> None:
    if n_null:
        raise JetEventsError(
            f"{path}: {name} is null for {n_null} {what}; fill these, or leave the events out of the file"
        )


def _not_numbers(path: Path, name: str, kind: Any, where: str) -> JetEventsError:
    return JetEventsError(
        f"{path}: {name} is of type {kind}, not a number or a list of numbers in each event; name another column in "
        f"{where}.columns"
    )
