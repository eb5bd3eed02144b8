"""Scale factors of truth-tagged events, by the tag bin that each jet is in.

Two routes lead to the yield of data. Draw a bin for each jet, and multiply the event's probability in simulation by the
scale factors of the drawn bins, as athena does; or put the scale factors into the efficiencies and recompute the
probability. They have the same expectation, the second one less variance: it averages over the draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Array, Bools, Floats, Ints
from deepsf.corrections.correction import Correction
from deepsf.corrections.nodes import reached
from deepsf.efficiency.events.ranks import product
from deepsf.efficiency.truth_tagging.draws import NOT_DRAWN, Bins, check_nested
from deepsf.exports.event_weight import ShapeCorrection

_SCORES_IN_A_BIN = 16
_WORKING_POINT_INPUTS = {
    "systematic": "string", "working_point": "string", "flavor": "int", "abseta": "real", "pt": "real"
}  # fmt: skip


class TaggedJets(NamedTuple):
    """What scale factors depend on, arrays ``(n,)``: hadron flavour, |eta|, pT [GeV]."""

    hadron_flavour: npt.NDArray[np.int64]
    abseta: Floats
    pt_gev: Floats

    def choose(self, chosen: Ints) -> TaggedJets:
        """Return some of the jets."""
        return TaggedJets(self.hadron_flavour[chosen], self.abseta[chosen], self.pt_gev[chosen])


class BinScaleFactors(Protocol):
    """Anything that gives scale factors in all tag bins."""

    def in_bins(self, jets: TaggedJets, efficiency: Floats) -> Floats:
        """Return the scale factor of each jet in each tag bin, (n, K + 1); ``efficiency`` is (n, K), of simulation."""


@dataclass(frozen=True)
class ShapeInBins:
    """A shape correction, averaged over each tag bin; the score counts as uniform between working points, as in athena.

    ``cuts`` are the scores of the working points, from the loosest to the tightest.
    """

    correction: ShapeCorrection
    cuts: tuple[float, ...]
    systematic: str = "central"

    def in_bins(self, jets: TaggedJets, efficiency: Floats) -> Floats:
        """Return the scale factor of each jet in each tag bin, ``(n, K + 1)``."""
        edges = np.array([0.0, *self.cuts, 1.0])
        middle = (np.arange(_SCORES_IN_A_BIN) + 0.5) / _SCORES_IN_A_BIN
        result = np.zeros((len(jets.pt_gev), len(edges) - 1))
        for number, (low, high) in enumerate(pairwise(edges)):
            for score in low + (high - low) * middle:
                scores = np.full(len(jets.pt_gev), score)
                result[:, number] += self.correction.evaluate(*jets, scores, self.systematic)
        return result / _SCORES_IN_A_BIN


@dataclass(frozen=True)
class WorkingPointScaleFactors:
    """Scale factors of cuts at working points; the first of the corrections that has a flavour serves it."""

    corrections: tuple[Correction, ...]
    working_points: tuple[str, ...]
    systematic: str = "central"

    def in_bins(self, jets: TaggedJets, efficiency: Floats) -> Floats:
        """Return the scale factor of each jet in each tag bin, ``(n, K + 1)``."""
        cumulative = np.empty(efficiency.shape)
        for flavour in np.unique(jets.hadron_flavour):
            chosen = np.flatnonzero(jets.hadron_flavour == flavour)
            part = jets.choose(chosen)
            for number, point in enumerate(self.working_points):
                cumulative[chosen, number] = self._values(point, part)
        return of_working_points(cumulative, efficiency)

    def _values(self, point: str, jets: TaggedJets) -> Floats:
        flavour = int(jets.hadron_flavour[0])
        chosen: dict[str, int | str] = {"systematic": self.systematic, "working_point": point, "flavor": flavour}
        for correction in self.corrections:
            if reached(correction.tree["data"], chosen) is not None:
                return correction.evaluate({**chosen, "abseta": jets.abseta, "pt": jets.pt_gev})
        raise ValueError(
            f"none of the corrections {[c.evaluator.name for c in self.corrections]} has {self.systematic!r}, "
            f"{point!r} and hadron flavour {flavour}"
        )


def read_scale_factors(
    path: Path, names: Sequence[str], working_points: Mapping[str, float | None], systematic: str = "central"
) -> BinScaleFactors:
    """Return scale factors of a correctionlib file, ours or a public one of CMS.

    Parameters
    ----------
    names
        Corrections with the inputs of CMS for working points (systematic, working_point, flavor, abseta, pt), several
        if they share the flavours (deepJet_comb and deepJet_incl); or one for shapes (systematic, flavor, abseta, pt,
        discriminant).
    working_points
        Their names, from the loosest to the tightest, and the scores of the cuts, which shapes need.

    Raises
    ------
    ValueError
        If the file lacks a correction, inputs are others, or the scores are not known.
    """
    corrections = tuple(Correction.load(path, name) for name in names)
    if "discriminant" not in corrections[0].inputs:
        for correction in corrections:
            correction.require_inputs(_WORKING_POINT_INPUTS)
        return WorkingPointScaleFactors(corrections, tuple(working_points), systematic)
    if len(corrections) > 1:
        raise ValueError(f"{path}: {list(names)} must be corrections of working points, or one of the discriminant")
    cuts = [cut for cut in working_points.values() if cut is not None]
    if len(cuts) < len(working_points):
        raise ValueError(
            f"{path}: {names[0]} depends on the score, but the cuts of the working points {list(working_points)} "
            "are not known; take scale factors of working points"
        )
    return ShapeInBins(ShapeCorrection.of(corrections[0]), tuple(cuts), systematic)


def scale_factors_in_bins(
    source: BinScaleFactors, jets: TaggedJets, efficiency: Array, taggable: Bools | None = None
) -> Floats:
    """Return the scale factor of each jet in each tag bin, float64, ``(n_jets, K + 1)``; 1 for jets not taggable.

    Parameters
    ----------
    efficiency
        Of simulation, for each of the nested working points, ``(n_jets, K)``.

    Raises
    ------
    ValueError
        If working points are not nested, or the scale factors have none for some jets.
    """
    check_nested(efficiency)
    chosen = np.arange(len(efficiency)) if taggable is None else np.flatnonzero(taggable)
    result = np.ones((len(efficiency), efficiency.shape[1] + 1))
    result[chosen] = source.in_bins(jets.choose(chosen), efficiency[chosen].astype(np.float64))
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
    bins is 1.

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
