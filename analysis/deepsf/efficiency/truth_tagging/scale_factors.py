"""Scale factors of truth-tagged events, by the tag bin that each jet is in.

Two routes lead to the yield of data. Draw a bin for each jet, and multiply the event's probability in simulation by the
scale factors of the drawn bins, as athena does; or put the scale factors into the efficiencies and recompute the
probability. They have the same expectation, the second one less variance: it averages over the draws.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Array, Bools, Floats, Ints
from deepsf.efficiency.events.ranks import product
from deepsf.efficiency.truth_tagging.draws import NOT_DRAWN, Bins, check_nested


class TaggedJets(NamedTuple):
    """What scale factors depend on, arrays ``(n,)``.

    Hadron flavour, |eta| and pT [GeV]; tag bin, score and weight of the event where these are known; and a random
    number from 0 to 1, which tells at which scores a scale factor is averaged.
    """

    hadron_flavour: npt.NDArray[np.int64]
    abseta: Floats
    pt_gev: Floats
    tag_bin: npt.NDArray[np.int8] | None = None
    discriminant: Floats | None = None
    weight: Floats | None = None
    position: Floats | None = None

    def choose(self, chosen: Ints | Bools) -> TaggedJets:
        """Return some of the jets."""
        return TaggedJets(*(None if column is None else column[chosen] for column in self))  # type: ignore[arg-type]


class JetScaleFactors(Protocol):
    """Scale factors at some jets, of one systematic."""

    def in_bins(self, efficiency: Floats) -> Floats:
        """Return the scale factor of each jet in each tag bin, (n, K + 1); ``efficiency`` is (n, K), of simulation."""

    def at_tags(self, efficiency: Floats) -> Floats:
        """Return the scale factor of each jet at its actual score or tag bin, (n,), as direct tagging takes it."""


class BinScaleFactors(Protocol):
    """Anything that gives scale factors in all tag bins."""

    @property
    def systematics(self) -> tuple[str, ...]:
        """Names of the systematics, beside the central one."""

    @property
    def n_merged(self) -> int:
        """Cells of a score distribution that had too few jets."""

    def averaged_over(self, jets: TaggedJets) -> Self:
        """Return scale factors whose means over tag bins are those of a sample with these jets."""

    def of_jets(self, jets: TaggedJets, systematic: str | None = None) -> JetScaleFactors:
        """Return the scale factors of jets, the central ones without a systematic."""


class MeansInBins(NamedTuple):
    """Means over each tag bin, ``(n, K + 1)``, and values at the actual scores, ``(n,)``; the tag bin decides both."""

    means: Floats
    values: Floats

    def in_bins(self, efficiency: Floats) -> Floats:
        """Return the means; they do not depend on the efficiency."""
        return self.means

    def at_tags(self, efficiency: Floats) -> Floats:
        """Return the values at the actual scores."""
        return self.values


class FromCuts(NamedTuple):
    """Scale factors of cuts at the working points, ``(n, K)``, and the actual tag bins, ``(n,)``."""

    cuts: Floats
    tag_bin: npt.NDArray[np.int8] | None

    def in_bins(self, efficiency: Floats) -> Floats:
        """Return those of bins, which depend on the efficiency."""
        return of_working_points(self.cuts, efficiency)

    def at_tags(self, efficiency: Floats) -> Floats:
        """Return those of the actual tag bins."""
        assert self.tag_bin is not None
        return np.asarray(
            np.take_along_axis(self.in_bins(efficiency), self.tag_bin.astype(np.int64)[:, None], axis=1)[:, 0]
        )


def scale_factors_in_bins(found: JetScaleFactors, efficiency: Array, taggable: Bools | None = None) -> Floats:
    """Return the scale factor of each jet in each tag bin, float64, ``(n_jets, K + 1)``; 1 for jets not taggable.

    Parameters
    ----------
    found
        Scale factors of the taggable jets alone.
    efficiency
        Of simulation, for each of the nested working points, ``(n_jets, K)``.

    Raises
    ------
    ValueError
        If working points are not nested.
    """
    check_nested(efficiency)
    chosen = np.ones(len(efficiency), np.bool_) if taggable is None else taggable
    result = np.ones((len(efficiency), efficiency.shape[1] + 1))
    result[chosen] = found.in_bins(efficiency[chosen].astype(np.float64))
    return result


def bin_probabilities(efficiency: Array) -> Floats:
    """Return the probability of each jet to be in each tag bin, ``(n_jets, K + 1)``."""
    check_nested(efficiency)
    ends = np.ones((len(efficiency), 1)), np.zeros((len(efficiency), 1))
    return -np.diff(np.concatenate([ends[0], efficiency.astype(np.float64), ends[1]], axis=1), axis=1)


def of_working_points(scale_factor: Floats, efficiency: Floats) -> Floats:
    """Return scale factors by bin, ``(n_jets, K + 1)``, from those of cuts at the working points, ``(n_jets, K)``.

    SF_k = (S_k e_k - S_(k+1) e_(k+1)) / (e_k - e_(k+1)), with S e = 1 before the first and 0 behind the last working
    point: the mean over bins is 1. Bins that no jet is in have 1. If S_k e_k exceeds 1 or working points cross in data,
    a bin's scale factor is negative; yields keep their expectation.
    """
    inside = bin_probabilities(efficiency)
    ends = np.ones((len(efficiency), 1)), np.zeros((len(efficiency), 1))
    in_data = -np.diff(np.concatenate([ends[0], scale_factor * efficiency, ends[1]], axis=1), axis=1)
    return np.divide(in_data, inside, out=np.ones_like(inside), where=inside > 0)


def drawn_scale_factor(scale_factor: Floats, bins: Bins, offsets: Ints) -> Floats:
    """Return the product over each event's jets of the scale factors in the drawn bins, ``(n_events,)``.

    Parameters
    ----------
    scale_factor
        By bin, ``(n_jets, K + 1)``.
    bins
        Of `deepsf.efficiency.truth_tagging.draws.draw_bins`, ``(n_jets,)``; jets without one do not count.
    """
    if scale_factor.shape[:1] != bins.shape:
        raise ValueError(f"scale factors are of {len(scale_factor)} jets, bins of {len(bins)}")
    factor = np.take_along_axis(scale_factor, np.maximum(bins, 0)[:, None], axis=1)[:, 0]
    return product(factor, offsets, bins != NOT_DRAWN)


def data_efficiencies(efficiency: Array, scale_factor: Floats, point: int) -> tuple[Floats, Floats]:
    """Return the weights of a tagged and of an untagged jet in data, ``(n_jets,)`` each.

    They are the arguments ``efficiency`` and ``untagged`` of
    `deepsf.efficiency.truth_tagging.probabilities.exactly`, and add up to 1 where the mean of the scale factors over
    bins is 1. The weight of an untagged jet is negative where scale factor times efficiency exceeds 1.

    Parameters
    ----------
    efficiency
        Of simulation, ``(n_jets, K)``.
    scale_factor
        By bin, ``(n_jets, K + 1)``.
    point
        Index of the working point that counts as a tag.
    """
    weight = bin_probabilities(efficiency) * scale_factor
    return weight[:, point + 1 :].sum(axis=1), weight[:, : point + 1].sum(axis=1)
