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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from correctionlib import schemav2

from deepsf.generator.detector import RESOLUTION
from deepsf.generator.jet_response import ETA_EDGES, LOST_GEV, OFFSET_GEV, RESIDUAL, RESPONSE
from deepsf.generator.nanoaod import TRUE_INTERACTIONS

VERSION = "Toy_V1"
JETS = "AK4PFchs"
LEVELS = {
    "L1FastJet": ("JetA", "JetEta", "JetPt", "Rho"),
    "L2Relative": ("JetEta", "JetPt"),
    "L3Absolute": ("JetEta", "JetPt"),
    "L2L3Residual": ("JetEta", "JetPt"),
}
"""Inputs of the levels of the energy correction, in the order in which they are applied."""
COMPOUND = "L1L2L3Res"
SCALE_FACTOR = {"nom": 1.0, "up": 1.1, "down": 0.9}
PILE_UP_NAME = "Toy_pileup"
PILE_UP_CHANGE = {"nominal": 0.0, "up": 0.046, "down": -0.046}
DESCRIPTION = "Of the toy campaign; made by scripts.make_corrections."
_CLAMP = "min(max(x,15),1000)"
_TYPES = {"systematic": "string", "weights": "string", "type": "string", "run": "int", "EventID": "int"}
# Relative uncertainties in bins of eta, numbers or formulas of pT: flat, growing forward, falling with pT.
_FLAVOUR = f"0.004+0.020*sqrt(20/{_CLAMP})"
SOURCES: dict[str, tuple[str, ...]] = {
    "Absolute": ("0.010",) * 8,
    "RelativeBal": ("0.030", "0.020", "0.008", "0.002", "0.002", "0.008", "0.020", "0.030"),
    "FlavorQCD": (_FLAVOUR,) * 8,
}


def jet_corrections() -> schemav2.CorrectionSet:
    """Return levels, compounds, uncertainties, resolution and its scale factor."""
    corrections = [
        resolution(f"{VERSION}_MC_PtResolution_{JETS}"),
        scale_factor(f"{VERSION}_MC_ScaleFactor_{JETS}"),
    ]
    compounds = []
    for kind, label in (("simulation", "MC"), ("data", "DATA")):
        levels = [level_correction(f"{VERSION}_{label}_{level}_{JETS}", level, kind) for level in LEVELS]
        corrections += levels
        compounds.append(compound(f"{VERSION}_{label}_{COMPOUND}_{JETS}", levels))
    for source, formulas in SOURCES.items():
        corrections.append(uncertainty(f"{VERSION}_MC_{source}_{JETS}", formulas))
    return schemav2.CorrectionSet(schema_version=2, corrections=corrections, compound_corrections=compounds)


def pile_up() -> schemav2.CorrectionSet:
    """Return the weights of simulated events by the true number of interactions, in steps of one."""
    description = "Pile-up weights of the toy campaign; made by scripts.make_corrections."
    return schemav2.CorrectionSet(
        schema_version=2, corrections=[pile_up_weights(PILE_UP_NAME, PILE_UP_CHANGE, description)]
    )


def level_correction(name: str, level: str, kind: str, further_input: str | None = None) -> schemav2.Correction:
    """Return a level of the energy correction of simulation or data.

    Parameters
    ----------
    further_input
        ``run`` or ``JetPhi``: the correction asks for it, and is the same at all of its values.
    """
    p = f"max(x,{LOST_GEV:g})"
    response = zip(RESIDUAL[kind], RESPONSE, strict=True)
    content: schemav2.Content
    if level == "L1FastJet":
        content = formula(f"max(1e-4,1-{OFFSET_GEV:g}*z*y/x)", ("JetPt", "JetA", "Rho"))
    elif level == "L2Relative":
        content = by_eta([f"{1 / r:.10g}+{LOST_GEV:g}/{p}" for _, r in response])
    elif level == "L3Absolute":
        content = 1.0
    else:
        content = by_eta([f"{residual:g}" for residual in RESIDUAL[kind]])
    inputs = [*LEVELS[level]]
    if further_input is not None:
        inputs.append(further_input)
        middle = {"run": 1e5, "JetPhi": 0.0}[further_input]
        content = binning(further_input, [-10.0, middle, 1e9], [content, content])
    return correction(name, sorted(inputs), content)


def compound(name: str, levels: Sequence[schemav2.Correction]) -> schemav2.CompoundCorrection:
    """Return levels as one correction that asks for all of their inputs."""
    inputs = sorted({variable.name for level in levels for variable in level.inputs})
    return schemav2.CompoundCorrection(
        name=name,
        inputs=[variable(name) for name in inputs],
        output=schemav2.Variable(name="correction", type="real"),
        inputs_update=["JetPt"],
        input_op="*",
        output_op="*",
        stack=[level.name for level in levels],
    )


def resolution(name: str) -> schemav2.Correction:
    """Return the relative resolution of pT."""
    noise, stochastic, constant = RESOLUTION
    expression = f"sqrt(({noise:g}/x)^2+{stochastic**2:g}/x+{constant:g}^2)"
    return correction(name, ["JetEta", "JetPt", "Rho"], formula(expression, ("JetPt",)))


def scale_factor(name: str) -> schemav2.Correction:
    """Return the scale factor of the resolution with its uncertainty, in the format of CMS until 2023."""
    systematic = category("systematic", SCALE_FACTOR)
    return correction(name, ["JetEta", "systematic"], systematic)


def uncertainty(name: str, formulas: Sequence[str]) -> schemav2.Correction:
    """Return a relative uncertainty in bins of eta, numbers or formulas of pT."""
    return correction(name, ["JetEta", "JetPt"], by_eta(formulas))


def pile_up_weights(name: str, changes: Mapping[str, float], description: str) -> schemav2.Correction:
    """Return weights for data with a relative change of the mean number of interactions, by key of the change."""
    edges = [float(edge) for edge in range(101)]
    items = {
        key: binning("NumTrueInteractions", edges, [round(_profile_ratio(low + 0.5, change), 6) for low in edges[:-1]])
        for key, change in changes.items()
    }
    return correction(name, ["NumTrueInteractions", "weights"], category("weights", items), "weight", description)


def _profile_ratio(n: float, change: float) -> float:
    """Return the density of the normal profile with all numbers scaled up, over that of the profile."""
    mean, width = TRUE_INTERACTIONS
    scaled = (n / (1.0 + change) - mean) / width
    return float(np.clip(np.exp(0.5 * ((n - mean) / width) ** 2 - 0.5 * scaled**2) / (1.0 + change), 0.0, 5.0))


def correction(
    name: str, inputs: Iterable[str], data: schemav2.Content, output: str = "correction", description: str = DESCRIPTION
) -> schemav2.Correction:
    """Return a correction whose inputs have the types that they have in files of CMS."""
    return schemav2.Correction(
        name=name,
        description=description,
        version=1,
        inputs=[variable(name) for name in inputs],
        output=schemav2.Variable(name=output, type="real"),
        data=data,
    )


def variable(name: str) -> schemav2.Variable:
    """Return an input with its type in files of CMS."""
    kind: Any = _TYPES.get(name, "real")
    return schemav2.Variable(name=name, type=kind)


def formula(expression: str, variables: tuple[str, ...]) -> schemav2.Formula:
    """Return a formula of x, y, z, t."""
    return schemav2.Formula(nodetype="formula", parser="TFormula", expression=expression, variables=list(variables))


def category(name: str, items: Mapping[str, Any]) -> schemav2.Category:
    """Return values by key of an input."""
    content = [schemav2.CategoryItem(key=key, value=value) for key, value in items.items()]
    return schemav2.Category(nodetype="category", input=name, content=content)


def binning(name: str, edges: Sequence[float], content: Sequence[Any]) -> schemav2.Binning:
    """Return values in bins of an input; the outermost go on outside."""
    return schemav2.Binning(nodetype="binning", input=name, edges=list(edges), content=list(content), flow="clamp")


def by_eta(formulas: Sequence[str]) -> schemav2.Binning:
    """Return numbers and formulas of pT in bins of eta."""
    contents: list[Any] = [formula(text, ("JetPt",)) if "x" in text else float(text) for text in formulas]
    return binning("JetEta", ETA_EDGES, contents)


def to_json(corrections: schemav2.CorrectionSet) -> str:
    """Return the text of a shipped file."""
    return json.dumps(corrections.model_dump(mode="json", exclude_unset=True), indent=1, allow_nan=False) + "\n"


SHIPPED = {"jet_corrections/toy.json": jet_corrections, "pileup/toy.json": pile_up}

if __name__ == "__main__":
    for name, make in SHIPPED.items():
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(make()), encoding="utf-8")
