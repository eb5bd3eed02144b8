"""Ratios of efficiencies between processes or generators as correctionlib corrections."""

from __future__ import annotations

from collections.abc import Mapping

from deepsf.arrays import Floats
from deepsf.corrections.nodes import Tree
from deepsf.efficiency.exports.map_correction import Codes
from deepsf.efficiency.process_ratios import ProcessRatios
from deepsf.exports.corrections import category, multibinning

KINDS = {
    "mc_mc": (
        "tag rate of jets of {process} over that of the test sample, in bins of pT: for efficiency maps in pT",
        ("stat",),
    ),
    "residual": (
        "tag rate of jets of {process} over their mean efficiency by the ensemble: for the ensemble",
        ("stat", "spread"),
    ),
}
"""By kind of ratio: what it is, and its errors."""


def process_corrections(
    process: str, ratios: Mapping[str, Mapping[str, ProcessRatios]], hadron_flavours: Codes, *, head: str = ""
) -> list[Tree]:
    """Return corrections ``<process>_mc_mc`` and ``<process>_residual`` of (systematic, working_point, flavor, pt).

    Values beyond the outer bins belong to them. Flavours and working points without a ratio raise an error.

    Parameters
    ----------
    ratios
        By flavour and working point, of `deepsf.efficiency.process_ratios.process_ratios`.
    hadron_flavours
        Codes by flavour.
    head
        Begins the description: tagger, era.
    """
    return [
        _correction(process, kind, about, errors, ratios, hadron_flavours, head)
        for kind, (about, errors) in KINDS.items()
        if ratios
    ]


def _correction(  # one argument for each part of the description
    process: str,
    kind: str,
    about: str,
    errors: tuple[str, ...],
    ratios: Mapping[str, Mapping[str, ProcessRatios]],
    hadron_flavours: Codes,
    head: str,
) -> Tree:
    systematics = ["nominal", *(f"{side}_{error}" for error in errors for side in ("up", "down"))]
    points = list(dict.fromkeys(name for of_points in ratios.values() for name in of_points))
    content = {
        systematic: category(
            "working_point",
            {
                point: category(
                    "flavor",
                    {
                        code: multibinning(["pt"], [of[point].pt_gev.tolist()], _values(of[point], kind, systematic))
                        for flavour, of in ratios.items()
                        if point in of
                        for code in hadron_flavours[flavour]
                    },
                )
                for point in points
            },
        )
        for systematic in systematics
    }
    names = "; ".join(f"{', '.join(map(str, hadron_flavours[flavour]))} {flavour}" for flavour in ratios)
    return {
        "name": f"{process}_{kind}",
        "description": f"{head} MC/MC scale factor, {about.format(process=process)}.".lstrip(),
        "version": 1,
        "inputs": [
            {"name": "systematic", "type": "string", "description": ", ".join(systematics)},
            {"name": "working_point", "type": "string", "description": ", ".join(points)},
            {"name": "flavor", "type": "int", "description": f"hadron flavour: {names}"},
            {"name": "pt", "type": "real", "description": "pT of the jet [GeV]"},
        ],
        "output": {"name": "ratio", "type": "real", "description": f"efficiency of {process} over the other"},
        "data": category("systematic", content),
    }


def _values(ratios: ProcessRatios, kind: str, systematic: str) -> Floats:
    nominal: Floats = getattr(ratios, kind)
    if systematic == "nominal":
        return nominal
    side, _, error = systematic.partition("_")
    shift: Floats = getattr(ratios, f"{kind}_{error}")
    return nominal + shift if side == "up" else nominal - shift
