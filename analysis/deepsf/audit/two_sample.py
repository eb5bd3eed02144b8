"""Two-sample test: can a classifier tell weighted simulation from data? An AUC of 0.5 says that it cannot.

The classifier sees pT, |eta| and the discriminant of the probe jet. Half of the events train it, the other half give
the AUC. Seeds, batches and halves are the same for all methods, so that differences of AUCs have small errors.

A perfect scale factor may score a few per mille below 0.5: kappa makes simulation follow the data of both halves
together, so that what fluctuates up in one half is down in the other. Differences to AUC(truth) are free of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import softplus

from deepsf.adversarial.regions import Batches
from deepsf.arrays import Bools, Floats, Ints, Reals
from deepsf.audit.methods import DEEPSF, TRUTH
from deepsf.config.audit import Audit
from deepsf.config.training import Variable
from deepsf.guards import is_positive
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.probes.entries import ProbeEntries, RegionEntries, evenly
from deepsf.seeds import part_of, torch_generator
from deepsf.training.schedule import rate_factor

MAX_DATA, MAX_SIMULATION = 150_000, 300_000
"""Entries of a region that the test takes, evenly, from larger ones."""

INPUTS = {"pt": Variable(transform="log"), "abseta": Variable(), "discriminant": Variable(transform="logit")}
_LAYERS, _UNITS = 3, 64
_BATCH_SIZE = 1024
"""Entries of each class in a batch."""
_LEARNING_RATE, _FINAL_RATE = 3e-3, 0.01


class Ranking(NamedTuple):
    """Entries sorted by score: ``order`` sorts them, ``group`` is where each group of equal scores begins."""

    order: Ints
    group: Ints
    is_data: Bools

    @classmethod
    def of(cls, data: Reals, simulation: Reals) -> Ranking:
        """Return the ranking of all entries, data first, by their scores, shapes ``(n_data,)``, ``(n_simulation,)``."""
        score = np.concatenate([data, simulation])
        order = np.argsort(score, kind="stable")
        group = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)
        return cls(order, group, order < len(data))

    def auc(self, weight: Floats) -> float:
        """Return the area under the ROC curve, for weights of any sign, data first, shape ``(n,)``.

        It is sum_ij w_i v_j [s_i > s_j] / (sum_i w_i sum_j v_j) over data i and simulation j; equal scores count 1/2.

        Raises
        ------
        ValueError
            If the weights of data or simulation do not sum to a positive number.
        """
        ordered = weight[self.order]
        data = np.add.reduceat(np.where(self.is_data, ordered, 0.0), self.group)
        simulation = np.add.reduceat(np.where(self.is_data, 0.0, ordered), self.group)
        totals = data.sum(), simulation.sum()
        if not is_positive(totals).all():
            raise ValueError(
                f"weights sum to {totals[0]:.3g} in data and {totals[1]:.3g} in simulation; an AUC needs positive sums"
            )
        return float((data * (np.cumsum(simulation) - 0.5 * simulation)).sum() / (totals[0] * totals[1]))


def two_sample_auc(
    entries: RegionEntries, weighted: Mapping[str, Floats], settings: Audit, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Return the AUC of every method in one region.

    Parameters
    ----------
    weighted
        By method, the weights W S of the simulated entries, shape ``(n_simulation,)``.
    seed
        Of halves, classifiers and bootstraps.

    Returns
    -------
    dict
        AUC by method; ``sigma_deepsf``, the statistical error of that AUC; with truth, ``delta_deepsf`` = AUC(deepsf)
        - AUC(truth) and its error ``sigma_delta``. Errors come from Poisson bootstraps by event of the tested half;
        those of classifier training and of S are not in them.
    """
    kept = evenly(np.arange(len(entries.simulation)), MAX_SIMULATION)
    data, simulation = entries.data[evenly(np.arange(len(entries.data)), MAX_DATA)], entries.simulation[kept]
    trained = (
        half_of_events(data, np.random.default_rng(part_of(seed, "halves", "data"))),
        half_of_events(simulation, np.random.default_rng(part_of(seed, "halves", "simulation"))),
    )
    tested = [~half for half in trained]
    scaling = InputScaling.fit(INPUTS, [simulation.probe])
    features = scaling.features(data.probe), scaling.features(simulation.probe)
    rankings, weights = {}, {}
    for method, values in weighted.items():
        both = data.weight, values[kept]
        network = train_classifier(features, both, trained, settings.classifier_passes, part_of(seed, "classifier"))
        scores = (network.predict(x[torch.from_numpy(half)]).numpy() for x, half in zip(features, tested, strict=True))
        rankings[method] = Ranking.of(*scores)
        weights[method] = np.concatenate([w[half] for w, half in zip(both, tested, strict=True)])
    result = {method: ranking.auc(weights[method]) for method, ranking in rankings.items()}
    compared = [name for name in (DEEPSF, TRUTH) if name in weighted]
    events = data.event[tested[0]], simulation.event[tested[1]]
    rng = np.random.default_rng(part_of(seed, "bootstrap"))
    replicas = _bootstrap(rankings, weights, compared, events, settings.n_bootstrap, rng)
    if DEEPSF in replicas:
        result["sigma_deepsf"] = float(replicas[DEEPSF].std(ddof=1))
    if len(replicas) == 2:
        result["delta_deepsf"] = result[DEEPSF] - result[TRUTH]
        result["sigma_delta"] = float((replicas[DEEPSF] - replicas[TRUTH]).std(ddof=1))
    return result


def half_of_events(entries: ProbeEntries, generator: np.random.Generator) -> Bools:
    """Return which entries train; both entries of an event are on the same side."""
    events, event = np.unique(entries.event, return_inverse=True)
    chosen = np.zeros(len(events), bool)
    chosen[generator.permutation(len(events))[: len(events) // 2]] = True
    return np.asarray(chosen[event])


def train_classifier(
    features: tuple[torch.Tensor, torch.Tensor],
    weights: tuple[Floats, Floats],
    trained: tuple[Bools, Bools],
    passes: float,
    seed: np.random.SeedSequence,
) -> DenseNetwork:
    """Return a network trained to tell data from simulation, by cross-entropy with weights of any sign.

    Parameters
    ----------
    features, weights, trained
        Of data and simulation: inputs ``(n, n_inputs)``, weights ``(n,)``, and which entries to train on. Both classes
        are brought to the same sum of weights.
    passes
        Passes over the data; steps see as many simulated entries.
    """
    network = DenseNetwork(
        features[0].shape[1],
        layers=_LAYERS,
        units=_UNITS,
        generator=torch_generator(part_of(seed, "initial weights")),
        zero_output=True,
    )
    chosen = [torch.from_numpy(np.flatnonzero(half)) for half in trained]
    batches = [
        Batches(index, _BATCH_SIZE, torch_generator(part_of(seed, "batches", kind)))
        for kind, index in zip(("data", "simulation"), chosen, strict=True)
    ]
    scaled = [
        torch.from_numpy((w / w[half].mean()).astype(np.float32)) for w, half in zip(weights, trained, strict=True)
    ]
    optimiser = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE, fused=True)
    n_steps = max(1, round(passes * len(chosen[0]) / batches[0].size))
    for step in range(n_steps):
        optimiser.param_groups[0]["lr"] = _LEARNING_RATE * rate_factor(step, n_steps, 0.0, _FINAL_RATE)
        data, simulation = next(batches[0]), next(batches[1])
        as_data = softplus(-network(features[0][data])) * scaled[0][data]
        as_simulation = softplus(network(features[1][simulation])) * scaled[1][simulation]
        loss = as_data.mean() + as_simulation.mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network


def _bootstrap(
    rankings: Mapping[str, Ranking],
    weights: Mapping[str, Floats],
    compared: list[str],
    events: tuple[Ints, Ints],
    n_bootstrap: int,
    generator: np.random.Generator,
) -> dict[str, Floats]:
    """Return AUCs of the compared methods in the same replicas, ``(n_bootstrap,)``: sorted once, then reweighted."""
    indexed = [np.unique(event, return_inverse=True) for event in events]
    replicas = {name: np.empty(n_bootstrap) for name in compared}
    for number in range(n_bootstrap):
        factor = np.concatenate([generator.poisson(1.0, len(names))[event] for names, event in indexed])
        for name in compared:
            replicas[name][number] = rankings[name].auc(weights[name] * factor)
    return replicas
