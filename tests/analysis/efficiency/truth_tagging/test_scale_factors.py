"""Scale factors of truth-tagged events: bins from cuts, both routes to the yield of data, correctionlib files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.truth_tagging.draws import NOT_DRAWN, draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.probabilities import at_least, exactly
from deepsf.efficiency.truth_tagging.scale_factors import (
    TaggedJets,
    bin_probabilities,
    data_efficiencies,
    drawn_scale_factor,
    of_working_points,
    read_scale_factors,
    scale_factors_in_bins,
)
from tests.oracles.truth_tagging import FunctionOfBin

POINTS = {"L": 0.05, "M": 0.3, "T": 0.75}


def sample(n=20_000, seed=1, n_points=3):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 7, n)
    offsets = offsets_of(counts)
    total = offsets[-1]
    loosest = rng.choice([0.8, 0.2, 0.02], total) * rng.uniform(0.8, 1.2, total)
    efficiency = loosest[:, None] * np.array([1.0, 0.7, 0.4])[:n_points]
    jets = TaggedJets(rng.choice([5, 4, 0], total), rng.uniform(0, 2.4, total), rng.uniform(20, 300, total))
    return efficiency, offsets, np.arange(n, dtype=np.uint64), jets, rng.random(total) < 0.8


def of_bin(flavour, pt_gev, abseta, tag_bin):
    return 1.0 + 0.001 * flavour + 0.1 * (tag_bin - 1) + 1e-4 * pt_gev + 0.01 * abseta


def test_bins_from_cuts_by_hand():
    # 1 - 0.9 x 0.5 = 0.55 of data fail, of 0.5; 0.45 - 1.2 x 0.2 = 0.21 in between, of 0.3; 0.24 pass, of 0.2
    efficiency, cuts = np.array([[0.5, 0.2]]), np.array([[0.9, 1.2]])
    np.testing.assert_allclose(of_working_points(cuts, efficiency), [[1.1, 0.7, 1.2]])
    np.testing.assert_allclose(bin_probabilities(efficiency), [[0.5, 0.3, 0.2]])


def test_scale_factors_from_cuts_have_mean_one_and_give_back_the_efficiency_of_data():
    efficiency = sample()[0]
    cuts = np.random.default_rng(2).uniform(0.9, 1.1, efficiency.shape)
    in_bins = of_working_points(cuts, efficiency)
    np.testing.assert_allclose((bin_probabilities(efficiency) * in_bins).sum(axis=1), 1.0, rtol=1e-12)
    for point in range(3):
        tagged, untagged = data_efficiencies(efficiency, in_bins, point)
        np.testing.assert_allclose(tagged, cuts[:, point] * efficiency[:, point], rtol=1e-9)
        np.testing.assert_allclose(untagged, 1 - tagged, rtol=1e-9)


def test_a_bin_that_no_jet_is_in_has_scale_factor_one():
    found = of_working_points(np.array([[1.1, 0.8]]), np.array([[0.4, 0.4]]))
    np.testing.assert_allclose(found[0, 1], 1.0)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("n", "or_more"), [(1, False), (2, True), (0, False)])
def test_both_routes_to_data_agree_and_the_recomputed_one_has_less_variance(n, or_more):
    efficiency, offsets, event, jets, mask = sample()
    in_bins = scale_factors_in_bins(FunctionOfBin(of_bin), jets, efficiency, mask)
    probability = (at_least if or_more else exactly)(efficiency[:, 1], offsets, n, mask)
    drawn = draw_pattern(efficiency[:, 1], offsets, event, n, at_least=or_more, seed=1, taggable=mask)
    bins = draw_bins(efficiency, offsets, event, drawn.tagged, 1, seed=1, taggable=mask)
    by_draw = probability * drawn_scale_factor(in_bins, bins, offsets)
    tagged, untagged = data_efficiencies(efficiency, in_bins, 1)
    recomputed = (at_least if or_more else exactly)(tagged, offsets, n, mask, untagged)
    difference = by_draw - recomputed
    assert abs(difference.sum()) < 2 * np.sqrt(np.sum(difference**2))
    assert np.sum(difference**2) > 0
    assert np.sum(recomputed**2) < np.sum(by_draw**2)


def test_the_recomputed_route_is_the_mean_over_draws_of_one_event():
    n = 200_000
    one = np.array([[0.6, 0.3], [0.3, 0.05], [0.1, 0.02]])
    efficiency, offsets = np.tile(one, (n, 1)), offsets_of(np.full(n, 3))
    in_bins = np.tile(np.array([[0.8, 1.1, 1.4], [1.05, 0.9, 0.7], [1.0, 1.3, 1.2]]), (n, 1))
    event = np.arange(n, dtype=np.uint64)
    tagged = draw_pattern(efficiency[:, 0], offsets, event, 2, at_least=True, seed=1).tagged
    factor = drawn_scale_factor(in_bins, draw_bins(efficiency, offsets, event, tagged, 0, seed=1), offsets)
    weight = at_least(efficiency[:3, 0], offsets[:2], 2)[0]
    in_data, untagged = data_efficiencies(one, in_bins[:3], 0)
    expected = at_least(in_data, offsets[:2], 2, None, untagged)[0]
    assert abs(weight * factor.mean() - expected) < 4 * weight * factor.std() / np.sqrt(n)


def test_unit_scale_factors_change_nothing():
    efficiency, offsets, event, _, mask = sample(500)
    ones = np.ones((len(efficiency), 4))
    tagged, untagged = data_efficiencies(efficiency, ones, 2)
    np.testing.assert_allclose(
        at_least(tagged, offsets, 2, mask, untagged), at_least(efficiency[:, 2], offsets, 2, mask), rtol=1e-10, atol=0
    )
    bins = draw_bins(efficiency, offsets, event, np.zeros(len(mask), bool), 2, seed=1, taggable=mask)
    np.testing.assert_array_equal(drawn_scale_factor(ones, bins, offsets), 1.0)


def test_the_drawn_scale_factor_is_a_product_over_taggable_jets():
    in_bins = np.array([[0.5, 2.0], [3.0, 5.0], [7.0, 11.0], [13.0, 17.0]])
    bins = np.array([1, 0, NOT_DRAWN, 1], np.int8)
    np.testing.assert_array_equal(drawn_scale_factor(in_bins, bins, np.array([0, 3, 3, 4])), [6.0, 1.0, 17.0])


def test_jets_that_are_not_taggable_need_no_scale_factor():
    efficiency, _, _, jets, mask = sample(100)

    def only_taggable(flavour, pt_gev, abseta, tag_bin):
        assert len(pt_gev) == mask.sum()
        return np.full(len(pt_gev), 2.0)

    found = scale_factors_in_bins(FunctionOfBin(only_taggable), jets, efficiency, mask)
    assert (found[mask] == 2).all()
    assert (found[~mask] == 1).all()


def category(variable, items):
    content = [{"key": key, "value": value} for key, value in items.items()]
    return {"nodetype": "category", "input": variable, "content": content}


def binning(variable, edges, content):
    return {
        "nodetype": "binning",
        "input": variable,
        "edges": list(map(float, edges)),
        "content": content,
        "flow": "error",
    }


def correction(name, last, values):
    kinds = {"systematic": "string", "working_point": "string", "flavor": "int"}
    inputs = [{"name": key, "type": kinds.get(key, "real")} for key in last]
    return {"name": name, "version": 1, "inputs": inputs, "output": {"name": "weight", "type": "real"}, "data": values}


def cuts_file(path):
    """Scale factors 1.flavour + 0.01 x place of the working point; heavy flavours in one, light in another."""
    inputs = ("systematic", "working_point", "flavor", "abseta", "pt")

    def of(flavours):
        tree = {
            s: category(
                "working_point",
                {
                    p: category(
                        "flavor",
                        {f: binning("abseta", [0, 2.4], [1 + 0.01 * f + 0.001 * k + shift]) for f in flavours},
                    )
                    for k, p in enumerate(POINTS)
                },
            )
            for s, shift in (("central", 0.0), ("up", 0.1))
        }
        return category("systematic", tree)

    corrections = [correction("heavy", inputs, of((5, 4))), correction("light", inputs, of((0,)))]
    path.write_text(json.dumps({"schema_version": 2, "corrections": corrections}))
    return path


def test_cuts_of_a_correctionlib_file_serve_all_flavours_of_several_corrections(tmp_path):
    efficiency, _, _, jets, _ = sample(200)
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy", "light"], POINTS)
    found = scale_factors_in_bins(source, jets, efficiency)
    cuts = 1 + 0.01 * jets.hadron_flavour[:, None] + 0.001 * np.arange(3)
    np.testing.assert_allclose(found, of_working_points(cuts, efficiency))
    up = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy", "light"], POINTS, "up")
    np.testing.assert_allclose(scale_factors_in_bins(up, jets, efficiency), of_working_points(cuts + 0.1, efficiency))


def shape_file(path):
    """Scale factors 0.9 below a score of 0.3, 1.2 above, for all flavours."""
    inputs = ("systematic", "flavor", "abseta", "pt", "discriminant")
    values = binning("discriminant", [-2, 0.3, 1], [0.9, 1.2])
    kinematic = binning("abseta", [0, 2.5], [binning("pt", [0, 1000], [values])])
    tree = category("systematic", {"central": category("flavor", dict.fromkeys((0, 4, 5), kinematic))})
    path.write_text(json.dumps({"schema_version": 2, "corrections": [correction("shape", inputs, tree)]}))
    return path


def test_a_shape_is_averaged_over_the_scores_of_a_bin(tmp_path):
    efficiency, _, _, jets, _ = sample(50, n_points=2)
    path = shape_file(tmp_path / "shape.json")
    found = scale_factors_in_bins(read_scale_factors(path, ["shape"], {"L": 0.15, "T": 0.45}), jets, efficiency)
    # of the middle bin one half is below 0.3
    np.testing.assert_allclose(found, np.broadcast_to([0.9, 1.05, 1.2], found.shape))


def test_bad_files_get_a_message(tmp_path):
    cuts, shape = cuts_file(tmp_path / "cuts.json"), shape_file(tmp_path / "shape.json")
    with pytest.raises(ValueError, match=r"cuts\.json: no correction 'other'; name one of \['heavy', 'light'\]"):
        read_scale_factors(cuts, ["heavy", "other"], POINTS)
    with pytest.raises(ValueError, match=r"depends on the score, but the cuts of the working points \['L', 'M', 'T'\]"):
        read_scale_factors(shape, ["shape"], dict.fromkeys(POINTS))
    tree = correction("flat", ("pt",), binning("pt", [0, 1], [1.0]))
    (tmp_path / "flat.json").write_text(json.dumps({"schema_version": 2, "corrections": [tree]}))
    with pytest.raises(
        ValueError, match=r"flat: its inputs are pt \(real\); take a correction of systematic .*, pt \(real\)$"
    ):
        read_scale_factors(tmp_path / "flat.json", ["flat"], POINTS)


def test_jets_without_scale_factors_get_a_message(tmp_path):
    efficiency, _, _, jets, _ = sample(50)
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy"], POINTS)
    with pytest.raises(
        ValueError, match=r"none of the corrections \['heavy'\] has 'central', 'L' and hadron flavour 0"
    ):
        scale_factors_in_bins(source, jets, efficiency)
    wide = jets._replace(abseta=np.full(len(efficiency), 2.45), hadron_flavour=np.full(len(efficiency), 5))
    with pytest.raises(ValueError, match=r"heavy: abseta 2\.45 is outside of 0 to 2\.4 \(\d+ jets\)"):
        scale_factors_in_bins(source, wide, efficiency)
    with pytest.raises(ValueError, match="working points are not nested"):
        scale_factors_in_bins(source, jets, efficiency[:, ::-1])
    with pytest.raises(ValueError, match="scale factors are of 2 jets, bins of 3"):
        drawn_scale_factor(np.ones((2, 2)), np.zeros(3, np.int8), np.array([0, 3]))


@pytest.mark.parametrize("names", [["deepJet_comb", "deepJet_incl"], ["deepJet_shape"]])
def test_public_files_of_cms_serve_all_flavours(names):
    path = os.environ.get("DEEPSF_REFERENCE_SF")
    if not path:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file")
    efficiency, _, _, jets, _ = sample(200)
    found = scale_factors_in_bins(read_scale_factors(Path(path), names, POINTS), jets, efficiency)
    assert found.shape == (len(efficiency), 4)
    assert 0.9 < np.median(found) < 1.2
    if len(names) > 1:
        np.testing.assert_allclose((bin_probabilities(efficiency) * found).sum(axis=1), 1.0, rtol=1e-9)
