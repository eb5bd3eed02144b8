"""A scale factor from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from correctionlib import schemav2

from deepsf.corrections.correction import Correction
from deepsf.plots.scale_factors.reference import Reference


def correction(inputs: list[str]):
    types = {"systematic": "string", "flavor": "int"}
    node = schemav2.Formula(nodetype="formula", expression="x*10", parser="TFormula", variables=["discriminant"])
    content = schemav2.Correction(
        name="shape",
        version=1,
        inputs=[schemav2.Variable(name=name, type=types.get(name, "real")) for name in inputs],
        output=schemav2.Variable(name="weight", type="real"),
        data=node,
    )
    return Correction.of_tree(content.model_dump(exclude_unset=True))


def test_a_reference_takes_its_inputs_by_name():
    shape = correction(["systematic", "flavor", "abseta", "pt", "discriminant"])
    reference = Reference.of_correction(shape, "public", "central", {"b": (5,)})
    scores = np.array([0.1, 0.7])
    np.testing.assert_allclose(reference.evaluate("b", np.full(2, 30.0), np.ones(2), scores), 10 * scores)
    assert reference.label == "public"


def test_a_reference_of_further_inputs_is_refused():
    with pytest.raises(ValueError, match=r"correction shape: its inputs are rho \(real\), discriminant \(real\)"):
        Reference.of_correction(correction(["rho", "discriminant"]), "public", "central", {"b": (5,)})
