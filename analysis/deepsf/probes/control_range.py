"""Contamination of a region where it is strongest: a range of the probe jet's score, beside tags of the region.

The factor a is (contamination / enriched flavour) of data over that of simulation, at given pT and |eta| of the probe
jet. With D, F and X the sums of weights of data, enriched flavour and contamination in the kinematic bin k of the
weights (`deepsf.probes.weights`) and in the bin j of the score, X with the scale factors that *other* regions give its
flavours, and S of the enriched flavour,

    D_j = sum_k kappa_k [F_kj S(u_j) + a X_kj],    kappa_k = D_k / (F_k + a X_k),

where a sum over all scores has no index j. S is taken as smooth in the control range: a quadratic polynomial of u, the
place in logit(score) from -1 to 1, with a level of 1 +- 0.5, a slope and a curvature of 0 +- 0.2 (`PRIOR`). The least
squares are linear in these and in a; kappa, the weight of the measurement, follows in iterations.

**What data do not tell.** Within one region S may be anything, and a is known only as far as S is. Counting tags twice
does not help. With p_i and q_i the fractions of enriched and contaminating jets in the range i of the score, pairs of
jets are

    n_ij = r_ff p_i p_j + r_fx (p_i q_j + q_i p_j) / 2 + r_xx q_i q_j,

and (p - l q) / (1 - l) in place of p, with other r, describes the same n_ij for every l: r_ff (1 - l)^2,
r_fx (1 - l) + 2 r_ff l (1 - l), r_xx + r_fx l + r_ff l^2. Two tight tags are nearly pure pairs, but their number is
r_ff p_T^2, and p_T is not known without r_ff. Only r_xx from elsewhere, pairs without any jet of the enriched flavour,
would fix l: an error dr_xx gives dl = dr_xx / r_fx, and 2 r_ff dl of mixed pairs. Where 3 % of all pairs have no such
jet and 20 % have one, 10 % of r_xx are 11 % of a. So S is assumed smooth instead, and the error has what that costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Bools, Floats, Ints
from deepsf.config.weights import EventWeight
from deepsf.probes.entries import RegionEntries, logit
from deepsf.probes.weights import RegionWeights

PRIOR = (0.5, 0.2, 0.2)
"""How well level, slope and curvature of the enriched flavour's scale factor in the control range are known."""
N_SCORES, N_JETS_MIN = 8, 100
_MOST_STEPS, _NEAR_ONE = 200, 1e-8
_LIMITS = (0.01, 100.0)


class ControlRangeError(ValueError):
    """The contamination of a region cannot be told from its control range."""


class ControlSums(NamedTuple):
    """Sums of weights by kinematic bin and bin of the score, ``(n_kinematic, n_scores + 1)``, the last: other scores.

    ``place`` is that of each bin of the control range in logit(score), from -1 to 1, and ``effective`` the number of
    entries of weight 1 that simulation in it is worth, both ``(n_scores,)``.
    """

    data: Floats
    enriched: Floats
    contamination: Floats
    place: Floats
    effective: Floats


class ControlFit(NamedTuple):
    """The factor a, S of the enriched flavour as level, slope and curvature, and chi2 of the bins."""

    factor: float
    shape: Floats
    chi2: float

    @property
    def is_at_limit(self) -> bool:
        """Whether data want a factor beyond the range of the fit, 0.01 to 100."""
        return self.factor in _LIMITS


def control_fit(sums: ControlSums, expected: Sequence[float] | Floats = (1.0, 0.0, 0.0)) -> ControlFit:
    """Return the contamination factor that describes data in the control range; see the module's description.

    Parameters
    ----------
    expected
        Level, slope and curvature of S, whose errors are `PRIOR`.

    Raises
    ------
    ControlRangeError
        If the factor does not settle.
    ValueError
        If a sum is not finite.
    """
    n, u = len(sums.place), sums.place
    polynomials = np.stack([np.ones(n), u, 1.5 * u**2 - 0.5])
    in_cell, counted = sums.data.sum(axis=1), sums.data.sum(axis=0)[:n]
    error = np.sqrt(np.maximum(counted, 1.0) + counted**2 / np.maximum(sums.effective, 1.0))
    known = np.hstack([np.zeros((3, 1)), np.diag(1.0 / np.array(PRIOR))])
    target = np.concatenate([counted / error, np.array(expected) / PRIOR])
    factor = 1.0
    for _ in range(_MOST_STEPS):
        total = sums.enriched.sum(axis=1) + factor * sums.contamination.sum(axis=1)
        kappa = np.divide(in_cell, total, out=np.zeros_like(total), where=total > 0)
        enriched, contamination = (kappa @ of[:, :n] for of in (sums.enriched, sums.contamination))
        matrix = np.vstack([np.stack([contamination, *(enriched * polynomials)], axis=1) / error[:, None], known])
        if not np.isfinite(matrix).all():
            raise ValueError("sums of weights in the control range are not finite; check the weights")
        found = np.linalg.lstsq(matrix, target, rcond=None)[0]
        before, factor = factor, float(np.clip(found[0], *_LIMITS))
        if abs(factor - before) <= _NEAR_ONE:
            rest = (matrix @ found - target)[:n]
            return ControlFit(factor, found[1:], float(rest @ rest))
    raise ControlRangeError(f"the contamination factor still moves after {_MOST_STEPS} steps, at {factor:.3g}")


@dataclass(frozen=True)
class ControlRange:
    """The entries of one region in the bins of `ControlSums`, found once; `sums` for any weights."""

    weights: RegionWeights
    is_enriched: Bools
    data_bin: Ints
    simulation_bin: Ints
    place: Floats

    @classmethod
    def of(
        cls, entries: RegionEntries, enriched: int, event_weight: EventWeight, above: float, below: float
    ) -> ControlRange:
        """Return the entries of a region.

        Parameters
        ----------
        enriched
            Index of the region's enriched flavour.
        above, below
            The control range: valid scores above the one and below the other.

        Raises
        ------
        ControlRangeError
            If there are fewer than `N_JETS_MIN` jets of data, or of simulated contamination, in the range.
        """
        weights = RegionWeights(entries, enriched, event_weight)
        probes = entries.data.probe, entries.simulation.probe
        is_enriched = np.asarray(probes[1].flavour == enriched)
        scores = [probe.discriminant.astype(np.float64) for probe in probes]
        chosen = [(score >= 0) & (score < below) & (score > above) for score in scores]
        n_data, n_simulation = int(chosen[0].sum()), int((chosen[1] & ~is_enriched).sum())
        if not min(n_data, n_simulation) >= N_JETS_MIN:
            raise ControlRangeError(
                f"{n_data} jets of data and {n_simulation} of simulated contamination lie in its range of the score, "
                f"fewer than {N_JETS_MIN}"
            )
        edges = np.unique(np.quantile(scores[1][chosen[1]], np.linspace(0, 1, N_SCORES + 1)))[1:-1]
        n = len(edges) + 1
        bins = [np.where(c, np.searchsorted(edges, s, side="right"), n) for c, s in zip(chosen, scores, strict=True)]
        place = np.array([logit(scores[1][bins[1] == k]).mean() for k in range(n)])
        cells = [weights.bins.index(probe.pt_gev, probe.abseta) for probe in probes]
        in_data, in_simulation = (cell * (n + 1) + score for cell, score in zip(cells, bins, strict=True))
        place = 2.0 * (place - place[0]) / (np.ptp(place) or 1.0) - 1.0
        return cls(weights, is_enriched, in_data, in_simulation, place)

    @property
    def is_in_range(self) -> Bools:
        """Which simulated entries have a probe jet in the control range, shape ``(n_simulation,)``."""
        n = len(self.place)
        return np.asarray(self.simulation_bin % (n + 1) != n)

    def sums(self, data: Floats, simulation: Floats, probe_sf: Floats) -> ControlSums:
        """Return the sums for weights of data and simulation, and scale factors of contaminating probe jets."""
        n = len(self.place)
        size = self.weights.bins.size * (n + 1)

        def binned(index: Ints, weight: Floats) -> Floats:
            return np.bincount(index, weight, size).astype(np.float64).reshape(-1, n + 1)

        contamination = simulation * probe_sf * ~self.is_enriched
        total, squares = (binned(self.simulation_bin, w).sum(axis=0)[:n] for w in (simulation, simulation**2))
        return ControlSums(
            binned(self.data_bin, data),
            binned(self.simulation_bin, simulation * self.is_enriched),
            binned(self.simulation_bin, contamination),
            self.place,
            np.divide(total**2, squares, out=np.zeros(n), where=squares > 0),
        )
