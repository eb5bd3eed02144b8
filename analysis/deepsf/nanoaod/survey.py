"""What a NanoAOD file is, looked at from outside: data or simulation, of which runs, with which branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepsf.nanoaod.root_file import events_tree, open_root, unreadable


class Content(NamedTuple):
    """A file as `look_into` finds it; ``runs`` are the first and last run of data, None in simulation or if empty."""

    path: str
    is_data: bool
    n_events: int
    runs: tuple[int, int] | None
    branches: frozenset[str]


class Era(NamedTuple):
    """A shipped campaign: ranges of its runs, and by sample its kind and the data sets that its files belong to."""

    name: str
    runs: Sequence[tuple[int, int]]
    kinds: Mapping[str, str]
    data_sets: Mapping[str, Sequence[str]]


def look_into(path: str) -> Content:
    """Return what a file is.

    Raises
    ------
    NtupleError
        If it cannot be read, or has no ``Events``.
    """
    with open_root(path) as file:
        tree = events_tree(file, path)
        branches = frozenset(tree.keys(recursive=False))
        is_data = "genWeight" not in branches
        runs = None
        if is_data and tree.num_entries and "run" in branches:
            try:
                run = np.asarray(tree["run"].array(library="np"))
            except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
                raise unreadable(path, error, "reading run") from error
            runs = int(run.min()), int(run.max())
        return Content(path, is_data, int(tree.num_entries), runs, branches)


def era_of(contents: Iterable[Content], eras: Sequence[Era]) -> list[str]:
    """Return the names of the eras that all data files belong to by their runs; of all eras if there are no data."""
    runs = [content.runs for content in contents if content.runs is not None]

    def holds(era: Era) -> bool:
        return all(any(low <= first and last <= high for low, high in era.runs) for first, last in runs)

    return [era.name for era in eras if holds(era)]


def sample_of(path: str, is_data: bool, era: Era) -> str | None:
    """Return the sample of an era to which a file belongs by the name of its data set, which its path must hold.

    Data sets are named ``A/B`` for ``/A/B/C``: both parts must be in the path of data, the first in that of simulation.
    """
    parts = path.replace("\\", "/").split("/")
    for sample, data_sets in era.data_sets.items():
        if (era.kinds[sample] == "data") is not is_data:
            continue
        for data_set in data_sets:
            primary, _, processed = data_set.partition("/")
            wanted = [primary, *([processed.split("-")[0]] if is_data else [])]
            if all(any(part == name or part.startswith(f"{name}-") for part in parts) for name in wanted):
                return sample
            joined = "_".join(wanted)
            if any(part == joined or part.startswith((f"{joined}-", f"{joined}_")) for part in parts):
                return sample
    return None
