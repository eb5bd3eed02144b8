"""Closure in breadth: discriminants of all jets, number of jets and HT, by channel, with and without scale factors.

Events are those with the dilepton preselection and at least two jets, without cuts of a region. Simulation weighs the
product of the scale factors of all jets of the event, each of its own flavour, times the rate of its channel: data over
simulation without scale factors (the *closure* phase space). The number of jets is an axis of every histogram, so that
all phase spaces are parts of one filling:

- ``measurement``: exactly two jets, as where scale factors are measured;
- ``closure``: two jets or more;
- ``validation``: three or more, or what the configuration says: no entry of the measurement is in there.

Variances are sums over events of (sum of weights of the event's jets in the bin) squared.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hist
import numpy as np

from deepsf.arrays import Floats
from deepsf.audit.methods import NONE, Method, at_own_flavours
from deepsf.audit.phase_space.bins import BinnedAtJets, EventBins
from deepsf.audit.phase_space.jets import JetFile, PhaseSpaceEvents
from deepsf.binned.envelope import envelope_shifts
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.selection import CHANNELS
from deepsf.config.validation import N_JETS_FIRST, N_JETS_LAST, RANKS, SPACES, VARIABLES, Validation, n_jets_of
from deepsf.guards import is_positive
from deepsf.probes.chi2 import EXPECTED_MIN, BinSums, shape_test
from deepsf.probes.histograms import from_json, to_json
from deepsf.probes.tables import SkimTables
from deepsf.skim.shifts import NOMINAL

ALL = "all"
"""The sum over channels."""

Tests = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""Outcome of `shape_test` by channel, variable and method."""


@dataclass(frozen=True)
class PhaseSpaceHistograms:
    """Histograms of jets (axes rank, discriminant) or of events (axis ht), all by channel and number of jets.

    ``simulation`` has the axes method and flavour besides; events count with the flavour of their leading jet.
    ``shifts``, without variances, has an axis shift and no flavours: the binned scale factor with each shift of it.
    """

    simulation: hist.Hist[Any]
    shifts: hist.Hist[Any]
    data: hist.Hist[Any]


@dataclass(frozen=True)
class PhaseSpaces:
    """Rates by channel, tests in the validation region, and histograms of jets and of events."""

    rate: dict[str, float]
    tests: Tests
    validation: Validation
    jets: PhaseSpaceHistograms
    events: PhaseSpaceHistograms

    def report(self) -> dict[str, Any]:
        """Return all figures, for ``phase_space.json``."""
        first, last = self.validation.n_jets
        return {
            "rate": self.rate,
            "yields": {space: self._yields(space) for space in SPACES},
            "validation": {
                "n_jets": [first, None if last == N_JETS_LAST else last],
                "channels": list(self.validation.channels),
                "tests": self.tests,
            },
        }

    def _yields(self, space: str) -> dict[str, dict[str, float]]:
        """Return events by channel: in data, and by method in simulation at the rate without scale factors."""
        first, last = (number - N_JETS_FIRST for number in n_jets_of(space, self.validation))
        methods = list(self.events.simulation.axes["method"])
        simulation = np.asarray(self.events.simulation.project("method", "channel", "n_jets").values())
        data = np.asarray(self.events.data.project("channel", "n_jets").values())
        in_space = slice(first, last + 1)
        return {
            channel: {
                "data": float(data[number, in_space].sum()),
                **{name: float(simulation[k, number, in_space].sum()) for k, name in enumerate(methods)},
            }
            for number, channel in enumerate(CHANNELS)
        }

    def histograms_to_json(self) -> str:
        """Return the histograms as text, in the UHI format."""
        return to_json({"jets": self.jets, "events": self.events})


def histograms_from_json(text: str) -> dict[str, PhaseSpaceHistograms]:
    """Return the histograms of `PhaseSpaces.histograms_to_json`: ``jets`` and ``events``."""
    return {name: PhaseSpaceHistograms(**stored) for name, stored in from_json(text).items()}


def phase_spaces(
    tables: SkimTables, methods: Mapping[str, Method], binned: BinnedScaleFactor, settings: Validation
) -> PhaseSpaces:
    """Fill all histograms, file by file, and test data against simulation in the validation region.

    Parameters
    ----------
    tables
        Tables of all jets.
    methods
        By name, with ``none`` among them, of which the rates are taken.
    binned
        Gives edges in the discriminant (those of all its flavours) and the shifts. A shift that has events or weights
        of its own in the skim is filled with these.

    Raises
    ------
    ValueError
        If a table is not whole, a sample cannot be normalised, or a channel has data and no simulation.
    """
    factors = tables.factors()
    filling = _Filling(tuple(tables.flavours), methods, binned, settings)
    for file in (JetFile(path, tables) for path in tables.paths):
        if file.is_data:
            filling.add_data(file.events())
            continue
        factor = factors[file.report.sample]
        with_events = [shift for shift in filling.shifts if file.has_own_events(shift)]
        filling.add_simulation(file.events(factor), [shift for shift in filling.shifts if shift not in with_events])
        for shift in with_events:
            filling.add_shifts(file.events(factor, shift), [shift])
    return filling.result()


@dataclass
class _Filling:
    """Sums over files; simulation at the data's luminosity, the rates of channels come at the end."""

    flavours: tuple[str, ...]
    methods: Mapping[str, Method]
    binned: BinnedScaleFactor
    settings: Validation
    tests: dict[tuple[str, str, str], BinSums] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shifts = envelope_shifts(self.binned.shift_names, statistical=True)
        edges = [table.bins.discriminant for table in self.binned.flavours.values()]
        self.discriminant = np.unique(np.concatenate(edges))
        self.ht_gev = np.asarray(self.settings.ht_gev, np.float64)
        self.jets = self._histograms(_category(RANKS, "rank"), _variable(self.discriminant, "discriminant", ""))
        self.events = self._histograms(_variable(self.ht_gev, "ht", "scalar sum of the jets' pT [GeV]"))
        self.shifted_yields = np.zeros((max(len(self.shifts), 1), len(CHANNELS)))

    def _histograms(self, *own: Any) -> PhaseSpaceHistograms:
        n_jets = hist.axis.Integer(N_JETS_FIRST, N_JETS_LAST + 1, name="n_jets", label="number of jets", flow=False)
        channel, flavour = _category(CHANNELS, "channel"), _category(self.flavours, "flavour")
        method, shift = _category(tuple(self.methods), "method"), _category(self.shifts or (NOMINAL,), "shift")
        return PhaseSpaceHistograms(
            simulation=hist.Hist(method, channel, flavour, n_jets, *own, storage=hist.storage.Weight()),
            shifts=hist.Hist(shift, channel, n_jets, *own, storage=hist.storage.Double()),
            data=hist.Hist(channel, n_jets, *own, storage=hist.storage.Weight()),
        )

    def add_data(self, events: PhaseSpaceEvents) -> None:
        bins = self._bins(events)
        for filled, cells in ((self.jets, bins.jets), (self.events, bins.of_events)):
            cells.add_to(filled.data.view(), events.weight, np.zeros_like(cells.bin), 1)
        self._add_tests("data", bins, events.weight)

    def add_simulation(self, events: PhaseSpaceEvents, shifts: Sequence[str]) -> None:
        bins, n_flavours = self._bins(events), len(self.flavours)
        flavour = events.jets.flavour.astype(np.int64)
        for number, (name, method) in enumerate(self.methods.items()):
            weight = events.weight * events.product(at_own_flavours(method, self.flavours, events.jets))
            bins.jets.add_to(self.jets.simulation.view()[number], weight, flavour, n_flavours)
            bins.of_events.add_to(self.events.simulation.view()[number], weight, flavour[events.first], n_flavours)
            self._add_tests(name, bins, weight)
        self.add_shifts(events, shifts, bins)

    def add_shifts(self, events: PhaseSpaceEvents, shifts: Sequence[str], bins: EventBins | None = None) -> None:
        bins = self._bins(events) if bins is None else bins
        yields = bins.of_events.sums(events.weight).reshape(len(CHANNELS), -1).sum(axis=1)
        shifted = BinnedAtJets(self.binned, self.flavours, events.jets)
        for shift in shifts:
            number, weight = self.shifts.index(shift), events.weight * events.product(shifted.of(shift))
            self.jets.shifts.view()[number] += bins.jets.sums(weight)
            self.events.shifts.view()[number] += bins.of_events.sums(weight)
            self.shifted_yields[number] += yields

    def _bins(self, events: PhaseSpaceEvents) -> EventBins:
        return EventBins(events, self.discriminant, self.ht_gev, self.settings)

    def _add_tests(self, name: str, bins: EventBins, weight: Floats) -> None:
        for test in bins.tests:
            key, sums = (test.channel, test.variable, name), test.sums(weight)
            self.tests[key] = self.tests[key] + sums if key in self.tests else sums

    def result(self) -> PhaseSpaces:
        rate = self._rates()
        data = np.asarray(self.events.data.project("channel").values())
        # a shift that changes rates does not change a scale factor thereby: its own simulation is scaled to the data
        own_rate = np.divide(
            data, self.shifted_yields, out=np.zeros_like(self.shifted_yields), where=self.shifted_yields > 0
        )
        for filled in (self.jets, self.events):
            _scale(filled.simulation.view(), rate.reshape(1, -1, *[1] * (filled.simulation.ndim - 2)))
            _scale(filled.shifts.view(), own_rate.reshape(*own_rate.shape, *[1] * (filled.shifts.ndim - 2)))
        by_channel = dict(zip(CHANNELS, rate.tolist(), strict=True))
        return PhaseSpaces(by_channel, self._tested(by_channel), self.settings, self.jets, self.events)

    def _rates(self) -> Floats:
        none = list(self.methods).index(NONE)
        data = np.asarray(self.events.data.project("channel").values())
        simulation = np.asarray(self.events.simulation.project("method", "channel").values())[none]
        bad = np.flatnonzero(~(is_positive(simulation) & np.isfinite(data)) & (data != 0))
        if bad.size:
            raise ValueError(
                f"channel {CHANNELS[bad[0]]}: {data[bad[0]]:g} data events with two jets or more, a simulated yield of "
                f"{simulation[bad[0]]:g}; check samples and triggers"
            )
        rate: Floats = np.divide(data, simulation, out=np.zeros(len(data)), where=simulation > 0)
        return rate

    def _tested(self, rate: Mapping[str, float]) -> Tests:
        outcomes: Tests = {}
        channels = [channel for channel in self.settings.channels if rate[channel] > 0]
        for variable in VARIABLES:
            n_parts = len(self.settings.pt_gev) - 1 if variable in RANKS else 1
            data = _with_all({c: self.tests[c, variable, "data"] for c in channels})
            simulation = {
                method: _with_all({c: self.tests[c, variable, method].scaled(rate[c]) for c in channels})
                for method in self.methods
            }
            for channel, sums in data.items():
                # the same bins for all methods, so that their chi2 compare
                counted = simulation[NONE][channel].values >= EXPECTED_MIN
                outcomes.setdefault(channel, {})[variable] = {
                    method: shape_test(sums, by_channel[channel], n_parts, counted)
                    for method, by_channel in simulation.items()
                }
        return outcomes


def _category(names: Sequence[str], name: str) -> Any:
    return hist.axis.StrCategory(list(names), name=name, flow=False)


def _variable(edges: Floats, name: str, label: str) -> Any:
    return hist.axis.Variable(edges, name=name, label=label, flow=False)


def _scale(view: Any, factor: Floats) -> None:
    if view.dtype.names is None:
        view *= factor
    else:
        view.value *= factor
        view.variance *= factor**2


def _with_all(sums: Mapping[str, BinSums]) -> dict[str, BinSums]:
    """Return the sums by channel, and those of all channels."""
    return {**sums, ALL: functools.reduce(operator.add, sums.values())}
