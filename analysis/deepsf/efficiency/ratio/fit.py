"""The fit behind scale factors by ratio: three kinds of classifiers, on jets summed in cells of (pT, |eta|)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deepsf.arrays import Floats, Reals
from deepsf.config.efficiency.ratio import RatioFit
from deepsf.efficiency.ratio.mixture import MixtureBins
from deepsf.efficiency.ratio.scale_factors import RatioScaleFactors, Theta, normalised, weighted
from deepsf.efficiency.truth_tagging.scale_factors import bin_probabilities
from deepsf.networks.class_probabilities import ClassProbabilities
from deepsf.networks.dense import DenseNetwork
from deepsf.probes.bins import KinematicBins
from deepsf.seeds import part_of, torch_generator
from deepsf.training.classifier import ClassifierTraining, Steps
from deepsf.training.rows import Rows

_N_INPUTS = 2
_FRACTION_MIN = 1e-6
"""Of a flavour in a region, or of a bin, in what networks begin with."""


class SimulatedJets(NamedTuple):
    """Simulated jets of a region, arrays ``(n,)``: flavour is an index, efficiency ``(n, K)`` of the working points."""

    pt_gev: Reals
    abseta: Reals
    flavour: npt.NDArray[np.integer]
    efficiency: Reals
    weight: Floats


class DataJets(NamedTuple):
    """Jets of data in a region: pT [GeV] and |eta|, ``(n,)``, and by bin the weight of each jet, ``(n, K + 1)``."""

    pt_gev: Reals
    abseta: Reals
    weight: Floats


class RegionJets(NamedTuple):
    """Data and simulation of a region."""

    data: DataJets
    simulation: SimulatedJets


def fit_scale_factors(
    regions: Mapping[str, RegionJets],
    hadron_flavours: Mapping[str, tuple[int, ...]],
    settings: RatioFit,
    seed: np.random.SeedSequence,
    fixed: Mapping[str, float] | None = None,
) -> RatioScaleFactors:
    """Measure the scale factors of all flavours that are not fixed.

    Jets are summed in cells of (pT, |eta|): the classifiers' examples are cells.

    Parameters
    ----------
    hadron_flavours
        Codes of each flavour, in the order of the simulation's flavour index.
    fixed
        By flavour, scale factors of tagged jets that are taken as known.

    Raises
    ------
    ValueError
        If there are fewer regions than scale factors to find, or a region lacks all jets of a fit.
    deepsf.training.engine.NonFiniteLossError
        If a loss is not finite.
    """
    return _Fit(regions, hadron_flavours, settings, seed, dict(fixed or {})).run()


class _Fit:
    """The classifiers, one after the other."""

    def __init__(
        self,
        regions: Mapping[str, RegionJets],
        hadron_flavours: Mapping[str, tuple[int, ...]],
        settings: RatioFit,
        seed: np.random.SeedSequence,
        fixed: Mapping[str, float],
    ) -> None:
        # sorted: the order of keys in a configuration must not change a result
        self._regions, self._codes = dict(sorted(regions.items())), hadron_flavours
        self._settings, self._fixed, self._seed = settings, fixed, seed
        self._flavours = tuple(sorted(hadron_flavours))
        self._index = {name: number for number, name in enumerate(hadron_flavours)}
        self._free = [flavour for flavour in self._flavours if flavour not in fixed]
        if len(self._free) > len(regions):
            raise ValueError(
                f"{len(regions)} region(s) ({', '.join(regions)}) cannot tell the scale factors of {len(self._free)} "
                f"flavours ({', '.join(self._free)}) apart: add a region, or take one as known"
            )
        simulation = [region.simulation for region in self._regions.values()]
        kinematics = _joined(simulation)
        self._theta = Theta.fit(*kinematics)
        self._cells = KinematicBins.of_quantiles(*kinematics, settings.n_pt, settings.n_abseta)
        self._n_bins = simulation[0].efficiency.shape[1] + 1
        data = [region.data for region in self._regions.values()]
        self._features = self._mean_features(*_joined([*simulation, *data]))

    def run(self) -> RatioScaleFactors:
        """Train and return the scale factors."""
        simulation = {flavour: self._fit_efficiency(flavour) for flavour in self._flavours}
        composition = {name: self._fit_composition(name, region.simulation) for name, region in self._regions.items()}
        shifts = {f: ClassProbabilities(self._network(f"shift of {f}", self._n_bins - 1)) for f in self._free}
        result = RatioScaleFactors(self._codes, self._theta, simulation, shifts, self._fixed)
        columns = []
        for flavour in self._flavours:
            log_e = simulation[flavour].log_probability(self._features)
            if flavour in self._fixed:
                log_e = torch.from_numpy(np.log(weighted(normalised(log_e), self._fixed[flavour], flavour))).float()
            columns.append(log_e)
        features, weights = [], []
        for name, region in self._regions.items():
            log_q = composition[name].log_probability(self._features)
            features.append(torch.cat([log_q, *columns, self._features], 1))
            weights.append(self._sums(region.data.pt_gev, region.data.abseta, region.data.weight))
        network = MixtureBins(
            {self._flavours.index(flavour): shift for flavour, shift in shifts.items()},
            n_flavours=len(self._flavours),
            n_bins=self._n_bins,
        )
        steps, weight_decay = self._settings.steps, self._settings.weight_decay
        self._train("shifts", network, torch.cat(features), np.concatenate(weights), steps, weight_decay)
        return result

    def _fit_efficiency(self, flavour: str) -> ClassProbabilities:
        """Return the bins of the simulation of a flavour, in all regions together."""
        total = np.zeros((self._cells.size, self._n_bins))
        for region in self._regions.values():
            jets = region.simulation
            chosen = np.flatnonzero(jets.flavour == self._index[flavour])
            weight = bin_probabilities(jets.efficiency[chosen]) * jets.weight[chosen, None]
            total += self._sums(jets.pt_gev[chosen], jets.abseta[chosen], weight)
        return self._fit_simulation(f"efficiency of {flavour}", total)

    def _fit_composition(self, region: str, jets: SimulatedJets) -> ClassProbabilities:
        """Return the flavours of the simulation of a region."""
        index = np.array([self._index[flavour] for flavour in self._flavours])
        weight = jets.weight[:, None] * (jets.flavour[:, None] == index)
        return self._fit_simulation(f"composition of {region}", self._sums(jets.pt_gev, jets.abseta, weight))

    def _fit_simulation(self, name: str, weights: Floats) -> ClassProbabilities:
        start = np.clip(weights.sum(axis=0) / weights.sum(), _FRACTION_MIN, 1.0).tolist()
        fitted = ClassProbabilities(self._network(name, weights.shape[1] - 1), start)
        if np.count_nonzero(weights.sum(axis=0)) > 1:  # else all is known: a region of one flavour
            self._train(name, fitted, self._features, weights, self._settings.simulation_steps, 0.0)
        return fitted

    def _train(
        self, name: str, network: torch.nn.Module, features: Tensor, weights: Floats, steps: int, weight_decay: float
    ) -> None:
        """Train on cells: each is an example of every class that has weight in it; a step sees all of them."""
        n_cells, n_classes = weights.shape
        rows = Rows(
            features.repeat_interleave(n_classes, 0),
            torch.arange(n_classes).repeat(n_cells),
            weights.ravel(),
            weights.size,
        )
        settings = self._settings
        rate = settings.learning_rate, settings.learning_rate_warmup, settings.learning_rate_final
        batches = part_of(self._seed, "batches", name)
        ClassifierTraining(network, rows, Steps(steps, *rate, weight_decay), batches).run()

    def _network(self, name: str, n_outputs: int) -> DenseNetwork:
        return DenseNetwork(
            _N_INPUTS,
            layers=self._settings.layers,
            units=self._settings.units,
            n_outputs=n_outputs,
            generator=torch_generator(part_of(self._seed, "initial weights", name)),
            zero_output=True,
        )

    def _sums(self, pt_gev: Reals, abseta: Reals, weight: Floats) -> Floats:
        """Return the sums of weights ``(n, m)`` in each cell, ``(n_cells, m)``."""
        cell = self._cells.index(pt_gev, abseta)
        return np.stack([np.bincount(cell, column, self._cells.size) for column in weight.T], axis=1)

    def _mean_features(self, pt_gev: Reals, abseta: Reals) -> Tensor:
        """Return the mean inputs of the jets in each cell."""
        inputs = self._theta.features(pt_gev, abseta).double().numpy()
        count = self._sums(pt_gev, abseta, np.ones((len(inputs), 1)))
        return torch.from_numpy((self._sums(pt_gev, abseta, inputs) / np.maximum(count, 1.0)).astype(np.float32))


def _joined(samples: Sequence[SimulatedJets | DataJets]) -> tuple[Floats, Floats]:
    """Return pT and |eta| of all jets."""
    return (
        np.concatenate([jets.pt_gev for jets in samples]).astype(np.float64),
        np.concatenate([jets.abseta for jets in samples]).astype(np.float64),
    )
