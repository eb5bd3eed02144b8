"""Tables of JSON files: the public forms of run 2 and 3 are read to the last bit, others are refused in words."""

from __future__ import annotations

import correctionlib
import numpy as np
import pytest

from deepsf.exports.corrections import correction_set_text
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.shape_correction import shape_correction
from deepsf.exports.stored_shapes import read_shapes
from deepsf.exports.systematics import systematic_of
from tests.analysis import run3_table
from tests.analysis.run3_table import binning, category, tree
from tests.oracles.shape_tables import evaluate


def axes(n=20_000):
    """|eta|, pT and valid scores, some on edges and outside of the bins in pT."""
    rng = np.random.default_rng(4)
    pt = np.where(rng.random(n) < 0.1, rng.choice([20.0, 60.0, 200.0], n), np.exp(rng.uniform(1.0, 8.0, n)))
    score = np.where(rng.random(n) < 0.1, rng.choice([0.0, 0.2, 0.8, 0.95], n), rng.uniform(0.0, 1.1, n))
    return rng.uniform(0.0, 2.5, n), pt, score


def test_a_table_of_run_3_is_read_and_written_again_with_its_values_to_the_last_bit(label):
    stored = {**tree(), "description": ""}
    published = correctionlib.CorrectionSet.from_string(correction_set_text([stored], ""))[run3_table.NAME]
    shapes = read_shapes(stored)
    assert {code: list(tables) for code, tables in shapes.items()} == {
        0: ["nominal", "hf_up"], 4: ["nominal", "cferr1_up"], 5: ["nominal", "hf_up"]
    }  # fmt: skip
    table = shapes[5]["nominal"]
    assert table.pt_gev == (0.0, 20.0, 60.0, 200.0, 10_000.0)
    assert table.curves[0][0].edges == (0.0, 0.2, 0.8, 0.95, 1.1)
    written = correction_set_text([shape_correction(shapes, label)], "")
    rebuilt = correctionlib.CorrectionSet.from_string(written)[label.name]
    for code, tables in shapes.items():
        for shift in tables:
            values = published.evaluate(systematic_of(shift), code, *axes())
            np.testing.assert_array_equal(rebuilt.evaluate(systematic_of(shift), code, *axes()), values)
            np.testing.assert_allclose(evaluate(tables[shift], *axes()), values, rtol=1e-13)


@pytest.mark.parametrize(
    ("begin", "flow", "expected"), [(0.0, "error", 1.0), (0.0, "clamp", 0.6), (0.0, 0.3, 0.3), (-15.0, "clamp", 0.6)]
)
def test_jets_without_a_score_have_the_same_value_before_and_after(label, begin, flow, expected):
    node = in_bins(binning("discriminant", [begin, 0.5, 1.1], [0.6, 1.2], flow))
    stored = tree(data=category("systematic", {"central": category("flavor", dict.fromkeys((5, 0), node))}))
    for correction in (stored, shape_correction(read_shapes(stored), label)):
        values = ShapeCorrection.of_tree(correction).evaluate([5, 0], [0.1, 0.1], [30.0, 30.0], [-1.0, -1.0])
        assert values.tolist() == [expected, expected]


def in_bins(node, abseta="error", pt="clamp"):
    return binning("abseta", [0, 2.5], [binning("pt", [20, 1000], [node], pt)], abseta)


def formula(expression, variable="discriminant"):
    return {"nodetype": "formula", "parser": "TFormula", "variables": [variable], "expression": expression}


PT_EDGES = [binning("pt", [low, 50], [1.0], "clamp") for low in (20, 30)]
GAP = binning("discriminant", [0, 0.5, 1], [1.0, binning("discriminant", [0.6, 1], [1.0], "error")], "error")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (in_bins(1.0, pt="error"), "pt outside of the bins is an error"),
        (in_bins(1.0, pt="wrap"), "pt outside of the bins wraps round"),
        (in_bins(formula("x", "pt")), "expected a formula of the discriminant, got one of pt"),
        (in_bins(formula("exp(x)")), r"formula 'exp\(x\)': cannot read"),
        (in_bins(category("flavor", {5: 1.0})), "expected a number or formula in each bin of .*, got category"),
        (in_bins(GAP), r"discriminant from 0\.5 to 0\.6 has no value"),
        (binning("abseta", [0, 1, 2], PT_EDGES, "error"), "the edges in pt differ between bins of abseta"),
    ],
)  # fmt: skip
def test_other_trees_are_refused_with_their_place(node, message):
    data = category("systematic", {"central": category("flavor", {5: node})})
    with pytest.raises(ValueError, match=rf"particleNet_shape, central, flavor 5: .*{message}"):
        read_shapes(tree(data=data))
