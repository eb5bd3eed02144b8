"""The envelope of shifts: their deviations from the nominal, up and down apart, added in quadrature over sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.binned.shifts import source_of
from deepsf.guards import require_finite
from deepsf.skim.shifts import NOMINAL

Statistics = Literal["shapes", "eigenvectors"]
_FORMS: dict[Statistics, re.Pattern[str]] = {
    "shapes": re.compile(r"\w*stats[12]"),
    "eigenvectors": re.compile(r"stat\d+"),
}


def form_of(source: str) -> Statistics | None:
    """Return the form of the statistical error that a source belongs to, None for other sources."""
    return next((form for form, names in _FORMS.items() if names.fullmatch(source)), None)


class Envelope(NamedTuple):
    """Distances from the nominal upwards and downwards, both positive, in the nominal's shape."""

    up: Floats
    down: Floats


def envelope(nominal: Floats, shifted: Mapping[str, Floats]) -> Envelope:
    """Return the envelope of shifts; zero without any.

    Of the two directions of a source, that counts which is further up, or further down: a source that moves a value
    upwards in both directions is not counted twice.

    Parameters
    ----------
    nominal, shifted
        Values, and by name of the shift (``<source>_up``, ``<source>_down``) those of the same shape.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    require_finite("nominal values", nominal, "measure them anew")
    by_source: dict[str, list[Floats]] = {}
    for name, values in shifted.items():
        require_finite(f"values of shift {name}", values, "measure it anew")
        by_source.setdefault(source_of(name), []).append(values - nominal)
    squares = np.zeros((2, *nominal.shape))
    for deviations in by_source.values():
        squares[0] += np.square(np.maximum(np.max(deviations, axis=0), 0.0))
        squares[1] += np.square(np.minimum(np.min(deviations, axis=0), 0.0))
    return Envelope(*np.sqrt(squares))


def sum_over_sources(moved: Mapping[str, float]) -> float:
    """Return the sum in quadrature over sources of what shifts move a number by: of each the larger direction."""
    largest: dict[str, float] = {}
    for name, step in moved.items():
        source = source_of(name)
        largest[source] = max(largest.get(source, 0.0), abs(step))
    return float(np.sqrt(sum(step**2 for step in largest.values())))


def envelope_shifts(names: Iterable[str], *, statistical: bool) -> tuple[str, ...]:
    """Return the shifts that belong in an envelope: each source of uncertainty once.

    The total of the JES is left out where its sources are there. The statistical error is there twice: of its two forms
    the shapes ``<region>stats1`` and ``2`` are taken, the eigenvectors ``stat<k>`` only without those.

    Parameters
    ----------
    statistical
        Whether the statistical error of the scale factors is to be part of the envelope.
    """
    shifts = [name for name in names if name != NOMINAL]
    sources = {source_of(name) for name in shifts}
    left_out = {"jesTotal"} if any(s.startswith("jes") and s != "jesTotal" for s in sources) else set()
    shapes, eigenvectors = ({s for s in sources if form_of(s) == form} for form in _FORMS)
    if not statistical:
        left_out |= shapes | eigenvectors
    elif shapes:
        left_out |= eigenvectors
    return tuple(name for name in shifts if source_of(name) not in left_out)
