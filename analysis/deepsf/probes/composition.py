"""Composition of a region: factors on the weights of its simulated contamination, flat or tilted in pT and in score.

A composition that is wrong is what a measurement with one region per flavour cannot see: its scale factor absorbs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from deepsf.arrays import Floats
from deepsf.config.shifts import PT_RANGE_GEV, PT_REFERENCE_GEV, Contamination
from deepsf.probes.entries import Jets, RegionEntries


def contamination_factors(
    probe: Jets, flavours: Sequence[str], enriched: str | None, shift: Contamination, sign: float = 1.0
) -> Floats:
    """Return the factor of each simulated entry of the shifted region by its probe jet, shape ``(n,)``.

    It is 1 for probe jets that are not shifted, among them all of the enriched flavour, and for the others

        1 + sign (size + pt_slope ln(pT / 60 GeV) / ln 3 + score_slope (2u - 1)),

    pT clipped to 20 and 600 GeV, u the fraction of the flavour's probe jets with a smaller score. Invalid scores have
    no slope.

    Parameters
    ----------
    probe
        All simulated probe jets of the region.
    flavours
        All flavours, in the order of the jets' flavour index.
    enriched
        Flavour that the region enriches; None: one that is not measured.
    """
    factor = np.ones(len(probe))
    for index, name in enumerate(flavours):
        if name == enriched or shift.flavour not in (None, name):
            continue
        chosen = np.flatnonzero(probe.flavour == index)
        log_pt = np.log(np.clip(probe.pt_gev[chosen].astype(np.float64), *PT_RANGE_GEV) / PT_REFERENCE_GEV) / np.log(
            3.0
        )
        tilt = shift.pt_slope * log_pt + shift.score_slope * _place(probe.discriminant[chosen].astype(np.float64))
        factor[chosen] = 1.0 + sign * (shift.size + tilt)
    return factor


def _place(score: Floats) -> Floats:
    """Return 2u - 1 of each score, u the fraction of smaller ones, equal ones by half; 0 for invalid scores."""
    valid = np.sort(score[score >= 0])
    below = np.searchsorted(valid, score, side="left") + np.searchsorted(valid, score, side="right")
    return np.where(score >= 0, below / max(len(valid), 1) - 1.0, 0.0)


def with_contamination(
    entries: Mapping[str, RegionEntries],
    enriching: Mapping[str, str],
    flavours: Sequence[str],
    factors: Mapping[str, float],
) -> dict[str, RegionEntries]:
    """Return the entries with the simulated contamination of regions times a factor each.

    Parameters
    ----------
    enriching
        By region the flavour that it enriches.
    factors
        By region; 1 where there is none.
    """
    scaled = dict(entries)
    for region, factor in factors.items():
        simulation = entries[region].simulation
        is_other = simulation.probe.flavour != flavours.index(enriching[region])
        weight = simulation.weight * np.where(is_other, factor, 1.0)
        scaled[region] = replace(entries[region], simulation=replace(simulation, weight=weight))
    return scaled
