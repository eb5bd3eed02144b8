"""Which figures efficiencies have, from the configuration alone; imports nothing that takes time."""

from __future__ import annotations

from collections.abc import Sequence

from deepsf.config.efficiency.efficiency import Efficiency

TAG_REGIONS = ("1tag", "2tag")
JET_VARIABLES = ("pt", "eta", "delta_r")
EVENT_VARIABLES = ("delta_r", "pt", "eta", "mass", "n_jets", "closest_flavour")
CROSS_FIT = "train"
"""The sample that shows the cross-fit alone."""


def samples(settings: Efficiency) -> tuple[str, ...]:
    """Return the samples that figures show, other than that of the cross-fit."""
    return ("test", "scalar") if settings.toy is not None else ("test",)


def event_variables(sample: str) -> tuple[str, ...]:
    """Return what is drawn of the leading jets; the scalar's have one mass."""
    return tuple(name for name in EVENT_VARIABLES if (sample, name) != ("scalar", "mass"))


def stems(settings: Efficiency, flavours: Sequence[str]) -> list[str]:
    """Return the names of the figures that `deepsf.plots.efficiency.figures.figures` yields, in its order."""
    found = []
    for sample in samples(settings):
        found += [f"jet_efficiency_{variable}_{sample}" for variable in JET_VARIABLES]
        for region in TAG_REGIONS:
            found += [f"{region}_{variable}_{sample}" for variable in event_variables(sample)]
            found.append(f"{region}_delta_r_pairs_{sample}")
        found.append(f"n_tags_{sample}")
    found += [f"{region}_delta_r_{CROSS_FIT}" for region in TAG_REGIONS]
    found += ["correlation", "gain", "reliability"]
    if settings.toy is not None:
        found.append("spread")
    return [*found, *(f"non_closure_{flavour}" for flavour in flavours), "training"]
