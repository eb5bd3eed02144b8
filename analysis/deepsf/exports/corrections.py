"""Files of correctionlib corrections (schema version 2), and what each of ours says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import correctionlib

from deepsf import __version__
from deepsf.arrays import Floats
from deepsf.corrections.correction import Correction
from deepsf.corrections.nodes import Tree
from deepsf.corrections.text import write_text

RANGE_POLICY = (
    "abseta: an error outside of the table; pt and discriminant: clamped to its outer bins. Negative discriminants are "
    "jets without a valid score and have a scale factor of their own; set NaN to -1 before."
)

_SAID = ("tagger", "branch", "era", "campaign", "commit")


@dataclass(frozen=True)
class Label:
    """What a correction says about itself.

    Attributes
    ----------
    correlated
        Sources that are correlated between eras; None: by their kind.
    campaign, commit
        Configuration, and commit of the code, that the scale factors were made with; empty where there is none.
    """

    name: str
    tagger: str
    branch: str
    era: str
    text: str = ""
    correlated: tuple[str, ...] | None = None
    campaign: str = ""
    commit: str = ""

    def head(self) -> str:
        """Return tagger, jet branch and era as `event_weight` reads and checks them, then all that is known in words.

        ``correction summary`` takes what stands in brackets for markup, and leaves it out.
        """
        known = [f"{key} {value}" for key in _SAID if (value := getattr(self, key))]
        words = f"For {', '.join(known)}." if known else ""
        if not (self.tagger or self.branch or self.era):
            return words
        return f"[tagger: {self.tagger}; branch: {self.branch}; era: {self.era}] {words}"


def shape_inputs(systematics: str, branch: str) -> list[Tree]:
    """Return the inputs of scale factors of the discriminant in ``branch``, those of the public CMS files."""
    return [
        {"name": "systematic", "type": "string", "description": systematics},
        {"name": "flavor", "type": "int", "description": "hadron flavour: 5 b, 4 c, 0 udsg"},
        {"name": "abseta", "type": "real", "description": "|eta| of the jet"},
        {"name": "pt", "type": "real", "description": "pT of the jet [GeV]"},
        {"name": "discriminant", "type": "real", "description": f"{branch}; negative: no valid score"},
    ]


SHAPE_OUTPUT: Tree = {"name": "weight", "type": "real", "description": "scale factor, data over simulation"}


def category(variable: str, content: Mapping[str, Any] | Mapping[int, Any]) -> Tree:
    """Return the node that takes one of the values by the key that an input is."""
    items = [{"key": key, "value": value} for key, value in content.items()]
    return {"nodetype": "category", "input": variable, "content": items}


def binning(variable: str, edges: Sequence[float], content: list[Any], flow: str) -> Tree:
    """Return the node that takes one of the values by the bin that an input is in."""
    return {"nodetype": "binning", "input": variable, "edges": list(edges), "content": content, "flow": flow}


def multibinning(variables: Sequence[str], edges: Sequence[Sequence[float]], values: Floats) -> Tree:
    """Return the node that takes one of the values, of nine digits, by bins of inputs; the outer bins are open."""
    return {
        "nodetype": "multibinning",
        "inputs": list(variables),
        "edges": [[float(edge) for edge in of_axis] for of_axis in edges],
        "content": [float(f"{value:.9g}") for value in values.ravel()],
        "flow": "clamp",
    }


def correction_set_text(corrections: list[Tree], description: str) -> str:
    """Return the text of a file with the corrections, checked against the schema and by correctionlib's evaluator.

    The file and each of its corrections, which may be copied to other files, end their descriptions with the version
    of this software.

    Raises
    ------
    pydantic.ValidationError
        If a correction does not comply with the schema.
    RuntimeError
        If correctionlib cannot evaluate it for another reason.
    """
    from correctionlib import schemav2  # loads pydantic, which readers of corrections do without

    signed = [{**tree, "description": _signed(tree["description"])} for tree in corrections]
    whole = {"schema_version": 2, "description": _signed(description), "corrections": signed}
    schemav2.CorrectionSet.model_validate(whole)
    text = json.dumps(whole, separators=(",", ":"), allow_nan=False) + "\n"
    correctionlib.CorrectionSet.from_string(text)  # the schema leaves some rules to it
    return text


def write_corrections(path: Path, corrections: list[Tree], description: str, *, compress: bool = True) -> None:
    """Write a file with corrections."""
    write_text(path, correction_set_text(corrections, description), compress=compress)


def read_correction(path: Path, name: str | None = None) -> Tree:
    """Return one correction of a file, the only one if no name is given.

    Raises
    ------
    CorrectionFileError
        If the file cannot be read, or the correction is not in it or does not comply with the schema.
    """
    return Correction.load(path, name).validated().tree


def _signed(description: str) -> str:
    return f"{description} Made by deepsf {__version__}.".lstrip()
