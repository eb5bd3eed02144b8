"""Jet energy and pile-up corrections of the toy: maker of ``configs/jet_corrections`` and ``configs/pileup``.

Both have the layout of CMS's files. Jets: levels of the energy correction and their compound for simulation and data,
the exact inverse of `deepsf.generator.jet_response`; resolution as in `deepsf.generator.detector`; a scale factor
of the resolution of 1 +- 0.1, since the toy's data have the resolution of its simulation; three sources of uncertainty
of the energy scale. Pile-up: simulation has the data's profile, which may be 4.6 % higher or lower.

``python -m scripts.make_corrections FOLDER`` writes both below the folder.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from correctionlib import schemav2

from deepsf.generator.detector import RESOLUTION
from deepsf.generator.jet_response import ETA_EDGES, LOST_GEV, OFFSET_GEV, RESIDUAL, RESPONSE
from deepsf.generator.nanoaod import TRUE_INTERACTIONS

VERSION = "Toy_V1"
JETS = "AK4PFchs"
LEVELS = ("L1FastJet", "L2Relative", "L3Absolute", "L2L3Residual")
SCALE_FACTOR = {"nom": 1.0, "up": 1.1, "down": 0.9}
PILE_UP_NAME = "Toy_pileup"
PILE_UP_CHANGE = {"nominal": 0.0, "up": 0.046, "down": -0.046}
_CLAMP = "min(max(x,15),1000)"
# Relative uncertainties in bins of eta, numbers or formulas of pT: flat, growing forward, falling with pT.
_FLAVOUR = f"0.004+0.020*sqrt(20/{_CLAMP})"
SOURCES: dict[str, tuple[str, ...]] = {
    "Absolute": ("0.010",) * 8,
    "RelativeBal": ("0.030", "0.020", "0.008", "0.002", "0.002", "0.008", "0.020", "0.030"),
    "FlavorQCD": (_FLAVOUR,) * 8,
}


def jet_corrections() -> schemav2.CorrectionSet:
    """Return levels, compounds, uncertainties, resolution and its scale factor."""
    corrections = [_resolution(), _scale_factor()]
    compounds = []
    for kind, label in (("simulation", "MC"), ("data", "DATA")):
        response = zip(RESIDUAL[kind], RESPONSE, strict=True)
        p = f"max(x,{LOST_GEV:g})"
        content: dict[str, schemav2.Content] = {
            "L1FastJet": _formula(f"max(1e-4,1-{OFFSET_GEV:g}*z*y/x)", ("JetPt", "JetA", "Rho")),
            "L2Relative": _by_eta([f"{1 / r:.10g}+{LOST_GEV:g}/{p}" for _, r in response]),
            "L3Absolute": 1.0,
            "L2L3Residual": _by_eta([f"{residual:g}" for residual in RESIDUAL[kind]]),
        }
        for level in LEVELS:
            inputs = ["JetA", "JetEta", "JetPt", "Rho"] if level == "L1FastJet" else ["JetEta", "JetPt"]
            corrections.append(_correction(f"{VERSION}_{label}_{level}_{JETS}", inputs, content[level]))
        compounds.append(
            schemav2.CompoundCorrection(
                name=f"{VERSION}_{label}_L1L2L3Res_{JETS}",
                inputs=[_variable(name) for name in ("JetA", "JetEta", "JetPt", "Rho")],
                output=schemav2.Variable(name="correction", type="real"),
                inputs_update=["JetPt"],
                input_op="*",
                output_op="*",
                stack=[f"{VERSION}_{label}_{level}_{JETS}" for level in LEVELS],
            )
        )
    for source, formulas in SOURCES.items():
        corrections.append(_correction(f"{VERSION}_MC_{source}_{JETS}", ["JetEta", "JetPt"], _by_eta(formulas)))
    return schemav2.CorrectionSet(schema_version=2, corrections=corrections, compound_corrections=compounds)


def pile_up() -> schemav2.CorrectionSet:
    """Return the weights of simulated events by the true number of interactions, in steps of one."""
    edges: list[Any] = [float(edge) for edge in range(101)]
    items = [
        schemav2.CategoryItem(
            key=key,
            value=schemav2.Binning(
                nodetype="binning", input="NumTrueInteractions", edges=edges,
                content=[round(_profile_ratio(low + 0.5, change), 6) for low in edges[:-1]], flow="clamp",
            ),
        )
        for key, change in PILE_UP_CHANGE.items()
    ]  # fmt: skip
    correction = schemav2.Correction(
        name=PILE_UP_NAME,
        description="Pile-up weights of the toy campaign; made by scripts.make_corrections.",
        version=1,
        inputs=[_variable("NumTrueInteractions"), _variable("weights")],
        output=schemav2.Variable(name="weight", type="real"),
        data=schemav2.Category(nodetype="category", input="weights", content=items),
    )
    return schemav2.CorrectionSet(schema_version=2, corrections=[correction])


def _profile_ratio(n: float, change: float) -> float:
    """Return the density of the normal profile with all numbers scaled up, over that of the profile."""
    mean, width = TRUE_INTERACTIONS
    scaled = (n / (1.0 + change) - mean) / width
    return float(np.clip(np.exp(0.5 * ((n - mean) / width) ** 2 - 0.5 * scaled**2) / (1.0 + change), 0.0, 5.0))


def _resolution() -> schemav2.Correction:
    noise, stochastic, constant = RESOLUTION
    expression = f"sqrt(({noise:g}/x)^2+{stochastic**2:g}/x+{constant:g}^2)"
    name = f"{VERSION}_MC_PtResolution_{JETS}"
    return _correction(name, ["JetEta", "JetPt", "Rho"], _formula(expression, ("JetPt",)))


def _scale_factor() -> schemav2.Correction:
    items = [schemav2.CategoryItem(key=key, value=value) for key, value in SCALE_FACTOR.items()]
    systematic = schemav2.Category(nodetype="category", input="systematic", content=items)
    return _correction(f"{VERSION}_MC_ScaleFactor_{JETS}", ["JetEta", "systematic"], systematic)


def _correction(name: str, inputs: list[str], data: schemav2.Content) -> schemav2.Correction:
    return schemav2.Correction(
        name=name,
        description="Of the toy campaign; made by scripts.make_corrections.",
        version=1,
        inputs=[_variable(name) for name in inputs],
        output=schemav2.Variable(name="correction", type="real"),
        data=data,
    )


def _variable(name: str) -> schemav2.Variable:
    return schemav2.Variable(name=name, type="string" if name in ("systematic", "weights") else "real")


def _formula(expression: str, variables: tuple[str, ...]) -> schemav2.Formula:
    return schemav2.Formula(nodetype="formula", parser="TFormula", expression=expression, variables=list(variables))


def _by_eta(formulas: Sequence[str]) -> schemav2.Binning:
    """Return numbers and formulas of pT in bins of eta."""
    contents: list[Any] = [_formula(text, ("JetPt",)) if "x" in text else float(text) for text in formulas]
    return schemav2.Binning(nodetype="binning", input="JetEta", edges=list(ETA_EDGES), content=contents, flow="clamp")


def to_json(corrections: schemav2.CorrectionSet) -> str:
    """Return the text of a shipped file."""
    return json.dumps(corrections.model_dump(mode="json", exclude_unset=True), indent=1, allow_nan=False) + "\n"


SHIPPED = {"jet_corrections/toy.json": jet_corrections, "pileup/toy.json": pile_up}

if __name__ == "__main__":
    for name, make in SHIPPED.items():
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(make()), encoding="utf-8")
