"""`JetEvents`: events as the jets in them, flat arrays with offsets; and their parquet form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Bools, Ints, Singles
from deepsf.efficiency.events.errors import JetEventsError
from deepsf.efficiency.events.source import EventSource, join_sources

_JETS = {"pt_gev": np.float32, "eta": np.float32, "phi": np.float32, "flavour": np.int8, "tag_bin": np.int8}
_EVENTS = {"weight": np.float32, "event": np.uint64}
_PT_MAX_GEV = 7000.0
"""Half of 14 TeV, the energy that no jet at the LHC exceeds."""
_DISCRIMINANT = "discriminant"


@dataclass(frozen=True)
class JetEvents:
    """Events as the jets in them, by falling pT; event k has the jets ``offsets[k]:offsets[k + 1]``, possibly none.

    Attributes
    ----------
    offsets
        int64, (n_events + 1,).
    pt_gev, eta, phi
        float32, (n_jets,); phi in [-pi, pi].
    flavour
        int8, (n_jets,), index into ``flavours``.
    tag_bin
        int8, (n_jets,): pseudo-continuous bin of the jet, the number of nested working points it passes; 0: untagged.
    weight
        float32, (n_events,), generator weights, signed.
    event
        uint64, (n_events,), event numbers, unique in a sample. They seed random draws and decide the fold of a
        cross-fit.
    flavours, working_points
        Names. Working points go from the loosest to the tightest.
    source
        Sample, run, luminosity block and event that they come from, where these are known.
    discriminant
        float32, (n_jets,): score of the tagger that the tag bins are of, negative or NaN if invalid; None: not known.
        Scale factors of shapes need it.
    """

    offsets: Ints
    pt_gev: Singles
    eta: Singles
    phi: Singles
    flavour: npt.NDArray[np.int8]
    tag_bin: npt.NDArray[np.int8]
    weight: Singles
    event: npt.NDArray[np.uint64]
    flavours: tuple[str, ...]
    working_points: tuple[str, ...]
    source: EventSource | None = None
    discriminant: Singles | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_jets(self) -> Ints:
        """Number of jets of each event, int64, (n_events,)."""
        return np.diff(self.offsets)

    @property
    def event_of_jet(self) -> Ints:
        """Index of the event that each jet belongs to, int64, (n_jets,)."""
        return np.repeat(np.arange(len(self)), self.n_jets)

    @property
    def rank(self) -> Ints:
        """Place of each jet in its event, from 0, int64, (n_jets,)."""
        return np.arange(len(self.pt_gev)) - np.repeat(self.offsets[:-1], self.n_jets)

    @property
    def _jets(self) -> tuple[str, ...]:
        """Names of the columns of jets."""
        return (*_JETS,) if self.discriminant is None else (*_JETS, _DISCRIMINANT)

    def check(self, where: str) -> JetEvents:
        """Return the events themselves if they keep every rule.

        Parameters
        ----------
        where
            What the events are, for messages: a file or a sample.

        Raises
        ------
        JetEventsError
            If a rule is broken; the message has all problems, with column, value and rule.
        """
        if problems := self._problems_of_shape():
            raise JetEventsError(f"{where}: " + "; ".join(problems))
        problems = [*self._problems_of_jets(), *self._problems_of_events()]
        if problems:
            raise JetEventsError(f"{where}: " + "; ".join(problems))
        return self

    def _problems_of_jets(self) -> Iterator[str]:
        """Yield in words what is wrong with jets, with the first event that has it, and the way out."""
        turned = np.abs(self.phi) > np.float32(np.pi)
        if np.any(turned):
            farthest = self.phi[np.argmax(np.abs(self.phi))]
            yield (
                f"phi of {turned.sum()} jets is not in [-pi, pi] (farthest {farthest:g}){self._first(turned)}; give it "
                "in radians"
            )
        for name in ("pt_gev", "eta", "phi"):
            bad = ~np.isfinite(getattr(self, name))
            if np.any(bad):
                yield f"{name} of {bad.sum()} jets is not finite{self._first(bad)}; leave such jets out"
        bad = self.pt_gev <= 0
        if np.any(bad):
            lowest = np.min(self.pt_gev)
            yield f"pt_gev of {bad.sum()} jets is not above 0 (lowest {lowest:g}){self._first(bad)}; leave them out"
        if len(self.pt_gev) and np.median(self.pt_gev) > _PT_MAX_GEV:
            yield (
                f"pt_gev has the median {np.median(self.pt_gev):g}, above {_PT_MAX_GEV:g} GeV, which no jet of the LHC "
                "exceeds: it is in MeV; divide it by 1000"
            )
        for name, n_known, known in (
            ("flavour", len(self.flavours), f"an index into {list(self.flavours)}"),
            ("tag_bin", len(self.working_points) + 1, f"a tag bin of the working points {list(self.working_points)}"),
        ):
            outside = (getattr(self, name) < 0) | (getattr(self, name) >= n_known)
            if np.any(outside):
                found = np.unique(getattr(self, name)[outside]).tolist()
                yield f"{name} must be {known}, got {found}{self._first(outside)}"
        rising = np.diff(self.pt_gev, prepend=np.inf) > 0
        rising[self.offsets[:-1][self.n_jets > 0]] = False
        if np.any(rising):
            yield (
                f"jets of {len(np.unique(self.event_of_jet[rising]))} events are not ordered by falling pT"
                f"{self._first(rising)}; order them, in awkward jets[ak.argsort(jets.pt, ascending=False)]"
            )

    def _problems_of_events(self) -> Iterator[str]:
        """Yield in words what is wrong with numbers and weights of events."""
        bad = ~np.isfinite(self.weight)
        if np.any(bad):
            row = np.argmax(bad)
            yield f"weight of {bad.sum()} events is not finite (first of event {self.event[row]}, row {row})"
        numbers, counts = np.unique(self.event, return_counts=True)
        if np.any(counts > 1):
            yield (
                f"event numbers must differ, {len(self) - len(numbers)} of {len(self)} are those of another event "
                f"(first {numbers[counts > 1][0]}); where they repeat from run to run or sample to sample, make them "
                "of run, luminosity block and event, with deepsf.efficiency.event_numbers or "
                "efficiency.events.columns.run"
            )

    def _first(self, jets: Bools) -> str:
        """Return in words the first event with any of these jets, ``(n_jets,)``."""
        row = self.event_of_jet[np.argmax(jets)]
        return f" (first in event {self.event[row]}, row {row})"

    def _problems_of_shape(self) -> list[str]:
        """Return in words what does not fit together; all other rules suppose that it does."""
        offsets, problems = self.offsets, []
        if not len(offsets) or offsets[0] != 0 or np.any(np.diff(offsets) < 0):
            return [f"offsets must begin with 0 and not fall, got {offsets[:5].tolist()}, ..."]
        for names, length, what in ((self._jets, int(offsets[-1]), "a jet"), (_EVENTS, len(self), "an event")):
            for name in names:
                if (shape := np.shape(getattr(self, name))) != (length,):
                    problems.append(f"{name} must have one value {what}, shape ({length},), got {shape}")
        if self.source is not None and len(self.source) != len(self):
            problems.append(f"source must be of {len(self)} events, got one of {len(self.source)}")
        return problems

    def numbers(self, of_flavour: Mapping[str, int], trained: str) -> Ints:
        """Return the number of each jet's flavour, int64, (n_jets,); -1 for flavours without jets that have none.

        Raises
        ------
        JetEventsError
            If there are jets of a flavour that has none: what is ``trained`` does not know them.
        """
        used = np.flatnonzero(np.bincount(self.flavour, minlength=len(self.flavours)))
        if unknown := [self.flavours[place] for place in used if self.flavours[place] not in of_flavour]:
            raise JetEventsError(
                f"jets of flavour {', '.join(unknown)}: {trained} was trained on {', '.join(of_flavour)}; train it on "
                "these too, or leave such jets out of the events"
            )
        return np.array([of_flavour.get(name, -1) for name in self.flavours], np.int64)[self.flavour]

    def select(self, chosen: Bools) -> JetEvents:
        """Return some of the events, those where ``chosen``, (n_events,), is true."""
        jets = np.repeat(chosen, self.n_jets)
        parts: dict[str, Any] = {name: getattr(self, name)[jets] for name in self._jets}
        parts |= {name: getattr(self, name)[chosen] for name in _EVENTS}
        parts["source"] = None if self.source is None else self.source.select(chosen)
        return replace(self, offsets=offsets_of(self.n_jets[chosen]), **parts)

    def write(self, path: Path) -> None:
        """Write a parquet file with one row for each event, jets as lists."""
        import pyarrow as pa

        from deepsf import parquet_files

        offsets = pa.array(self.offsets.astype(np.int32))
        columns = {name: pa.array(getattr(self, name)) for name in _EVENTS}
        columns |= {name: pa.ListArray.from_arrays(offsets, pa.array(getattr(self, name))) for name in self._jets}
        if self.source is not None:
            columns |= self.source.to_columns()
        names = {"flavours": self.flavours, "working_points": self.working_points}
        table = pa.table(columns).replace_schema_metadata({"deepsf": json.dumps(names, allow_nan=False)})
        parquet_files.write(path, table)

    @classmethod
    def read(cls, path: Path) -> JetEvents:
        """Read what `write` wrote.

        Raises
        ------
        JetEventsError
            If the file is not one of events, or a column is missing.
        """
        from deepsf import parquet_files

        table = parquet_files.read(path)
        names = (table.schema.metadata or {}).get(b"deepsf")
        missing = sorted({*_JETS, *_EVENTS} - set(table.column_names))
        if names is None or missing:
            raise JetEventsError(f"{path}: not a file of jet events; it lacks {', '.join(missing) or 'its metadata'}")
        known = json.loads(names)
        dtypes = _JETS | ({_DISCRIMINANT: np.float32} if _DISCRIMINANT in table.column_names else {})
        lists = {name: table[name].combine_chunks() for name in dtypes}
        columns: dict[str, Any] = {
            name: array.flatten().to_numpy().astype(dtypes[name]) for name, array in lists.items()
        }
        columns |= {name: table[name].to_numpy().astype(dtype) for name, dtype in _EVENTS.items()}
        offsets = lists["pt_gev"].offsets.to_numpy().astype(np.int64)
        return cls(
            offsets=offsets - offsets[0],
            flavours=tuple(known["flavours"]),
            working_points=tuple(known["working_points"]),
            source=EventSource.from_table(table),
            **columns,
        )


def offsets_of(counts: npt.NDArray[np.integer]) -> Ints:
    """Return the offsets of ragged arrays with ``counts`` (n_events,) elements."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def join(parts: Sequence[JetEvents]) -> JetEvents:
    """Return several samples as one.

    Raises
    ------
    JetEventsError
        If there are none, flavours or working points differ, or some know the discriminant and others do not.
    """
    if not parts:
        raise JetEventsError("no events to join")
    first = parts[0]
    for part in parts:
        if (part.flavours, part.working_points) != (first.flavours, first.working_points):
            raise JetEventsError(
                f"samples differ in flavours or working points: {first.flavours}, {first.working_points} and "
                f"{part.flavours}, {part.working_points}"
            )
    if len({part.discriminant is None for part in parts}) > 1:
        raise JetEventsError(
            "some samples have the discriminant of their jets and others do not; give it to all or to none"
        )
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in (*first._jets, *_EVENTS)
    }
    joined["source"] = join_sources([part.source for part in parts])
    return replace(first, offsets=offsets_of(np.concatenate([part.n_jets for part in parts])), **joined)
