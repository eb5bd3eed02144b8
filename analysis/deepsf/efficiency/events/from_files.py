"""Events for efficiencies from files of others: parquet or ROOT, with a list a jet quantity and a number an event one.

Files that `JetEvents.write` made need no names of columns, all others say in ``efficiency.events.columns`` what they
call theirs. Whatever breaks a rule is an error with file, event, value, rule and way out; nothing is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Array, Ints
from deepsf.config.efficiency.efficiency import EfficiencySplit
from deepsf.config.efficiency.events import EventColumns
from deepsf.efficiency.events.columns import Column, read_columns
from deepsf.efficiency.events.errors import JetEventsError
from deepsf.efficiency.events.events import JetEvents, join, offsets_of
from deepsf.efficiency.events.folds import in_test_sample
from deepsf.efficiency.events.from_jets import wrapped
from deepsf.efficiency.events.source import EventSource, event_numbers, seed_of
from deepsf.reading import reading
from deepsf.seeds import mixed

_WHERE = "efficiency.events"


class EventFormat(NamedTuple):
    """How files are read.

    Attributes
    ----------
    hadron_flavours
        Codes by flavour, in the order that `JetEvents.flavour` counts in.
    working_points
        From the loosest to the tightest.
    columns
        What the files call their columns; None: files of `JetEvents.write`.
    cuts
        On the score by working point; None where the files have tag bins.
    tree
        Tree of ROOT files.
    """

    hadron_flavours: Mapping[str, Sequence[int]]
    working_points: tuple[str, ...]
    columns: EventColumns | None = None
    cuts: Mapping[str, float] | None = None
    tree: str = "Events"


def events_of_files(paths: Sequence[Path], given: EventFormat, sample: str) -> JetEvents:
    """Return the events of the files of a sample.

    Events whose number is not in the file get a hash of sample, file name and row: where files lie and in which order
    they are given does not matter.

    Raises
    ------
    JetEventsError
        If a file cannot be read, lacks a column, or breaks a rule of `JetEvents`; it names the first event.
    """
    if given.columns is not None and given.columns.event is None:
        name, count = Counter(path.name for path in paths).most_common(1)[0]
        if count > 1:
            raise JetEventsError(
                f"{_WHERE}.{sample}: {count} files are called {name}, and event numbers are made of file names; rename "
                "them, or name the event number in columns.event"
            )
    parts = [
        _written_here(path, given) if given.columns is None else _of_columns(path, given, given.columns, sample)
        for path in sorted(paths)
    ]
    events = join(parts)
    if not len(events):
        raise JetEventsError(f"{_WHERE}.{sample}: no event in {len(paths)} files; name others")
    return events.check(f"{_WHERE}.{sample}")


def divided(events: JetEvents, split: EfficiencySplit) -> dict[str, JetEvents]:
    """Return the samples ``train`` and ``test``; the number of an event decides where it goes."""
    is_test = in_test_sample(events, split)
    return {"train": events.select(~is_test), "test": events.select(is_test)}


def _written_here(path: Path, given: EventFormat) -> JetEvents:
    """Return the events of a file of `JetEvents.write`, with flavours in the order of the configuration."""
    with reading(path, JetEventsError, f"give files of JetEvents.write, or the names of columns in {_WHERE}.columns"):
        events = JetEvents.read(path)
    if unknown := [name for name in events.flavours if name not in given.hadron_flavours]:
        raise JetEventsError(
            f"{path}: has the flavours {list(events.flavours)}, of which {unknown} are none of the configuration's "
            f"{list(given.hadron_flavours)}; name the same in flavours"
        )
    if events.working_points != given.working_points:
        raise JetEventsError(
            f"{path}: has tag bins of the working points {list(events.working_points)}, but efficiency.working_points "
            f"are {list(given.working_points)}; name the same, from loose to tight"
        )
    flavours = tuple(given.hadron_flavours)
    number = np.array([flavours.index(name) for name in events.flavours], np.int8)
    events.check(str(path))
    return replace(events, flavours=flavours, flavour=number[events.flavour])


def _of_columns(path: Path, given: EventFormat, names: EventColumns, sample: str) -> JetEvents:
    wanted = {key: name for key, name in names.model_dump().items() if name is not None}
    table = read_columns(path, wanted, given.tree, _WHERE)
    of_jets = {key: column for key, column in table.items() if key in ("pt_gev", "pt_mev", *_OF_JETS)}
    of_events = {key: _per_event(path, column) for key, column in table.items() if key not in of_jets}
    counts = _counts(path, of_jets)
    n_events = len(counts)
    numbers = _numbers(path, of_events, sample, n_events)
    jet = _Jets(path, of_jets, np.repeat(np.arange(n_events), counts), numbers)
    pt = jet.numbers("pt_gev") if "pt_gev" in of_jets else jet.numbers("pt_mev") / 1000.0
    with reading(path, JetEventsError, f"correct {_WHERE}.columns.phi"):
        phi = wrapped(jet.numbers("phi").astype(np.float32))
    return JetEvents(
        offsets=offsets_of(counts),
        pt_gev=pt.astype(np.float32),
        eta=jet.numbers("eta").astype(np.float32),
        phi=phi,
        flavour=jet.flavours(given.hadron_flavours),
        tag_bin=jet.tag_bins(given.working_points, given.cuts),
        weight=of_events.get("weight", np.ones(n_events)).astype(np.float32),
        event=numbers,
        flavours=tuple(given.hadron_flavours),
        working_points=given.working_points,
        source=EventSource.of_sample(sample, of_events) if "run" in of_events else None,
        discriminant=jet.numbers("score").astype(np.float32) if given.cuts is not None else None,
    ).check(str(path))


_OF_JETS = ("eta", "phi", "flavour", "tag_bin", "score")


def _counts(path: Path, of_jets: Mapping[str, Column]) -> Ints:
    """Return the number of jets of each event, in which all columns agree."""
    counts: list[tuple[str, Ints]] = []
    for column in of_jets.values():
        if column.counts is None:
            raise JetEventsError(
                f"{path}: {column.name} has one value an event, not a list of one a jet; name another column in "
                f"{_WHERE}.columns"
            )
        counts.append((column.name, column.counts))
    first, expected = counts[0]
    for name, found in counts:
        if np.any(found != expected):
            row = int(np.argmax(found != expected))
            raise JetEventsError(
                f"{path}: row {row} has {expected[row]} values of {first} and {found[row]} of {name}; name columns of "
                f"the same jets in {_WHERE}.columns"
            )
    return expected


def _per_event(path: Path, column: Column) -> Array:
    if column.counts is not None:
        raise JetEventsError(
            f"{path}: {column.name} is a list in every event, not one value; name another column in {_WHERE}.columns"
        )
    return column.values


def _numbers(path: Path, of_events: Mapping[str, Array], sample: str, n_events: int) -> npt.NDArray[np.uint64]:
    if "event" not in of_events:
        return mixed(seed_of(sample, path.name) + mixed(np.arange(n_events, dtype=np.uint64)))
    event = of_events["event"]
    with reading(path, JetEventsError, f"correct {_WHERE}.columns"):
        if "run" in of_events:
            return event_numbers(of_events["run"], of_events["luminosity_block"], event, sample)
        if not (np.issubdtype(event.dtype, np.integer) and np.all(event >= 0)):
            raise JetEventsError(f"event numbers must be whole and at least 0, got {event.dtype} from {event.min()} on")
    return event.astype(np.uint64)


class _Jets(NamedTuple):
    """Columns of the jets of a file, with the row of each jet's event and the number of each event."""

    path: Path
    columns: Mapping[str, Column]
    row: Ints
    event: npt.NDArray[np.uint64]

    def numbers(self, key: str) -> Array:
        """Return finite values of a column."""
        column = self.columns[key]
        self._require(key, np.isfinite(column.values), "a finite number", "leave such jets out of the file")
        return column.values

    def flavours(self, hadron_flavours: Mapping[str, Sequence[int]]) -> npt.NDArray[np.int8]:
        """Return indices of flavours."""
        codes, index = self.columns["flavour"].values, np.full(len(self.row), -1, np.int8)
        for number, of_flavour in enumerate(hadron_flavours.values()):
            index[np.isin(codes, list(of_flavour))] = number
        known = {name: list(of_flavour) for name, of_flavour in hadron_flavours.items()}
        self._require("flavour", index >= 0, f"a code of the flavours {known}", "add it to flavours.*.hadron_flavours")
        return index

    def tag_bins(self, names: Sequence[str], cuts: Mapping[str, float] | None) -> npt.NDArray[np.int8]:
        """Return tag bins, stored ones or those that cuts on the score give."""
        if cuts is not None:
            thresholds = np.array([cuts[name] for name in names])
            return np.searchsorted(thresholds, self.numbers("score").astype(np.float64)).astype(np.int8)
        bins = self.columns["tag_bin"].values
        rule = f"a number of passed working points, from 0 to the {len(names)} of {list(names)}"
        self._require("tag_bin", np.isin(bins, np.arange(len(names) + 1)), rule, "correct efficiency.working_points")
        return bins.astype(np.int8)

    def _require(self, key: str, good: npt.NDArray[np.bool_], rule: str, way_out: str) -> None:
        if np.all(good):
            return
        first, column = int(np.argmin(good)), self.columns[key]
        raise JetEventsError(
            f"{self.path}: event {self.event[self.row[first]]} (row {self.row[first]}): {column.name} = "
            f"{column.values[first]:g}, which must be {rule} ({np.count_nonzero(~good)} of {len(good)} jets are not); "
            f"{way_out}"
        )
