"""Section of the systematic shifts: which of them the binned measurement repeats itself for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from deepsf.config.base import Section, Source
from deepsf.config.flavours import Flavour, Tagger, measured_flavours
from deepsf.config.regions import Region

TAG_CUT = "tagcut"
PT_RANGE_GEV, PT_REFERENCE_GEV = (20.0, 600.0), 60.0
"""Tilts in pT end at the first, and vanish at the second."""
KinematicSource = Annotated[str, Field(pattern=r"^[A-Za-z]([A-Za-z0-9_]{0,97}[A-Za-z0-9])?$")]


class Contamination(Section):
    """Simulation of flavours other than the enriched one weighs 1 +- (size + tilts) in one region."""

    region: str = Field(description="region whose contamination is shifted")
    size: float = Field(default=0.2, ge=0.0, lt=1.0, description="relative size of the shift; 0: the tilts alone")
    pt_slope: float = Field(
        default=0.0,
        description="tilt in pT of the probe jet: this times ln(pT/60 GeV)/ln 3 on top of the size, from 20 to 600 GeV",
    )
    score_slope: float = Field(
        default=0.0,
        description="tilt in the score of the probe jet: this times 2u - 1, u the fraction of the region's simulated "
        "probe jets of its flavour with a smaller score",
    )
    flavour: str | None = Field(default=None, description="flavour that is shifted; null: all of the contamination")

    @property
    def is_tilted(self) -> bool:
        """Whether jets of one flavour have different factors."""
        return bool(self.pt_slope or self.score_slope)

    @model_validator(mode="after")
    def _possible(self) -> Contamination:
        if self.is_tilted and "size" not in self.model_fields_set:
            raise ValueError("give size beside a slope; 0: the tilt alone")
        longest = max(abs(math.log(pt_gev / PT_REFERENCE_GEV)) / math.log(3.0) for pt_gev in PT_RANGE_GEV)
        largest = self.size + abs(self.pt_slope) * longest + abs(self.score_slope)
        if not 0.0 < largest < 1.0:
            raise ValueError(f"jets move by up to {largest:.3g} of their weight; it must lie between 0 and 1")
        return self


class TagCut(Section):
    """Cuts on the tag jet that are tighter than those of a region."""

    above: str | float | None = Field(default=None, description="working point or value; null: as the region")
    below: str | float | None = Field(default=None, description="working point or value; null: as the region")

    @model_validator(mode="after")
    def _cuts(self) -> TagCut:
        if self.above is None and self.below is None:
            raise ValueError("give above, below or both")
        return self


class Shifts(Section):
    """Systematic shifts, each with an iteration of its own; ``<source>_up`` and ``<source>_down`` in the result.

    The defaults are those of CMS (arXiv:1712.07158): the light-flavour contamination of the heavy-flavour region and
    the reverse by 20 %, a linear and a quadratic statistical shape by region, and errors of c jets twice those of b.
    """

    contamination: dict[Source, Contamination] = Field(
        default={"lf": Contamination(region="hf"), "hf": Contamination(region="lf")},
        description="shifts of the contamination by name of the source",
    )
    tag_cuts: dict[str, TagCut] = Field(
        default_factory=dict,
        description="shift tagcut: tighter cuts on the tag jet by region, which would not move the scale factor of the "
        "probe jet if the scores of both were independent; empty: no such shift",
    )
    statistics: bool = Field(
        default=True, description="statistical shapes <region>stats1 (linear) and <region>stats2 (quadratic)"
    )
    cferr: str | None = Field(
        default="b",
        description="flavour whose deviations, doubled, are cferr1 and cferr2 of flavours fixed to 1; null: no cferr",
    )
    eigenvectors: int = Field(
        default=5, ge=0, le=100, description="stat<k>: number of leading eigenvectors of the bootstraps' covariance"
    )
    kinematic: tuple[KinematicSource, ...] | None = Field(
        default=None, description="sources with shifted jets (jer, jes<Source>) to use; null: all of the skim"
    )
    weights: tuple[Source, ...] | None = Field(
        default=None, description="sources with shifted event weights (pileup, genscale, ...) to use; null: all"
    )


def shift_problems(
    shifts: Shifts | None,
    regions: Mapping[str, Region],
    flavours: Mapping[str, Flavour],
    tagger: Tagger,
    n_bootstrap: int,
) -> Iterator[str]:
    """Yield contaminations that do not exist, names that are taken, and shifts that cannot be measured."""
    if shifts is None:
        return
    yield from _contamination_problems(shifts, regions, flavours)
    yield from _tag_cut_problems(shifts, regions, tagger)
    taken = {f"{region}stats{k}" for region in regions for k in (1, 2)} | {"cferr1", "cferr2", TAG_CUT}
    taken |= {f"stat{k}" for k in range(1, 101)} | {"statrest", "train", "model", "extrapolation"}
    names = [*shifts.contamination, *(shifts.kinematic or ()), *(shifts.weights or ())]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"shifts: source {name} is named twice"
    for name in names:
        if name in taken:
            yield f"shifts: the name {name} belongs to another shift; choose another"
    measured = measured_flavours(flavours)
    if shifts.cferr is not None and len(measured) < len(flavours) and shifts.cferr not in measured:
        yield f"shifts.cferr: {shifts.cferr!r} is not one of the measured flavours {list(measured)}"
    if (shifts.statistics or shifts.eigenvectors) and n_bootstrap < 2:
        yield (
            f"binned.n_bootstrap = {n_bootstrap}: statistical shifts need at least 2; raise it, or set "
            "shifts.statistics: false and shifts.eigenvectors: 0"
        )


def _tag_cut_problems(shifts: Shifts, regions: Mapping[str, Region], tagger: Tagger) -> Iterator[str]:
    points = tagger.working_points
    for name, cut in shifts.tag_cuts.items():
        if name not in regions:
            yield f"shifts.tag_cuts.{name}: not one of the regions {list(regions)}"
            continue
        for key, sign in (("above", 1.0), ("below", -1.0)):
            value, before = getattr(cut, key), getattr(regions[name], f"tag_{key}")
            if isinstance(value, str) and value not in points:
                yield f"shifts.tag_cuts.{name}.{key}: {value!r} is not one of the working points {list(points)}"
                continue
            if value is None or (isinstance(before, str) and before not in points):
                continue
            tighter, limit = (points[cut] if isinstance(cut, str) else cut for cut in (value, before))
            if limit is not None and not sign * tighter > sign * limit:
                yield (
                    f"shifts.tag_cuts.{name}.{key} = {tighter:g} is not tighter than tag_{key} of the region, "
                    f"{limit:g}; entries beyond that are not in the skim"
                )


def _contamination_problems(
    shifts: Shifts, regions: Mapping[str, Region], flavours: Mapping[str, Flavour]
) -> Iterator[str]:
    for source, contamination in shifts.contamination.items():
        key = f"shifts.contamination.{source}"
        if contamination.region not in regions:
            yield f"{key}.region: {contamination.region!r} is not one of the regions {list(regions)}"
            continue
        enriched = regions[contamination.region].enriched_flavour
        others = [name for name in flavours if name != enriched]
        if contamination.flavour is not None and contamination.flavour not in others:
            yield (
                f"{key}.flavour: {contamination.flavour!r} does not contaminate region {contamination.region}; "
                f"it is one of {others}"
            )
