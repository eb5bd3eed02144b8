"""Each data event counts once: run, luminosity block and event number of all selected data are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepsf import parquet_files
from deepsf.arrays import Array
from deepsf.skim.cut_flow import SkimError, SkimReport

_COLUMNS = ("run", "luminosity_block", "event")


def require_distinct_events(paths: Sequence[tuple[Path, Path]], reports: Sequence[SkimReport]) -> None:
    """Check that no data event is selected twice, in one file or in two.

    Parameters
    ----------
    paths, reports
        Of each file its tables of entries and of jets, and its report.

    Raises
    ------
    SkimError
        Naming each pair of files that share events, with their number, the first of them, and the way out.
    """
    data = [(tables, report) for tables, report in zip(paths, reports, strict=True) if report.kind == "data"]
    parts = [_events(*tables) for tables, _ in data]
    if not parts:
        return
    run, block, event = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    file = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    order = np.lexsort((file, event, block, run))
    same = np.logical_and.reduce([np.diff(column[order]) == 0 for column in (run, block, event)])
    if not same.any():
        return
    first, second = file[order[:-1][same]], file[order[1:][same]]
    pairs = Counter(zip(first.tolist(), second.tolist(), strict=True))
    lines = []
    for (one, other), n in pairs.most_common(5):
        at = order[:-1][same][np.flatnonzero((first == one) & (second == other))[0]]
        names = " and ".join(f"{data[k][1].file} ({data[k][1].sample})" for k in dict.fromkeys((one, other)))
        lines.append(
            f"{n} selected data events are twice in {names}, first run {run[at]}, luminosity block {block[at]}, event "
            f"{event[at]}: they would count twice; take a file off, or put the data samples into campaign.data_order "
            "if their triggers overlap"
        )
    more = [f"and {len(pairs) - len(lines)} more pairs of files"] if len(pairs) > len(lines) else []
    raise SkimError("\n".join([*lines, *more]))


def _events(entries: Path, jets: Path) -> tuple[Array, ...]:
    """Return run, luminosity block and number of all selected events of a file, once for each place in the file."""
    tables = [parquet_files.read(path, columns=["entry", *_COLUMNS]) for path in (entries, jets)]
    entry = np.concatenate([table["entry"].to_numpy() for table in tables])
    _, first = np.unique(entry, return_index=True)
    return tuple(np.concatenate([table[name].to_numpy() for table in tables])[first] for name in _COLUMNS)
