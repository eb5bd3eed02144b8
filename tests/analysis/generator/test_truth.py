import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from correctionlib import schemav2
from scipy.special import ndtri

from deepsf.generator.discriminant import TAGGERS, cumulative, draw, invalid_probability, quantile
from deepsf.generator.jagged import HADRON_FLAVOURS
from deepsf.generator.truth import load as effective_truth
from scripts.make_true_sf import NAME

TOY = Path(__file__).parents[3] / "configs" / "true_sf" / "toy.json"


@cache
def toy_truth(branch):
    return effective_truth(TOY, NAME, "central", branch)


def binning(variable, edges, content):
    return schemav2.Binning(nodetype="binning", input=variable, flow="clamp", edges=edges, content=content)


def write(path, shape, charm=1.0):
    """Write a correction of b and udsg jets."""
    items = [schemav2.CategoryItem(key=k, value=v) for k, v in ((5, shape), (4, charm), (0, shape))]
    names = {"flavor": "int", "abseta": "real", "pt": "real", "discriminant": "real"}
    correction = schemav2.Correction(
        name="sf", version=1, inputs=[schemav2.Variable(name=n, type=t) for n, t in names.items()],
        output=schemav2.Variable(name="weight", type="real"),
        data=schemav2.Category(nodetype="category", input="flavor", content=items),
    )  # fmt: skip
    text = schemav2.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json(exclude_unset=True)
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def step_table(tmp_path_factory):
    """S of b and udsg: 0.5 below -1.5, 0.7 if invalid, 1.4, 0.9 and 1.1 with edges at 0.3 and 0.8."""
    steps = binning("discriminant", [-15, -1.5, 0, 0.3, 0.8, 1.1], [0.5, 0.7, 1.4, 0.9, 1.1])
    return write(tmp_path_factory.mktemp("table") / "steps.json", steps)


@pytest.mark.parametrize("branch", TAGGERS)
def test_integral_over_a_step_function_is_exact(step_table, branch):
    flavour, abseta, pt = np.array([5, 0]), np.array([0.4, 2.1]), np.array([25.0, 110.0])
    truth = effective_truth(step_table, "sf", "central", branch)
    below = [cumulative(TAGGERS[branch], flavour, pt, abseta, np.array(edge)) for edge in (0.3, 0.8)]
    valid = 1.4 * below[0] + 0.9 * (below[1] - below[0]) + 1.1 * (1 - below[1])
    p = invalid_probability(TAGGERS[branch], flavour, pt)
    # of run 2, 70 % of the invalid scores are -1, the others -2; of run 3 all are -1, or all -3
    at_invalid = {"btagPNetB": 0.7, "btagUParTAK4B": 0.7, "btagRobustParTAK4B": 0.5}.get(branch, 0.7 * 0.7 + 0.3 * 0.5)
    expected = (1 - p) * valid + p * at_invalid
    integrals = [truth.integrate(f, abseta[i : i + 1], pt[i : i + 1])[0] for i, f in enumerate(flavour)]
    assert integrals == pytest.approx(expected, abs=2e-6)
    assert truth.mean(flavour, abseta, pt) == pytest.approx(expected, abs=2e-4)
    values = truth.evaluate(flavour, abseta, pt, np.array([0.5, -1.0]))
    assert values == pytest.approx([0.9, at_invalid] / expected, rel=2e-4)
    # invalid scores are one bin: what a skim stores as -1 was -1 or -2
    assert truth.evaluate(flavour, abseta, pt, np.full(2, -2.0))[1] == values[1]


def expected_mean(truth, flavour, abseta, pt, n=2000):
    """<S> by the midpoint rule in the cumulative probability: no edges, no weights, one jet a row."""
    normal = ndtri((np.arange(n) + 0.5) / n)[None, :]
    codes, abseta, pt = np.full((len(pt), 1), flavour), abseta[:, None], pt[:, None]
    valid = truth.injected.evaluate(codes, abseta, pt, quantile(truth.tagger, codes, pt, abseta, normal)).mean(axis=1)
    at_invalid = [truth.injected.evaluate(codes, abseta, pt, np.array(v))[:, 0] for v in (-1.0, -2.0)]
    p = invalid_probability(truth.tagger, codes[:, 0], pt[:, 0])
    return (1 - p) * valid + p * (0.7 * at_invalid[0] + 0.3 * at_invalid[1])


def jets_everywhere(n, pt_edges, abseta_edges):
    """Random jets from 15 GeV to 3 TeV, and jets at both sides of the edges, stored as a skim does."""
    rng = np.random.default_rng(3)
    edges, abseta_edges = np.float32(pt_edges), np.float32(abseta_edges)
    pt = np.concatenate([15 * 200 ** rng.random(n), edges, np.nextafter(edges, np.float32(0))])
    abseta = rng.uniform(0, 2.5, len(pt))
    pt = np.concatenate([pt, rng.uniform(20, 200, 2 * len(abseta_edges))])
    abseta = np.concatenate([abseta, abseta_edges, np.nextafter(abseta_edges, np.float32(0))])
    return abseta.astype(np.float32).astype(float), pt.astype(np.float32).astype(float)


@pytest.mark.parametrize(
    ("branch", "flavour"), [("btagDeepFlavB", 5), ("btagDeepFlavB", 0), ("btagDeepB", 5), ("btagDeepB", 0)]
)
def test_tabulated_mean_is_the_integral(branch, flavour):
    truth = toy_truth(branch)
    abseta, pt = jets_everywhere(100, [20, 25, 42, 85, 600], [1.0, 1.2])
    means = truth.mean(np.full(len(pt), flavour), abseta, pt)
    assert np.abs(means - expected_mean(truth, flavour, abseta, pt)).max() < 2e-4
    assert np.ptp(means) > 0.1


def test_tabulated_mean_of_a_public_table_is_the_integral():
    reference = os.environ.get("DEEPSF_REFERENCE_SF")
    if not reference:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file with deepJet_shape")
    truth = effective_truth(Path(reference), "deepJet_shape", "central", "btagDeepFlavB")
    for flavour in (5, 0):
        edges = truth.injected.edges[HADRON_FLAVOURS.index(flavour)]
        abseta, pt = jets_everywhere(100, edges["pt"][edges["pt"] < 3000], edges["abseta"][1:-1])
        means = truth.mean(np.full(len(pt), flavour), abseta, pt)
        assert np.abs(means - expected_mean(truth, flavour, abseta, pt)).max() < 2e-4
        assert np.ptp(means) > 0.1


def test_no_interpolation_crosses_an_edge_of_the_table(tmp_path):
    low, high = (binning("discriminant", [-15, 0.5, 1.1], [value, value + 1e-9]) for value in (0.5, 1.5))
    table = binning("abseta", [0, 0.8, 2.5], [low, binning("pt", [20, 33.3, 1000], [low, high])])
    truth = effective_truth(write(tmp_path / "sf.json", table), "sf", "central", "btagDeepFlavB")
    pt = np.array([33.3, np.nextafter(33.3, 0), 34.0, 33.0, 34.0, 34.0])
    abseta = np.array([0.9, 0.9, 0.8, 0.8, np.nextafter(0.8, 0), 0.79])
    assert truth.mean(np.full(6, 5), abseta, pt) == pytest.approx([1.5, 0.5, 1.5, 0.5, 0.5, 0.5], abs=1e-8)


def test_a_mean_that_varies_faster_than_the_grid_is_integrated(tmp_path):
    expression = "1+0.5*(x>0.5)*exp(-0.5*((log(y/45)/0.05)^2))"
    peak = schemav2.Formula(
        nodetype="formula", expression=expression, parser="TFormula", variables=["discriminant", "pt"]
    )
    table = binning("discriminant", [-15, 0.5, 1.1], [peak, peak])
    truth = effective_truth(write(tmp_path / "sf.json", table), "sf", "central", "btagDeepFlavB")
    pt, abseta = np.array([45.0, 47.0, 30.0]), np.full(3, 0.4)
    above = 1 - cumulative(TAGGERS["btagDeepFlavB"], np.full(3, 5), pt, abseta, np.array(0.5))
    # ln(47 / 45) / 0.05 = 0.869703: exp(-0.378192) = 0.685099; 30 GeV is eight widths away
    expected = 1 + 0.5 * above * np.array([1.0, 0.685099, 0.0])
    assert truth.mean(np.full(3, 5), abseta, pt) == pytest.approx(expected, abs=1e-5)


def test_jets_beyond_the_tabulated_range_are_integrated():
    truth = toy_truth("btagDeepFlavB")
    abseta, pt = np.array([0.3, 1.4, 2.0]), np.array([12.0, 3000.0, 5000.0])
    means = truth.mean(np.full(3, 5), abseta, pt)
    assert means.tolist() == truth.integrate(5, abseta, pt).tolist()
    assert means == pytest.approx(expected_mean(truth, 5, abseta, pt), abs=1e-4)


def test_a_constant_scale_factor_has_no_effect(tmp_path):
    truth = effective_truth(write(tmp_path / "sf.json", 0.8, charm=1.3), "sf", "central", "btagDeepB")
    flavour, abseta, pt = np.array([5, 4, 4]), np.array([0.5, 1.0, 2.6]), np.array([30.0, 5000.0, 50.0])
    assert truth.mean(flavour, abseta, pt).tolist() == [0.8, 1.3, 1.0]
    assert truth.evaluate(flavour, abseta, pt, np.array([0.1, -1.0, -2.0])) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("branch", TAGGERS)
@pytest.mark.parametrize("flavour", [5, 0])
def test_effective_truth_has_mean_one_over_the_generators_discriminants(branch, flavour):
    n = 8_000
    truth = toy_truth(branch)
    f, pt, abseta = np.full(n, flavour), np.full(n, 35.0), np.full(n, 1.9)
    values = draw(np.random.default_rng(1), TAGGERS[branch], f, pt, abseta)
    s = truth.evaluate(f, abseta, pt, values)
    assert s.mean() == pytest.approx(1.0, abs=4 * s.std() / np.sqrt(n))
    assert s.std() > 0.05


def test_charm_and_untagged_jets_are_one():
    truth = toy_truth("btagDeepFlavB")
    values = truth.evaluate(np.array([4, 5, 0]), np.array([1.0, 2.5, 3.0]), np.full(3, 50.0), np.array([0.2, 0.5, 0.9]))
    assert values == pytest.approx(1.0, abs=1e-12)


def test_no_jets_are_no_problem():
    empty = np.zeros(0)
    assert len(toy_truth("btagDeepB").evaluate(empty.astype(int), empty, empty, empty)) == 0


def test_a_column_that_the_generator_does_not_make_has_no_truth():
    with pytest.raises(
        ValueError, match="makes no 'btagCSVV2', so its truth is unknown; it makes btagDeepFlavB, btagDeepB, btagPNetB"
    ):
        effective_truth(TOY, NAME, "central", "btagCSVV2")
