"""Scale factors of tags from correctionlib files: cuts for all flavours, shapes averaged over a sample, systematics."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from deepsf.efficiency.truth_tagging.correction_files import check_range, read_scale_factors
from deepsf.efficiency.truth_tagging.scale_factors import (
    TaggedJets,
    bin_probabilities,
    of_working_points,
    scale_factors_in_bins,
)
from tests.oracles.tag_corrections import POINTS, SHAPE, binning, correction, cut, cuts_file, shape_file, write

NAMES = ["heavy", "light"]


def sample(n=300, seed=1):
    """Return efficiencies of three working points, and jets with scores that crowd at the lower end of the bins."""
    rng = np.random.default_rng(seed)
    efficiency = rng.uniform(0.1, 0.9, n)[:, None] * np.array([1.0, 0.7, 0.4])
    tag_bin = rng.integers(0, 4, n).astype(np.int8)
    score = np.array([0.0, 0.1, 0.3, 0.7])[tag_bin] + 0.05 * rng.random(n)
    flavour, abseta, pt = rng.choice([5, 4, 0], n), rng.uniform(0, 2.4, n), rng.uniform(20, 300, n)
    return efficiency, TaggedJets(flavour, abseta, pt, tag_bin, score, np.ones(n))


def cuts_of(jets, shift):
    """Return the scale factors of the cuts, ``shift`` a function of the hadron flavour."""
    flavours = jets.hadron_flavour.tolist()
    return np.array([[cut(flavour, point, shift(flavour)) for point in POINTS] for flavour in flavours])


def test_cuts_serve_all_flavours_of_several_corrections(tmp_path):
    efficiency, jets = sample()
    found = read_scale_factors(cuts_file(tmp_path / "cuts.json"), NAMES, POINTS).averaged_over(jets).of_jets(jets)
    expected = of_working_points(cuts_of(jets, lambda flavour: 0.0), efficiency)
    np.testing.assert_allclose(scale_factors_in_bins(found, efficiency), expected)
    np.testing.assert_allclose(found.at_tags(efficiency), expected[np.arange(len(expected)), jets.tag_bin])


def test_systematics_vary_what_they_name_and_leave_the_rest_central(tmp_path):
    efficiency, jets = sample()
    systematics = {"all": "up", "bc": {"heavy": "up"}, "light": {"light": "down"}, "fsr": "up_fsr"}
    systematics |= {"apart": {"heavy": "up", "light": "down"}}
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), NAMES, POINTS, systematics)
    assert source.systematics == ("all", "bc", "light", "fsr", "apart")
    shifts = {
        "all": lambda flavour: 0.1,
        "bc": lambda flavour: 0.1 if flavour else 0.0,
        "light": lambda flavour: 0.0 if flavour else -0.1,
        "fsr": lambda flavour: 0.05 if flavour == 5 else 0.0,  # c jets lack it, light jets have another correction
        "apart": lambda flavour: 0.1 if flavour else -0.1,
    }
    for name, shift in shifts.items():
        expected = of_working_points(cuts_of(jets, shift), efficiency)
        np.testing.assert_allclose(source.of_jets(jets, name).in_bins(efficiency), expected, err_msg=name)


def test_a_shape_is_averaged_over_the_scores_that_jets_have_and_not_uniformly(tmp_path):
    # 9 of 10 untagged jets are at 0.1, where the scale factor is 1, one is at 0.25 with 2: 1.1. Uniform scores between
    # 0 and the working point at 0.3 would give (0.2 x 1 + 0.1 x 2) / 0.3 = 4/3, more by a factor of 1.21.
    score = np.array([0.1] * 9 + [0.25] + [0.5])
    n = len(score)
    kinematics, position = (np.zeros(n, np.int64), np.full(n, 1.0), np.full(n, 50.0)), np.linspace(0.05, 1.05, n) % 1
    jets = TaggedJets(*kinematics, (score > 0.3).astype(np.int8), score, np.ones(n), position)
    found = read_scale_factors(shape_file(tmp_path / "shape.json"), ["shape"], ["M"]).averaged_over(jets).of_jets(jets)
    # at ten positions, those of the first ten jets, the mean is exact
    np.testing.assert_allclose(found.in_bins(np.full((n, 1), 0.1))[:10].mean(axis=0), [1.1, 2.0])
    np.testing.assert_allclose(found.at_tags(np.full((n, 1), 0.1)), np.where(score < 0.2, 1.0, 2.0))


def test_eigenvectors_of_a_shape_flow_through_by_a_pattern(tmp_path):
    _, jets = sample()
    source = read_scale_factors(shape_file(tmp_path / "shape.json"), ["shape"], POINTS, {"stat*_up": "up_stat*"})
    assert source.systematics == ("stat1_up", "stat2_up", "statrest_up")
    source = source.averaged_over(jets)
    central = source.of_jets(jets)
    for name in source.systematics:
        shifted, shift = source.of_jets(jets, name), SHAPE[f"up_{name.removesuffix('_up')}"]
        np.testing.assert_allclose(shifted.means, central.means + shift)
        np.testing.assert_allclose(shifted.values, central.values + shift)


def test_a_shape_without_scores_is_refused_with_the_way_out(tmp_path):
    _, jets = sample()
    source = read_scale_factors(shape_file(tmp_path / "shape.json"), ["shape"], POINTS)
    with pytest.raises(
        ValueError,
        match=r"shape depends on the discriminant, which the jets of these events do not have; give it "
        r"\(JetEvents\.discriminant\), or take scale factors of working points",
    ):
        source.averaged_over(jets._replace(discriminant=None))
    with pytest.raises(ValueError, match="shape: not averaged over the scores of a sample"):
        source.of_jets(jets)


def test_bad_files_and_names_get_a_message(tmp_path):
    cuts, shape = cuts_file(tmp_path / "cuts.json"), shape_file(tmp_path / "shape.json")
    with pytest.raises(ValueError, match=r"cuts\.json: no correction 'other'; name one of \['heavy', 'light'\]"):
        read_scale_factors(cuts, ["heavy", "other"], POINTS)
    with pytest.raises(
        ValueError, match=r"cuts\.json: systematic 'x': no correction of .* has 'dwn'; did you mean 'do"
    ):
        read_scale_factors(cuts, NAMES, POINTS, {"x": "dwn"})
    with pytest.raises(ValueError, match=r"shape\.json: systematic 'x': no correction 'shap'; did you mean 'shape'\?"):
        read_scale_factors(shape, ["shape"], POINTS, {"x": {"shap": "up_stat1"}})
    flat = write(tmp_path / "flat.json", correction("flat", ("pt",), binning("pt", [0, 1], [1.0])))
    with pytest.raises(
        ValueError, match=r"flat: its inputs are pt \(real\); take a correction of systematic .*, pt \(real\)$"
    ):
        read_scale_factors(flat, ["flat"], POINTS)


def test_jets_without_scale_factors_get_a_message(tmp_path):
    _, jets = sample()
    source = read_scale_factors(cuts_file(tmp_path / "cuts.json"), ["heavy"], POINTS)
    with pytest.raises(
        ValueError, match=r"none of the corrections \['heavy'\] has 'central', 'L' and hadron flavour 0"
    ):
        source.of_jets(jets)
    wide = jets._replace(abseta=np.full(300, 2.45), hadron_flavour=np.full(300, 5))
    with pytest.raises(ValueError, match=r"heavy: abseta 2\.45 is outside of 0 to 2\.4 \(\d+ jets\)"):
        source.of_jets(wide)


def test_cuts_on_taggable_jets_must_lie_within_the_file(tmp_path):
    cuts = read_scale_factors(cuts_file(tmp_path / "cuts.json"), NAMES, POINTS)
    shape = read_scale_factors(shape_file(tmp_path / "shape.json"), ["shape"], POINTS)
    check_range(cuts, (5, 4, 0), 20.0, 2.4)  # |eta| of taggable jets is below 2.4
    check_range(shape, (5, 4, 0), 20.0, 2.5)
    with pytest.raises(ValueError, match=r"light: abseta 2\.5 is outside of 0 to 2\.4"):
        check_range(cuts, (0, 4, 5), 20.0, 2.5)
    with pytest.raises(ValueError, match=r"shape: pt 15 is outside of 20 to 1000"):
        check_range(shape, (5, 4, 0), 15.0, 2.5)


@pytest.mark.parametrize("names", [["deepJet_comb", "deepJet_incl"], ["deepJet_shape"]])
def test_public_files_of_cms_serve_all_flavours(names):
    path = os.environ.get("DEEPSF_REFERENCE_SF")
    if not path:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file")
    efficiency, jets = sample()
    source = read_scale_factors(Path(path), names, POINTS).averaged_over(jets)
    found = scale_factors_in_bins(source.of_jets(jets), efficiency)
    assert found.shape == (len(efficiency), 4)
    assert 0.9 < np.median(found) < 1.2
    if len(names) > 1:
        np.testing.assert_allclose((bin_probabilities(efficiency) * found).sum(axis=1), 1.0, rtol=1e-9)
