"""Each event counts once: what identifies the selected events is compared over all files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepsf import parquet_files
from deepsf.arrays import Array
from deepsf.skim.cut_flow import SkimError, SkimReport

_NUMBERS = ("run", "luminosity_block", "event")
_IDENTITY = {"data": _NUMBERS, "simulation": (*_NUMBERS, "ht_gev", "eta", "phi")}
"""Columns that are equal only for the same event. Samples of simulation may share numbers, but not their jets."""
MAX_SHARED = {"data": 0.0, "simulation": 0.001}
"""Of the events of a file, the fraction that another one may hold as well."""
_SHOWN = 5


class _File(NamedTuple):
    """A file with the identity of each of its n selected events, columns of shape (n,)."""

    report: SkimReport
    identity: tuple[Array, ...]

    @property
    def n_events(self) -> int:
        return len(self.identity[0])


def require_distinct_events(paths: Sequence[tuple[Path, Path]], reports: Sequence[SkimReport]) -> None:
    """Check that no event is selected twice, in one file or in two; very few of simulation may be.

    Parameters
    ----------
    paths, reports
        Of each file its tables of entries and of jets, and its report.

    Raises
    ------
    SkimError
        Naming each pair of files that share events, with their number, the first of them, and the way out.
    """
    lines: list[str] = []
    for kind in _IDENTITY:
        files = [
            _File(report, _identity(*tables, kind))
            for tables, report in zip(paths, reports, strict=True)
            if report.kind == kind
        ]
        lines += _shared(kind, files)
    if lines:
        more = [f"and {len(lines) - _SHOWN} more pairs of files"] if len(lines) > _SHOWN else []
        raise SkimError("\n".join([*lines[:_SHOWN], *more]))


def _shared(kind: str, files: Sequence[_File]) -> Iterator[str]:
    """Yield the pairs of files that share too many events, those with the most first."""
    if not files:
        return
    columns = [np.concatenate(parts) for parts in zip(*(file.identity for file in files), strict=True)]
    number = np.repeat(np.arange(len(files)), [file.n_events for file in files])
    order = np.lexsort((number, *columns))
    same = np.logical_and.reduce([np.diff(column[order]) == 0 for column in columns])
    first, second = number[order[:-1][same]], number[order[1:][same]]
    for (one, other), n in Counter(zip(first.tolist(), second.tolist(), strict=True)).most_common():
        pair = [files[k] for k in dict.fromkeys((one, other))]
        if n > MAX_SHARED[kind] * min(file.n_events for file in pair):
            at = order[:-1][same][np.flatnonzero((first == one) & (second == other))[0]]
            run, block, event = (column[at] for column in columns[:3])
            yield (
                f"{n} selected events of {kind} are twice in {_names(pair)}, first run {run}, luminosity block "
                f"{block}, event {event}: they would count twice; {_way_out(kind, pair)}"
            )


def _names(files: Sequence[_File]) -> str:
    return " and ".join(f"{file.report.file} ({file.report.sample})" for file in files)


def _way_out(kind: str, files: Sequence[_File]) -> str:
    if len(files) == 1:
        return "take the file off, or make it again"
    if kind == "data" and files[0].report.sample != files[1].report.sample:
        return "put the data samples into campaign.data_order if their triggers overlap, or take one of the files off"
    return "take one of the files off"


def _identity(entries: Path, jets: Path, kind: str) -> tuple[Array, ...]:
    """Return what identifies the selected events of a file, each of its places in the file once."""
    of_kind = (entries, jets) if kind == "data" else (jets,)  # which alone has the direction of the first jet
    tables = [parquet_files.read(path, columns=["entry", *_IDENTITY[kind]]) for path in of_kind]
    entry = np.concatenate([table["entry"].to_numpy() for table in tables])
    _, first = np.unique(entry, return_index=True)
    return tuple(np.concatenate([table[name].to_numpy() for table in tables])[first] for name in _IDENTITY[kind])
