"""Section of the test of the errors: pseudo-data with known scale factors, measured as data are."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Count, Edges, Name, Section, Seed
from deepsf.config.generator import TrueScaleFactor


class Coverage(Section):
    """Pseudo-data sets of half of the simulation, weighted with a true scale factor; the other half is simulation."""

    true_sf: dict[Name, TrueScaleFactor] = Field(min_length=1, description="true scale factors by name")
    n_sets: Count = Field(default=20, description="pseudo-data sets of each true scale factor")
    n_bootstrap: int = Field(default=10, ge=2, description="bootstraps of each set")
    n_direct: int = Field(default=2, ge=2, description="trainings of the direct density ratio in each set")
    n_members: int = Field(
        default=2, ge=0, description="members of DeepSF in each set, with the networks of training; 0: none"
    )
    contamination: bool = Field(
        default=True,
        description="draw the contamination of each set with the errors of shifts.contamination, which are then part "
        "of the error that has to cover; false: it is that of the simulation",
    )
    pt_gev: Edges = Field(default=(20, 40, 80, 1000), description="ranges of pT in which means are judged [GeV]")
    seed: Seed = 1
