"""The preselected events of a chunk with their weights, variables, jets and regions: what both tables are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Array
from deepsf.config.regions import Region
from deepsf.jets import INVALID
from deepsf.nanoaod.events import Events
from deepsf.skim.dileptons import Dileptons, EventVariables, event_variables
from deepsf.skim.regions import passes_event_cuts

EVENT_INDEX = "entry"
"""Column of both tables: the index of the event in its file, which ROOT calls its entry.

A probe entry is something else, a row of the first table. The column keeps its name, since skims are exchanged.
"""


class Weights(NamedTuple):
    """Weights of all events of a chunk: nominal, by shift the ratio to it, of pile-up alone; arrays of shape (n,)."""

    nominal: Array
    ratios: dict[str, Array]
    pileup: Array | None = None

    def alone(self) -> Weights:
        """Return the nominal weights with all ratios 1, for rows of shifted jets: shifts are not combined."""
        return Weights(self.nominal, {s: np.ones(len(self.nominal), np.float32) for s in self.ratios}, self.pileup)


class Selected(NamedTuple):
    """The n preselected events of a chunk with everything that rows are made of; m selected jets in all.

    Attributes
    ----------
    shift
        Index of the shift of the jets' energy.
    weights
        By column, shape (n,): ``weight`` is generator weight times pile-up weight, ``weight_<shift>`` the ratio to it.
    pileup
        Pile-up weight alone, shape (n,); None without.
    jets
        Columns of the selected jets, each of shape (m,), named as in the tables. A score outside of [0, 1] is
        invalid and stored as -1.
    n_invalid, n_nan
        Number of jets whose score is invalid, and of those where it is not finite.
    in_region
        By region, shape (n,): passes all cuts but those on the tag jet and the number of jets.
    """

    events: Events
    dileptons: Dileptons
    variables: EventVariables
    shift: int
    weights: dict[str, Array]
    pileup: Array | None
    jets: dict[str, Array]
    n_invalid: int
    n_nan: int
    in_region: dict[str, Array]

    def event_index(self, event: Array) -> Array:
        """Return the indices in the file of preselected events, given by their positions among these."""
        return self.events.first_index + self.dileptons.position[event]


def gather(
    events: Events, dileptons: Dileptons, weights: Weights, regions: Mapping[str, Region], shift: int
) -> Selected:
    """Return the preselected events of a chunk with their variables, jets and regions."""
    columns = {"weight": weights.nominal} | {f"weight_{name}": ratio for name, ratio in weights.ratios.items()}
    variables = event_variables(dileptons, events.jets)
    met_gev = events.met_gev[dileptons.position].astype(np.float64)
    jets = {column: events.jets.columns[name][dileptons.jet_index] for column, name in _JET_COLUMNS.items()}
    finite = np.isfinite(jets["discriminant"])
    valid = finite & (jets["discriminant"] >= 0.0) & (jets["discriminant"] <= 1.0)
    jets["discriminant"] = np.where(valid, jets["discriminant"], INVALID)
    in_region = {
        name: passes_event_cuts(
            region, dileptons.channel, variables.mll_gev, met_gev, variables.pt_ll_gev, variables.mht_gev
        )
        for name, region in regions.items()
    }
    return Selected(
        events=events,
        dileptons=dileptons,
        variables=variables,
        shift=shift,
        weights={name: column[dileptons.position] for name, column in columns.items()},
        pileup=None if weights.pileup is None else weights.pileup[dileptons.position],
        jets={**jets, **{name: column[dileptons.jet_index] for name, column in events.jet_columns.items()}},
        n_invalid=int(np.count_nonzero(~valid)),
        n_nan=int(np.count_nonzero(~finite)),
        in_region=in_region,
    )


_JET_COLUMNS = {
    "pt_gev": "pt",
    "eta": "eta",
    "phi": "phi",
    "discriminant": "discriminant",
    "hadron_flavour": "hadron_flavour",
}
"""Columns of both tables by their names there, with those of `deepsf.nanoaod.events.Events.jets`."""
