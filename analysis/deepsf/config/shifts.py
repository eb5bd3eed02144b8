"""Section of the systematic shifts: which of them the binned measurement repeats itself for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from deepsf.config.base import OpenFraction, Section
from deepsf.config.flavours import Flavour, measured_flavours
from deepsf.config.regions import Region

Source = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]


class Contamination(Section):
    """Simulation of other than the enriched flavour weighs 1 +- size in one region."""

    region: str
    size: OpenFraction = 0.2
    flavour: str | None = Field(default=None, description="of the contamination that is scaled; all by default")


class Shifts(Section):
    """Systematic shifts, each with an iteration of its own; ``<source>_up`` and ``<source>_down`` in the result.

    The defaults are those of CMS (arXiv:1712.07158): the light-flavour contamination of the heavy-flavour region and
    the reverse by 20 %, a linear and a quadratic statistical shape by region, and errors of c jets twice those of b.
    """

    contamination: dict[Source, Contamination] = Field(
        default={"lf": Contamination(region="hf"), "hf": Contamination(region="lf")}, description="by source"
    )
    statistics: bool = Field(default=True, description="shapes <region>stats1 (linear) and <region>stats2 (quadratic)")
    cferr: str | None = Field(
        default="b",
        description="cferr1, cferr2 of flavours of unit scale factor: twice the deviations of this one; null: none",
    )
    eigenvectors: int = Field(
        default=5, ge=0, le=100, description="stat<k>: leading eigenvectors of the bootstraps' covariance"
    )
    kinematic: tuple[Source, ...] | None = Field(
        default=None, description="sources with shifted jets (jer, jes<Source>) that enter; all of the skim by default"
    )
    weights: tuple[Source, ...] | None = Field(
        default=None, description="sources with shifted event weights (pileup, genscale, ...); all by default"
    )


def problems(
    shifts: Shifts, regions: Mapping[str, Region], flavours: Mapping[str, Flavour], n_bootstrap: int
) -> list[str]:
    """Return what does not fit the other sections, in words."""
    found = []
    for source, contamination in shifts.contamination.items():
        key = f"shifts.contamination.{source}"
        if contamination.region not in regions:
            found.append(f"{key}.region: {contamination.region!r} is not one of the regions {list(regions)}")
            continue
        enriched = regions[contamination.region].enriched_flavour
        others = [name for name in flavours if name != enriched]
        if contamination.flavour is not None and contamination.flavour not in others:
            found.append(
                f"{key}.flavour: {contamination.flavour!r} does not contaminate region {contamination.region}; "
                f"it is one of {others}"
            )
    taken = {f"{region}stats{k}" for region in regions for k in (1, 2)} | {"cferr1", "cferr2"}
    taken |= {f"stat{k}" for k in range(1, 101)}
    named = [*shifts.contamination, *(shifts.kinematic or ()), *(shifts.weights or ())]
    found += [f"shifts: source {name} is named twice" for name in sorted({n for n in named if named.count(n) > 1})]
    found += [
        f"shifts: the name {name} belongs to a statistical shift; choose another" for name in named if name in taken
    ]
    measured = measured_flavours(flavours)
    if shifts.cferr is not None and len(measured) < len(flavours) and shifts.cferr not in measured:
        found.append(f"shifts.cferr: {shifts.cferr!r} is not one of the measured flavours {list(measured)}")
    if (shifts.statistics or shifts.eigenvectors) and n_bootstrap < 2:
        found.append(
            f"binned.n_bootstrap = {n_bootstrap}: statistical shifts need at least 2; raise it, or set "
            "shifts.statistics: false and shifts.eigenvectors: 0"
        )
    return found
