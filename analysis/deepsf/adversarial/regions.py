"""One region as a member sees it: its split by event, tensors, weights, purities, batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from deepsf.arrays import Bools, Floats, Ints, Singles
from deepsf.config.training import Training
from deepsf.config.weights import EventWeight
from deepsf.networks.jet_inputs import InputScaling
from deepsf.probes.bootstrap import EventBootstrap, held_out_of
from deepsf.probes.entries import Flavours, Jets, RegionEntries
from deepsf.probes.measurement import Measurement
from deepsf.probes.weights import RegionWeights
from deepsf.seeds import part_of

PURITY_MIN = 1e-3
_PURITY_BINS = (6, 3, 30)
"""Bins of the purity histogram in pT and |eta| (quantiles) and in the scaled discriminant (equal width)."""

Features = Mapping[int, torch.Tensor]
"""Network inputs of jets, ``(n, n_inputs)``, by the flavour (index) whose networks take them: each has its scaling."""

TagScaleFactor = Callable[[Features, Flavours], Floats]


class Batches:
    """Endless batches of indices: a fresh permutation a pass, the rest that fills no batch is left out.

    The generator serves these batches alone; ``drawn_from`` is its state that gave the present permutation,
    ``position`` how much of that was used.
    """

    def __init__(self, indices: torch.Tensor, size: int, generator: torch.Generator) -> None:
        self._indices, self.size, self._generator = indices, min(size, len(indices)), generator
        self._order = torch.empty(0, dtype=torch.int64)
        self.drawn_from, self.position = generator.get_state(), 0

    def __next__(self) -> torch.Tensor:
        if self.position + self.size > len(self._order):
            self.drawn_from, self.position = self._generator.get_state(), 0
            self._order = self._permutation()
        self.position += self.size
        return self._order[self.position - self.size : self.position]

    def restore(self, drawn_from: torch.Tensor, position: int) -> None:
        """Go to where these two say."""
        self.drawn_from, self.position = drawn_from, position
        self._generator.set_state(drawn_from)
        # position 0: nothing was drawn yet
        self._order = self._permutation() if position else self._order[:0]

    def _permutation(self) -> torch.Tensor:
        return self._indices[torch.randperm(len(self._indices), generator=self._generator)]


class TrainingRegion:
    """Tensors of one region for one member, and the weights that follow the scale factors.

    ``train`` and ``validation`` are index tensors into data and simulation. Weights W are those of the last `refresh`.
    """

    def __init__(
        self,
        name: str,
        enriched: int,
        entries: RegionEntries,
        scalings: Mapping[int, InputScaling],
        event_weight: EventWeight,
        held_out: tuple[Bools, Bools],
        factors: tuple[Floats, Floats] | None,
    ) -> None:
        self.name, self.enriched = name, enriched
        data, simulation = entries.data, entries.simulation
        self.scaling = scalings[enriched]
        self.data = self.scaling.features(data.probe)
        self.simulation = {number: scaling.features(simulation.probe) for number, scaling in scalings.items()}
        self.flavour = torch.from_numpy(simulation.probe.flavour.astype(np.int64))
        self._tag = {number: scaling.features(simulation.tag) for number, scaling in scalings.items()}
        self._tag_flavour = simulation.tag.flavour
        data_factor, simulation_factor = factors or (np.ones(len(data)), np.ones(len(simulation)))
        self._weights = RegionWeights(
            entries,
            enriched,
            event_weight,
            data_weight=data.weight * data_factor,
            simulation_weight=simulation.weight * simulation_factor,
            counted=(~held_out[0], ~held_out[1]),
        )
        self.data_weight = torch.from_numpy((data.weight * data_factor).astype(np.float32))
        self._drawn = data_factor[~held_out[0]]
        self.importance = torch.from_numpy(simulation_factor.astype(np.float32))
        self.train = _indices(~held_out[0], data_factor), _indices(~held_out[1], simulation_factor)
        self.validation = _indices(held_out[0], data_factor), _indices(held_out[1], simulation_factor)
        self.weight = torch.empty(0)
        self.kappa = np.empty(0)
        self.refresh(None)
        self.purity = _purity(simulation.probe, self.simulation[enriched], self.weight.numpy(), enriched, self.scaling)

    @property
    def n_train_data(self) -> int:
        """Data entries in training; those of a bootstrap count as often as they were drawn."""
        return round(float(self._drawn.sum()))

    def train_of_enriched(self) -> torch.Tensor:
        """Return the training indices of simulated probe jets of the enriched flavour."""
        indices = self.train[1]
        return indices[self.flavour[indices] == self.enriched]

    def validation_of_enriched(self) -> torch.Tensor:
        """Return the validation indices of simulated probe jets of the enriched flavour."""
        indices = self.validation[1]
        return indices[self.flavour[indices] == self.enriched]

    def refresh(self, tag_sf: TagScaleFactor | None) -> None:
        """Set W from the present scale factors of the tag jets: omega, then kappa."""
        omega = None if tag_sf is None else tag_sf(self._tag, self._tag_flavour)
        self.kappa = self._weights.kappa(omega)
        self.weight = torch.from_numpy(self._weights.simulation(omega).astype(np.float32))


def training_regions(
    measurement: Measurement,
    settings: Training,
    seed: np.random.SeedSequence,
    scalings: Mapping[str, InputScaling] | None = None,
) -> dict[str, TrainingRegion]:
    """Return the regions of one member by the measured flavour that they enrich.

    Each flavour's networks see the jets of their own region at zero mean and unit width, unless ``scalings`` are given
    by flavour.
    """
    # sorted: the order of keys in a configuration must not change a result
    enriched = dict(sorted(measurement.enriching.items()))
    entries = {name: measurement.entries[name] for name in enriched}
    held_out = held_out_of(entries, settings.validation_fraction, seed)
    is_bootstrap = settings.resample == "bootstrap"
    rng = np.random.default_rng(part_of(seed, "bootstrap"))
    factors = EventBootstrap(entries).draw(rng) if is_bootstrap else {}
    inputs, probes = dict(sorted(settings.inputs.items())), [e.simulation.probe for e in entries.values()]
    index = {flavour: measurement.index(flavour) for flavour in enriched.values()}
    by_index = {
        index[flavour]: InputScaling.fit(inputs, probes, entries[name].simulation.probe)
        if scalings is None
        else scalings[flavour]
        for name, flavour in enriched.items()
    }
    event_weight = measurement.event_weight
    return {
        flavour: TrainingRegion(
            name, index[flavour], entries[name], by_index, event_weight, held_out[name], factors.get(name)
        )
        for name, flavour in enriched.items()
    }


def _indices(mask: Bools, factor: Floats) -> torch.Tensor:
    """Return the entries of a mask; those that a bootstrap left out (factor 0) would only fill up batches."""
    return torch.from_numpy(np.flatnonzero(mask & (factor > 0)))


def _purity(probe: Jets, features: torch.Tensor, weight: Singles, enriched: int, scaling: InputScaling) -> torch.Tensor:
    """Return the fraction of the enriched flavour at each simulated probe jet, from a histogram, shape ``(n,)``.

    It only weights a loss, where every positive function has the same minimum: a histogram will do. Invalid scores
    have a row of their own.
    """
    n_pt, n_abseta, n_disc = _PURITY_BINS
    pt = _quantile_index(probe.pt_gev, n_pt)
    abseta = _quantile_index(probe.abseta, n_abseta)
    if scaling.score_column is not None:
        scaled = features[:, scaling.score_column].numpy()
        disc = np.clip(((scaled - scaled.min()) / max(np.ptp(scaled), 1e-9) * n_disc).astype(np.int64), 0, n_disc - 1)
    else:
        disc = np.zeros(len(probe), np.int64)
    disc = np.where(probe.discriminant < 0, n_disc, disc)
    index = (pt * n_abseta + abseta) * (n_disc + 1) + disc
    size = n_pt * n_abseta * (n_disc + 1)
    total = np.bincount(index, weight, size)
    of_flavour = np.bincount(index, weight * (probe.flavour == enriched), size)
    purity = np.divide(of_flavour, total, out=np.full(size, PURITY_MIN), where=total > 0)
    return torch.from_numpy(np.clip(purity, PURITY_MIN, 1.0)[index].astype(np.float32))


def _quantile_index(values: Singles, n_bins: int) -> Ints:
    inner = np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.searchsorted(inner, values, side="right").astype(np.int64)
