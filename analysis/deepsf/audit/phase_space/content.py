"""What the histograms of phase spaces hold of one variable in one channel: simulation by flavour and method, data."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import hist
import numpy as np

from deepsf.arrays import Floats
from deepsf.audit.methods import NONE
from deepsf.audit.phase_space.histograms import ALL, PhaseSpaceHistograms
from deepsf.binned.envelope import Envelope, envelope
from deepsf.config.validation import N_JETS_FIRST, RANKS
from deepsf.skim.shifts import NOMINAL

SHIFTED = "binned"
"""The method whose shifts the histograms hold."""


class Content(NamedTuple):
    """One variable in one channel, arrays ``(n,)`` over its bins.

    Attributes
    ----------
    by_flavour
        Simulation without scale factors.
    simulation, error
        By method, the sum over flavours and its statistical error.
    shifts
        Envelope of all shifts of the binned scale factor, statistical ones included; None if there are none.
    """

    by_flavour: dict[str, Floats]
    simulation: dict[str, Floats]
    error: dict[str, Floats]
    data: Floats
    data_error: Floats
    shifts: Envelope | None


def content(
    histograms: Mapping[str, PhaseSpaceHistograms], variable: str, channel: str, n_jets: tuple[int, int]
) -> Content:
    """Return what the histograms hold of one variable.

    Parameters
    ----------
    histograms
        Of ``jets`` and of ``events``.
    variable
        One of `deepsf.config.validation.VARIABLES`.
    channel
        One of the channels, or ``all`` for their sum.
    n_jets
        First and last number of jets.
    """
    filled = histograms["jets" if variable in RANKS else "events"]
    reduced = functools.partial(_reduced, variable=variable, channel=channel, n_jets=n_jets)
    simulation, shifts, data = reduced(filled.simulation), reduced(filled.shifts), reduced(filled.data)
    methods, flavours = list(simulation.axes["method"]), list(simulation.axes["flavour"])
    values = np.asarray(simulation.values())
    totals = dict(zip(methods, values.sum(axis=1), strict=True))
    variances = np.asarray(simulation.variances()).sum(axis=1)
    names = list(shifts.axes["shift"])
    shifted = dict(zip(names, np.asarray(shifts.values()), strict=True)) if names != [NOMINAL] else {}
    return Content(
        by_flavour=dict(zip(flavours, values[methods.index(NONE)], strict=True)),
        simulation=totals,
        error=dict(zip(methods, np.sqrt(variances), strict=True)),
        data=np.asarray(data.values(), np.float64),
        data_error=np.sqrt(np.asarray(data.variances())),
        shifts=envelope(totals[SHIFTED], shifted) if shifted and SHIFTED in totals else None,
    )


def _reduced(filled: hist.Hist[Any], *, variable: str, channel: str, n_jets: tuple[int, int]) -> hist.Hist[Any]:
    """Return the histogram of one variable alone, summed over channels and numbers of jets."""
    first, last = (number - N_JETS_FIRST for number in n_jets)
    chosen: dict[str, Any] = {"channel": sum if channel == ALL else hist.loc(channel)}
    if variable == "n_jets":
        chosen |= {"n_jets": slice(first, last + 1), "ht": sum}
    else:
        chosen["n_jets"] = slice(first, last + 1, sum)
    if variable in RANKS:
        chosen["rank"] = hist.loc(variable)
    reduced: Any = filled[chosen]  # type: ignore[index]
    return hist.Hist(reduced)
