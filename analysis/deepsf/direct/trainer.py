"""Scale factors by one density ratio of all regions: no adversary, no signed classes.

In region R with data density N_R and simulated densities m_Rf, weighted as everywhere (W = w omega kappa),

    N_R(x) / m_R(x) = sum_f p_R(f|x) S_f(x),    m_R = sum_f m_Rf,    p_R(f|x) = m_Rf(x) / m_R(x).

Classifiers (`deepsf.training.classifier`) give it: one of the flavours in the simulation of each region, p_R(f|x);
then one of data against simulation, over all regions together, whose density ratio is the right-hand side. The loss is
convex in the values S_f(x); a region constrains every flavour as far as it has any there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from deepsf.arrays import Bools, Floats
from deepsf.config.direct import Direct
from deepsf.config.training import Variable
from deepsf.config.weights import EventWeight
from deepsf.direct.mixture import MixtureRatio
from deepsf.networks.class_probabilities import ClassProbabilities
from deepsf.networks.cpu import Precision
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import MemberScaleFactor, scale_factor
from deepsf.probes.bootstrap import EventBootstrap, held_out_of
from deepsf.probes.entries import Jets, RegionEntries
from deepsf.probes.measurement import Measurement
from deepsf.probes.weights import RegionWeights
from deepsf.seeds import part_of, torch_generator
from deepsf.training.classifier import ClassifierTraining, Steps
from deepsf.training.rows import Rows


@dataclass(frozen=True)
class _Region:
    """One region: network inputs of its jets, a block for each measured flavour, by name: networks scale differently.

    ``held_out`` tells which data and simulated entries are not trained on; ``data_weight`` has the data's weights.
    """

    name: str
    enriched: str
    entries: RegionEntries
    held_out: tuple[Bools, Bools]
    data_weight: Floats
    weights: RegionWeights
    data: dict[str, Tensor]
    simulation: dict[str, Tensor]


class DirectTraining:
    """The networks of one member, from flavour posteriors to scale factors; the result depends on the arguments alone.

    There are two fits: in the first, tag jets have scale factors of 1 (omega = 1); in the second, which goes on from
    there, those of the first. A training that starts from another has the second alone, of fewer passes.

    Parameters
    ----------
    measurement
        Its regions that enrich a measured flavour are used.
    bootstrap
        Train on a Poisson bootstrap by event of data and simulation, and hold out what it has not drawn, in place of a
        fraction of all events.
    start
        Scale factors to start from, for what differs from them by little: bootstraps, shifts.

    Raises
    ------
    ValueError
        If a region has no simulated probe jet of the flavour that it enriches.
    """

    def __init__(
        self,
        measurement: Measurement,
        inputs: Mapping[str, Variable],
        settings: Direct,
        seed: np.random.SeedSequence,
        *,
        precision: Precision = "fp32",
        bootstrap: bool = False,
        start: MemberScaleFactor | None = None,
    ) -> None:
        self._settings, self._seed, self._precision, self._start = settings, seed, precision, start
        self._index = {flavour: measurement.index(flavour) for flavour in sorted(measurement.flavours)}
        # sorted: the order of keys in a configuration must not change a result
        measured, region_of = sorted(measurement.measured), measurement.region_of
        used = {region_of[flavour]: measurement.entries[region_of[flavour]] for flavour in measured}
        factors = self._factors(used, bootstrap)
        enriched = {flavour: self._of_flavour(flavour, region_of[flavour], used) for flavour in measured}
        probes, variables = [region.simulation.probe for region in used.values()], dict(sorted(inputs.items()))
        self.scalings = (
            {flavour: InputScaling.fit(variables, probes, jets) for flavour, jets in enriched.items()}
            if start is None
            else dict(start.scalings)
        )
        self._regions = [
            self._region(name := region_of[flavour], flavour, used[name], factors[name], measurement.event_weight)
            for flavour in measured
        ]
        self.sf_networks = {r.enriched: self._network(f"scale factor of {r.enriched}", 1, r) for r in self._regions}
        if start is not None:
            for flavour, network in self.sf_networks.items():
                network.load_state_dict(start.networks[flavour].state_dict())
        self._posteriors = {
            r.name: ClassProbabilities(self._network(f"posterior of {r.name}", len(self._index) - 1, r))
            for r in self._regions
        }
        self.history: dict[str, dict[str, list[float]]] = {}

    def _factors(self, used: Mapping[str, RegionEntries], bootstrap: bool) -> dict[str, tuple[Floats, Floats]]:
        """Return by region how often each data and simulated entry counts; those that are held out do 0 times."""
        if bootstrap:
            return EventBootstrap(used).draw(np.random.default_rng(part_of(self._seed, "bootstrap")))
        held_out = held_out_of(used, self._settings.validation_fraction, self._seed)
        return {
            name: ((~data).astype(float), (~simulation).astype(float)) for name, (data, simulation) in held_out.items()
        }

    def _of_flavour(self, flavour: str, region: str, used: Mapping[str, RegionEntries]) -> Jets:
        """Return the simulated probe jets of a region, if the flavour that it enriches is among them."""
        probe = used[region].simulation.probe
        if not (probe.flavour == self._index[flavour]).any():
            raise ValueError(
                f"region {region}: none of its {len(probe)} simulated probe jets is of flavour {flavour}, which it is "
                f"to enrich; check its cuts and the hadron flavours of {flavour}"
            )
        return probe

    def _region(
        self, name: str, enriched: str, entries: RegionEntries, factors: tuple[Floats, Floats], settings: EventWeight
    ) -> _Region:
        counted = factors[0] > 0, factors[1] > 0
        # an entry that is held out is validated on once
        data_weight, simulation_weight = (
            sample.weight * np.maximum(factor, 1.0)
            for sample, factor in zip((entries.data, entries.simulation), factors, strict=True)
        )
        weights = RegionWeights(
            entries, self._index[enriched], settings, data_weight, simulation_weight, counted=counted
        )
        data, simulation = self._features(entries.data.probe), self._features(entries.simulation.probe)
        held_out = ~counted[0], ~counted[1]
        return _Region(name, enriched, entries, held_out, data_weight, weights, data, simulation)

    def _network(self, name: str, n_outputs: int, region: _Region) -> DenseNetwork:
        """Return a network that starts at simulated jets of a region, scaled for the flavour that it enriches."""
        jets = region.simulation[region.enriched]
        generator = torch_generator(part_of(self._seed, "initial weights", name))
        network = DenseNetwork(
            jets.shape[1],
            layers=self._settings.layers,
            units=self._settings.units,
            n_outputs=n_outputs,
            generator=generator,
            precision=self._precision,
            zero_output=True,
        )
        network.start_at(jets, generator, self.scalings[region.enriched].score_column)
        return network

    def _features(self, jets: Jets) -> dict[str, Tensor]:
        return {flavour: scaling.features(jets) for flavour, scaling in self.scalings.items()}

    def run(self) -> None:
        """Train to the end; ``history`` then has the record of each classifier."""
        settings = self._settings
        fits = {"first": settings.first_passes, "second": settings.passes}
        if self._start is not None:
            fits = {"second": settings.refit_passes}
        for name, passes in fits.items():
            weights = {
                region.name: region.weights.simulation(None if name == "first" else self._omega(region.entries))
                for region in self._regions
            }
            for region in self._regions:
                self._fit_posterior(region, weights[region.name], f"posterior_{region.name}_{name}")
            self._fit_ratio(weights, passes, f"ratio_{name}")
        self.history["scale_factors"] = {f"spread_scale_factor_{f}": [self._spread(f)] for f in self.sf_networks}

    def _spread(self, flavour: str) -> float:
        """Return the standard deviation of log S over the simulated probe jets where the flavour is enriched."""
        (region,) = (region for region in self._regions if region.enriched == flavour)
        jets = region.simulation[flavour][torch.from_numpy(self._is_enriched(region))]
        return float(self.sf_networks[flavour].predict(jets).std())

    def _is_enriched(self, region: _Region) -> Bools:
        return np.asarray(region.entries.simulation.probe.flavour == self._index[region.enriched])

    def _omega(self, entries: RegionEntries) -> Floats:
        """Return the present S of the tag jets, 1 for flavours that are not measured, shape ``(n,)``."""
        tag = entries.simulation.tag
        omega = np.ones(len(tag))
        for flavour, network in self.sf_networks.items():
            chosen = np.flatnonzero(tag.flavour == self._index[flavour])
            output = network.predict(self.scalings[flavour].features(tag[chosen]))
            omega[chosen] = scale_factor(output, self._settings.log_sf_max).numpy()
        return omega

    def _fit_posterior(self, region: _Region, weight: Floats, name: str) -> None:
        label = torch.from_numpy(np.argsort(list(self._index.values()))[region.entries.simulation.probe.flavour])
        features, scaling = region.simulation[region.enriched], self.scalings[region.enriched]
        rows = Rows(
            features,
            label,
            weight,
            self._settings.batch_size,
            validation=region.held_out[1],
            names=scaling.columns,
        )
        self._train(self._posteriors[region.name], rows, self._settings.posterior_passes, name)

    def _fit_ratio(self, weights: Mapping[str, Floats], passes: float, name: str) -> None:
        features, label, weight = [], [], []
        held_out: list[Bools] = []
        for region in self._regions:
            posterior = self._posteriors[region.name]
            samples = region.data, region.simulation
            for sample, sample_weight, is_data in zip(
                samples, (region.data_weight, weights[region.name]), (1, 0), strict=True
            ):
                log_p = posterior.log_probability(sample[region.enriched])
                features.append(torch.cat([log_p, *sample.values()], 1))
                label.append(torch.full((len(sample_weight),), is_data))
                weight.append(sample_weight)
            held_out += region.held_out
        names = [f"log p({flavour}|x)" for flavour in self._index]
        for flavour, scaling in self.scalings.items():
            names += [f"{column} for {flavour}" for column in scaling.columns]
        rows = Rows(
            torch.cat(features),
            torch.cat(label),
            np.concatenate(weight),
            self._settings.batch_size,
            validation=np.concatenate(held_out),
            names=names,
        )
        classes = list(self._index)
        network = MixtureRatio(
            {classes.index(flavour): network for flavour, network in self.sf_networks.items()},
            n_flavours=len(classes),
            n_inputs=next(iter(self.scalings.values())).n_inputs,
            log_sf_max=self._settings.log_sf_max,
        )
        self._train(network, rows, passes, name)

    def _train(self, network: nn.Module, rows: Rows, passes: float, name: str) -> None:
        settings = self._settings
        rate = settings.learning_rate, settings.learning_rate_warmup, settings.learning_rate_final
        batches = part_of(self._seed, "batches", name)
        training = ClassifierTraining(network, rows, Steps(passes, *rate, settings.weight_decay), batches)
        training.run()
        self.history[name] = training.history.to_json()
