"""Content of jets against the published cuts of run 3, written out here."""

import numpy as np
import pytest

from deepsf.generator.detector import RecoJets
from deepsf.generator.jet_content import content

N = 20_000


@pytest.fixture(scope="module")
def jets():
    """Return jets at all eta, of which a quarter fails the identification, and columns of what they consist of."""
    rng = np.random.default_rng(2)
    eta = rng.uniform(-4.7, 4.7, N).astype(np.float32)
    jet_id = np.where(rng.random(N) < 0.75, 6, 0)
    lepton = np.where(np.abs(eta) < 2.5, rng.choice([0, 11, -11, 13, -13], N, p=[0.8, *[0.05] * 4]), 0)
    nothing = np.zeros(N)
    reco = RecoJets(np.arange(N), nothing, eta, nothing, nothing, jet_id, jet_id, nothing, nothing, nothing, nothing)
    return reco, lepton, content(rng, reco, lepton)


def tight(eta, jets):
    """Return the tight identification of run 3, as BTVNanoCommissioning has it in 2026."""
    abseta, multiplicity = np.abs(eta), jets["chMultiplicity"] + jets["neMultiplicity"]
    central = (jets["neHEF"] < 0.99) & (jets["neEmEF"] < 0.9) & (multiplicity > 1) & (jets["chHEF"] > 0.01)
    central &= jets["chMultiplicity"] > 0
    between, endcap = (jets["neHEF"] < 0.9) & (jets["neEmEF"] < 0.99), jets["neHEF"] < 0.99
    forward = (jets["neMultiplicity"] >= 2) & (jets["neEmEF"] < 0.4)
    return np.select([abseta <= 2.6, abseta <= 2.7, abseta <= 3.0], [central, between, endcap], forward)


def test_the_cuts_of_run_3_remove_the_jets_that_fail_and_no_others(jets):
    reco, _, columns = jets
    np.testing.assert_array_equal(tight(reco.eta, columns), reco.jet_id > 0)


def test_fractions_are_of_one_whole_and_stored_with_ten_bits(jets):
    _, _, columns = jets
    fractions = [columns[name] for name in ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF")]
    assert all(f.dtype == np.float32 and f.min() >= 0.0 for f in fractions)
    np.testing.assert_allclose(np.sum(fractions, axis=0), 1.0, atol=2e-3)
    assert all((f.view(np.uint32) & 0x1FFF == 0).all() for f in fractions)


def test_leptons_are_found_by_the_lepton_veto_and_no_others(jets):
    reco, lepton, columns = jets
    passes = reco.jet_id > 0
    np.testing.assert_array_equal((columns["chEmEF"] > 0.8)[passes], (np.abs(lepton) == 11)[passes])
    np.testing.assert_array_equal((columns["muEF"] > 0.8)[passes], (np.abs(lepton) == 13)[passes])
    assert (columns["chMultiplicity"][np.abs(reco.eta) > 2.7] == 0).all()
