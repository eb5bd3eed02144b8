"""Efficiency maps as correctionlib corrections, for event weights from scale factors of working points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepsf.arrays import Floats
from deepsf.corrections.nodes import Tree
from deepsf.efficiency.maps.estimates import Ratio, clopper_pearson
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.exports.corrections import category, multibinning

Codes = Mapping[str, Sequence[int]]
"""Hadron flavours by flavour."""

SYSTEMATICS = ("nominal", "up", "down")
_INPUTS = {
    "eta": "pseudorapidity of the jet, with its sign",
    "pt_gev": "pT of the jet [GeV]",
    "delta_r": "DeltaR to the closest other selected jet of the event; inf for lone jets",
}
_NAMES = {"pt_gev": "pt"}


def map_correction(fitted: EfficiencyMap, hadron_flavours: Codes, name: str, *, head: str = "") -> Tree:
    """Return a map as a correction of (systematic, working_point, flavor, eta, pt), plain lists and dictionaries.

    A map with DeltaR has the input ``delta_r``. ``up`` and ``down`` are the ends of the Clopper-Pearson
    interval of the jets of a bin and of those of the prior, which the nominal efficiency counts, too. What lies beyond
    the outer bins belongs to them. `deepsf.exports.corrections.write_corrections` writes it.

    Parameters
    ----------
    hadron_flavours
        Codes by flavour; those of flavours that had no jets in the map's sample are left out and raise when evaluated.
    head
        Begins the description: tagger, era.

    Raises
    ------
    ValueError
        If a flavour of the map has no codes, or the map has no efficiency at all.
    """
    if unknown := [flavour for flavour in fitted.flavours if not hadron_flavours.get(flavour)]:
        raise ValueError(f"no hadron flavours of the map's {unknown}; there are those of {list(hadron_flavours)}")
    if len(fitted.absent) == len(fitted.flavours):
        raise ValueError(
            f"the map has no efficiency of any flavour ({', '.join(fitted.flavours)}): its sample had none"
        )
    axes = [axis for axis in fitted.counts.axes.name if axis in _INPUTS]
    content = {
        systematic: _by_working_point(values, fitted, hadron_flavours, axes)
        for systematic, values in zip(SYSTEMATICS, _values(fitted), strict=True)
    }
    kinematic = [axis for axis in _INPUTS if axis in axes]
    return {
        "name": name,
        "description": " ".join(f"{head} {_description(fitted)}".split()),
        "version": 1,
        "inputs": [
            {"name": "systematic", "type": "string", "description": ", ".join(SYSTEMATICS)},
            {"name": "working_point", "type": "string", "description": ", ".join(fitted.working_points)},
            {"name": "flavor", "type": "int", "description": _codes(fitted, hadron_flavours)},
            *({"name": _NAMES.get(axis, axis), "type": "real", "description": _INPUTS[axis]} for axis in kinematic),
        ],
        "output": {"name": "efficiency", "type": "real", "description": "probability to pass the working point"},
        "data": category("systematic", content),
    }


def _values(fitted: EfficiencyMap) -> tuple[Floats, Floats, Floats]:
    n_effective = fitted.ratio.n_effective + fitted.prior_jets
    low, high = clopper_pearson(Ratio(fitted.efficiency, n_effective))
    return fitted.efficiency, high, low


def _by_working_point(values: Floats, fitted: EfficiencyMap, hadron_flavours: Codes, axes: list[str]) -> Tree:
    names = [_NAMES.get(axis, axis) for axis in axes]
    edges = [fitted.counts.axes[axis].edges for axis in axes]
    nodes = {}
    for number, working_point in enumerate(fitted.working_points):
        cells = {
            code: multibinning(names, edges, values[index, ..., number])
            for index, flavour in enumerate(fitted.flavours)
            if flavour not in fitted.absent
            for code in hadron_flavours[flavour]
        }
        nodes[working_point] = category("flavor", cells)
    return category("working_point", nodes)


def _codes(fitted: EfficiencyMap, hadron_flavours: Codes) -> str:
    known = [flavour for flavour in fitted.flavours if flavour not in fitted.absent]
    codes = (f"{', '.join(map(str, hadron_flavours[flavour]))} {flavour}" for flavour in known)
    return f"hadron flavour: {'; '.join(codes)}"


def _description(fitted: EfficiencyMap) -> str:
    wanting = [
        f"{flavour} {bins.without_jets + bins.negative} of {bins.bins}"
        for flavour, bins in fitted.fallbacks.items()
        if flavour not in fitted.absent and bins.without_jets + bins.negative
    ]
    text = (
        "Tagging efficiencies in simulation: weighted jets that pass a working point over all selected jets. Up and "
        "down: Clopper-Pearson interval of one standard deviation, the statistical error of a bin alone and "
        f"independent of other bins. Each bin is given {fitted.prior_jets:g} jets with the efficiency of all eta. "
    )
    if wanting:
        text += f"Bins without usable jets, which have the efficiency of all eta: {', '.join(wanting)}. "
    if fitted.absent:
        text += f"Without jets, so that their codes raise an error: {', '.join(fitted.absent)}. "
    return text + "Range: values beyond the outer bins belong to these."
