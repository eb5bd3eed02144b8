"""The statistical error of exported binned scale factors: in one form, with the share of the variance that it carries.

A measurement has it twice, as two shapes a region and as eigenvectors of its covariance. A file with both would give
users who loop over all systematics the same error twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from deepsf.binned.envelope import Statistics, form_of
from deepsf.binned.flavour import BinnedFlavour
from deepsf.binned.normalised import normalised_bins
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.binned.shifts import source_of
from deepsf.config.flavours import Flavour
from deepsf.guards import is_positive
from deepsf.probes.inclusive import InclusiveJets


def in_form(shifts: Iterable[str], statistics: Statistics) -> tuple[str, ...]:
    """Return the shifts without those of the other form; all, if there are none of the wanted one."""
    names = tuple(shifts)
    forms = {form_of(source_of(name)) for name in names}
    if statistics not in forms:
        return names
    return tuple(name for name in names if form_of(source_of(name)) in (None, statistics))


def carried(table: BinnedFlavour, statistics: Statistics, jets: InclusiveJets) -> float | None:
    """Return the share of the statistical variance that a form carries, weighted with inclusive jets of the flavour.

    Scale factors are normalised, and so is each bootstrap. None if the table lacks the form, or its errors.
    """
    up = [name for name in table.shifts if name.endswith("_up") and form_of(source_of(name)) == statistics]
    nominal, error = normalised_bins(table)
    weight = np.bincount(table.bins.index(jets.jets), jets.weight, table.bins.size).reshape(error.shape)
    total = float((weight * error**2).sum())
    if not up or not is_positive(total):
        return None
    moved = np.sum([(normalised_bins(table.at(name))[0] - nominal) ** 2 for name in up], axis=0)
    return float((weight * np.where(error > 0, moved, 0.0)).sum()) / total


def statistics_note(
    binned: BinnedScaleFactor, flavours: Mapping[str, Flavour], statistics: Statistics, inclusive: InclusiveJets
) -> str:
    """Return for descriptions what the sources of the statistical error carry; empty without any."""
    shares = []
    for name, table in binned.flavours.items():
        share = carried(table, statistics, inclusive.of(list(flavours).index(name)))
        if share is not None:
            shares.append(f"{share:.2f} ({name})")
    if not shares:
        return ""
    sources = {"shapes": "the shapes stats1 and stats2 of each region", "eigenvectors": "the eigenvectors stat1, ..."}
    return (
        f"Statistical error: {sources[statistics]}. They carry {', '.join(shares)} of the variance of the bins over "
        "inclusive jets."
    )
