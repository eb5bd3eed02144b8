"""Scale factors of tag bins on the toy: pseudo-data with known ones in mixed regions, and what the fit finds.

Each jet of the toy stands for jets of every flavour with its kinematics and neighbours, with the fraction that the
region has of it. Simulation is one half of the events with the toy's efficiencies; pseudo-data are the other half with
efficiencies times the true scale factor in all tagged bins, a spectrum that is tilted in pT, and Poisson numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.config.efficiency.ratio import EfficiencyRatio, TrueTagScaleFactor
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.config.flavours import Flavour
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.ratio.fit import DataJets, RegionJets, SimulatedJets, fit_scale_factors
from deepsf.efficiency.ratio.scale_factors import RatioScaleFactors
from deepsf.efficiency.toy import generate, true_efficiency
from deepsf.efficiency.truth_tagging.scale_factors import TaggedJets, bin_probabilities
from deepsf.seeds import seed_sequence

_QUARTILES = (0.25, 0.75)


class RatioFigures(NamedTuple):
    """Results of the experiment, plain numbers; by flavour and working point where they are mappings.

    Attributes
    ----------
    mad
        Mean of |SF - true SF| over jets, over the mean true SF.
    slope
        Mean SF in the highest quarter of pT over that in the lowest, over the same of the true SF, less 1.
    tilt
        Largest change of the first of these ratios by the tilted spectrum, fits being to expected numbers of jets.
    unitarity
        Largest deviation from 1 of the mean SF over the bins, at theta and at single jets.
    """

    mad: dict[str, dict[str, float]]
    slope: dict[str, dict[str, float]]
    tilt: float
    unitarity: float


def measure_on_toy(toy: EfficiencyToy, flavours: Mapping[str, Flavour], settings: EfficiencyRatio) -> RatioFigures:
    """Make pseudo-data, measure their scale factors, and compare these with the true ones."""
    experiment = _Experiment(toy, flavours, settings)
    fitted = experiment.fit(experiment.regions(settings.pt_tilt_gev))
    with_tilt, without = (
        experiment.comparison(experiment.fit(experiment.regions(tilt, fluctuating=False)))
        for tilt in (settings.pt_tilt_gev, np.inf)
    )
    compared = experiment.comparison(fitted)
    changes = [
        abs(with_tilt[flavour][point].spread / without[flavour][point].spread - 1.0)
        for flavour in compared
        for point in compared[flavour]
    ]
    return RatioFigures(
        mad={f: {p: c.mad for p, c in points.items()} for f, points in compared.items()},
        slope={f: {p: c.spread / c.true_spread - 1.0 for p, c in points.items()} for f, points in compared.items()},
        tilt=max(changes),
        unitarity=experiment.unitarity(fitted),
    )


def flavour_efficiencies(toy: EfficiencyToy, events: JetEvents) -> Floats:
    """Return the efficiency that each jet would have as one of each flavour, its neighbours unchanged.

    Returns
    -------
    ndarray
        float64 of shape ``(n_flavours, n_jets, K)``.
    """
    of_flavours = []
    for flavour in events.flavours:
        loosest = true_efficiency(_of_one_flavour(toy, flavour), events)
        of_flavours.append(loosest * [toy.working_points[name].get(flavour, 1.0) for name in events.working_points])
    return np.stack(of_flavours)


def true_scale_factor(law: TrueTagScaleFactor, pt_gev: Floats, abseta: Floats) -> Floats:
    """Return the true scale factor of tagged jets, ``(n,)``."""
    rise = law.rise * np.tanh((pt_gev - law.pt_gev) / law.pt_gev)
    return np.asarray(law.constant + rise + law.eta * (abseta / 2.5) ** 2)


def _of_one_flavour(toy: EfficiencyToy, flavour: str) -> EfficiencyToy:
    """Return the toy in which jets of all flavours are tagged as those of one, but count as themselves to others."""
    amplitude = dict.fromkeys(toy.base, toy.neighbours.amplitude[flavour])
    return toy.model_copy(
        update={
            "base": dict.fromkeys(toy.base, toy.base[flavour]),
            "neighbours": toy.neighbours.model_copy(update={"amplitude": amplitude}),
            "working_points": {"one": {}},
        }
    )


class _Compared(NamedTuple):
    mad: float
    spread: float
    true_spread: float


class _Experiment:
    """Jets of the toy, their efficiencies as each flavour ``(n_flavours, n_jets, K)``, and true scale factors."""

    def __init__(self, toy: EfficiencyToy, flavours: Mapping[str, Flavour], settings: EfficiencyRatio) -> None:
        # sorted: the order of keys in a configuration must not change a result
        self._settings, self._flavours = settings, tuple(sorted(flavours))
        self._codes = {name: flavours[name].hadron_flavours for name in self._flavours}
        events, _ = generate(toy, self._flavours, "test", settings.n_events)
        self._points = events.working_points
        self._efficiency = flavour_efficiencies(toy, events)
        self._pt, self._abseta = events.pt_gev.astype(np.float64), np.abs(events.eta.astype(np.float64))
        self._is_data: Bools = events.event_of_jet % 2 == 1
        self._true_sf = np.stack(
            [true_scale_factor(settings.true_sf[name], self._pt, self._abseta) for name in self._flavours]
        )
        highest = (self._efficiency[:, :, 0] * self._true_sf).max(axis=1)
        for name, value in zip(self._flavours, highest, strict=True):
            if not value < 1.0:
                raise ValueError(
                    f"efficiency.ratio.true_sf.{name}: efficiencies of pseudo-data reach {value:.3g}; must stay below "
                    "1: lower it, or the efficiencies of the toy"
                )

    def regions(self, pt_tilt_gev: float, *, fluctuating: bool = True) -> dict[str, RegionJets]:
        """Return simulation and pseudo-data of all regions, these with Poisson or with expected numbers of jets."""
        return {
            name: RegionJets(
                self._data(name, [mixture[f] for f in self._flavours], pt_tilt_gev, fluctuating=fluctuating),
                self._simulation([mixture[f] for f in self._flavours]),
            )
            for name, mixture in self._settings.regions.items()
        }

    def _simulation(self, fractions: Sequence[float]) -> SimulatedJets:
        chosen, n_flavours = np.flatnonzero(~self._is_data), len(self._flavours)
        return SimulatedJets(
            np.tile(self._pt[chosen], n_flavours),
            np.tile(self._abseta[chosen], n_flavours),
            np.repeat(np.arange(n_flavours), len(chosen)),
            self._efficiency[:, chosen].reshape(n_flavours * len(chosen), -1),
            np.repeat(fractions, len(chosen)),
        )

    def _data(self, region: str, fractions: Sequence[float], pt_tilt_gev: float, *, fluctuating: bool) -> DataJets:
        chosen = np.flatnonzero(self._is_data)
        pt = self._pt[chosen]
        spectrum = np.exp(-pt / pt_tilt_gev)
        expected = np.zeros((len(chosen), len(self._points) + 1))
        for fraction, efficiency, sf in zip(fractions, self._efficiency, self._true_sf, strict=True):
            expected += fraction * bin_probabilities(efficiency[chosen] * sf[chosen, None])
        expected *= (self._settings.n_data * spectrum / spectrum.sum())[:, None]
        rng = np.random.default_rng(seed_sequence(self._settings.seed, "efficiency ratio", region, "pseudo-data"))
        weight = rng.poisson(expected).astype(np.float64) if fluctuating else expected
        return DataJets(pt, self._abseta[chosen], weight)

    def fit(self, regions: Mapping[str, RegionJets]) -> RatioScaleFactors:
        """Return the fitted scale factors, with the same seed for all regions."""
        seed = seed_sequence(self._settings.seed, "efficiency ratio", "fit")
        return fit_scale_factors(regions, self._codes, self._settings.fit, seed, self._settings.fixed)

    def comparison(self, fitted: RatioScaleFactors) -> dict[str, dict[str, _Compared]]:
        """Return by flavour and working point the scale factors of cuts against the true ones, at jets of data."""
        chosen = np.flatnonzero(self._is_data)
        pt, abseta = self._pt[chosen], self._abseta[chosen]
        low, high = np.quantile(pt, _QUARTILES)

        def spread(sf: Floats) -> float:
            return float(sf[pt > high].mean() / sf[pt < low].mean())

        result: dict[str, dict[str, _Compared]] = {}
        for number, flavour in enumerate(self._flavours):
            true = self._true_sf[number, chosen]
            passing = (np.cumsum(bins[:, ::-1], axis=1)[:, ::-1] for bins in fitted.bins(flavour, pt, abseta))
            simulation, data = passing
            result[flavour] = {
                point: _Compared(float(np.abs(sf - true).mean() / true.mean()), spread(sf), spread(true))
                for point, sf in zip(self._points, (data[:, 1:] / simulation[:, 1:]).T, strict=True)
            }
        return result

    def unitarity(self, fitted: RatioScaleFactors) -> float:
        """Return the largest deviation of the mean SF over bins from 1, at theta and at the jets' own efficiencies."""
        chosen = np.flatnonzero(self._is_data)
        pt, abseta, largest = self._pt[chosen], self._abseta[chosen], 0.0
        for number, flavour in enumerate(self._flavours):
            at_theta = fitted.bins(flavour, pt, abseta).simulation * fitted.evaluate(flavour, pt, abseta)
            jets = TaggedJets(np.full(len(chosen), self._codes[flavour][0]), abseta, pt)
            efficiency = self._efficiency[number, chosen]
            at_jets = bin_probabilities(efficiency) * fitted.in_bins(jets, efficiency)
            largest = max([largest, *(float(np.abs(m.sum(axis=1) - 1.0).max()) for m in (at_theta, at_jets))])
        return largest
