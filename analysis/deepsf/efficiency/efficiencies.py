"""Efficiencies of jets, from the networks of an ensemble or from its exported file."""

from __future__ import annotations

from typing import NamedTuple

from deepsf.arrays import Bools, Singles


class Efficiencies(NamedTuple):
    """Efficiencies of jets by an ensemble.

    Attributes
    ----------
    mean, spread
        float32, (n_jets, K): mean and standard deviation over members of the probability to pass each working point.
        For members trained on bootstraps the spread itself (not divided by the root of their number) is the
        statistical error of the mean. It does not cover shapes that networks cannot follow.
    out_of_range
        bool, (n_jets,): beyond what the networks were trained on; the nearest values inside were taken.
    non_closure
        float32, (n_jets, K): error beside the spread, see `deepsf.efficiency.non_closure`; of exported files alone.
    """

    mean: Singles
    spread: Singles
    out_of_range: Bools
    non_closure: Singles | None = None
