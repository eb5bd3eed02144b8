from pathlib import Path

import numpy as np
import pytest
from correctionlib import schemav2

from analysis.generator import effective_truth
from analysis.generator.discriminant import TAGGERS, cumulative, draw, invalid_probability
from analysis.generator.shipped_truth import NAME

TOY = Path(__file__).parents[3] / "configs" / "true_sf" / "toy.json"


@pytest.fixture(scope="module")
def step_table(tmp_path_factory):
    """S of b and udsg: 0.5 below -1.5, 0.7 if invalid, 1.4, 0.9 and 1.1 with edges at 0.3 and 0.8."""
    steps = schemav2.Binning(
        nodetype="binning", input="discriminant", flow="clamp",
        edges=[-15, -1.5, 0, 0.3, 0.8, 1.1], content=[0.5, 0.7, 1.4, 0.9, 1.1],
    )  # fmt: skip
    items = [schemav2.CategoryItem(key=k, value=v) for k, v in ((5, steps), (4, 1.0), (0, steps))]
    names = {"flavor": "int", "abseta": "real", "pt": "real", "discriminant": "real"}
    correction = schemav2.Correction(
        name="steps", version=1, inputs=[schemav2.Variable(name=n, type=t) for n, t in names.items()],
        output=schemav2.Variable(name="weight", type="real"),
        data=schemav2.Category(nodetype="category", input="flavor", content=items),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("table") / "steps.json"
    path.write_text(
        schemav2.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json(exclude_unset=True)
    )
    return path


@pytest.mark.parametrize("branch", TAGGERS)
def test_mean_of_a_step_function_is_exact(step_table, branch):
    flavour, abseta, pt = np.array([5, 0]), np.array([0.4, 2.1]), np.array([25.0, 110.0])
    truth = effective_truth(step_table, "steps", "central", branch)
    below = [cumulative(TAGGERS[branch], flavour, pt, abseta, np.array(edge)) for edge in (0.3, 0.8)]
    valid = 1.4 * below[0] + 0.9 * (below[1] - below[0]) + 1.1 * (1 - below[1])
    p = invalid_probability(TAGGERS[branch], flavour, pt)
    # 70 % of the invalid scores are -1, the others -2
    expected = (1 - p) * valid + p * (0.7 * 0.7 + 0.3 * 0.5)
    assert truth.mean(flavour, abseta, pt) == pytest.approx(expected, abs=2e-6)
    assert truth.evaluate(flavour, abseta, pt, np.array([0.5, -1.0])) == pytest.approx([0.9, 0.64] / expected, abs=5e-6)
    # invalid scores are one bin: what a skim stores as -1 was -1 or -2
    assert truth.evaluate(flavour, abseta, pt, np.full(2, -2.0)) == pytest.approx(0.64 / expected, abs=5e-6)


@pytest.mark.parametrize("branch", TAGGERS)
@pytest.mark.parametrize("flavour", [5, 0])
def test_effective_truth_has_mean_one_over_the_generators_discriminants(branch, flavour):
    n = 8_000
    truth = effective_truth(TOY, NAME, "central", branch)
    f, pt, abseta = np.full(n, flavour), np.full(n, 35.0), np.full(n, 1.9)
    values = draw(np.random.default_rng(1), TAGGERS[branch], f, pt, abseta)
    s = truth.evaluate(f, abseta, pt, values)
    assert s.mean() == pytest.approx(1.0, abs=4 * s.std() / np.sqrt(n))
    assert s.std() > 0.05


def test_charm_and_untagged_jets_are_one():
    truth = effective_truth(TOY, NAME, "central", "btagDeepFlavB")
    values = truth.evaluate(np.array([4, 5, 0]), np.array([1.0, 2.5, 3.0]), np.full(3, 50.0), np.array([0.2, 0.5, 0.9]))
    assert values == pytest.approx(1.0, abs=1e-12)


def test_no_jets_are_no_problem():
    empty = np.zeros(0)
    assert len(effective_truth(TOY, NAME, "central", "btagDeepB").evaluate(empty.astype(int), empty, empty, empty)) == 0


def test_a_column_that_the_generator_does_not_make_has_no_truth():
    with pytest.raises(
        ValueError, match="makes no 'btagPNetB', so its truth is unknown; it makes btagDeepFlavB, btagDeepB"
    ):
        effective_truth(TOY, NAME, "central", "btagPNetB")
