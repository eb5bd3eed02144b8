"""Smearing worked out by hand: both formats of the scale factor, matches at the generator, random numbers."""

import math

import correctionlib
import numpy as np
import pytest

from deepsf.nanoaod.events import Collection
from deepsf.skim.jet_corrections import JetCorrectionError
from tests.analysis.skim.hand_jets import JER, NEW_JER, chunk, energy, varied, write_smearing

MATCHED = {"gen": [(50.0, 1.0, math.pi)], "partner": [0]}


def pt_of(shifts):
    return {name: events.jets.columns["pt"][0] for name, events in shifts.items()}


@pytest.fixture
def smearing(tmp_path):
    """Return the key of the official smearing."""
    return {"file": str(write_smearing(tmp_path / "jer_smear.json"))}


def test_matched_jets_are_scaled_around_the_generators_jet(corrections):
    # 60 GeV with 50 GeV generated: 1 + (s - 1) 10 / 60; s = 1.2: 62, 1.25: 62.5, 0.9: 59 GeV
    shifts = varied(energy(corrections, jer=JER), *chunk([60.0], gen=[(50.0, 1.0, math.pi)], partner=[0]))
    pt = {name: events.jets.columns["pt"][0] for name, events in shifts.items()}
    assert pt == pytest.approx({"nominal": 62.0, "jer_up": 62.5, "jer_down": 59.0}, rel=1e-6)
    assert shifts["nominal"].met_gev[0] == pytest.approx(32.0, rel=1e-6)


@pytest.mark.parametrize(
    ("gen", "partner", "is_matched"),
    [
        ((42.1, 1.0, math.pi), 0, True),  # 17.9 GeV away; three standard deviations are 18 GeV
        ((41.9, 1.0, math.pi), 0, False),
        ((50.0, 1.19, math.pi), 0, True),
        ((50.0, 1.21, math.pi), 0, False),
        ((50.0, 1.0, -math.pi + 0.1), 0, True),  # around the back
        ((50.0, 1.0, math.pi), -1, False),
        ((50.0, 1.0, math.pi), 1, False),  # the event stores one jet of the generator
    ],
)
def test_matching_asks_for_angle_and_pt(corrections, gen, partner, is_matched):
    # a scale factor below 1 narrows matched jets alone
    shifts = varied(energy(corrections, jer=JER), *chunk([60.0], gen=[gen], partner=[partner]))
    assert bool(shifts["jer_down"].jets.columns["pt"][0] != 60.0) is is_matched


def test_unmatched_jets_are_smeared_by_the_missing_width(corrections):
    # s = 1.25: 0.1 * sqrt(1.25^2 - 1) = 0.075, s = 1.2: 0.1 * sqrt(0.44) = 0.0663
    events, leptons = chunk([60.0, 50.0, 40.0, 30.0], n_events=20_000)
    shifts = varied(energy(corrections, jer=JER), events, leptons)
    ratio = {name: e.jets.columns["pt"] / events.jets.columns["pt"] - 1.0 for name, e in shifts.items()}
    for name, width in (("nominal", 0.1 * math.sqrt(0.44)), ("jer_up", 0.075)):
        assert ratio[name].std() == pytest.approx(width, rel=0.01)  # 80000 jets: 0.25 %
        assert abs(ratio[name].mean()) < 4 * width / math.sqrt(80_000)
    # the same random number in every shift, another one for every jet and event
    np.testing.assert_allclose(ratio["jer_up"] / 0.075, ratio["nominal"] / (0.1 * math.sqrt(0.44)), rtol=0, atol=1e-4)
    by_jet = ratio["jer_up"].reshape(-1, 4)
    assert np.abs(np.corrcoef(by_jet.T) - np.eye(4)).max() < 0.03
    assert abs(np.corrcoef(by_jet[1:, 0], by_jet[:-1, 0])[0, 1]) < 0.03
    assert (ratio["jer_down"] == 0.0).all()


def test_random_numbers_do_not_depend_on_the_chunk(corrections):
    events, leptons = chunk([60.0, 50.0], n_events=10)
    whole = varied(energy(corrections, jer=JER), events, leptons)["nominal"].jets.columns["pt"]
    jets = Collection(events.jets.offsets[:4], {name: column[12:18] for name, column in events.jets.columns.items()})
    part = events._replace(
        first_index=6, run=events.run[6:9], luminosity_block=events.luminosity_block[6:9], event=events.event[6:9],
        met_gev=events.met_gev[6:9], met_phi=events.met_phi[6:9], rho=events.rho[6:9], jets=jets,
        gen_jets=Collection(events.gen_jets.offsets[:4], events.gen_jets.columns),
    )  # fmt: skip
    of_part = leptons._replace(
        position=np.arange(3), lepton_eta=leptons.lepton_eta[6:9], lepton_phi=leptons.lepton_phi[6:9]
    )
    found = varied(energy(corrections, jer=JER), part, of_part)["nominal"].jets.columns["pt"]
    np.testing.assert_array_equal(found, whole[12:18])


def test_an_uncertainty_of_its_own_moves_the_scale_factor_relatively(corrections):
    # s = 1.2 and 5 %: 1.26 and 1.14, 60 GeV with 50 GeV generated: 62, 62.6 and 61.4 GeV
    pt = pt_of(varied(energy(corrections, jer=NEW_JER), *chunk([60.0], **MATCHED)))
    assert pt == pytest.approx({"nominal": 62.0, "jer_up": 62.6, "jer_down": 61.4}, rel=1e-6)
    # with the old format's scale factor it is around nom, 1.2
    both = {**JER, "scale_factor_uncertainty": "SFUncertainty"}
    assert pt_of(varied(energy(corrections, jer=both), *chunk([60.0], **MATCHED))) == pytest.approx(pt)


def test_a_scale_factor_that_cannot_express_its_shifts_is_refused_when_loaded(corrections):
    with pytest.raises(JetCorrectionError) as caught:
        energy(corrections, jer={**JER, "scale_factor": "NewScaleFactor"})
    assert str(caught.value) == (
        f"{corrections}: 1 problem(s)\n"
        "  jet_corrections.jer.scale_factor: 'NewScaleFactor' takes no systematic, so that jer_up and jer_down cannot "
        "be expressed by it; name the correction of its uncertainty in jet_corrections.jer.scale_factor_uncertainty "
        "(SFUncertainty)"
    )
    assert energy(corrections, kind="data", jer={**JER, "scale_factor": "NewScaleFactor"}).shifts == ("nominal",)


def test_an_uncertainty_that_turns_the_scale_factor_over_is_refused(corrections):
    huge = energy(corrections, jer={**NEW_JER, "scale_factor_uncertainty": "HugeUncertainty"})
    with pytest.raises(
        JetCorrectionError, match=r"'HugeUncertainty' reaches 1\.1, so that jer_down has a scale factor"
    ):
        varied(huge, *chunk([60.0], **MATCHED))


@pytest.mark.parametrize("scale_factor", ["JERSF", "JERsf"])
def test_the_official_smearing_scales_matched_jets_alike(corrections, tmp_path, scale_factor):
    file = write_smearing(tmp_path / "smear.json", scale_factor=scale_factor)
    official = energy(corrections, jer={**NEW_JER, "smearing": {"file": str(file)}})
    pt = pt_of(varied(official, *chunk([60.0], **MATCHED)))
    assert pt == pytest.approx({"nominal": 62.0, "jer_up": 62.6, "jer_down": 61.4}, rel=1e-6)


def test_the_official_smearing_of_other_jets_has_the_random_numbers_of_the_file(corrections, smearing):
    official = energy(corrections, jer={**NEW_JER, "smearing": smearing})
    events, leptons = chunk([60.0, 50.0], n_events=3000)
    events = events._replace(event=events.event + np.uint64(2**40))
    shifts = varied(official, events, leptons)
    node = correctionlib.CorrectionSet.from_file(smearing["file"])["JERSmear"]
    number = np.repeat(events.event, 2).astype(np.int64)
    pt = events.jets.columns["pt"].astype(float)
    for shift, scale in (("nominal", 1.2), ("jer_up", 1.26), ("jer_down", 1.14)):
        # no match is -1; rho is 20, the resolution 0.1
        expected = pt * node.evaluate(pt, np.ones(6000), -1.0, 20.0, number, 0.1, scale)
        np.testing.assert_allclose(shifts[shift].jets.columns["pt"], expected, rtol=1e-6)
    relative = (shifts["nominal"].jets.columns["pt"] / pt - 1.0) / (0.1 * math.sqrt(0.44))
    assert relative.std() == pytest.approx(1.0, rel=0.04)  # 6000 jets: 1 %
    assert abs(np.corrcoef(relative[::2], relative[1::2])[0, 1]) < 0.08


def test_a_smearing_without_the_scale_factor_is_refused(corrections, tmp_path):
    file = write_smearing(tmp_path / "smear.json", scale_factor="Rho")
    with pytest.raises(JetCorrectionError) as caught:
        energy(corrections, jer={**NEW_JER, "smearing": {"file": str(file)}})
    assert str(caught.value) == (
        f"{file}: 1 problem(s)\n"
        "  jet_corrections.jer.smearing.name: 'JERSmear' takes no JERSF, so that jer_up and jer_down cannot be "
        "expressed by it; name a correction that does, or drop jer.smearing"
    )
    with pytest.raises(
        JetCorrectionError, match=r"jer\.smearing\.name: the file has no correction 'Other'; it has JERSmear"
    ):
        energy(corrections, jer={**NEW_JER, "smearing": {"file": str(file), "name": "Other"}})
    absent = {"file": str(tmp_path / "absent.json")}
    with pytest.raises(
        JetCorrectionError, match=r"absent\.json: not a readable .*correct jet_corrections\.jer\.smearing"
    ):
        energy(corrections, jer={**NEW_JER, "smearing": absent})


@pytest.mark.parametrize("official", [False, True])
def test_unmatched_jets_between_two_eta_stay_where_the_config_says_so(corrections, smearing, official):
    jer = {**JER, "stochastic_veto_abseta": (2.5, 3.0), **({"smearing": smearing} if official else {})}
    eta = (2.4, 2.6, -2.9, 3.1)
    unmatched = varied(energy(corrections, jer=jer), *chunk([60.0] * 4, eta=eta))
    for shift in ("nominal", "jer_up"):
        assert (unmatched[shift].jets.columns["pt"] == 60.0).tolist() == [False, True, True, False]
    matched = {"gen": [(50.0, e, math.pi) for e in eta], "partner": [0, 1, 2, 3]}
    shifts = varied(energy(corrections, jer=jer), *chunk([60.0] * 4, eta=eta, **matched))
    assert shifts["nominal"].jets.columns["pt"].tolist() == pytest.approx([62.0] * 4, rel=1e-6)
