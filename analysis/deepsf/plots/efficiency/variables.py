"""What figures of efficiencies show, and how it is called in them; imports nothing that takes time."""

from __future__ import annotations

from typing import NamedTuple

TAG_REGIONS = {"1tag": "Leading jet tagged", "2tag": "Two leading jets tagged"}
CROSS_FIT = "train"
"""The sample that shows the cross-fit alone."""
SAMPLES = {
    "test": "Test sample",
    "scalar": r"Transfer sample, scalar to q$\bar{q}$",
    CROSS_FIT: "Training sample, cross-fit",
}


class Variable(NamedTuple):
    """How a variable is drawn; ``open_above``: its last bin holds all that lies beyond."""

    label: str
    open_above: bool = False
    whole: bool = False


EVENT_VARIABLES = {
    "delta_r": Variable(r"$\Delta R$ of the two leading jets", open_above=True),
    "pt_gev": Variable("Leading jet $p_{T}$ [GeV]", open_above=True),
    "eta": Variable(r"Leading jet $\eta$"),
    "mass_gev": Variable("Mass of the two leading jets [GeV]", open_above=True),
    "n_jets": Variable("Number of jets", whole=True),
    "closest_flavour": Variable("Flavour of the jet closest to the leading one", whole=True),
}
JET_VARIABLES = {
    "pt_gev": Variable("Jet $p_{T}$ [GeV]", open_above=True),
    "eta": Variable(r"Jet $\eta$"),
    "delta_r": Variable(r"$\Delta R$ to the closest jet", open_above=True),
}
N_TAGS = Variable("Number of tagged jets", open_above=True, whole=True)


def sample_title(sample: str) -> str:
    """Return what a sample is called in figures."""
    return SAMPLES.get(sample, f"Transfer sample {sample}")


def event_variables(sample: str) -> tuple[str, ...]:
    """Return what is drawn of the leading jets; the scalar's have one mass."""
    return tuple(name for name in EVENT_VARIABLES if (sample, name) != ("scalar", "mass_gev"))
