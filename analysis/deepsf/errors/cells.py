"""What the binned measurement knows of the errors of networks: in cells of pT and of the score between working points.

Networks are smooth, and so are their bootstraps: what all of them smooth away has no spread. Binned scale factors have
the full counting error in their own bins, and know of features that networks lose. They give two things:

- by range of the score, the *floor* of the statistical error, that of counting: what is missing of it in the bootstraps
  is added. It is that of all pT, as networks take what they know of one pT from all others;
- by range of the score and pT, the *model* error, half the difference of the means of network and smoothed binned scale
  factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.binned.flavour import BinnedFlavour
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets


@dataclass(frozen=True)
class ErrorCells:
    """One flavour's errors by range of the score, and of pT.

    Attributes
    ----------
    pt_gev, score
        Inner edges of the cells, the outer ones are open.
    rest
        What the counting error has beyond the spread of bootstraps, in quadrature, shape ``(n_score,)``.
    model
        Half the difference, binned minus network, with its sign, shape ``(n_pt, n_score)``.
    """

    pt_gev: Floats
    score: Floats
    rest: Floats
    model: Floats

    def score_range(self, jets: Jets) -> Ints:
        """Return the range of the score of each jet; invalid scores lie below the loosest working point."""
        return np.searchsorted(self.score, jets.discriminant.astype(np.float64), side="left").astype(np.int64)

    def index(self, jets: Jets) -> Ints:
        """Return the flat cell of pT and score of each jet."""
        row = np.searchsorted(self.pt_gev, jets.pt_gev.astype(np.float64), side="right")
        return np.asarray(row * (len(self.score) + 1) + self.score_range(jets), np.int64)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain lists."""
        return {key: np.asarray(values).tolist() for key, values in vars(self).items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the cells of `to_json`.

        Raises
        ------
        ValueError
            If an error is not finite or missing in a cell.
        """
        cells = cls(**{key: np.array(stored[key], np.float64) for key in ("pt_gev", "score", "rest", "model")})
        n_pt, n_score = len(cells.pt_gev) + 1, len(cells.score) + 1
        for name, shape in (("rest", (n_score,)), ("model", (n_pt, n_score))):
            values = getattr(cells, name)
            if values.shape != shape or not np.isfinite(values).all():
                raise ValueError(f"errors {name} are not one finite number for each of {shape} cells")
        return cells


def error_cells(
    ensemble: EnsembleScaleFactor,
    replicas: Floats | None,
    binned: BinnedScaleFactor,
    flavour: str,
    sample: InclusiveJets,
    thresholds: Floats,
) -> ErrorCells:
    """Return the cells of a flavour, in the pT bins of its binned scale factor.

    Parameters
    ----------
    replicas
        Deviations of bootstraps from the scale factor at the sample's jets, relative, ``(n_replicas, n)``; None: there
        are none.
    sample
        Inclusive jets of the flavour, whose weights give the means.
    thresholds
        In the score, rising; those of the working points.

    Raises
    ------
    ValueError
        If the binned scale factor has no bootstraps.
    """
    table = binned.flavours[flavour]
    if len(table.replicas) < 2:
        raise ValueError(
            f"the binned scale factor of {flavour} has {len(table.replicas)} bootstraps: errors of networks are at "
            "least its counting error, which takes 2 or more; raise binned.n_bootstrap"
        )
    pt_edges = table.bins.pt_gev[1:-1]
    shape = len(pt_edges) + 1, len(thresholds) + 1
    cells = ErrorCells(pt_edges, thresholds, np.zeros(shape[1]), np.zeros(shape))
    value = ensemble.member_values(flavour, sample.jets).mean(axis=0)
    limits = ensemble.members[0].limits.get(flavour)
    for number, (index, share) in _shares(cells.score_range(sample.jets), sample, shape[1]):
        jets = sample.jets[index]
        bootstrap = 0.0 if replicas is None else float(((replicas[:, index] * value[index]) @ share).std(ddof=1))
        inside = 1.0 if limits is None else float(~limits.is_beyond(jets) @ share)
        floor = inside * counting_error(table, jets, share)
        cells.rest[number] = np.sqrt(max(floor**2 - bootstrap**2, 0.0))
    smooth = binned.evaluate(flavour, sample.jets, "binned_smooth")
    for number, (index, share) in _shares(cells.index(sample.jets), sample, cells.model.size):
        cells.model[np.unravel_index(number, shape)] = 0.5 * float((smooth - value)[index] @ share)
    return cells


def _shares(cell: Ints, sample: InclusiveJets, n_cells: int) -> Iterator[tuple[int, tuple[Ints, Floats]]]:
    """Yield the number of each cell that has jets, with their places and shares of the sum of weights."""
    for number in range(n_cells):
        index = np.flatnonzero(cell == number)
        total = sample.weight[index].sum()
        if total > 0:
            yield number, (index, sample.weight[index] / total)


def counting_error(table: BinnedFlavour, jets: Jets, share: Floats) -> float:
    """Return the statistical error of the mean binned scale factor over jets, with shares that add up to 1.

    It is the spread of the mean over bootstraps. Bins that were not measured count with an error of 1: nothing is known
    there. NaN without bootstraps.
    """
    replicas = table.replicas
    if len(replicas) < 2:
        return float("nan")
    in_bin = np.bincount(table.bins.index(jets), share, table.bins.size)
    nominal = np.broadcast_to(table.sf, replicas.shape) / table.replica_divisors[..., None]
    normalised = np.where(table.replica_measured, table.normalised_replicas, nominal)
    is_measured = table.measured.ravel()
    spread = float((normalised.reshape(len(replicas), -1) @ (in_bin * is_measured)).std(ddof=1))
    return float(np.hypot(spread, in_bin[~is_measured].sum()))
