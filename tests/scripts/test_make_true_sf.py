from pathlib import Path

import correctionlib
import numpy as np
import pytest

from deepsf.generator.truth import load as effective_truth
from scripts import make_true_sf as shipped_truth

FILE = Path(__file__).parents[2] / "configs" / "true_sf" / "toy.json"
CORRECTION = correctionlib.CorrectionSet.from_file(str(FILE))[shipped_truth.NAME]


@pytest.mark.parametrize(("name", "waves"), shipped_truth.SHIPPED.items())
def test_shipped_files_are_what_their_maker_makes(name, waves):
    made = shipped_truth.to_json(waves)
    assert FILE.with_name(name).read_text() == made, "run python -m scripts.make_true_sf configs/true_sf"


def test_the_other_truth_differs_in_charm_alone():
    other = correctionlib.CorrectionSet.from_file(str(FILE.with_name("toy_c.json")))[shipped_truth.NAME]
    score = np.linspace(-0.1, 1.0, 200)
    for flavour in (5, 0):
        np.testing.assert_array_equal(*(c.evaluate("central", flavour, 1.0, 60.0, score) for c in (CORRECTION, other)))
    charm = other.evaluate("central", 4, 1.0, 60.0, score)
    assert 0.7 < charm.min() < 0.9
    assert 1.1 < charm.max() < 1.3


def test_inputs_are_those_of_public_tables():
    assert [v.name for v in CORRECTION.inputs] == ["systematic", "flavor", "abseta", "pt", "discriminant"]


@pytest.mark.parametrize("systematic", ["central", "up_hf", "down_hf", "up_lf", "down_lf"])
def test_values_stay_within_bounds_and_charm_is_one(systematic):
    abseta, pt, discriminant = np.meshgrid(
        np.linspace(0, 2.49, 12), np.geomspace(15, 3000, 20), np.linspace(-0.1, 1, 300), indexing="ij"
    )
    for flavour in (5, 0):
        values = CORRECTION.evaluate(systematic, flavour, abseta, pt, discriminant)
        assert 0.6 < values.min() < 0.8
        assert 1.2 < values.max() < 1.45
    assert (CORRECTION.evaluate(systematic, 4, abseta, pt, discriminant) == 1.0).all()


def test_value_in_the_centre_by_hand():
    # b at 60 GeV and |eta| = 1.25, where P = E = 0: 1 - 0.22 sin(0.45 (L - 1.8)); at d = 0.5 the logit L is 0:
    # sin(-0.81) = -0.724287 -> 1.159343
    assert CORRECTION.evaluate("central", 5, 1.25, 60.0, 0.5) == pytest.approx(1.159343, abs=1e-5)
    assert CORRECTION.evaluate("central", 5, 1.25, 60.0, -1.0) == 1.1
    assert CORRECTION.evaluate("central", 0, 1.25, 60.0, -2.0) == 0.9


def test_a_shift_scales_the_effect_of_its_flavour_alone():
    point = (1.0, 50.0, 0.2)
    for flavour, moved in ((5, "hf"), (0, "lf")):
        central = CORRECTION.evaluate("central", flavour, *point)
        for source in ("hf", "lf"):
            up = CORRECTION.evaluate(f"up_{source}", flavour, *point)
            expected = 1 + 1.25 * (central - 1) if source == moved else central
            assert up == pytest.approx(expected, abs=1e-5)


def test_effective_truth_varies_in_all_three_variables():
    truth = effective_truth(FILE, shipped_truth.NAME, "central", "btagDeepFlavB")

    def spread(flavour, abseta=1.0, pt=60.0, discriminant=0.05):
        abseta, pt, discriminant = np.broadcast_arrays(abseta, pt, discriminant)
        return np.ptp(truth.evaluate(np.full(abseta.shape, flavour), abseta, pt, discriminant))

    for flavour in (5, 0):
        assert spread(flavour, discriminant=np.array([0.003, 0.02, 0.1, 0.5, 0.95])) > 0.25
        assert spread(flavour, abseta=np.array([0.1, 1.2, 2.4]), discriminant=0.1) > 0.1
    assert spread(5, pt=np.array([22.0, 60.0, 300.0]), discriminant=0.05) > 0.05
    assert spread(5, pt=np.array([22.0, 60.0, 300.0]), discriminant=0.005) > 0.10
    assert spread(0, pt=np.array([22.0, 60.0, 300.0]), discriminant=0.05) > 0.08
