"""A member as a correction: its values to single precision, and errors where tables have them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.corrections.correction import Correction, CorrectionFileError
from deepsf.exports.corrections import Label, read_correction, write_corrections
from deepsf.exports.event_weight import ShapeCorrection, event_weight
from deepsf.exports.network_correction import NEEDS, network_correction
from deepsf.networks.scale_factor import Architecture
from tests.analysis.exports.conftest import CODES, FLAVOURS, member, points
from tests.analysis.exports.networks import limited, with_further_input, with_limit, with_mass

LABEL = Label("deepJet_deepsf_networks", "deepJet", "btagDeepFlavB", "toy", "For tests.")


def correction_of(made, **options):
    return Correction.of_tree(network_correction(made, FLAVOURS, LABEL, "One member.", **options)).validated()


def largest_difference(made, jets, **stated):
    correction = correction_of(made)
    columns = {"pt": jets.pt_gev, "abseta": jets.abseta, "discriminant": jets.discriminant, **jets.extra, **stated}
    differences = []
    for flavour, code in CODES.items():
        expected = made.evaluate(flavour, jets)
        assert flavour == "c" or np.ptp(expected) > 0.2
        found = correction.evaluate({"systematic": "central", "flavor": code, **columns})
        differences.append(np.abs(found / expected - 1).max())
    return max(differences)


@pytest.mark.parametrize("made", [member(1), limited(2)], ids=["without limits", "with limits"])
def test_a_member_has_its_own_values_to_single_precision(made):
    assert largest_difference(made, points(20_000)) < 1e-6


def test_further_inputs_are_inputs_of_the_correction():
    made = with_further_input(4)
    assert largest_difference(made, with_mass(5000)) < 1e-6
    assert list(correction_of(made).inputs)[-2:] == ["discriminant", "mass"]
    columns = {"systematic": "central", "flavor": 5, "abseta": 1.0, "pt": 50.0, "discriminant": 0.5}
    with pytest.raises(ValueError, match="mass nan is outside of"):
        correction_of(made).evaluate({**columns, "mass": np.array([np.nan])})


def test_further_inputs_have_their_own_rule_for_invalid_values():
    made, jets = with_limit(4), with_mass(5000, some_are_nan=True)
    stated = made.scalings["b"].stated(jets)["mass"]
    assert 0.15 < (stated < 5).mean() < 0.25
    assert largest_difference(made, jets, mass=stated) < 1e-6
    inputs = network_correction(made, FLAVOURS, LABEL, "")["inputs"]
    assert inputs[-1]["description"] == "mass of the jet; below 5: not valid, set NaN to such a value"
    # any value below the limit is the same
    columns = {"systematic": "central", "flavor": 5, "abseta": 1.0, "pt": 50.0, "discriminant": 0.5}
    values = correction_of(made).evaluate({**columns, "mass": np.array([4.99, 0.0, -999.0])})
    assert np.ptp(values) == 0


def test_the_output_is_clipped_as_that_of_the_member():
    made = replace(member(5), architecture=Architecture(2, 16, 0.05))
    assert np.ptp(made.evaluate("b", points(2000), normalised=False)) < 0.11
    correction = correction_of(made)
    jets = points(2000)
    columns = {"abseta": jets.abseta, "pt": jets.pt_gev, "discriminant": jets.discriminant}
    found = correction.evaluate({"systematic": "central", "flavor": 5, **columns})
    np.testing.assert_allclose(found, made.evaluate("b", jets), rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pt": np.nan}, "pt nan is outside of"),
        ({"pt": 0.0}, "pt 0 is outside of"),
        ({"pt": np.inf}, "pt inf is outside of"),
        ({"discriminant": np.nan}, "discriminant nan is outside of"),
        ({"abseta": -0.1}, "abseta -0.1 is outside of 0 to 2.5"),
        ({"abseta": 2.5}, "abseta 2.5 is outside of 0 to 2.5"),
        ({"flavor": 4, "pt": np.nan}, "pt nan is outside of"),
        ({"flavor": 4, "abseta": 2.5}, "abseta 2.5 is outside of 0 to 2.5"),
        ({"flavor": 7}, "flavor 7 is none of 5, 4, 0"),
        ({"systematic": "up_hf"}, "systematic up_hf is none of central"),
    ],
)
def test_bad_numbers_are_errors(changes, message):
    jet = {"systematic": "central", "flavor": 5, "abseta": 1.0, "pt": 50.0, "discriminant": 0.5}
    with pytest.raises(ValueError, match=message):
        correction_of(member(1)).evaluate({**jet, **changes})


def test_a_file_weights_events_and_says_what_it_needs(tmp_path):
    path = tmp_path / "networks.json.gz"
    made = limited(1)
    write_corrections(path, [network_correction(made, FLAVOURS, LABEL, "One member.")], "")
    assert NEEDS in read_correction(path)["description"]
    jets = points(4)
    columns = {
        "pt": jets.pt_gev,
        "abseta": jets.abseta,
        "hadronFlavour": [5, 5, 0, 4],
        "btagDeepFlavB": jets.discriminant,
    }
    weights = event_weight(ShapeCorrection.load(path, era="toy"), columns, counts=[2, 2])
    b, light = made.evaluate("b", jets), made.evaluate("udsg", jets)
    np.testing.assert_allclose(weights, [b[0] * b[1], light[2]], rtol=1e-6)


def test_fewer_digits_make_a_shorter_file_of_almost_the_same_values():
    made, jets = member(1), points(2000)
    columns = {"systematic": "central", "flavor": 5, "abseta": jets.abseta, "pt": jets.pt_gev}
    columns["discriminant"] = jets.discriminant
    found = correction_of(made, digits=5).evaluate(columns)
    away = np.abs(found / made.evaluate("b", jets) - 1).max()
    assert 1e-6 < away < 1e-3


def test_an_old_correctionlib_is_told_apart_from_a_wrong_file():
    # what correctionlib does not know, as 2.8 does not know networks
    tree = {**network_correction(member(1), FLAVOURS, LABEL, ""), "data": {"nodetype": "newer"}}
    with pytest.raises(CorrectionFileError, match=r"nodetype\); update correctionlib, networks need 2\.9 or newer"):
        Correction.of_tree(tree)
