"""The code of docs/using-efficiencies.md runs as it is written there, on an exported ensemble and exported maps."""

from __future__ import annotations

import contextlib

import awkward as ak
import numpy as np
import pytest

from tests.docs.documents import ROOT, run, write_efficiency_files

DOCUMENT = ROOT / "docs" / "using-efficiencies.md"


@pytest.fixture(scope="module")
def namespace(tmp_path_factory):
    """Run all Python blocks of the document in a folder with the files that it names."""
    folder = tmp_path_factory.mktemp("document")
    write_efficiency_files(folder)
    with contextlib.chdir(folder):
        return run(DOCUMENT)


def test_the_page_runs_and_its_three_forms_agree(namespace):
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


def test_the_mass_of_the_tagged_pair_is_that_of_the_drawn_pattern(namespace):
    tagged, jets, mass_gev = namespace["pattern"].tagged[:3], namespace["jets"][0], namespace["mass_gev"]
    first, second = (jets[int(k)] for k in np.flatnonzero(tagged)[:2])
    cosines = np.cosh(first.eta - second.eta) - np.cos(first.phi - second.phi)
    assert mass_gev[0] == pytest.approx(np.sqrt(2 * first.pt * second.pt * cosines), rel=1e-6)
    assert np.isnan(mass_gev[1])
    spectrum, tag, medium = namespace["spectrum"], namespace["tag"], namespace["medium"]
    filled = int(namespace["mass_bins"][0])
    assert spectrum.value[filled] == pytest.approx(1.2 * namespace["weight"][0])

    def of_pattern(eff):
        return np.prod(np.where(tagged, eff[:3], 1 - eff[:3]))

    members = [member[:, tag] for member in namespace["ensemble"].members(namespace["events"])]
    by_hand = [spectrum.value[filled] * of_pattern(m.astype(float)) / of_pattern(medium.astype(float)) for m in members]
    np.testing.assert_allclose(spectrum.replicas[:, filled], by_hand, rtol=1e-6)


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
