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
from typing import Any

import numpy as np
from scipy.special import softmax

from deepsf.config.efficiency.experiments import Experiment
from deepsf.config.efficiency.networks import NetworkName, NetworkTraining
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.efficiency.audit.closure import region_yields
from deepsf.efficiency.audit.jet_closure import relative_mad
from deepsf.efficiency.audit.rows import Row, Rows, rows_by_flavour
from deepsf.efficiency.audit.symmetries import N_EVENTS, largest_increase
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.bin_sums import ratio, sums
from deepsf.efficiency.events.events import Floats, Floats32, JetEvents
from deepsf.efficiency.networks.network import EfficiencyNetwork
from deepsf.efficiency.networks.training import train_member
from deepsf.efficiency.toy import Truth, generate
from deepsf.seeds import seed_sequence


def run_experiment(  # noqa: PLR0913 - becomes fewer
    name: Experiment,
    parameter: Any,
    toy: EfficiencyToy,
    flavours: tuple[str, ...],
    model: NetworkName,
    training: NetworkTraining,
    *,
    n_events: int | None,
    seed: int,
    delta_r: Floats,
) -> Rows:
    """Train what the experiment needs, and return its rows of the audit.

    Parameters
    ----------
    parameter
        The setting with the experiment's name in `deepsf.config.efficiency.experiments.EfficiencyExperiments`.
    flavours
        In the order of the events' flavour index.
    training
        Settings of ``model``.
    n_events
        To train on, by default as many as the toy has.
    delta_r
        Edges of the closure in DeltaR of the two leading jets.
    """
    changed = toy if name == "untagged_weight" else toy.model_copy(update={name: parameter})
    member_seed = seed_sequence(seed, "efficiency experiment", name)
    train, _ = generate(changed, flavours, "train", n_events)
    test, truth = generate(changed, flavours, "test")
    network, _ = train_member(train, model, training, member_seed)
    if name == "hidden_variable":
        return _hidden_variable(network, test, truth, delta_r)
    if name == "working_points":
        return _working_points(network, test, truth)
    with_mu = training.model_copy(update={name: dict.fromkeys(flavours, parameter)})
    other, _ = train_member(train, model, with_mu, member_seed)
    return _untagged_weight(network, other, test)


def _hidden_variable(network: EfficiencyNetwork, test: JetEvents, truth: Truth, delta_r: Floats) -> Rows:
    predicted = network.evaluate(test)
    models = {"network": ModelEfficiencies(predicted, None, None)}
    regions = region_yields(test, models, truth.efficiency, {"delta_r": delta_r}, 0)
    text = "mean |predicted - true| / mean true where a variable is hidden [%]"
    rows = rows_by_flavour("22", test.flavours, 100.0 * _mad(predicted, truth, test, 0), text)
    for region, variables in regions.items():
        chi2, ndf = variables["delta_r"].chi2("network")
        text = f"chi2/ndf in DeltaR of the two leading jets where a variable is hidden, {region}"
        rows[f"22.chi2_{region}"] = Row(chi2 / ndf if ndf else None, text)
    return rows


def _working_points(network: EfficiencyNetwork, test: JetEvents, truth: Truth) -> Rows:
    predicted = network.evaluate(test)
    rows = {
        "17.monotone": Row(
            largest_increase(predicted),
            "largest rise of an efficiency from a working point to the next tighter one, in one training of several",
        ),
        "17.sum_of_bins": Row(
            _sum_of_bins(network, test),
            "largest deviation from 1 of a jet's loosest efficiency and the network's probability of no tag",
        ),
    }
    for k, point in enumerate(test.working_points):
        text = f"mean |predicted - true| / mean true at {point}, one training of several working points [%]"
        at_point = rows_by_flavour("17", test.flavours, 100.0 * _mad(predicted, truth, test, k), text)
        rows |= {f"{key}.{point}": row for key, row in at_point.items()}
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
    text = "mean efficiency of a training with mu over that of one without, less 1 [%]"
    rows = rows_by_flavour("20", test.flavours, 100.0 * (corrected / expected - 1.0), text)
    text = "mean efficiency of a training with mu over that of one without, mu not being undone"
    return rows | rows_by_flavour("20.uncorrected", test.flavours, uncorrected / expected, text)


def _mean(network: EfficiencyNetwork, events: JetEvents) -> Floats:
    values, index = network.evaluate(events)[:, 0].astype(np.float64), events.flavour.astype(np.int64)
    return ratio(*(sums(index, x, len(events.flavours)) for x in (values, np.ones(len(values)))))


def _mad(predicted: Floats32, truth: Truth, events: JetEvents, point: int) -> Floats:
    true = truth.efficiency[:, point]
    return relative_mad(predicted[:, point], true, events.flavour, len(events.flavours))
