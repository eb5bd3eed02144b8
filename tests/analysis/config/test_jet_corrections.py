"""Corrections of jets: for samples that exist, and with an effect."""

import pytest

from deepsf.config.jet_corrections import JetCorrections


def test_jet_corrections_are_for_samples_that_there_are_and_do_something(tree, message):
    tree["jet_corrections"]["jec"]["samples"] = {"run_b": ["Toy_V1_DATA_L1L2L3Res_AK4PFchs"]}
    assert "jet_corrections.jec.samples.run_b: not one of the samples ['data', 'ttbar', 'zjets']" in message(tree)
    tree["jet_corrections"] = {"file": "x.json"}
    assert "jet_corrections: give at least one of jec, jer and jes_sources" in message(tree)


def test_shifts_are_those_of_the_resolution_and_of_all_sources():
    settings = JetCorrections(file="x", jer={"resolution": "r", "scale_factor": "s"}, jes_sources={"Total": "t"})
    assert settings.shifts == ("nominal", "jer_up", "jer_down", "jesTotal_up", "jesTotal_down")
    of_year = JetCorrections(file="x", jes_sources={"Absolute_2017": "a"})
    assert of_year.shifts == ("nominal", "jesAbsolute_2017_up", "jesAbsolute_2017_down")


@pytest.mark.parametrize("name", ["Fla-vor", "_2017", "Absolute_", ""])
def test_sources_have_names_that_fit_a_shift(name):
    with pytest.raises(ValueError, match="String should match pattern"):
        JetCorrections(file="x", jes_sources={name: "f"})


def test_a_range_without_smearing_has_a_lower_end_and_an_upper_one():
    jer = {"resolution": "r", "scale_factor": "s", "stochastic_veto_abseta": [3.0, 2.5]}
    with pytest.raises(ValueError, match=r"stochastic_veto_abseta: 3 is not below 2\.5; give the lower end first"):
        JetCorrections(file="x", jer=jer)
