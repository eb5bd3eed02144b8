"""The code of docs/efficiencies.md runs as it is written there, on an exported ensemble and exported maps."""

from __future__ import annotations

import contextlib

import awkward as ak
import numpy as np
import pytest

from deepsf.efficiency import EfficiencyEnsemble, events_of_jets
from tests.analysis.efficiency.exports.ensembles import CODES
from tests.docs.documents import ROOT, run, simulated, write_efficiency_files

DOCUMENT = ROOT / "docs" / "efficiencies.md"


@pytest.fixture(scope="module")
def namespace(tmp_path_factory):
    """Run all Python blocks of the document in a folder with the files that it names."""
    folder = tmp_path_factory.mktemp("document")
    write_efficiency_files(folder)
    with contextlib.chdir(folder):
        names = run(DOCUMENT)
        names["own"] = EfficiencyEnsemble.load("own.safetensors")
    return names


def test_the_document_runs_and_its_three_ways_agree(namespace):
    medium = namespace["medium"]
    np.testing.assert_allclose(namespace["medium_of_onnx"], medium, atol=1e-6)
    np.testing.assert_allclose(namespace["weight"], [at_least_two(medium[:3]), 0.0], rtol=1e-6)
    assert namespace["v_eff"] > 0
    assert [len(event) for event in namespace["by_event"]] == [3, 1]
    assert (namespace["down"] < namespace["of_map"]).all()
    assert (namespace["of_map"] < namespace["up"]).all()
    sf, eff = namespace["sf"], namespace["of_map"]
    expected = sf * (1 - sf * eff[1]) / (1 - eff[1]) * (1 - sf * eff[2]) / (1 - eff[2])
    assert namespace["wp_weight"][0] == pytest.approx(expected)


def test_an_ensemble_is_trained_on_arrays_of_ones_own(namespace):
    own, given = namespace["own"], simulated(400)
    assert own.n_members == 4
    assert (own.flavours, own.working_points) == (("b", "c", "udsg"), ("L", "M"))
    score = ak.to_numpy(ak.flatten(given.jets.btagDeepFlavB))
    events = events_of_jets(given.jets, CODES, working_points=("L", "M"))
    weight = np.repeat(ak.to_numpy(given.genWeight), events.n_jets)
    # scores know nothing of the jets: efficiencies are the tagged fractions, within the errors of 1000 jets
    for k, cut in enumerate((0.0532, 0.3040)):
        tagged = np.average(score > cut, weights=weight)
        assert own.evaluate(events).mean[:, k].mean() == pytest.approx(tagged, abs=0.03)


def test_tags_are_drawn_and_yields_have_both_variances(namespace):
    pattern, tag_bin, yields = namespace["pattern"], namespace["tag_bin"], namespace["yields"]
    assert pattern.is_possible.tolist() == [True, False]
    assert pattern.tagged[:3].sum() >= 2
    assert not pattern.tagged[3]
    np.testing.assert_array_equal(tag_bin > namespace["tag"], pattern.tagged)
    assert ak.num(namespace["tagged_jets"]).tolist() == [pattern.tagged.sum(), 0]
    # the first event, of weight 1.2, is alone in the last bin
    first = 1.2 * namespace["weight"][0]
    np.testing.assert_allclose(yields.value, [0.0, 0.0, first])
    v_eff = 1.2**2 * namespace["v_eff"]
    assert namespace["error"][2] == pytest.approx(np.sqrt(first**2 + v_eff))
    assert yields.covariance[2, 2] == pytest.approx(first**2 + v_eff)


def test_onnx_and_maps_weigh_events_with_the_same_functions(namespace):
    np.testing.assert_allclose(namespace["weight_of_onnx"], namespace["weight"], rtol=1e-5)
    by_point, tagged = namespace["by_point"], namespace["drawn"].tagged
    assert (by_point[:, 1] < by_point[:, 0]).all()
    assert namespace["probability"][0] == pytest.approx(at_least_two(by_point[:3, 1]))
    assert tagged[:3].sum() >= 2
    np.testing.assert_array_equal(namespace["drawn_bins"] > 1, tagged)
    np.testing.assert_allclose(namespace["tagged_yields"].value, [0.0, 0.0, 1.2 * namespace["probability"][0]])


def at_least_two(eff):
    a, b, c = (float(value) for value in eff)
    return a * b + a * c + b * c - 2 * a * b * c
