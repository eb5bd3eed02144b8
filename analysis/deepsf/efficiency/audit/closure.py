"""Yields of tag regions: predicted by efficiencies against direct tagging of the same events.

Region ``1tag``: the leading jet is tagged; ``2tag``: the two leading jets are. An event of generator weight g has the
predicted weight w, the product of the efficiencies of those jets, and the direct one t, 1 if they are all tagged. In a
bin,

    d = sum g (w - t),   Var d = sum g^2 w (1 - w),   pull = d / sqrt(Var d),   chi2 = sum pull^2,   ndf = bins,

given the events: both yields are of the same events, so that their common fluctuation cancels. The variance of the
predicted yield itself is sum (g w)^2 + V_eff, V_eff being the variance over members of the yield each of them predicts:
the error of the efficiencies is common to all events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.audit.jet_closure import Values
from deepsf.efficiency.events.bin_sums import bin_index, ratio, sums
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.observables import EventObservables, event_observables, flavour_pairs
from deepsf.efficiency.truth_tagging.probabilities import at_least, exactly, number_of_tags
from deepsf.efficiency.truth_tagging.variance import truth_tagged_yields

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies

REGIONS = {"1tag": 1, "2tag": 2}
"""Number of leading jets that are tagged."""
INCLUSIVE = "inclusive"
TRUTH = "truth"
TOTAL = "total"
"""The variable of one bin."""
N_TAGS_LAST = 4
"""Events with at least this many tags share a bin of the spectrum."""


class ModelYields(NamedTuple):
    """Yields that one model predicts, arrays ``(n_categories, n_bins)``; see the module's description.

    Attributes
    ----------
    predicted, sum_w2, direct_sum_w2
        sum g w, sum (g w)^2 and sum g^2 w, the expected variance of the direct yield.
    v_eff
        None without members.
    """

    predicted: Floats
    sum_w2: Floats
    direct_sum_w2: Floats
    v_eff: Floats | None

    @property
    def variance(self) -> Floats:
        """Return the variance of predicted minus direct, sum g^2 w (1 - w)."""
        return self.direct_sum_w2 - self.sum_w2

    @property
    def error(self) -> Floats:
        """Return the error of the predicted yield, sqrt(sum (g w)^2 + V_eff)."""
        return np.sqrt(self.sum_w2 + (0.0 if self.v_eff is None else self.v_eff))

    @property
    def gain(self) -> Floats:
        """Return effective events, (sum g w)^2 over variance, over those expected of direct tags; without V_eff."""
        return ratio(self.direct_sum_w2, self.sum_w2)

    @property
    def total_gain(self) -> Floats | None:
        """Return the gain with V_eff; None without members."""
        return None if self.v_eff is None else ratio(self.direct_sum_w2, self.sum_w2 + self.v_eff)


class RegionYields(NamedTuple):
    """Direct and predicted yields of one variable, arrays ``(n_categories, n_bins)``; the outer bins are open.

    ``categories`` are ``inclusive`` and, if the events were divided, the flavour pairs of the two leading jets. The
    true efficiencies count as the model ``truth``, if there are any.
    """

    edges: Floats
    categories: tuple[str, ...]
    direct: Floats
    direct_variance: Floats
    models: dict[str, ModelYields]

    def pulls(self, model: str) -> Floats:
        """Return (predicted - direct) / sqrt(Var), NaN where nothing is predicted, ``(n_categories, n_bins)``."""
        yields = self.models[model]
        return ratio(yields.predicted - self.direct, np.sqrt(yields.variance))

    def chi2(self, model: str, category: str = INCLUSIVE) -> tuple[float, int]:
        """Return chi2 and the number of bins in it."""
        pulls = self.pulls(model)[self.categories.index(category)]
        return float(np.nansum(pulls**2)), int(np.isfinite(pulls).sum())

    def ratio(self, model: str, category: str = INCLUSIVE) -> Floats:
        """Return predicted over true yield, NaN where that is not positive, ``(n_bins,)``; needs the truth."""
        row = self.categories.index(category)
        return ratio(self.models[model].predicted[row], self.models[TRUTH].predicted[row])


def region_yields(
    events: JetEvents,
    models: Mapping[str, ModelEfficiencies],
    truth: Floats | None,
    edges: Mapping[str, Floats],
    point: int,
) -> dict[str, dict[str, RegionYields]]:
    """Return the yields of both regions by variable, and of all together as the variable ``total``.

    Parameters
    ----------
    models
        Efficiencies ``(n_jets, K)`` of each model at the jets of these events.
    truth
        ``(n_jets, K)``; None where it is unknown.
    edges
        By variable of `deepsf.efficiency.events.observables.VARIABLES`.

    Raises
    ------
    ValueError
        If a model's efficiencies do not belong to the events, or no event has a jet.
    """
    _check(events, models, truth)
    everything = event_observables(events)
    if not len(everything.first):
        raise ValueError("none of the events has a jet: there is nothing to compare efficiencies on")
    everything.variables[TOTAL] = np.zeros(len(everything.first))
    binnings = {**edges, TOTAL: np.array([-0.5, 0.5])}
    pairs = flavour_pairs(events.flavours)
    tagged = events.tag_bin > point
    regions = {}
    for region, n_tags in REGIONS.items():
        observed = everything.choose(everything.second >= 0) if n_tags > 1 else everything
        weights = {name: _weights(model.mean[:, point], observed, n_tags) for name, model in models.items()}
        if truth is not None:
            weights[TRUTH] = _weights(truth[:, point], observed, n_tags)
        members = {
            name: [_weights(member[:, point], observed, n_tags) for member in model.members]
            for name, model in models.items()
            if model.members is not None and len(model.members) > 1
        }
        direct = _weights(tagged.astype(np.float32), observed, n_tags)
        regions[region] = {
            variable: _yields(observed, variable, binning, pairs, direct, weights, members)
            for variable, binning in binnings.items()
        }
    return regions


def n_tag_yields(
    events: JetEvents, models: Mapping[str, ModelEfficiencies], truth: Floats | None, point: int
) -> RegionYields:
    """Return how many events have 0, 1, 2, 3 and more tags, predicted by exact sums over tag patterns, and direct.

    An event counts in every bin, with the probability of that number of tags.
    """
    _check(events, models, truth)
    generator = events.weight.astype(np.float64)
    index = np.minimum(number_of_tags(events.tag_bin > point, events.offsets), N_TAGS_LAST)

    def of(efficiency: Values) -> Floats:
        values = efficiency[:, point].astype(np.float64)
        below = [exactly(values, events.offsets, number) for number in range(N_TAGS_LAST)]
        return np.stack([*below, at_least(values, events.offsets, N_TAGS_LAST)])

    def yields(efficiency: Values, members: Values | None) -> ModelYields:
        probability = of(efficiency)
        v_eff = None
        if members is not None and len(members) > 1:
            v_eff = np.var([of(member) @ generator for member in members], axis=0, ddof=1)[np.newaxis]
        return ModelYields(
            (probability @ generator)[np.newaxis],
            (probability**2 @ generator**2)[np.newaxis],
            (probability @ generator**2)[np.newaxis],
            v_eff,
        )

    of_models = {name: yields(model.mean, model.members) for name, model in models.items()}
    if truth is not None:
        of_models[TRUTH] = yields(truth, None)
    direct, variance = (sums(index, g, N_TAGS_LAST + 1)[np.newaxis] for g in (generator, generator**2))
    return RegionYields(np.arange(N_TAGS_LAST + 2, dtype=np.float64) - 0.5, (INCLUSIVE,), direct, variance, of_models)


def _check(events: JetEvents, models: Mapping[str, ModelEfficiencies], truth: Floats | None) -> None:
    expected = (len(events.pt_gev), len(events.working_points))
    given = {name: model.mean.shape for name, model in models.items()}
    if truth is not None:
        given[TRUTH] = truth.shape
    for name, shape in given.items():
        if shape != expected:
            raise ValueError(
                f"efficiencies of {name} have the shape {shape}, the events {expected[0]} jets and {expected[1]} "
                "working points; evaluate the model on these events"
            )


def _weights(efficiency: Values, observed: EventObservables, n_tags: int) -> Floats:
    weight = efficiency[observed.first].astype(np.float64)
    return weight * efficiency[observed.second] if n_tags > 1 else weight


def _yields(
    observed: EventObservables,
    variable: str,
    edges: Floats,
    pairs: Sequence[str],
    direct: Floats,
    weights: Mapping[str, Floats],
    members: Mapping[str, Sequence[Floats]],
) -> RegionYields:
    n_bins, n_rows = len(edges) - 1, len(pairs) + 1
    inside = bin_index(observed.variables[variable], edges)
    index = np.where(inside >= 0, (observed.pair + 1) * n_bins + inside, -1)

    def categories(rows: Floats) -> Floats:
        """Return sums by category and bin; lone jets, the first row, are in the inclusive category alone."""
        table = rows.reshape(n_rows, n_bins)
        return np.concatenate([table.sum(axis=0, keepdims=True), table[1:]])

    def filled(weight: Floats, replicas: Sequence[Floats] = ()) -> ModelYields:
        yields = truth_tagged_yields(observed.weight, weight, index, n_rows * n_bins, replicas)
        v_eff = None
        if yields.replicas is not None:
            v_eff = np.var([categories(row) for row in yields.replicas], axis=0, ddof=1)
        rows = (yields.value, yields.sum_w2, yields.direct_sum_w2)
        value, sum_w2, direct_sum_w2 = (categories(row) for row in rows)
        return ModelYields(value, sum_w2, direct_sum_w2, v_eff)

    models = {name: filled(weight, members.get(name, ())) for name, weight in weights.items()}
    of_tags = filled(direct)
    return RegionYields(
        np.asarray(edges, np.float64),
        (INCLUSIVE, *pairs),
        of_tags.predicted,
        of_tags.direct_sum_w2,
        models,
    )
