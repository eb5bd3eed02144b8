"""Flat columns of objects that belong to events: selecting, numbering, summing and sorting them; flavours, rounding."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from deepsf.arrays import Bools, Ints, Reals, Singles
from deepsf.config.mismodelling import JetFlavour

Columns = TypeVar("Columns", bound=NamedTuple)

HADRON_FLAVOURS = (5, 4, 0)
FLAVOUR_CODES: dict[JetFlavour, int] = {"b": 5, "c": 4, "udsg": 0}
_INDEX_OF_FLAVOUR = np.array([2, -1, -1, -1, 1, 0])


def flavour_place(hadron_flavour: Ints) -> Ints:
    """Return the index of each hadron flavour in ``HADRON_FLAVOURS``.

    Raises
    ------
    ValueError
        If a flavour is none of 5, 4 and 0.
    """
    flavour = np.asarray(hadron_flavour, np.intp)
    known = (flavour == 0) | (flavour == 4) | (flavour == 5)
    if not known.all():
        strange = np.unique(flavour[~known])[:5].tolist()
        raise ValueError(f"hadron flavours {strange} are not generated; known are 5 (b), 4 (c) and 0 (udsg)")
    return np.asarray(_INDEX_OF_FLAVOUR[flavour])


def rows(columns: Columns, chosen: Bools | Ints) -> Columns:
    """Return the chosen rows of a table, a named tuple of arrays of one length."""
    return columns._make(column[chosen] for column in columns)


def renumbered(event: Ints, keep_event: Bools) -> tuple[Bools, Ints]:
    """Return which entries belong to kept events, and the new event numbers of those entries."""
    keep = keep_event[event]
    number = np.cumsum(keep_event) - 1
    return keep, number[event[keep]]


def event_sums(event: Ints, values: Reals, n_events: int) -> Reals:
    """Return the sum of the entries' values for each event."""
    return np.asarray(np.bincount(event, weights=values, minlength=n_events), float)


def order_by_event_and_pt(event: Ints, pt_gev: Reals) -> Ints:
    """Return the order that sorts entries by event, and by falling pT within an event."""
    # One stable sort of a joint key is ten times faster than lexsort; no pT is near 100 TeV.
    return np.asarray(np.argsort(event - 1e-5 * pt_gev.astype(float), kind="stable"))


def rounded(values: Reals) -> Singles:
    """Return values as float32 with 10 bits of mantissa, as NanoAOD stores most columns (relative step 2**-10)."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
