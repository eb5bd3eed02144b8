"""The effective true scale factor of generated pseudo-data: the result of a perfect measurement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.special import ndtr, ndtri

from deepsf.arrays import Ints, Reals
from deepsf.generator import true_sf
from deepsf.generator.discriminant import (
    INVALID_SHARES,
    TAGGER_ABSETA_MAX,
    TAGGERS,
    Tagger,
    cumulative,
    invalid_probability,
    quantile,
)
from deepsf.generator.jagged import HADRON_FLAVOURS, flavour_place

# Dense in the tails: equal steps of the normal quantile.
_CUTS = np.concatenate([[0.0], ndtr(np.linspace(-5.0, 5.0, 131)), [1.0]])
_CHUNK_EVALUATIONS = 500_000
# The tabulated <S>: its range, and the largest steps of |eta| and ln(pT) between nodes.
_PT_RANGE_GEV = (15.0, 3000.0)
_ABSETA_STEP, _LOG_PT_STEP = 0.1, 0.05
_TOLERANCE = 2e-4


@dataclass(frozen=True)
class EffectiveTruth:
    """S / <S> at given flavour, |eta|, pT and discriminant; make it with `load`.

    Accept-reject at given flavour and kinematics leaves the rate alone, so pseudo-data over simulation is the injected
    scale factor S divided by its mean <S> over the generator's discriminants at that (flavour, pT, |eta|), invalid
    scores included. It knows no mismodelling (`deepsf.config.mismodelling`): where a process departs from simulation in
    the score, it is the truth of the other processes.
    """

    tagger: Tagger
    injected: true_sf.InjectedScaleFactor
    _tables: dict[int, RegularGridInterpolator[Any] | None] = field(default_factory=dict, init=False, repr=False)

    def evaluate(self, hadron_flavour: Ints, abseta: Reals, pt_gev: Reals, discriminant: Reals) -> Reals:
        """Return the effective true scale factor per jet.

        Parameters
        ----------
        hadron_flavour
            5, 4 or 0, shape ``(n,)``.
        abseta, pt_gev, discriminant
            Shape ``(n,)``. All invalid scores (negative) share one value, since skims store them as one.

        Returns
        -------
        Reals
            Shape ``(n,)``; 1 from |eta| = 2.5 on.
        """
        flavour = np.asarray(hadron_flavour, np.intp)
        abseta, pt_gev, discriminant = (np.asarray(a, float) for a in (abseta, pt_gev, discriminant))
        values = self.injected.evaluate(flavour, abseta, pt_gev, discriminant)
        invalid = np.flatnonzero(discriminant < 0)
        values[invalid] = self._mean_invalid(flavour[invalid], abseta[invalid], pt_gev[invalid])
        return values / self.mean(flavour, abseta, pt_gev)

    def mean(self, hadron_flavour: Ints, abseta: Reals, pt_gev: Reals) -> Reals:
        """Return <S>, the mean of the injected scale factor over the generator's discriminants, per jet.

        It is `integrate` on a grid, interpolated linearly between nodes, and within 2e-4 of it. The first call for a
        flavour makes the grid; jets outside of it (below 15 GeV, from 3 TeV on) are integrated one by one, and so are
        all where a scale factor varies too fast for the grid.
        """
        index = flavour_place(hadron_flavour)
        abseta, pt_gev = np.asarray(abseta, float), np.asarray(pt_gev, float)
        means = np.ones(len(index))
        for place in range(len(HADRON_FLAVOURS)):
            jets = np.flatnonzero((index == place) & (abseta < TAGGER_ABSETA_MAX))
            if not len(jets) or self.injected.is_constant[place]:
                means[jets] = self.injected.ceilings[place]
                continue
            table = self._table(place)
            is_on_grid = (pt_gev[jets] >= _PT_RANGE_GEV[0]) & (pt_gev[jets] < _PT_RANGE_GEV[1]) & (table is not None)
            near, far = jets[is_on_grid], jets[~is_on_grid]
            if table is not None:
                means[near] = table((abseta[near], pt_gev[near]))
            means[far] = self.integrate(HADRON_FLAVOURS[place], abseta[far], pt_gev[far])
        return means

    def integrate(self, hadron_flavour: int, abseta: Reals, pt_gev: Reals) -> Reals:
        """Return <S> by quadrature at each jet, at about 0.1 ms a jet.

        The discriminant's cumulative probability is cut into 132 steps and at every edge of the table; each cell counts
        with the value in its middle, so that step functions are integrated exactly.

        Parameters
        ----------
        hadron_flavour
            5, 4 or 0, the same for all jets.
        abseta, pt_gev
            Shape ``(n,)``.
        """
        edges = self.injected.edges[HADRON_FLAVOURS.index(hadron_flavour)]["discriminant"]
        inside = edges[(edges > 0) & (edges < 1)]
        chunk = max(1, _CHUNK_EVALUATIONS // (len(_CUTS) + len(inside)))
        means = np.empty(len(pt_gev))
        for start in range(0, len(means), chunk):
            part = slice(start, start + chunk)
            means[part] = self._integral(hadron_flavour, inside, abseta[part], pt_gev[part])
        return means

    def _table(self, place: int) -> RegularGridInterpolator[Any] | None:
        """Return <S> of one flavour over (|eta|, pT), tabulated once; nodes lie on both sides of every edge.

        None if the interpolation is not exact enough in the middle of a cell.
        """
        if place not in self._tables:
            edges, kinks = self.injected.edges[place], self.tagger.shapes[place].kinks
            abseta = _nodes((0.0, TAGGER_ABSETA_MAX), [*edges["abseta"], *kinks["abseta"]], _ABSETA_STEP)
            pt = _nodes(_PT_RANGE_GEV, [*edges["pt"], *kinks["pt"]], _LOG_PT_STEP, logarithmic=True)
            table = RegularGridInterpolator((abseta, pt), self._on_grid(place, abseta, pt))
            middles = 0.5 * (abseta[1:] + abseta[:-1]), 0.5 * (pt[1:] + pt[:-1])
            found = table(tuple(np.meshgrid(*middles, indexing="ij")))
            is_exact = np.abs(found - self._on_grid(place, *middles)).max() <= _TOLERANCE
            self._tables[place] = table if is_exact else None
        return self._tables[place]

    def _on_grid(self, place: int, abseta: Reals, pt_gev: Reals) -> Reals:
        mesh = np.meshgrid(abseta, pt_gev, indexing="ij")
        return self.integrate(HADRON_FLAVOURS[place], *(axis.ravel() for axis in mesh)).reshape(mesh[0].shape)

    def _integral(self, flavour: int, edges: Reals, abseta: Reals, pt_gev: Reals) -> Reals:
        codes = np.full((len(pt_gev), 1), flavour)
        column_eta, column_pt = abseta[:, None], pt_gev[:, None]
        at_edges = cumulative(self.tagger, codes, column_pt, column_eta, edges[None, :])
        steps = np.broadcast_to(_CUTS, (len(pt_gev), len(_CUTS)))
        cuts = np.sort(np.concatenate([steps, at_edges], axis=1), axis=1)
        middle = 0.5 * (cuts[:, 1:] + cuts[:, :-1])
        nodes = quantile(self.tagger, codes, column_pt, column_eta, ndtri(middle))
        values = self.injected.evaluate(codes, column_eta, column_pt, nodes)
        valid = (values * np.diff(cuts, axis=1)).sum(axis=1)
        if not self.tagger.has_invalid:
            return np.asarray(valid)
        probability = invalid_probability(self.tagger, codes[:, 0], pt_gev)
        invalid = self._mean_invalid(codes[:, 0], abseta, pt_gev)
        return np.asarray((1.0 - probability) * valid + probability * invalid)

    def _mean_invalid(self, flavour: Ints, abseta: Reals, pt_gev: Reals) -> Reals:
        values = [self.injected.evaluate(flavour, abseta, pt_gev, np.array(v)) for v in self.tagger.invalid_values]
        return np.average(values, axis=0, weights=INVALID_SHARES)


def _nodes(low_high: tuple[float, float], edges: Iterable[float], step: float, *, logarithmic: bool = False) -> Reals:
    """Return nodes from each edge to just below the next, at most ``step`` apart (of the logarithm if asked)."""
    ordered = np.unique([*low_high, *np.clip(list(edges), *low_high)])
    spaced, scale = (np.geomspace, np.log) if logarithmic else (np.linspace, np.asarray)
    counts = np.ceil(np.diff(scale(ordered)) / step).astype(int) + 1
    below_next = np.nextafter(ordered[1:], 0.0)
    return np.concatenate([spaced(*cell) for cell in zip(ordered[:-1], below_next, counts, strict=True)])


def load(path: Path, name: str, systematic: str, branch: str) -> EffectiveTruth:
    """Return the effective truth for one discriminant column.

    Parameters
    ----------
    path, name, systematic
        The injected scale factor, see `deepsf.generator.true_sf.load`.
    branch
        The calibrated jet branch, e.g. ``btagDeepFlavB``.

    Raises
    ------
    ValueError
        If the generator makes no such column, or the scale factor cannot be used.
    """
    if branch not in TAGGERS:
        raise ValueError(
            f"tagger.branch: the generator makes no {branch!r}, so its truth is unknown; it makes {', '.join(TAGGERS)}"
        )
    return EffectiveTruth(TAGGERS[branch], true_sf.load(path, name, systematic))
