"""Discriminant bins that balance the expected error of the scale factor against their width.

The method is that of the CMS measurement (arXiv:1712.07158): equal splits to start with, then step by step the bin of
the lowest loss shrinks and that of the highest grows; loss = expected relative error / width.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.config.binned import OptimisedBinning
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import ProbeEntries, RegionEntries

NO_JETS_ERROR = 10.0
"""Relative error of a bin without simulated jets of the flavour; larger ones are cut there."""


class FineSums(NamedTuple):
    """Sums up to each fine edge, shape ``(n_rows, n_fine + 1)``, in units of expected data entries.

    Of the flavour's simulation and its variance, of the contamination and its variance.
    """

    enriched: Floats
    enriched_variance: Floats
    other: Floats
    other_variance: Floats


def optimised(bins: FlavourBins, entries: RegionEntries, enriched: int, settings: OptimisedBinning) -> FlavourBins:
    """Return the bins with as many valid discriminant bins, put where they serve best; pT and |eta| stay.

    Parameters
    ----------
    entries
        Data and simulation of the region that enriches the flavour of index ``enriched``.
    """
    first, last = bins.discriminant[1], bins.discriminant[-1]
    fine = np.linspace(first, last, settings.n_fine + 1)
    sums = fine_sums(bins, fine, entries, enriched)
    steps = balanced(sums, len(bins.discriminant) - 2, settings)
    return replace(bins, discriminant=np.concatenate([bins.discriminant[:1], fine[steps]]))


def balanced(sums: FineSums, n_bins: int, settings: OptimisedBinning) -> Ints:
    """Return the fine edges between the bins, shape ``(n_bins + 1,)``.

    Bins whose error exceeds ``max_error`` grow first. The best splitting met is returned, once as many steps as there
    are fine bins brought no better one: first by the number of bins above ``max_error``, then by the largest loss.
    """
    steps = np.round(np.linspace(0, settings.n_fine, n_bins + 1)).astype(np.int64)
    best, best_score, waited = steps, (np.inf, np.inf), 0
    while True:
        error = expected_errors(sums, steps, settings.contamination)
        loss = error / np.diff(steps)
        score = (float((error > settings.max_error).sum()), float(loss.max()))
        best, best_score, waited = (steps, score, 0) if score < best_score else (best, best_score, waited + 1)
        high = int(error.argmax() if score[0] else loss.argmax())
        can_shrink = (np.diff(steps) > 1) & (np.arange(n_bins) != high)
        if waited > settings.n_fine or not can_shrink.any():
            return best
        low = int(np.where(can_shrink, loss, np.inf).argmin())
        steps = steps.copy()
        if low < high:
            steps[low + 1 : high + 1] -= 1
        else:
            steps[high + 1 : low + 1] += 1


def expected_errors(sums: FineSums, steps: Ints, contamination: float) -> Floats:
    """Return the expected relative error of the scale factor of each bin, rms over the (pT, |eta|) rows.

    Statistics of data and simulation, and the relative uncertainty of the contamination: with the row's simulation
    normalised to data afterwards, c -> (1 + delta) c takes S = (d - c) / m to (d - k (1 + delta) c) / (k m) with
    k = 1 / (1 + delta C / (M + C)), C and M being the row's sums.
    """
    enriched, enriched_variance, other, other_variance = (np.diff(part[:, steps], axis=1) for part in sums)
    row_other = sums.other[:, -1:]
    row = sums.enriched[:, -1:] + row_other
    impurity = np.divide(row_other, row, out=np.zeros_like(row), where=row > 0)
    scale = 1.0 / (1.0 + contamination * impurity)
    with np.errstate(divide="ignore", invalid="ignore"):
        shifted = (enriched + other - scale * (1.0 + contamination) * other) / (scale * enriched)
        statistical = (np.maximum(enriched + other, 0.0) + enriched_variance + other_variance) / enriched**2
        error = np.sqrt(statistical + (shifted - 1.0) ** 2)
    error = np.where(enriched > 0, np.minimum(error, NO_JETS_ERROR), NO_JETS_ERROR)
    return np.asarray(np.sqrt(np.mean(error**2, axis=0)))


def fine_sums(bins: FlavourBins, fine: Floats, entries: RegionEntries, enriched: int) -> FineSums:
    """Return the sums behind `expected_errors`, each row's simulation normalised to its data."""
    shape = bins.shape[0] * bins.shape[1], len(fine) - 1
    simulation = entries.simulation
    is_enriched = simulation.probe.flavour == enriched
    data = _histogram(bins, fine, shape, entries.data, entries.data.weight)
    parts = [
        _histogram(bins, fine, shape, simulation, np.where(chosen, simulation.weight**power, 0.0))
        for chosen in (is_enriched, ~is_enriched)
        for power in (1, 2)
    ]
    total = parts[0].sum(axis=1) + parts[2].sum(axis=1)
    scale = np.divide(data.sum(axis=1), total, out=np.zeros_like(total), where=total > 0)[:, None]
    scaled = (part * factor for part, factor in zip(parts, (scale, scale**2) * 2, strict=True))
    return FineSums(*(np.concatenate([np.zeros((shape[0], 1)), part.cumsum(axis=1)], axis=1) for part in scaled))


def _histogram(
    bins: FlavourBins, fine: Floats, shape: tuple[int, int], entries: ProbeEntries, weight: Floats
) -> Floats:
    fine_bins = replace(bins, discriminant=np.concatenate([bins.discriminant[:1], fine]))
    row, column = np.divmod(fine_bins.index(entries.probe), len(fine))
    valid = column > 0
    flat = np.bincount((row * shape[1] + column - 1)[valid], weight[valid], shape[0] * shape[1])
    return np.asarray(flat.reshape(shape))
