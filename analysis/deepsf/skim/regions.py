"""Region cuts on dilepton events and tag jets (scale-factor measurement of CMS, arXiv:1712.07158)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from deepsf.arrays import Array, Bools
from deepsf.config.regions import Region, SameFlavourCuts
from deepsf.config.selection import CHANNELS

Z_MASS_GEV = 91.1876
EMU = CHANNELS.index("emu")


def in_z_diamond(mll_gev: Array, mht_gev: Array) -> Bools:
    """Return which events lie inside the diamond around the Z in the plane of dilepton mass and missing HT.

    The missing HT is the length of the vector sum of both leptons' and all selected jets' pT. The four sides are
    those of the CMS measurement code: an event is outside if mll < 65.5 + 3/8 MHT, mll > 108 - 1/4 MHT,
    mll < 79 - 3/4 MHT or mll > 99 + 1/2 MHT.

    Parameters
    ----------
    mll_gev, mht_gev
        Shape (n,), GeV.
    """
    above = (mll_gev >= 65.5 + 0.375 * mht_gev) & (mll_gev >= 79.0 - 0.75 * mht_gev)
    below = (mll_gev <= 108.0 - 0.25 * mht_gev) & (mll_gev <= 99.0 + 0.5 * mht_gev)
    return np.asarray(above & below)


def passes_event_cuts(
    region: Region, channel: Array, mll_gev: Array, met_gev: Array, pt_ll_gev: Array, mht_gev: Array
) -> Bools:
    """Return which events pass all of a region's cuts but those on the tag jet and the number of jets.

    Parameters
    ----------
    channel
        Shape (n,), index into ``CHANNELS``.
    mll_gev, met_gev, pt_ll_gev, mht_gev
        Shape (n,), GeV; see `in_z_diamond` for ``mht_gev``.
    """
    passes = np.isin(channel, [CHANNELS.index(name) for name in region.channels])
    if region.same_flavour is not None:
        passes &= (channel == EMU) | _same_flavour(region.same_flavour, mll_gev, met_gev, pt_ll_gev, mht_gev)
    return passes


def _same_flavour(cuts: SameFlavourCuts, mll_gev: Array, met_gev: Array, pt_ll_gev: Array, mht_gev: Array) -> Bools:
    distance = np.abs(np.asarray(mll_gev, np.float64) - Z_MASS_GEV)
    passes = distance < cuts.z_window_gev if cuts.z_window == "inside" else distance > cuts.z_window_gev
    if cuts.met_min_gev is not None:
        passes &= met_gev > cuts.met_min_gev
    if cuts.met_max_gev is not None:
        passes &= met_gev < cuts.met_max_gev
    if cuts.pt_ll_min_gev is not None:
        passes &= pt_ll_gev > cuts.pt_ll_min_gev
    if cuts.z_diamond:
        passes &= in_z_diamond(mll_gev, mht_gev)
    return np.asarray(passes)


def passes_tag_cut(
    region: Region,
    working_points: Mapping[str, float],
    discriminant: Array,
    columns: Mapping[str, Array] = MappingProxyType({}),
) -> Bools:
    """Return which tag jets are tagged as the region asks.

    An invalid discriminant, stored as -1, is below every working point, as in the CMS measurement.

    Parameters
    ----------
    discriminant
        Shape (n,), of the tag jets.
    columns
        By name, of the same shape: what ``tag_columns`` of the region cuts on.
    """
    passes = np.ones(len(discriminant), np.bool_)
    if region.tag_above is not None:
        passes &= discriminant > _cut_value(region.tag_above, working_points)
    if region.tag_below is not None:
        passes &= discriminant < _cut_value(region.tag_below, working_points)
    for name, cut in region.tag_columns.items():
        if cut.above is not None:
            passes &= columns[name] > cut.above
        if cut.below is not None:
            passes &= columns[name] < cut.below
    return passes


def _cut_value(cut: str | float, working_points: Mapping[str, float]) -> float:
    return working_points[cut] if isinstance(cut, str) else cut
