"""Experiments with the ensemble's network on changed toys: what one sample and one training cannot show.

``untagged_weight``
    Two trainings that differ in mu of arXiv:2004.02665 alone: the efficiencies must not.
``hidden_variable``
    Efficiencies depend on a variable that no network knows: averaged over it, they must still be right.
``working_points``
    One network of several nested working points.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from deepsf.arrays import Floats, Singles
from deepsf.config.efficiency.experiments import Experiment
from deepsf.config.efficiency.networks import NetworkName, NetworkTraining
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.efficiency.audit.closure import region_yields
from deepsf.efficiency.audit.jet_closure import relative_mad
from deepsf.efficiency.audit.rows import Rows, row, rows_by
from deepsf.efficiency.audit.symmetries import N_EVENTS, largest_increase
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.bin_sums import ratio, sums
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.networks.network import EfficiencyNetwork
from deepsf.efficiency.networks.training import train_member
from deepsf.efficiency.toy import Truth, generate
from deepsf.seeds import seed_sequence


class ExperimentSetup(NamedTuple):
    """What all experiments share.

    Attributes
    ----------
    flavours
        In the order of the events' flavour index.
    model, training
        The network, and its settings.
    n_events
        To train on; None: as many as the toy has.
    delta_r
        Edges of the closure in DeltaR of the two leading jets.
    """

    toy: EfficiencyToy
    flavours: tuple[str, ...]
    model: NetworkName
    training: NetworkTraining
    n_events: int | None
    seed: int
    delta_r: Floats


def run_experiment(name: Experiment, parameter: Any, setup: ExperimentSetup) -> Rows:
    """Train what the experiment needs, and return its rows of the audit.

    Parameters
    ----------
    parameter
        The setting with the experiment's name in `deepsf.config.efficiency.experiments.EfficiencyExperiments`.
    """
    changed = setup.toy if name == "untagged_weight" else setup.toy.model_copy(update={name: parameter})
    train, _ = generate(changed, setup.flavours, "train", setup.n_events)
    test, truth = generate(changed, setup.flavours, "test")
    member_seed = seed_sequence(setup.seed, "efficiency experiment", name)
    network, _ = train_member(train, setup.model, setup.training, member_seed)
    if name == "hidden_variable":
        return _hidden_variable(network, test, truth, setup.delta_r)
    if name == "working_points":
        return _working_points(network, test, truth)
    with_mu = setup.training.model_copy(update={name: dict.fromkeys(setup.flavours, parameter)})
    other, _ = train_member(train, setup.model, with_mu, member_seed)
    return _untagged_weight(network, other, test)


def _hidden_variable(network: EfficiencyNetwork, test: JetEvents, truth: Truth, delta_r: Floats) -> Rows:
    predicted = network.evaluate(test)
    models = {"network": ModelEfficiencies(predicted, None, None)}
    regions = region_yields(test, models, truth.efficiency, {"delta_r": delta_r}, 0)
    deviation = 100.0 * _mad(predicted, truth, test, 0)
    rows = rows_by("flavour", test.flavours, "hidden_variable.deviation.{flavour}", deviation)
    for region, variables in regions.items():
        chi2, ndf = variables["delta_r"].chi2("network")
        rows |= row("hidden_variable.delta_r.{region}.chi2", chi2 / ndf if ndf else None, region=region)
    return rows


def _working_points(network: EfficiencyNetwork, test: JetEvents, truth: Truth) -> Rows:
    predicted = network.evaluate(test)
    rows = {
        **row("working_points.monotone", largest_increase(predicted)),
        **row("working_points.sum_of_bins", _sum_of_bins(network, test)),
    }
    for k, point in enumerate(test.working_points):
        deviation = 100.0 * _mad(predicted, truth, test, k)
        pattern = "working_points.deviation.{flavour}.{working_point}"
        rows |= rows_by("flavour", test.flavours, pattern, deviation, working_point=point)
    return rows


def _sum_of_bins(network: EfficiencyNetwork, events: JetEvents) -> float:
    """Compare to the softmax of the network: efficiencies alone leave to the untagged bin whatever is left."""
    some = events.select(np.arange(len(events)) < N_EVENTS)
    flavour = some.flavour.astype(np.int64)
    logits = network.logits(network.scaling.tensors(some, flavour, len(some.flavours), network.module.needs))
    log_mu = np.log(np.array(network.untagged_weight))[flavour]
    untagged = softmax(np.insert(logits + log_mu[:, None], 0, 0.0, axis=1), axis=1)[:, 0]
    return float(np.abs(network.evaluate(some)[:, 0] + untagged - 1.0).max())


def _untagged_weight(plain: EfficiencyNetwork, with_mu: EfficiencyNetwork, test: JetEvents) -> Rows:
    left = replace(with_mu, untagged_weight=(1.0,) * len(test.flavours))
    expected, corrected, uncorrected = (_mean(network, test) for network in (plain, with_mu, left))
    return {
        **rows_by("flavour", test.flavours, "untagged_weight.undone.{flavour}", 100.0 * (corrected / expected - 1.0)),
        **rows_by("flavour", test.flavours, "untagged_weight.left.{flavour}", uncorrected / expected),
    }


def _mean(network: EfficiencyNetwork, events: JetEvents) -> Floats:
    values, index = network.evaluate(events)[:, 0].astype(np.float64), events.flavour.astype(np.int64)
    return ratio(*(sums(index, x, len(events.flavours)) for x in (values, np.ones(len(values)))))


def _mad(predicted: Singles, truth: Truth, events: JetEvents, point: int) -> Floats:
    true = truth.efficiency[:, point]
    return relative_mad(predicted[:, point], true, events.flavour, len(events.flavours))
