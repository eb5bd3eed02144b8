"""Efficiencies of another process or generator over those of the test sample, by flavour in bins of pT.

Two ratios, both of jets of the other process:

    MC/MC     tag rate / tag rate of the test sample        what a map in pT of the one lacks for the other
    residual  tag rate / mean efficiency by the ensemble    what is left besides kinematics and neighbours

The first differs from 1 wherever the jets have other kinematics. The second differs only where efficiencies are another
function of the event, as those of another generator or parton shower may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.events.bin_sums import bin_index, ratio, sums
from deepsf.guards import is_positive

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies
    from deepsf.efficiency.events.events import JetEvents

N_TAGS_MIN = 10
"""Tagged jets of each sample in a bin; neighbouring bins are merged until they have as many."""


class ProcessRatios(NamedTuple):
    """Ratios of one flavour at one working point in bins of pT, arrays ``(n_bins,)``; the outer bins are open.

    Attributes
    ----------
    pt_gev
        Edges, ``(n_bins + 1,)``.
    mc_mc, mc_mc_stat
        Tag rate over that of the test sample, and its statistical error from the tags of both.
    residual, residual_stat, residual_spread
        Tag rate over the mean predicted efficiency; its error from the tags, and that from the members of the ensemble,
        0 without members.
    """

    pt_gev: Floats
    mc_mc: Floats
    mc_mc_stat: Floats
    residual: Floats
    residual_stat: Floats
    residual_spread: Floats

    @property
    def is_usable(self) -> bool:
        """Return whether all ratios and errors are finite and above 0; sums of signed weights need not be."""
        return bool(np.all(is_positive([self.mc_mc, self.mc_mc_stat, self.residual, self.residual_stat])))

    @property
    def chi2(self) -> float:
        """Return chi2/ndf of the residual against 1."""
        error = np.hypot(self.residual_stat, self.residual_spread)
        return float(np.mean(((self.residual - 1.0) / error) ** 2))


def process_ratios(
    process: JetEvents, model: ModelEfficiencies, test: JetEvents, pt_gev: Sequence[float]
) -> dict[str, dict[str, ProcessRatios]]:
    """Return the ratios of a process by flavour and working point.

    A working point of a flavour is left out where a sample has too few tagged jets, or sums of signed weights in a bin
    or errors are not above 0.

    Parameters
    ----------
    model
        Efficiencies of the ensemble at the jets of the process.
    test
        The test sample, of the process that was trained on.
    pt_gev
        Edges, of which neighbouring bins are merged until both samples have 10 tagged jets in each.

    Raises
    ------
    ValueError
        If flavours or working points of the samples differ.
    """
    if (process.flavours, process.working_points) != (test.flavours, test.working_points):
        raise ValueError(
            f"samples must have the same flavours and working points, got {process.flavours}, {process.working_points} "
            f"and {test.flavours}, {test.working_points}"
        )
    edges, ratios = np.array(pt_gev, np.float64), {}
    for number, flavour in enumerate(process.flavours):
        of_points = {}
        for point, name in enumerate(process.working_points):
            rates = [_Rates.of(events, number, point, edges) for events in (process, test)]
            merged = _merged(np.minimum(rates[0].n_tagged, rates[1].n_tagged))
            if merged is not None:
                predicted = _predicted(process, model, number, point, edges)
                found = _ratios(edges, merged, rates[0], rates[1], predicted)
                if found.is_usable:
                    of_points[name] = found
        if of_points:
            ratios[flavour] = of_points
    return ratios


class _Rates(NamedTuple):
    """Sums over the jets of one flavour in bins of pT: g, g tag, g^2, g^2 tag, tags; ``(n_bins,)`` each."""

    weight: Floats
    tagged: Floats
    weight2: Floats
    tagged2: Floats
    n_tagged: Floats

    @classmethod
    def of(cls, events: JetEvents, flavour: int, point: int, edges: Floats) -> _Rates:
        chosen = events.flavour == flavour
        index = bin_index(events.pt_gev[chosen].astype(np.float64), edges)
        g = np.repeat(events.weight.astype(np.float64), events.n_jets)[chosen]
        tag = (events.tag_bin[chosen] > point).astype(np.float64)
        return cls(*(sums(index, values, len(edges) - 1) for values in (g, g * tag, g**2, g**2 * tag, tag)))

    def merged(self, first: Sequence[int]) -> _Rates:
        return _Rates(*(np.add.reduceat(values, first) for values in self))

    @property
    def rate(self) -> Floats:
        return ratio(self.tagged, self.weight)

    @property
    def relative_variance(self) -> Floats:
        """Variance of the rate over its square: sum g^2 (tag - rate)^2 / (sum g tag)^2."""
        rate = self.rate
        variance = self.tagged2 * (1.0 - 2.0 * rate) + rate**2 * self.weight2
        return ratio(variance, self.tagged**2)


class _Predicted(NamedTuple):
    """Sums of g w and g^2 w (1 - w) in bins, and of g w by member, ``(n_members, n_bins)``."""

    value: Floats
    variance: Floats
    members: Floats


def _predicted(events: JetEvents, model: ModelEfficiencies, flavour: int, point: int, edges: Floats) -> _Predicted:
    chosen = events.flavour == flavour
    index, n_bins = bin_index(events.pt_gev[chosen].astype(np.float64), edges), len(edges) - 1
    g = np.repeat(events.weight.astype(np.float64), events.n_jets)[chosen]
    w = model.mean[chosen, point].astype(np.float64)
    members = [] if model.members is None else [sums(index, g * m[chosen, point], n_bins) for m in model.members]
    return _Predicted(
        sums(index, g * w, n_bins), sums(index, g**2 * w * (1 - w), n_bins), np.reshape(members, (-1, n_bins))
    )


def _merged(n_tagged: Floats) -> list[int] | None:
    """Return the first bins of groups that have enough tags each; None if there are not enough in all."""
    first, in_group = [0], 0.0
    for number, n in enumerate(n_tagged):
        if in_group >= N_TAGS_MIN:
            first.append(number)
            in_group = 0.0
        in_group += n
    if not in_group >= N_TAGS_MIN:
        first.pop()  # what is left belongs to the group before
    return first or None


def _ratios(edges: Floats, first: list[int], process: _Rates, test: _Rates, predicted: _Predicted) -> ProcessRatios:
    mine, other = process.merged(first), test.merged(first)
    value, variance = (np.add.reduceat(values, first) for values in (predicted.value, predicted.variance))
    members = np.add.reduceat(predicted.members, first, axis=1)
    mc_mc, residual = ratio(mine.rate, other.rate), ratio(mine.tagged, value)
    spread = ratio(members.std(axis=0, ddof=1), value) if len(members) > 1 else np.zeros(len(first))
    return ProcessRatios(
        np.append(edges[first], edges[-1]),
        mc_mc,
        np.abs(mc_mc) * np.sqrt(mine.relative_variance + other.relative_variance),
        residual,
        ratio(np.sqrt(variance), value),
        np.abs(residual) * spread,
    )
