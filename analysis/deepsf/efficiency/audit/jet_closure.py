"""Efficiencies jet by jet: against the truth where it is known, and against tags everywhere.

Deviations from the truth count every jet once. What is compared to tags is weighted with the events' generator weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints
from deepsf.efficiency.events.bin_sums import bin_index, ratio, sums
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.truth_tagging.scale_factors import bin_probabilities

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies

Values = npt.NDArray[np.float32] | Floats
N_RELIABILITY_BINS = 10
_PROBABILITY_MIN = 1e-9
"""Floor of a model's probabilities in the divergence: a map may hold empty bins."""


class Profile(NamedTuple):
    """Mean efficiencies in bins of one variable, arrays ``(n_flavours, n_bins)``, NaN in empty bins.

    Attributes
    ----------
    weight
        Sum of generator weights of the jets.
    tag_rate, tag_error
        Share of tagged jets, and its binomial error.
    models
        Mean efficiency by model; the true one as ``truth``, if it is known.
    spread
        Standard deviation over members of the mean that each of them gives; of models with members.
    """

    edges: Floats
    weight: Floats
    tag_rate: Floats
    tag_error: Floats
    models: dict[str, Floats]
    spread: dict[str, Floats]


class Reliability(NamedTuple):
    """Predicted efficiency against tag rate in bins of equally many jets, arrays ``(n_flavours, n_bins)``.

    ``error`` is that of the tag rate if the prediction is right, sqrt(sum g^2 w (1 - w)) / sum g. ``chi2`` is
    ``(n_flavours,)``; flavours with few different predictions have empty bins, NaN.
    """

    predicted: Floats
    tag_rate: Floats
    error: Floats
    chi2: Floats
    ndf: Ints


def relative_mad(predicted: Values, true: Values, flavour: npt.NDArray[np.int8], n_flavours: int) -> Floats:
    """Return by flavour mean |predicted - true| / mean true; efficiencies ``(n_jets,)``, NaN for absent flavours."""
    index = flavour.astype(np.int64)
    return ratio(sums(index, np.abs(predicted - true), n_flavours), sums(index, true, n_flavours))


def calibration(
    predicted: Values, reference: Values, weight: Floats, flavour: npt.NDArray[np.int8], n_flavours: int
) -> Floats:
    """Return by flavour sum g predicted / sum g reference - 1, the reference being truth or tags; ``(n_flavours,)``."""
    index = flavour.astype(np.int64)
    return ratio(sums(index, weight * predicted, n_flavours), sums(index, weight * reference, n_flavours)) - 1


def divergence(predicted: Values, true: Values) -> Floats:
    """Return by jet the Kullback-Leibler divergence of the predicted from the true probabilities of the tag bins.

    Parameters
    ----------
    predicted, true
        Efficiencies ``(n_jets, K)`` of nested working points.

    Returns
    -------
    Floats
        sum_k p_k log(p_k / q_k) over the K + 1 tag bins, ``(n_jets,)``: what the cross-entropy of
        the prediction exceeds its minimum by, without the noise of the tags.
    """
    p, q = bin_probabilities(true), np.maximum(bin_probabilities(predicted), _PROBABILITY_MIN)
    return np.asarray(np.sum(p * np.log(np.maximum(p, _PROBABILITY_MIN) / q), axis=1))


def jet_variables(events: JetEvents) -> dict[str, Floats]:
    """Return pT [GeV], eta, and DeltaR to the closest jet, infinite for lone jets; arrays ``(n_jets,)``."""
    variables = {"pt_gev": events.pt_gev, "eta": events.eta, "delta_r": closest_jet(events)[0]}
    return {name: values.astype(np.float64) for name, values in variables.items()}


def jet_profiles(
    events: JetEvents,
    models: Mapping[str, ModelEfficiencies],
    truth: Floats | None,
    edges: Mapping[str, Floats],
    point: int,
) -> dict[str, Profile]:
    """Return the mean efficiencies by flavour in every variable of `jet_variables`; outer bins are open."""
    variables = jet_variables(events)
    return {name: _profile(events, variables[name], binning, models, truth, point) for name, binning in edges.items()}


def _profile(
    events: JetEvents,
    values: Floats,
    edges: Floats,
    models: Mapping[str, ModelEfficiencies],
    truth: Floats | None,
    point: int,
) -> Profile:
    n_flavours, n_bins = len(events.flavours), len(edges) - 1
    index = events.flavour.astype(np.int64) * n_bins + bin_index(values, edges)
    generator = np.repeat(events.weight.astype(np.float64), events.n_jets)

    def filled(quantity: Any) -> Floats:
        return sums(index, quantity, n_flavours * n_bins).reshape(n_flavours, n_bins)

    weight = filled(generator)

    def mean(efficiency: Any) -> Floats:
        return ratio(filled(generator * efficiency), weight)

    rate = mean(events.tag_bin > point)
    share = np.clip(rate, 0.0, 1.0)
    error = np.sqrt(share * (1 - share) * filled(generator**2)) / np.where(weight > 0, weight, np.nan)
    means = {name: mean(model.mean[:, point]) for name, model in models.items()}
    if truth is not None:
        means["truth"] = mean(truth[:, point])
    spread = {
        name: np.std([mean(member[:, point]) for member in model.members], axis=0, ddof=1)
        for name, model in models.items()
        if model.members is not None and len(model.members) > 1
    }
    return Profile(np.asarray(edges, np.float64), weight, rate, error, means, spread)


def reliability(events: JetEvents, efficiency: Values, point: int) -> Reliability:
    """Return the reliability curve of each flavour; ``efficiency`` is ``(n_jets, K)``."""
    n_flavours = len(events.flavours)
    generator = np.repeat(events.weight.astype(np.float64), events.n_jets)
    predicted, tag = efficiency[:, point].astype(np.float64), events.tag_bin > point
    rows = np.full((3, n_flavours, N_RELIABILITY_BINS), np.nan)
    chi2, ndf = np.zeros(n_flavours), np.zeros(n_flavours, np.int64)
    for number in range(n_flavours):
        chosen = events.flavour == number
        if not np.any(chosen):
            continue
        g, w, t = generator[chosen], predicted[chosen], tag[chosen]
        inner = np.quantile(w, np.linspace(0, 1, N_RELIABILITY_BINS + 1)[1:-1])
        index = np.searchsorted(inner, w, side="right")
        total, of_model, of_tags, variance = (
            sums(index, q, N_RELIABILITY_BINS) for q in (g, g * w, g * t, g**2 * w * (1 - w))
        )
        usable = (total > 0) & (variance > 0)
        rows[:, number, usable] = np.stack([of_model, of_tags, np.sqrt(variance)])[:, usable] / total[usable]
        chi2[number] = np.sum((of_model - of_tags)[usable] ** 2 / variance[usable])
        ndf[number] = usable.sum()
    return Reliability(rows[0], rows[1], rows[2], chi2, ndf)
