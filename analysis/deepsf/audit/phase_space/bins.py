"""Where the jets and events of one file lie in the histograms of the phase spaces and in the tests of the validation.

Found once for a file: every method and every shift differs in weights alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.audit.phase_space.jets import PhaseSpaceEvents
from deepsf.binned.flavour import JetBins
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.selection import CHANNELS
from deepsf.config.validation import N_JETS_FIRST, N_JETS_LAST, RANKS, Validation
from deepsf.probes.chi2 import BinSums
from deepsf.probes.entries import Jets

N_N_JETS = N_JETS_LAST - N_JETS_FIRST + 1


class Cells(NamedTuple):
    """Flat bins (channel, n_jets, ...) of entries, jets or events, and the event of each, shapes ``(n,)``."""

    bin: Ints
    event: Ints
    shape: tuple[int, ...]

    def sums(self, event_weight: Floats) -> Floats:
        """Return the sums of weights in the cells' shape."""
        weight = event_weight[self.event].astype(np.float64)
        sums: Floats = np.bincount(self.bin, weight, int(np.prod(self.shape))).astype(np.float64)
        return sums.reshape(self.shape)

    def add_to(self, view: Any, event_weight: Floats, flavour: Ints, n_flavours: int) -> None:
        """Add sums and variances to the view of a weighted histogram, of axes channel, flavour, n_jets, ...

        Entries of one event in one bin count once in the variance, with the sum of their weights.
        """
        inner = int(np.prod(self.shape[1:]))
        size = self.shape[0] * n_flavours * inner
        cell = (self.bin // inner * n_flavours + flavour) * inner + self.bin % inner
        weight = event_weight[self.event]
        joined, member = np.unique(self.event * size + cell, return_inverse=True)
        squares = np.bincount(member, weight, len(joined)) ** 2
        view.value += np.bincount(cell, weight, size).reshape(view.shape)
        view.variance += np.bincount(joined % size, squares, size).reshape(view.shape)


class Tested(NamedTuple):
    """Entries of one test: bins, events numbered from 0 and where these are among all events, number of bins."""

    channel: str
    variable: str
    bin: Ints
    event: Ints
    events: Ints
    size: int

    def sums(self, event_weight: Floats) -> BinSums:
        """Return sums and covariance for weights of all events."""
        return BinSums.of_events(self.event, self.bin, event_weight[self.events][self.event], self.size)


class EventBins:
    """The events of a file in bins of the discriminant, of HT, and of the validation's tests."""

    def __init__(self, events: PhaseSpaceEvents, discriminant: Floats, ht_gev: Floats, settings: Validation) -> None:
        self.events, self.settings = events, settings
        self.rank = np.minimum(events.rank, len(RANKS) - 1)
        self.n_jets = np.minimum(events.n_jets, N_JETS_LAST) - N_JETS_FIRST
        self.score, self.n_scores = _bin(discriminant, events.jets.discriminant), len(discriminant) - 1
        self.ht, self.n_ht = _bin(ht_gev, events.ht_gev), len(ht_gev) - 1

    @cached_property
    def jets(self) -> Cells:
        """Cells of all jets: channel, n_jets, rank, discriminant."""
        shape, event = (len(CHANNELS), N_N_JETS, len(RANKS), self.n_scores), self.events.event
        columns = self.events.channel[event], self.n_jets[event], self.rank, self.score
        return Cells(np.ravel_multi_index(columns, shape), event, shape)

    @cached_property
    def of_events(self) -> Cells:
        """Cells of the events: channel, n_jets, HT."""
        shape = (len(CHANNELS), N_N_JETS, self.n_ht)
        index = np.ravel_multi_index((self.events.channel, self.n_jets, self.ht), shape)
        return Cells(index, np.arange(len(self.events)), shape)

    @cached_property
    def tests(self) -> list[Tested]:
        """Entries of all tests in the validation region, by channel and variable."""
        return [test for channel in self.settings.channels for test in self._tests_of(channel)]

    def _tests_of(self, channel: str) -> list[Tested]:
        first, last = (number - N_JETS_FIRST for number in self.settings.n_jets)
        in_region = (self.events.channel == CHANNELS.index(channel)) & (self.n_jets >= first) & (self.n_jets <= last)
        events, number = np.flatnonzero(in_region), np.cumsum(in_region) - 1
        jets = np.flatnonzero(in_region[self.events.event])
        part = _bin(np.asarray(self.settings.pt_gev), self.events.jets.pt_gev[jets])
        index, size = part * self.n_scores + self.score[jets], (len(self.settings.pt_gev) - 1) * self.n_scores
        tests = []
        for rank, name in enumerate(RANKS):
            chosen = self.rank[jets] == rank
            tests.append(Tested(channel, name, index[chosen], number[self.events.event[jets[chosen]]], events, size))
        every = np.arange(len(events))
        tests.append(Tested(channel, "n_jets", self.n_jets[events] - first, every, events, last - first + 1))
        tests.append(Tested(channel, "ht", self.ht[events], every, events, self.n_ht))
        return tests


class BinnedAtJets:
    """The binned scale factor at fixed jets, for one shift after the other."""

    def __init__(self, binned: BinnedScaleFactor, flavours: tuple[str, ...], jets: Jets) -> None:
        self.binned, self.n_jets = binned, len(jets)
        self.jets: dict[str, tuple[Ints, Jets, JetBins]] = {}
        for number, name in enumerate(flavours):
            if name in binned.tables:
                index = np.flatnonzero(jets.flavour == number)
                self.jets[name] = index, jets[index], binned.tables[name].jet_bins(jets[index])
        self._kinematic: dict[tuple[str, bytes, bytes], Ints] = {}

    def of(self, shift: str) -> Floats:
        """Return what ``BinnedScaleFactor.evaluate`` does for each jet's own flavour, shape ``(n,)``."""
        values = np.ones(self.n_jets)
        for name, (index, jets, jet_bins) in self.jets.items():
            table = self.binned.tables[name].at(shift)
            normalisation = table.normalisation["binned"]
            bins = normalisation.bins
            key = name, bins.pt_gev.tobytes(), bins.abseta.tobytes()
            if key not in self._kinematic:
                self._kinematic[key] = bins.index(jets.pt_gev, jets.abseta)
            values[index] = table.value(jet_bins, "binned") / normalisation.mean[self._kinematic[key]]
        return values


def _bin(edges: Floats, values: Any) -> Ints:
    return np.searchsorted(edges[1:-1], np.asarray(values, np.float64), side="right")
