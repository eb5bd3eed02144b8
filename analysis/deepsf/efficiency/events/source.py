"""Which events of which input they are: numbers that are unique in a sample, and the numbers of NanoAOD to join with.

``event`` of NanoAOD alone repeats: it counts anew in every run of data, and in every sample of simulation. The number
of an event here is a hash of all that tells events apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Bools
from deepsf.efficiency.events.errors import JetEventsError
from deepsf.seeds import mixed

_NUMBERS = {"run": np.uint32, "luminosity_block": np.uint32, "event": np.uint64}
_COLUMNS = {"run": "run", "luminosity_block": "luminosityBlock", "event": "nanoaod_event"}
"""Columns of tables; ``event`` there is the unique number."""


def seed_of(*name: str) -> np.uint64:
    """Return 64 bits that a name with several parts stands for."""
    digest = hashlib.sha256("/".join(name).encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))


def event_numbers(
    run: npt.ArrayLike, luminosity_block: npt.ArrayLike, event: npt.ArrayLike, sample: str = ""
) -> npt.NDArray[np.uint64]:
    """Return a number for each event that no other event of these or other samples has, uint64, ``(n_events,)``.

    It is a hash: two of n events have the same number with a probability of n^2 / 2^65, 3e-8 for a million. It depends
    on the arguments alone, so that an event has it wherever it is read.

    Parameters
    ----------
    run, luminosity_block, event
        Whole numbers, ``(n_events,)``, the branches ``run``, ``luminosityBlock`` and ``event`` of NanoAOD.
    sample
        Name of the sample: simulated samples number their events alike.

    Raises
    ------
    JetEventsError
        If the numbers differ in shape, or are not whole and at least 0.
    """
    given = {"run": run, "luminosity_block": luminosity_block, "event": event}
    values = {name: _whole(name, np.asarray(value)) for name, value in given.items()}
    if len({value.shape for value in values.values()}) != 1:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in values.items())
        raise JetEventsError(
            f"run, luminosity_block and event must have one value an event each, got the shapes {shapes}"
        )
    number = np.full(values["run"].shape, seed_of("event numbers", sample))
    for value in values.values():
        number = mixed(number + mixed(value))
    return number


def _whole(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    if not np.issubdtype(values.dtype, np.integer):
        raise JetEventsError(f"{name} must be whole numbers, got {values.dtype}: a float cannot hold all event numbers")
    if not np.all(values >= 0):
        raise JetEventsError(f"{name} must be at least 0, got {values.min()}")
    return values.astype(np.uint64)


@dataclass(frozen=True)
class EventSource:
    """Where events come from.

    Attributes
    ----------
    samples
        Names of samples.
    sample
        int16, (n_events,), index into ``samples``.
    run, luminosity_block, event
        uint32, uint32 and uint64, (n_events,), as in NanoAOD.
    """

    samples: tuple[str, ...]
    sample: npt.NDArray[np.int16]
    run: npt.NDArray[np.uint32]
    luminosity_block: npt.NDArray[np.uint32]
    event: npt.NDArray[np.uint64]

    @classmethod
    def of_sample(cls, name: str, numbers: Mapping[str, npt.NDArray[Any]]) -> EventSource:
        """Return the source of events of one sample with ``run``, ``luminosity_block`` and ``event``."""
        columns: dict[str, Any] = {key: numbers[key].astype(dtype) for key, dtype in _NUMBERS.items()}
        return cls((name,), np.zeros(len(columns["event"]), np.int16), **columns)

    def __len__(self) -> int:
        return len(self.event)

    def select(self, chosen: Bools) -> EventSource:
        """Return that of some of the events."""
        columns: dict[str, Any] = {name: getattr(self, name)[chosen] for name in ("sample", *_NUMBERS)}
        return replace(self, **columns)

    def to_columns(self) -> dict[str, Any]:
        """Return columns for a table: ``sample``, ``run``, ``luminosityBlock`` and ``nanoaod_event``."""
        import pyarrow as pa

        names = pa.DictionaryArray.from_arrays(pa.array(self.sample), pa.array(self.samples, pa.string()))
        return {"sample": names, **{column: pa.array(getattr(self, key)) for key, column in _COLUMNS.items()}}

    @classmethod
    def from_table(cls, table: Any) -> EventSource | None:
        """Return what `to_columns` made; None for tables without such columns."""
        if not {"sample", *_COLUMNS.values()} <= set(table.column_names):
            return None
        sample = table["sample"].combine_chunks()
        columns: dict[str, Any] = {
            key: table[column].to_numpy().astype(_NUMBERS[key]) for key, column in _COLUMNS.items()
        }
        return cls(
            tuple(sample.dictionary.to_pylist()),
            sample.indices.to_numpy(zero_copy_only=False).astype(np.int16),
            **columns,
        )


def join_sources(parts: Sequence[EventSource | None]) -> EventSource | None:
    """Return the sources of several samples as one; None if none of them is known.

    Raises
    ------
    JetEventsError
        If those of some are known and of others not.
    """
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if len(known) < len(parts):
        raise JetEventsError(
            "run, luminosity block and event are known of some of the samples to join and not of others"
        )
    samples = tuple(dict.fromkeys(name for part in known for name in part.samples))
    index = [np.array([samples.index(name) for name in part.samples], np.int16)[part.sample] for part in known]
    numbers: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in known]) for name in _NUMBERS}
    return EventSource(samples, np.concatenate(index), **numbers)
