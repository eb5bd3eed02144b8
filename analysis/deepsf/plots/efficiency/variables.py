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


POINT_JET_VARIABLES = ("pt_gev", "delta_r")
"""What is drawn of the working points that do not count as a tag: enough to see a broken one."""


class Variable(NamedTuple):
    """How a variable is drawn.

    Attributes
    ----------
    open_above
        Its last bin holds all that lies beyond.
    whole
        It takes whole numbers.
    unit
        What yields are divided by; empty for whole numbers, whose bins have one width.
    """

    label: str
    open_above: bool = False
    whole: bool = False
    unit: str = ""


EVENT_VARIABLES = {
    "delta_r": Variable(r"$\Delta R$ of the two leading jets", open_above=True, unit=r"unit of $\Delta R$"),
    "pt_gev": Variable("Leading jet $p_{T}$ [GeV]", open_above=True, unit="GeV"),
    "eta": Variable(r"Leading jet $\eta$", unit=r"unit of $\eta$"),
    "mass_gev": Variable("Mass of the two leading jets [GeV]", open_above=True, unit="GeV"),
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
